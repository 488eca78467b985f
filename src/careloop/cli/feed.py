"""`careloop feed add|list|status`."""

import argparse
from collections.abc import Sequence
from typing import Any

from careloop.access.model import system_principal
from careloop.cli import outbound_feed
from careloop.cli.options import add_command, add_common, add_tenant, app_of, report, tenant_of
from careloop.errors import Rejected
from careloop.flows import feeds
from careloop.intake.model import Feed


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The commands are known to the parser."""
    group = add_command(
        commands,
        "feed",
        says="open doors for senders and see what comes through them",
        example="careloop feed add --tenant riverbend --kind hl7v2 --port 2577",
        run=None,
    ).add_subparsers(metavar="add|list|status|stop|start", required=True)
    add = group.add_parser("add", help="open a port for a sender")
    add.add_argument("--kind", choices=["hl7v2", outbound_feed.KIND], default="hl7v2")
    add.add_argument("--port", type=int, required=True, metavar="P")
    add.add_argument("--host", default="127.0.0.1", metavar="H", help="address to listen on")
    add.add_argument("--name", default="", metavar="N", help="what people call this feed")
    add.add_argument("--zone", metavar="Z", help="zone of times without offset; left out: the tenant's")
    add.add_argument("--sender", action="append", default=[], metavar="APP|FACILITY", help="a sender that is accepted")
    add.add_argument(
        "--authority",
        action="append",
        default=[],
        metavar="NAME=SYSTEM",
        help="FHIR system of the identifiers of an assigning authority (PID-3.4)",
    )
    outbound_feed.add_options(add)
    for name, enabled in (("stop", False), ("start", True)):
        switched = group.add_parser(name, help=f"{name} an outbound feed ({outbound_feed.KIND})")
        switched.add_argument("id", type=int, metavar="ID")
        switched.set_defaults(enabled=enabled, run=outbound_feed.switch)
        add_tenant(switched)
        add_common(switched)
    shown = group.add_parser("list", help="all feeds of a tenant")
    status = group.add_parser("status", help="what came through each feed in the last 24 hours")
    for parser, run in ((add, _add), (shown, _list), (status, _status)):
        add_tenant(parser)
        add_common(parser)
        parser.set_defaults(run=run)


def _add(arguments: argparse.Namespace) -> int:
    if arguments.kind == outbound_feed.KIND:
        return outbound_feed.add(arguments)
    if not 1 <= arguments.port <= 65_535:
        raise Rejected(at="--port", expected="a number from 1 to 65535")
    with app_of(arguments) as app:
        tenant = tenant_of(app, arguments)
        feed = Feed(
            id=None,
            kind=arguments.kind,
            zone=arguments.zone or tenant.zone,
            name=arguments.name,
            host=arguments.host,
            port=arguments.port,
            senders=frozenset(_senders(arguments.sender)),
            authorities=_authorities(arguments.authority),
        )
        added = feeds.add_feed(app, system_principal(tenant.id, "cli"), tenant, feed)
    report(arguments, _facts(added))
    return 0


def _list(arguments: argparse.Namespace) -> int:
    with app_of(arguments) as app:
        found = feeds.list_feeds(app, tenant_of(app, arguments))
        out = outbound_feed.facts_of(app, tenant_of(app, arguments))
    lines = [f"{one.id!s:4} {one.kind:8} {one.host}:{one.port!s:6} {one.zone:24} {one.name}" for one in found]
    lines += [outbound_feed.line_of(one) for one in out]
    report(arguments, {"feeds": [_facts(one) for one in found], "outbound": out}, lines)
    return 0


def _status(arguments: argparse.Namespace) -> int:
    with app_of(arguments) as app:
        found = feeds.status(app, tenant_of(app, arguments))
    facts = [
        {
            **_facts(feed),
            "received": one.received if one else 0,
            "waiting": one.waiting if one else 0,
            "dead": one.dead if one else 0,
            "last_received": one.last_received if one else None,
        }
        for feed, one in found
    ]
    lines = [
        f"{one['host']}:{one['port']!s:6} {one['received']} received, {one['waiting']} waiting, {one['dead']} dead;"
        f" last {one['last_received'] or 'none'}  {one['name']}"
        for one in facts
    ]
    report(arguments, {"feeds": facts}, lines)
    return 0


def _facts(feed: Feed) -> dict[str, Any]:
    return {
        "id": feed.id,
        "kind": feed.kind,
        "name": feed.name,
        "host": feed.host,
        "port": feed.port,
        "zone": feed.zone,
        "senders": sorted(feed.senders),
        "authorities": dict(feed.authorities),
    }


def _senders(given: Sequence[str]) -> list[str]:
    if any(one.count("|") != 1 for one in given):
        raise Rejected(at="--sender", expected="MSH-3 and MSH-4 as APPLICATION|FACILITY")
    return list(given)


def _authorities(given: Sequence[str]) -> dict[str, str]:
    pairs = [one.partition("=") for one in given]
    if any(not name or not system for name, _, system in pairs):
        raise Rejected(at="--authority", expected="NAME=SYSTEM, such as MRN=urn:oid:2.16.840.1.113883.19.5")
    return {name: system for name, _, system in pairs}
