"""The change feed looked at beside the writes: each change becomes an event of those who wanted it, and leaves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import cast
from zoneinfo import ZoneInfo

from careloop import outbox
from careloop.access.model import Tenant
from careloop.db import Transaction
from careloop.fhir.ids import derived_id
from careloop.fhir.jsons import decode
from careloop.flows import outbound_feeds, subscribing
from careloop.flows.app import App
from careloop.outbox import NewDelivery, TargetKind
from careloop.outbox.feeds import OutboundFeed
from careloop.record import changes, cursors
from careloop.record.changes import Changed
from careloop.record.cursors import Reader
from careloop.record.indexing import Indexer
from careloop.subscriptions import EVERY_TYPE, Change, Entries, Seen, Served, Version, Wanted, is_wanted, store

_PROCESS = "subscriptions"


@dataclass(frozen=True, kw_only=True)
class Watchers:
    """Everybody who wants to know of changes of one tenant."""

    subscriptions: dict[str, tuple[Served, Wanted]]
    feeds: Sequence[OutboundFeed]

    @property
    def begin(self) -> int:
        """The number of the feed after which the first of them wants to know."""
        every = [served.after_seq for served, _ in self.subscriptions.values()]
        return min([*every, *(one.after_seq for one in self.feeds)])

    def types(self, app: App) -> list[str] | None:
        """The types that matter to any of them; None for all."""
        kinds = {kind for _, wanted in self.subscriptions.values() for kind in wanted.types}
        if EVERY_TYPE in kinds:
            return None
        return sorted(kinds | {kind for one in self.feeds for kind in outbound_feeds.types_of(app, one)})


def check_content(app: App) -> None:
    """Nothing happens where topics and maps of outgoing messages can be carried out; else `ContentError`."""
    subscribing.topics_of(app)
    outbound_feeds.messages_of(app)


def watch(app: App, tenant: Tenant) -> bool:
    """New changes have become events and deliveries, in one transaction with the cursor. True where more is left."""
    with app.database.transaction(tenant.id, actor=_PROCESS) as tx:
        every = store.served(tx, "requested", "active")
    if any(one.status == "requested" for one in every):
        subscribing.welcome(app, tenant)
    if any(_is_due(one, app.clock.now()) for one in every):
        _heartbeats(app, tenant)
    return app.database.run(tenant.id, partial(_watch, app, tenant), actor=_PROCESS)


def _watch(app: App, tenant: Tenant, tx: Transaction) -> bool:
    served = store.served(tx, "active")
    feeds = outbound_feeds.enabled(tx)
    if not served and not feeds:
        cursors.forget(tx, Reader.SUBSCRIPTIONS)
        return False
    begin = Watchers(subscriptions=_unread(served), feeds=feeds).begin
    window = cursors.open_window(tx, Reader.SUBSCRIPTIONS, begin=begin)
    if window is None:
        return False
    wanted = subscribing.wanted_of(app, tx, tenant, served)
    by_id = {one.id: one for one in served}
    watchers = Watchers(subscriptions={name: (by_id[name], one) for name, one in wanted.items()}, feeds=feeds)
    if not watchers.subscriptions and not feeds:
        return False
    seen = changes.read_window(tx, window, watchers.types(app))
    _tell(app, tx, tenant, watchers, [_version(one) for one in seen])
    return changes.close_window(tx, window, seen)


_NOTHING = Wanted(topic=None, triggers=(), filters=(), channel="websocket")


def _unread(served: Sequence[Served]) -> dict[str, tuple[Served, Wanted]]:
    return {one.id: (one, _NOTHING) for one in served}


def _tell(app: App, tx: Transaction, tenant: Tenant, watchers: Watchers, versions: Sequence[Version]) -> None:
    look = partial(Entries, Indexer(app.record.definitions), tenant.id, ZoneInfo(tenant.zone))
    seen = [Seen(one, look) for one in versions]
    for served, wanted in watchers.subscriptions.values():
        events = [one.version for one in seen if one.version.seq > served.after_seq and is_wanted(wanted, one)]
        if events:
            _add_events(app, tx, served, wanted, events)
    for feed in watchers.feeds:
        outbound_feeds.tell(app, tx, tenant, feed, [one for one in seen if one.version.seq > feed.after_seq])


def _add_events(app: App, tx: Transaction, served: Served, wanted: Wanted, versions: Sequence[Version]) -> None:
    numbers = store.add_events(tx, served, versions)
    if wanted.channel == "websocket":
        return
    deliveries = [
        NewDelivery(
            target=subscribing.target_of(served.id),
            kind=TargetKind.REST_HOOK,
            subject=f"Patient/{one.patient_id}" if one.patient_id else one.reference,
            about="event-notification",
            idempotency=derived_id(tx.tenant_id, "event", served.id, served.version, number),
            payload={"kind": "event-notification", "number": number},
        )
        for number, one in zip(numbers, versions, strict=True)
    ]
    outbox.enqueue(tx, app.clock.now(), deliveries)
    store.set_heartbeat(tx, served.id, subscribing.next_heartbeat(app.clock.now(), wanted))


def _heartbeats(app: App, tenant: Tenant) -> None:
    """Who heard nothing for its period is told that all is well."""
    now = app.clock.now()

    def work(tx: Transaction) -> None:
        due = [one for one in store.served(tx, "active") if _is_due(one, now)]
        for subscription_id, wanted in subscribing.wanted_of(app, tx, tenant, due).items():
            store.set_heartbeat(tx, subscription_id, subscribing.next_heartbeat(now, wanted))
            if wanted.channel == "rest-hook":
                outbox.enqueue(tx, now, [_heartbeat(tx, subscription_id, wanted, now.isoformat())])

    app.database.run(tenant.id, work, actor=_PROCESS)


def _is_due(served: Served, now: datetime) -> bool:
    return served.heartbeat_due is not None and served.heartbeat_due <= now


def _heartbeat(tx: Transaction, subscription_id: str, wanted: Wanted, when: str) -> NewDelivery:
    return NewDelivery(
        target=subscribing.target_of(subscription_id),
        kind=TargetKind.REST_HOOK,
        subject="heartbeat",
        about="heartbeat",
        idempotency=derived_id(tx.tenant_id, "heartbeat", subscription_id, when),
        payload={"kind": "heartbeat"},
        patience=timedelta(seconds=wanted.heartbeat_seconds or 0),
    )


def _version(changed: Changed) -> Version:
    return Version(
        seq=changed.seq,
        at=changed.at,
        resource_type=changed.resource_type,
        id=changed.id,
        version=changed.version,
        change=cast(Change, changed.change),
        patient_id=changed.patient_id,
        current=decode(changed.text) if changed.text is not None else None,
        previous=decode(changed.before) if changed.before is not None else None,
    )
