"""`careloop deadlines run`: carries out what is due; the worker does the same on its own."""

import argparse
from dataclasses import asdict
from datetime import datetime

from careloop.cli.options import add_command, add_common, add_tenant, app_of, report, tenant_of
from careloop.errors import Rejected
from careloop.flows import deadlines


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command is known to the parser."""
    group = add_command(
        commands,
        "deadlines",
        says="carry out what is due: clocks, escalations, holds that end",
        example="careloop deadlines run --at 2026-12-01T09:00:00-05:00",
        run=None,
    ).add_subparsers(metavar="run", required=True)
    run = group.add_parser("run", help="once, up to now or to an instant")
    run.add_argument("--at", type=_instant, metavar="INSTANT", help="live at this instant; not on production tenants")
    add_tenant(run)
    add_common(run)
    run.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    with app_of(arguments) as app:
        done = deadlines.run(app, tenant_of(app, arguments), arguments.at)
    report(arguments, asdict(done))
    return 0


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError("expected an instant such as 2026-12-01T09:00:00-05:00") from error
    if found.tzinfo is None:
        raise Rejected(at="--at", expected="an instant with an offset, such as 2026-12-01T09:00:00-05:00")
    return found
