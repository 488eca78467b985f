"""`careloop feed add|list|status|report`."""

import argparse
from collections.abc import Sequence
from typing import Any

from careloop.access.model import system_principal
from careloop.cli import outbound_feed
from careloop.cli.options import add_command, add_common, add_tenant, app_of, report, tenant_of
from careloop.errors import Rejected
from careloop.flows import feed_reports, feeds
from careloop.intake.model import Feed


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The commands are known to the parser."""
    group = add_command(
        commands,
        "feed",
        says="open doors for senders and see what comes through them",
        example="careloop feed add --tenant riverbend --kind hl7v2 --port 2577",
        run=None,
    ).add_subparsers(metavar="add|list|status|report|stop|start", required=True)
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
    told = group.add_parser("report", help="what a sender gives and leaves, and what to ask for")
    told.add_argument("--feed", type=int, required=True, metavar="ID", help="number of the feed, as `feed list` shows")
    told.add_argument("--sender", metavar="APP|FACILITY", help="left out: the one who sent most")
    told.add_argument("--as", dest="form", choices=["text", "letter", "csv"], default="text", help="how it is printed")
    for parser, run in ((add, _add), (shown, _list), (status, _status), (told, _report)):
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
            "last_hour": one.last_hour if one else 0,
            "waiting": one.waiting if one else 0,
            "dead": one.dead if one else 0,
            "last_received": one.last_received if one else None,
            "last_type": one.last_type if one else "",
            "quiet": bool(one and one.is_quiet and feed.enabled),
            "usual_seconds": one.habit.usual.total_seconds() if one and one.habit and one.habit.usual else None,
        }
        for feed, one in found
    ]
    lines = [
        f"{one['host']}:{one['port']!s:6} {one['received']} received, {one['last_hour']} in the last hour,"
        f" {one['waiting']} waiting, {one['dead']} dead; last {one['last_type']} {one['last_received'] or 'none'}"
        f"{'  QUIET, it usually speaks at this time' if one['quiet'] else ''}  {one['name']}"
        for one in facts
    ]
    report(arguments, {"feeds": facts}, lines)
    return 0


def _report(arguments: argparse.Namespace) -> int:
    with app_of(arguments) as app:
        principal = system_principal(tenant_of(app, arguments).id, "cli")
        found = feed_reports.report(app, principal, arguments.feed, arguments.sender)
    findings = [
        {"rule": one.rule.id, "severity": one.rule.severity, "met": one.met, "total": one.total, "says": one.says,
         "ask": one.rule.ask, "why": one.rule.why, "unknown": dict(one.unknown)}
        for one in found.judgement.findings
    ]  # fmt: skip
    facts = {"feed": arguments.feed, "sender": found.sender, "messages": found.messages, "findings": findings}
    if arguments.form == "csv":
        lines = feed_reports.as_csv(found).splitlines()
    elif arguments.form == "letter":
        lines = feed_reports.letter_text(found).splitlines()
    else:
        says = [f"{one['severity']:6} {one['says']} ({one['met']} of {one['total']})" for one in findings]
        good = len(found.judgement.good)
        lines = [f"{found.sender}: {found.messages} messages", *says, f"{good} things are as they should be"]
    report(arguments, facts, lines)
    return 0


def _facts(feed: Feed) -> dict[str, Any]:
    return {
        "id": feed.id,
        "kind": feed.kind,
        "name": feed.name,
        "host": feed.host,
        "port": feed.port,
        "zone": feed.zone,
        "enabled": feed.enabled,
        "version": feed.version,
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
