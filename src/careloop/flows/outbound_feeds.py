"""What other systems are told in HL7 v2: changes become messages, made once and kept in the outbox until taken."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from careloop import outbox
from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal, Tenant, system_principal
from careloop.access.policy import Action, require_action
from careloop.catalog import Catalog
from careloop.db import Transaction
from careloop.errors import Rejected
from careloop.fhir.ids import derived_id
from careloop.flows.app import App
from careloop.intake.outbound import Occasion, OutboundMap, make_message, read_maps
from careloop.intake.outbound.datatypes import Writing
from careloop.outbox import NewDelivery, TargetKind
from careloop.outbox.feeds import OutboundFeed, add_feed, enable_feed, feeds
from careloop.record.changes import last_number
from careloop.subscriptions import Seen, Trigger, Version, fires, read_trigger

FOLDER = "hl7v2-out"


@dataclass(frozen=True, kw_only=True)
class Messages:
    """The maps of a catalog, the triggers of each as rules, and the tables of codes."""

    maps: Mapping[str, OutboundMap]
    triggers: Mapping[str, Sequence[tuple[Trigger, str]]]
    tables: Mapping[str, Mapping[str, str]]


_READ: dict[int, tuple[Catalog, Messages]] = {}


def messages_of(app: App) -> Messages:
    """What can be sent, read once for each catalog."""
    known = _READ.get(id(app.catalog))
    if known is None or known[0] is not app.catalog:
        known = _READ[id(app.catalog)] = (app.catalog, _read(app))
    return known[1]


def _read(app: App) -> Messages:
    documents = app.catalog.mapping(FOLDER)
    maps = read_maps(documents)
    triggers = {
        name: [
            (read_trigger(facts, app.record.definitions), event)
            for facts, event in zip(one.triggers, one.events, strict=True)
        ]
        for name, one in maps.items()
    }
    tables = {
        name: table["codes"]
        for one in documents.values()
        if one["kind"] == "tables"
        for name, table in one["tables"].items()
    }
    return Messages(maps=maps, triggers=triggers, tables=tables)


def add(app: App, principal: Principal, tenant: Tenant, feed: OutboundFeed) -> OutboundFeed:
    """The feed is told of what happens from now on. `Rejected` for a kind of message that there is no map for."""
    require_action(principal, Action.ACCOUNT_MANAGE)
    known = messages_of(app).maps
    unknown = sorted(set(feed.messages) - set(known))
    if unknown or not feed.messages:
        raise Rejected(at="--types", expected=f"some of {', '.join(sorted(known))}", code="value")
    if not 1 <= feed.port <= 65_535:
        raise Rejected(at="--port", expected="a number from 1 to 65535", code="value")
    with app.database.transaction(tenant.id, actor=principal.reference) as tx:
        added = add_feed(tx, app.clock.now(), replace(feed, after_seq=last_number(tx)))
        detail = f"{feed.host}:{feed.port}"
        record_audit(tx, AuditEntry(principal=principal, action="C", subtype="outbound-feed-added", detail=detail))
        return added


def listed(app: App, tenant: Tenant) -> list[tuple[OutboundFeed, Mapping[str, int]]]:
    """The feeds of the tenant, each with how many of its messages are where."""
    with app.database.transaction(tenant.id) as tx:
        return [(one, outbox.listed(tx, target=one.target, limit=1).counts) for one in feeds(tx, disabled_too=True)]


def enable(app: App, principal: Principal, tenant: Tenant, feed_id: int, *, enabled: bool) -> None:
    """The feed hears of changes from now on, or of none; what waits is sent all the same."""
    require_action(principal, Action.ACCOUNT_MANAGE)
    with app.database.transaction(tenant.id, actor=principal.reference) as tx:
        enable_feed(tx, feed_id, enabled, last_number(tx))
        subtype = "outbound-feed-enabled" if enabled else "outbound-feed-disabled"
        record_audit(tx, AuditEntry(principal=principal, action="U", subtype=subtype, detail=f"feed {feed_id}"))


def enabled(tx: Transaction) -> list[OutboundFeed]:
    """The feeds that hear of changes."""
    return feeds(tx)


def types_of(app: App, feed: OutboundFeed) -> frozenset[str]:
    """The types of resources whose changes make messages for the feed."""
    maps = messages_of(app).maps
    return frozenset(kind for name in feed.messages if name in maps for kind in maps[name].types)


def tell(app: App, tx: Transaction, tenant: Tenant, feed: OutboundFeed, seen: Sequence[Seen]) -> None:
    """The messages that these changes make are in the outbox, in the order of the changes; that data left is in the
    audit trail."""
    made = [
        (delivery, one.version.patient_id)
        for one in seen
        for name in feed.messages
        if (delivery := _message(app, tx, tenant, feed, name, one)) is not None
    ]
    if not made:
        return
    outbox.enqueue(tx, app.clock.now(), [delivery for delivery, _ in made])
    patients = sorted({patient for _, patient in made if patient})
    principal = system_principal(tenant.id, "outbox")
    entry = AuditEntry(
        principal=principal, action="R", subtype="hl7v2-out", patient_ids=patients, detail=f"feed {feed.id}"
    )
    record_audit(tx, entry)


def _message(
    app: App, tx: Transaction, tenant: Tenant, feed: OutboundFeed, name: str, seen: Seen
) -> NewDelivery | None:
    known, version = messages_of(app), seen.version
    map_ = known.maps.get(name)
    event = next((event for trigger, event in known.triggers.get(name, ()) if fires(trigger, seen)), None)
    if map_ is None or event is None or version.current is None:
        return None
    if not map_.relay and _came_in(app, tx, version):
        return None
    control_id = f"CL{version.seq}.{feed.id}"
    occasion = Occasion(
        event=event,
        control_id=control_id,
        changed=version.at,
        now=app.clock.now(),
        receiver=(feed.application, feed.facility),
        production=tenant.production,
    )
    body = make_message(map_, version.current, occasion, _writing(app, tx, tenant, known))
    return NewDelivery(
        target=feed.target,
        kind=TargetKind.HL7V2,
        subject=f"Patient/{version.patient_id}" if version.patient_id else version.reference,
        about="^".join(event.split("^")[:2]),
        idempotency=derived_id(tenant.id, "hl7v2-out", feed.id, name, version.seq),
        payload={"control_id": control_id},
        body=body,
    )


def _came_in(app: App, tx: Transaction, version: Version) -> bool:
    """True where this very version was written by a message or document that arrived: its Provenance names a source."""
    own = f"{version.reference}/_history/{version.version}"
    return any(
        "entity" in one.resource and any(target.get("reference") == own for target in one.resource["target"])
        for one in app.record.follow(tx, "Provenance", [("target", version.reference)])
    )


def _writing(app: App, tx: Transaction, tenant: Tenant, known: Messages) -> Writing:
    resolve = partial(_resolve, app, tx, {})
    return Writing(zone=ZoneInfo(tenant.zone), authority=tenant.slug.upper(), tables=known.tables, resolve=resolve)


def _resolve(app: App, tx: Transaction, seen: dict[str, Any], reference: str) -> Mapping[str, Any] | None:
    """The resource that a local reference leads to; looked up once."""
    local = reference.partition("/_history/")[0]
    if local.count("/") != 1:
        return None
    if local not in seen:
        found = app.record.fetch(tx, [local]).get(local)
        seen[local] = found.resource if found else None
    resource: Mapping[str, Any] | None = seen[local]
    return resource
