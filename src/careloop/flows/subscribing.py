"""Subscriptions from the wish to the end: asked for by a client, checked, shaken hands on, ended.

The resource in the record is what the client sees: its `status` (and `error`) is kept in step here, by the system.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from careloop import outbox
from careloop.access.model import Principal, PrincipalKind, Tenant, system_principal
from careloop.catalog import Catalog
from careloop.db import Transaction
from careloop.errors import NotPermitted, Rejected
from careloop.events import ChangeKind
from careloop.fhir.ids import derived_id
from careloop.flows.app import App
from careloop.outbox import NewDelivery, TargetKind
from careloop.outside import AllowList, NotAllowed
from careloop.record import Write, Written
from careloop.record.changes import last_number
from careloop.subscriptions import Served, Topic, Wanted, fingerprint_of, read_subscription, read_topics, store

RESOURCE_TYPE = "Subscription"
HANDSHAKE_PATIENCE = timedelta(minutes=10)
"""A client that asks for notifications is there: its handshake is not tried for days."""
_PROCESS = "subscriptions"
_TOPICS: dict[int, tuple[Catalog, Mapping[str, Topic]]] = {}


def target_of(subscription_id: str) -> str:
    """How the outbox names a Subscription."""
    return f"{RESOURCE_TYPE}/{subscription_id}"


def topics_of(app: App) -> Mapping[str, Topic]:
    """The topics that can be subscribed to, by their address; read once for each catalog."""
    known = _TOPICS.get(id(app.catalog))
    if known is None or known[0] is not app.catalog:
        read = read_topics(app.catalog.documents("topics"), app.record.definitions)
        known = _TOPICS[id(app.catalog)] = (app.catalog, read)
    return known[1]


def note(tx: Transaction, now: datetime, principal: Principal, written: Sequence[Written]) -> None:
    """What a client wrote about its Subscriptions is kept in mind, in the transaction of the write; the worker does
    the rest. Only a client can be sent to: what others write is content like any other."""
    for one in written:
        if one.resource_type != RESOURCE_TYPE or one.change is ChangeKind.UNCHANGED:
            continue
        if one.resource is None or one.resource["status"] == "off":
            _end(tx, now, one.id, forget=one.resource is None)
        elif principal.sight is not None:
            raise NotPermitted("only a program of its own, with scopes of the level system, can be notified")
        elif principal.kind is PrincipalKind.CLIENT:
            _ask(tx, now, principal, one.id, one.version, one.resource)


def _ask(
    tx: Transaction,
    now: datetime,
    principal: Principal,
    subscription_id: str,
    version: int,
    resource: Mapping[str, Any],
) -> None:
    """A wish is new where the client asks for it or where what it asks for is other than what is served."""
    known, fingerprint = store.find(tx, subscription_id), fingerprint_of(resource)
    if known is None and resource["status"] != "requested":
        return
    if known is not None and resource["status"] == known.status and store.is_same(known, fingerprint):
        return
    outbox.withdraw(tx, now, target_of(subscription_id), "the Subscription was changed")
    store.ask(tx, principal, subscription_id, version, fingerprint)


def _end(tx: Transaction, now: datetime, subscription_id: str, *, forget: bool) -> None:
    known = store.find(tx, subscription_id)
    if known is None:
        return
    outbox.withdraw(tx, now, target_of(subscription_id), "the Subscription has ended")
    if forget:
        store.forget(tx, subscription_id)
    else:
        store.set_status(tx, subscription_id, "off")


def read_wanted(app: App, resource: Mapping[str, Any]) -> Wanted:
    """What a Subscription asks for; `Rejected` where it cannot be served here."""
    return read_subscription(resource, topics_of(app), app.record.definitions)


def allow_list(tx: Transaction, tenant: Tenant) -> AllowList:
    """Where requests of the tenant may go. Loopback is for trials alone."""
    return AllowList(frozenset(outbox.allowed_hosts(tx)), loopback=not tenant.production)


def wanted_of(app: App, tx: Transaction, tenant: Tenant, served: Sequence[Served]) -> dict[str, Wanted]:
    """What the Subscriptions ask for, by id; those that can no longer be served are in error."""
    resources = app.record.fetch(tx, [target_of(one.id) for one in served])
    found: dict[str, Wanted] = {}
    for one in served:
        stored = resources.get(target_of(one.id))
        try:
            if stored is None:
                raise Rejected(at=RESOURCE_TYPE, expected="a resource in the record", code="not-found")
            found[one.id] = read_wanted(app, stored.resource)
        except Rejected as error:
            change_status(app, tx, one.id, "error", error.message)
    return found


def welcome(app: App, tenant: Tenant) -> int:
    """Each new wish is checked and either shaken hands on, served at once (websocket, plain R4) or refused with the
    reason; how many there were."""

    def work(tx: Transaction) -> int:
        waiting = [one for one in store.served(tx, "requested") if one.after_seq == 0]
        for subscription_id, wanted in wanted_of(app, tx, tenant, waiting).items():
            _welcome(app, tx, tenant, next(one for one in waiting if one.id == subscription_id), wanted)
        return len(waiting)

    return app.database.run(tenant.id, work, actor=_PROCESS)


def _welcome(app: App, tx: Transaction, tenant: Tenant, served: Served, wanted: Wanted) -> None:
    if wanted.ends is not None and wanted.ends <= app.clock.now():
        change_status(app, tx, served.id, "off", "its end is past")
        return
    if wanted.channel == "websocket":
        activate(app, tx, served.id, wanted)
        return
    try:
        allow_list(tx, tenant).check(wanted.endpoint)
    except NotAllowed as error:
        change_status(app, tx, served.id, "error", error.message)
        return
    if wanted.content is None:
        activate(app, tx, served.id, wanted)
    else:
        _shake_hands(tx, app.clock.now(), served)


def _shake_hands(tx: Transaction, now: datetime, served: Served) -> None:
    store.note_handshake(tx, served.id)
    handshake = NewDelivery(
        target=target_of(served.id),
        kind=TargetKind.REST_HOOK,
        subject="handshake",
        about="handshake",
        idempotency=derived_id(tx.tenant_id, "handshake", served.id, served.version),
        payload={"kind": "handshake"},
        patience=HANDSHAKE_PATIENCE,
    )
    outbox.enqueue(tx, now, [handshake])


def activate(app: App, tx: Transaction, subscription_id: str, wanted: Wanted) -> None:
    """From now on changes are events of the Subscription."""
    store.activate(tx, subscription_id, max(last_number(tx), 1), next_heartbeat(app.clock.now(), wanted))
    change_status(app, tx, subscription_id, "active")


def next_heartbeat(now: datetime, wanted: Wanted) -> datetime | None:
    """When the next sign of life is due, if none of its events comes before."""
    return None if wanted.heartbeat_seconds is None else now + timedelta(seconds=wanted.heartbeat_seconds)


def change_status(app: App, tx: Transaction, subscription_id: str, status: str, reason: str = "") -> None:
    """The Subscription has this status, here and in the record; what waits for one that ended is withdrawn."""
    store.set_status(tx, subscription_id, status, reason)
    if status in ("error", "off"):
        outbox.withdraw(tx, app.clock.now(), target_of(subscription_id), reason or "the Subscription has ended")
    stored = app.record.fetch(tx, [target_of(subscription_id)]).get(target_of(subscription_id))
    if stored is None:
        return
    resource = {name: value for name, value in stored.resource.items() if name != "error"} | {"status": status}
    if status == "error":
        resource["error"] = reason
    write = Write(
        method="update",
        resource_type=RESOURCE_TYPE,
        id=subscription_id,
        resource=resource,
        if_match=stored.version,
    )
    app.record.write(tx, system_principal(tx.tenant_id, _PROCESS), app.clock.now(), [write])


def end_those_over(app: App, tenant: Tenant) -> None:
    """Subscriptions whose `end` is past are off; old events are gone."""
    now = app.clock.now()

    def work(tx: Transaction) -> None:
        store.sweep(tx, now)
        for subscription_id, wanted in wanted_of(app, tx, tenant, store.served(tx, "active")).items():
            if wanted.ends is not None and wanted.ends <= now:
                change_status(app, tx, subscription_id, "off", "its end is past")

    app.database.run(tenant.id, work, actor=_PROCESS)
