"""The part of `careloop feed` that is about systems we send HL7 v2 to."""

import argparse
from collections.abc import Mapping
from typing import Any

from careloop.access.model import Tenant, system_principal
from careloop.cli.options import app_of, report, tenant_of
from careloop.errors import Rejected
from careloop.flows import outbound_feeds
from careloop.flows.app import App
from careloop.outbox.feeds import OutboundFeed

KIND = "hl7v2-out"


def add_options(add: argparse.ArgumentParser) -> None:
    """What only an outbound feed has."""
    add.add_argument("--types", metavar="A,B", help=f"for {KIND}: which messages to send, such as adt,oru,ref")
    add.add_argument("--receiver", metavar="APP|FACILITY", help=f"for {KIND}: MSH-5 and MSH-6")


def add(arguments: argparse.Namespace) -> int:
    """A system is sent messages about what happens from now on."""
    application, _, facility = (arguments.receiver or "RECEIVER|RECEIVER").partition("|")
    if not application or not facility:
        raise Rejected(at="--receiver", expected="MSH-5 and MSH-6 as APPLICATION|FACILITY")
    with app_of(arguments) as app:
        tenant = tenant_of(app, arguments)
        feed = OutboundFeed(
            id=0,
            name=arguments.name,
            host=arguments.host,
            port=arguments.port,
            messages=tuple(one for one in (arguments.types or "").split(",") if one),
            application=application,
            facility=facility,
        )
        added = outbound_feeds.add(app, system_principal(tenant.id, "cli"), tenant, feed)
    report(arguments, _facts(added, {}))
    return 0


def switch(arguments: argparse.Namespace) -> int:
    """An outbound feed is told of nothing any more, or of what happens from now on."""
    with app_of(arguments) as app:
        tenant = tenant_of(app, arguments)
        who = system_principal(tenant.id, "cli")
        outbound_feeds.enable(app, who, tenant, arguments.id, enabled=arguments.enabled)
        found = [_facts(feed, counts) for feed, counts in outbound_feeds.listed(app, tenant)]
    report(arguments, {"outbound": found}, [line_of(one) for one in found])
    return 0


def facts_of(app: App, tenant: Tenant) -> list[dict[str, Any]]:
    """The outbound feeds of a tenant with what became of their messages."""
    return [_facts(feed, counts) for feed, counts in outbound_feeds.listed(app, tenant)]


def line_of(facts: Mapping[str, Any]) -> str:
    """One outbound feed as a line."""
    state = "on " if facts["enabled"] else "off"
    counts = f"{facts['done']} arrived, {facts['waiting']} waiting, {facts['dead']} given up"
    kinds = ",".join(facts["types"])
    where = f"{facts['host']}:{facts['port']}"
    return f"{facts['id']!s:4} {KIND:9} {state} to {where:22} {kinds:12} {counts}  {facts['name']}"


def _facts(feed: OutboundFeed, counts: Mapping[str, int]) -> dict[str, Any]:
    return {
        "id": feed.id, "kind": KIND, "name": feed.name, "host": feed.host, "port": feed.port,
        "types": list(feed.messages), "receiver": f"{feed.application}|{feed.facility}", "enabled": feed.enabled,
        "done": counts.get("done", 0), "waiting": counts.get("waiting", 0), "dead": counts.get("dead", 0),
    }  # fmt: skip
