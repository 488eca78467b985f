"""Notifications to rest hooks: POST of a bundle; for a plain R4 Subscription PUT of the resource, or an empty POST."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from careloop.access.model import Tenant
from careloop.db import Transaction
from careloop.errors import Unavailable
from careloop.fhir.jsons import encode
from careloop.flows import notifying, subscribing
from careloop.flows.app import App
from careloop.flows.notifying import Notice
from careloop.outbox import Delivery, Failure, Held
from careloop.outside import AllowList, Answer, NotAllowed, fetch
from careloop.subscriptions import Event, Served, Wanted, store
from careloop.subscriptions.notifications import Kind, bundle

IDEMPOTENCY = "Idempotency-Key"
"""The same for every try of one delivery; HTTP draft `idempotency-key-header`."""
_SECONDS = 10.0
_FHIR_JSON = "application/fhir+json"
_NOT_NOW = frozenset({408, 409, 425, 429})
_GONE = 410
_PROCESS = "outbox"


@dataclass(frozen=True, kw_only=True)
class _Request:
    method: str
    url: str
    allow: AllowList
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds: float = _SECONDS


def groups(app: App, tenant: Tenant, held: Held) -> Sequence[Sequence[Delivery]]:
    """Events that the subscriber takes together; everything else alone."""
    with app.database.transaction(tenant.id, actor=_PROCESS) as tx:
        served = store.find(tx, _id_of(held))
        wanted = subscribing.wanted_of(app, tx, tenant, [served]) if served else {}
    most = max([1, *(one.max_count for one in wanted.values() if one.content is not None)])
    found: list[list[Delivery]] = []
    for one in held.deliveries:
        last = found[-1] if found else []
        if last and one.payload["kind"] == last[0].payload["kind"] == "event-notification" and len(last) < most:
            last.append(one)
        else:
            found.append([one])
    return found


def send(app: App, tenant: Tenant, held: Held, deliveries: Sequence[Delivery]) -> Failure | None:
    """The notification is made, committed to the audit trail, and sent."""
    made = app.database.run(tenant.id, lambda tx: _make(app, tx, tenant, held, deliveries), actor=_PROCESS)
    if not isinstance(made, _Request):
        return made
    try:
        answer = fetch(made.method, made.url, made.allow, body=made.body, headers=made.headers, seconds=made.seconds)
    except NotAllowed as error:
        return Failure(reason=error.message, is_final=True, ends_target=True)
    except Unavailable as error:
        return Failure(reason=error.message, is_everybodys=True)
    if answer.succeeded:
        _arrived(app, tenant, held, deliveries)
        return None
    return _refused(answer, deliveries)


def gave_up(app: App, tx: Transaction, held: Held, deliveries: Sequence[Delivery], failure: Failure) -> None:
    """A Subscription whose handshake failed, that nobody answers for, or that is refused for good has ended. One event
    that could not be delivered, among others that could, ends nothing: a person sees it."""
    is_handshake = deliveries[0].payload["kind"] == "handshake"
    if not (is_handshake or failure.ends_target or failure.is_everybodys) or _is_heartbeat(deliveries):
        return
    status = "off" if failure.reason == _ENDED else "error"
    subscribing.change_status(app, tx, _id_of(held), status, failure.reason)


_ENDED = "answered with status 410: nobody is there any more"


def _refused(answer: Answer, deliveries: Sequence[Delivery]) -> Failure:
    """Whoever answers that it is gone means it. Others may be mended in 72 hours; a handshake is not worth that."""
    if answer.status == _GONE:
        return Failure(reason=_ENDED, is_final=True, ends_target=True)
    is_no = 400 <= answer.status < 500 and answer.status not in _NOT_NOW
    is_final = (is_no and deliveries[0].payload["kind"] == "handshake") or _is_heartbeat(deliveries)
    return Failure(reason=f"answered with status {answer.status}", is_final=is_final)


def _is_heartbeat(deliveries: Sequence[Delivery]) -> bool:
    return bool(deliveries[0].payload["kind"] == "heartbeat")


def _make(
    app: App, tx: Transaction, tenant: Tenant, held: Held, deliveries: Sequence[Delivery]
) -> _Request | Failure | None:
    """The request; why there cannot be one; None where nothing may be told."""
    served = store.find(tx, _id_of(held))
    if served is None or served.status == "off":
        return Failure(reason="the Subscription has ended", is_final=True)
    principal = notifying.subscriber(tx, served)
    if principal is None:
        return Failure(reason="the client was revoked", is_final=True, ends_target=True)
    wanted = subscribing.wanted_of(app, tx, tenant, [served]).get(served.id)
    if wanted is None:
        return Failure(reason="the Subscription cannot be served", is_final=True)
    numbers = [int(one.payload["number"]) for one in deliveries if "number" in one.payload]
    events = _events(tx, served, numbers)
    notice = notifying.notice(app, tx, principal, served, wanted, events)
    allow = subscribing.allow_list(tx, tenant)
    if wanted.content is None:
        return _plain(wanted, notice, allow, deliveries[0])
    return _as_bundle(app, notice, allow, deliveries)


def _events(tx: Transaction, served: Served, numbers: Sequence[int]) -> list[Event]:
    if not numbers:
        return []
    found = store.events(tx, served.id, min(numbers), max(numbers), 1 + max(numbers) - min(numbers))
    return [one for one in found if one.number in set(numbers)]


def _as_bundle(app: App, notice: Notice, allow: AllowList, deliveries: Sequence[Delivery]) -> _Request:
    kind: Kind = deliveries[0].payload["kind"]
    wanted = notice.wanted
    return _Request(
        method="POST",
        url=wanted.endpoint,
        allow=allow,
        headers={**wanted.headers, "Content-Type": _FHIR_JSON, IDEMPOTENCY: deliveries[0].idempotency},
        body=encode(bundle(notice.about, kind, app.clock.now(), notice.told)),
        seconds=float(wanted.timeout_seconds or _SECONDS),
    )


def _plain(wanted: Wanted, notice: Notice, allow: AllowList, delivery: Delivery) -> _Request | None:
    """R4 without a topic (Subscription, "rest-hook"): with a payload type the resource is sent as an update."""
    if not notice.told or notice.told[0].is_hidden:
        return None
    told = notice.told[0]
    headers = {**wanted.headers, IDEMPOTENCY: delivery.idempotency}
    seconds = float(wanted.timeout_seconds or _SECONDS)
    if wanted.mime is None:
        return _Request(method="POST", url=wanted.endpoint, allow=allow, headers=headers, seconds=seconds)
    return _Request(
        method="PUT",
        url=f"{wanted.endpoint.rstrip('/')}/{told.event.reference}",
        allow=allow,
        headers={**headers, "Content-Type": _FHIR_JSON},
        body=encode(dict(told.resource or {})),
        seconds=seconds,
    )


def _arrived(app: App, tenant: Tenant, held: Held, deliveries: Sequence[Delivery]) -> None:
    """A handshake that was answered makes the Subscription active."""
    if deliveries[0].payload["kind"] != "handshake":
        return

    def work(tx: Transaction) -> None:
        served = store.find(tx, _id_of(held))
        if served is None or served.status != "requested":
            return
        wanted = subscribing.wanted_of(app, tx, tenant, [served]).get(served.id)
        if wanted is not None:
            subscribing.activate(app, tx, served.id, wanted)

    app.database.run(tenant.id, work, actor=_PROCESS)


def _id_of(held: Held) -> str:
    return held.target.partition("/")[2]
