"""`careloop inbox list|show|correct|replay|accept|discard`."""

import argparse
import sys
from pathlib import Path
from typing import Any

from careloop.access.model import Principal, system_principal
from careloop.cli.options import add_command, add_common, add_tenant, app_of, report, tenant_of
from careloop.errors import CareloopError
from careloop.flows import inbox
from careloop.flows.app import App
from careloop.intake.model import InboxItem, InboxStatus


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The commands are known to the parser."""
    group = add_command(
        commands,
        "inbox",
        says="see and repair what arrived and could not be used",
        example="careloop inbox list --status dead",
        run=None,
    ).add_subparsers(metavar="list|show|correct|replay|accept|discard", required=True)
    listed = group.add_parser("list", help="what arrived, newest first")
    listed.add_argument("--status", choices=[one.value for one in InboxStatus], default="dead")
    listed.add_argument("--all", action="store_true", help="whatever its status")
    listed.add_argument("--control-id", metavar="ID")
    listed.add_argument("--limit", type=int, default=50)
    shown = group.add_parser("show", help="one item with its message")
    corrected = group.add_parser("correct", help="give a corrected message and replay it")
    corrected.add_argument("--file", required=True, metavar="F", help="the corrected message; - for standard input")
    replayed = group.add_parser("replay", help="try dead letters again")
    accepted = group.add_parser("accept", help="accept the sender of a dead letter, and replay all that it sent")
    discarded = group.add_parser("discard", help="put a dead letter aside")
    discarded.add_argument("--why", required=True, metavar="REASON")
    for parser in (shown, corrected, accepted, discarded):
        parser.add_argument("id", type=int)
    replayed.add_argument("ids", type=int, nargs="+", metavar="ID")
    runs = (
        (listed, _list), (shown, _show), (corrected, _correct), (replayed, _replay), (accepted, _accept),
        (discarded, _discard),
    )  # fmt: skip
    for parser, run in runs:
        add_tenant(parser)
        add_common(parser)
        parser.set_defaults(run=run)


def _who(app: App, arguments: argparse.Namespace) -> Principal:
    return system_principal(tenant_of(app, arguments).id, "cli")


def _list(arguments: argparse.Namespace) -> int:
    with app_of(arguments) as app:
        status = None if arguments.all or arguments.control_id else arguments.status
        found = inbox.page(
            app, _who(app, arguments), status=status, control_id=arguments.control_id, limit=arguments.limit
        )
    lines = [_line(item) for item in found.items] or ["nothing there"]
    report(
        arguments, {"items": [_facts(item) for item in found.items], "total": found.total, "next": found.next}, lines
    )
    return 0


def _show(arguments: argparse.Namespace) -> int:
    with app_of(arguments) as app:
        detail = inbox.show(app, _who(app, arguments), arguments.id)
    text = inbox.text_of(detail)
    notes = [str(note) for note in _listed(detail.result.get("notes"))]
    lines = [_line(detail.item), *(f"note: {note}" for note in notes), "", text]
    report(arguments, {**_facts(detail.item), "notes": notes, "message": text}, lines)
    return 0


def _correct(arguments: argparse.Namespace) -> int:
    text = sys.stdin.read() if arguments.file == "-" else Path(arguments.file).read_text(encoding="utf-8")
    with app_of(arguments) as app:
        item = inbox.correct(app, _who(app, arguments), arguments.id, text)
    report(arguments, _facts(item), [_line(item)])
    return _status_of([item])


def _replay(arguments: argparse.Namespace) -> int:
    items, missing = [], []
    with app_of(arguments) as app:
        who = _who(app, arguments)
        for inbox_id in arguments.ids:
            try:
                items.append(inbox.replay(app, who, inbox_id))
            except CareloopError as error:
                missing.append({"id": inbox_id, "reason": error.message})
    lines = [_line(item) for item in items] + [f"{one['id']}: {one['reason']}" for one in missing]
    report(arguments, {"items": [_facts(item) for item in items], "rejects": missing}, lines)
    return 1 if missing else _status_of(items)


def _accept(arguments: argparse.Namespace) -> int:
    with app_of(arguments) as app:
        items = inbox.accept_sender(app, _who(app, arguments), arguments.id)
    report(arguments, {"items": [_facts(item) for item in items]}, [_line(item) for item in items])
    return _status_of(items)


def _discard(arguments: argparse.Namespace) -> int:
    with app_of(arguments) as app:
        item = inbox.discard(app, _who(app, arguments), arguments.id, arguments.why)
    report(arguments, _facts(item), [_line(item)])
    return 0


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []


def _status_of(items: list[InboxItem]) -> int:
    return 1 if any(item.status is InboxStatus.DEAD for item in items) else 0


def _facts(item: InboxItem) -> dict[str, Any]:
    return {
        "id": item.id, "kind": item.kind, "status": item.status.value, "control_id": item.control_id,
        "sender": item.sender, "received": item.received.isoformat(timespec="seconds"), "stage": item.stage,
        "at": item.at, "reason": item.reason,
    }  # fmt: skip


def _line(item: InboxItem) -> str:
    said = f"{item.stage} {item.at}: {item.reason}" if item.reason else ""
    return (
        f"{item.id:8} {item.status.value:10} {item.received:%Y-%m-%d %H:%M} {item.kind:6} {item.control_id:20} {said}"
    )
