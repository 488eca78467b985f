"""`careloop outbox list|show|retry`."""

import argparse
from typing import Any

from careloop.access.model import system_principal
from careloop.cli.options import add_command, add_common, add_tenant, app_of, report, tenant_of
from careloop.errors import CareloopError
from careloop.flows import outbox as flow
from careloop.outbox import Delivery


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The commands are known to the parser."""
    group = add_command(
        commands,
        "outbox",
        says="see what was sent to others, and send again what did not arrive",
        example="careloop outbox list --tenant riverbend --status dead",
        run=None,
    ).add_subparsers(metavar="list|show|retry", required=True)
    listed = group.add_parser("list", help="deliveries, newest first")
    listed.add_argument("--status", choices=["waiting", "done", "dead", "withdrawn"])
    listed.add_argument("--before", type=int, metavar="ID", help="those before this one")
    shown = group.add_parser("show", help="one delivery, with the message where it is HL7 v2")
    shown.add_argument("id", type=int, metavar="ID")
    again = group.add_parser("retry", help="send again, at once")
    again.add_argument("ids", type=int, nargs="+", metavar="ID")
    for parser, run in ((listed, _list), (shown, _show), (again, _retry)):
        add_tenant(parser)
        add_common(parser)
        parser.set_defaults(run=run)


def _list(arguments: argparse.Namespace) -> int:
    with app_of(arguments) as app:
        who = system_principal(tenant_of(app, arguments).id, "cli")
        page = flow.page(app, who, status=arguments.status, before=arguments.before)
    counts = ", ".join(f"{count} {status}" for status, count in sorted(page.counts.items())) or "nothing was sent yet"
    lines = [*(_line(one) for one in page.items), counts]
    report(arguments, {"items": [_facts(one) for one in page.items], "counts": page.counts, "next": page.next}, lines)
    return 0


def _show(arguments: argparse.Namespace) -> int:
    with app_of(arguments) as app:
        found = flow.show(app, system_principal(tenant_of(app, arguments).id, "cli"), arguments.id)
    text = flow.text_of(found)
    report(arguments, {**_facts(found), "message": text}, [_line(found), *([text] if text else [])])
    return 0


def _retry(arguments: argparse.Namespace) -> int:
    missing: list[dict[str, Any]] = []
    with app_of(arguments) as app:
        who = system_principal(tenant_of(app, arguments).id, "cli")
        for one in arguments.ids:
            try:
                flow.retry(app, who, one)
            except CareloopError as error:
                missing.append({"id": one, "reason": error.message})
    done = len(arguments.ids) - len(missing)
    lines = [f"{done} will be sent again", *(f"{one['id']}: {one['reason']}" for one in missing)]
    report(arguments, {"again": done, "rejects": missing}, lines)
    return 1 if missing else 0


def _facts(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.id, "status": delivery.status.value, "target": delivery.target, "subject": delivery.subject,
        "about": delivery.about, "idempotency": delivery.idempotency, "created": delivery.created.isoformat(),
        "attempts": delivery.attempts, "tried": delivery.tried.isoformat() if delivery.tried else None,
        "due": delivery.due.isoformat(), "reason": delivery.reason,
    }  # fmt: skip


def _line(delivery: Delivery) -> str:
    return (
        f"{delivery.id:8} {delivery.status.value:9} {delivery.created:%Y-%m-%d %H:%M} {delivery.about:20}"
        f" to {delivery.target:30} tried {delivery.attempts} {delivery.reason}"
    )
