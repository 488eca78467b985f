"""`careloop deadlines run`."""

import argparse
from dataclasses import asdict
from datetime import datetime

from careloop.access.model import Tenant
from careloop.cli.options import add_command, add_common, add_tenant, app_of, report
from careloop.clock import clock_started_at
from careloop.errors import Rejected
from careloop.flows import deadlines, inbox
from careloop.flows.app import App
from careloop.worker import sweeping


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `deadlines`."""
    group = add_command(
        commands,
        "deadlines",
        says="carry out what is due; the worker does the same on its own",
        example="careloop deadlines run --at 2026-11-27T17:00:00-05:00",
        run=None,
    ).add_subparsers(metavar="run", required=True)
    parser = group.add_parser("run", help="carry out everything that is due")
    parser.add_argument("--at", metavar="INSTANT", help="as if it were this instant; refused on a production tenant")
    add_tenant(parser)
    add_common(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """One sweep of the tenant that was named, of every tenant without a name."""
    at = instant_of(arguments.at)
    with app_of(arguments) as app:
        done = [_run(app, tenant, at) for tenant in _meant(app, arguments.tenant)]
    lines = [
        f"{one.tenant}: {one.loops} loops of {one.patients} patients, {one.escalations} escalations"
        f" ({one.late_escalations} late)"
        for one in done
    ]
    report(arguments, {"tenants": [asdict(one) for one in done]}, lines)
    return 0


def _run(app: App, tenant: Tenant, at: datetime | None) -> deadlines.Report:
    """First what was told ahead of its time, then the clocks."""
    if at is not None and not tenant.production:
        inbox.process_due(app.with_clock(clock_started_at(at)), tenant)
    return sweeping.run(app, tenant, at)


def instant_of(text: str | None) -> datetime | None:
    """The instant with its offset that `--at` names."""
    if text is None:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        parsed = None
    if parsed is None or parsed.tzinfo is None:
        raise Rejected(at="--at", expected="an instant with its offset from UTC, like 2026-11-27T17:00:00-05:00")
    return parsed


def _meant(app: App, slug: str | None) -> list[Tenant]:
    return [app.tenant(slug)] if slug else app.tenants()
