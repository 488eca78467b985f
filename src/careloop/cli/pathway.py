"""`careloop pathway rehearse`: what a draft of a pathway would have done in the last days, beside the active one."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from careloop.access.model import Tenant
from careloop.catalog import document_faults, read_file
from careloop.cli.options import add_command, add_common, add_tenant, app_of, report, tenant_of
from careloop.cli.progress import Progress
from careloop.errors import ContentError, Fault, Rejected
from careloop.flows import engine
from careloop.flows.app import App
from careloop.flows.rehearsing import MOST_DAYS, rehearse
from careloop.loops.rehearsal import KINDS

_WORDS = {
    "opened": "opened", "closed": "closed by proof", "ended": "ended without proof", "due": "deadlines came",
    "late": "of them late", "escalated": "others called", "open": "open at the end", "patients": "patients",
}  # fmt: skip


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `pathway rehearse`."""
    group = add_command(
        commands,
        "pathway",
        says="try a draft of a pathway on the facts of the last days",
        example="careloop pathway rehearse discharge-transition.yaml --days 30",
        run=None,
    ).add_subparsers(metavar="rehearse", required=True)
    parser = group.add_parser(
        "rehearse", help="what would have opened, closed, come due, been late, by owner and day; writes nothing"
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the draft: a pathway in YAML")
    parser.add_argument("--days", type=int, default=30, help=f"how far back, 1 to {MOST_DAYS} (30)")
    add_tenant(parser)
    add_common(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """0 with the report; a draft that content check would refuse ends with every fault of it."""
    if not 1 <= arguments.days <= MOST_DAYS:
        raise Rejected(at="--days", expected=f"a whole number, 1 to {MOST_DAYS}")
    document = _document(arguments.file)
    with app_of(arguments) as app:
        tenant = tenant_of(app, arguments)
        _check(app, tenant, document, arguments.file.name)
        progress, done = Progress("patients"), 0

        def beat(count: int, total: int) -> None:
            nonlocal done
            progress.total = total
            progress.advance(count - done)
            done = count

        found = rehearse(app, tenant, document, arguments.days, beat)
        progress.finish()
    report(arguments, found, _lines(found))
    return 0


def _document(path: Path) -> Any:
    document, fault = read_file(path, path.name)
    if fault is not None:
        raise ContentError([fault])
    if not isinstance(document, dict) or not isinstance(document.get("id"), str):
        raise ContentError([Fault(at=path.name, expected="a pathway: a mapping with `id`")])
    return document


def _check(app: App, tenant: Tenant, document: Mapping[str, Any], name: str) -> None:
    with app.database.snapshot(tenant.id, actor="rehearsal", read_only=True) as tx:
        catalog = engine.catalog_for(app, tx)
    faults = document_faults(catalog, "pathways", str(document["id"]), document)
    if faults:
        raise ContentError(
            [Fault(at=f"{name}: {fault.at}", expected=fault.expected, code=fault.code) for fault in faults]
        )


def _lines(found: Mapping[str, Any]) -> list[str]:
    versions = found["versions"]
    active = found["active"]
    lines = [
        f"{found['pathway']}: draft {versions['draft']} beside {versions['active'] or 'nothing, it is new'}, "
        f"{found['days_replayed']} days, {found['patients_read']:,} patients read in {found['seconds']} s",
        "",
        f"{'':22}{'draft':>10}{'active':>10}{'change':>10}",
    ]
    for name, words in _WORDS.items():
        before = f"{active[name]:,}" if active else "-"
        change = f"{found['difference'][name]:+,}" if active else "-"
        lines.append(f"{words:22}{found['draft'][name]:>10,}{before:>10}{change:>10}")
    for title, key, name_of in (
        ("by step", "steps", lambda one: one["step"]),
        ("by owner", "owners", lambda one: f"{one['owner']} ({one['role']})"),
        ("by day", "days", lambda one: one["day"]),
    ):
        lines += ["", title, *(_line(name_of(one), one) for one in found[key])]
    return lines


def _line(name: str, one: Mapping[str, Any]) -> str:
    """`2026-11-20: opened 4 (3), late 1 (2)`: the draft, and in brackets the active one."""
    parts = [
        f"{kind} {one['draft'].get(kind, 0)} ({one['active'].get(kind, 0)})"
        for kind in KINDS
        if kind in one["draft"] or kind in one["active"]
    ]
    return f"  {name}: {', '.join(parts)}"
