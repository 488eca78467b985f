"""Notifications to websockets: bound by a pass, told from where the last socket stopped, at least once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from careloop.access.model import Principal
from careloop.db import Transaction
from careloop.errors import NotAuthenticated
from careloop.fhir.jsons import encode
from careloop.flows import notifying, subscribing
from careloop.flows.app import App
from careloop.subscriptions import Event, Served, Wanted, store
from careloop.subscriptions.notifications import Kind, bundle

AT_ONCE = 50
_PROCESS = "websocket"


@dataclass(frozen=True, kw_only=True)
class Bound:
    """A socket and the Subscriptions that it hears of. `base` is our FHIR address as the client knows it."""

    tenant_id: int
    subscriptions: tuple[str, ...]
    owner: str
    base: str


@dataclass(frozen=True, kw_only=True)
class Text:
    """One notification. `number` is the last event in it, None where it has none."""

    subscription: str
    text: str
    number: int | None = None


def bind(app: App, token: str, base: str) -> Bound:
    """What the pass is for; nobody can use it again. `NotAuthenticated` for one that is not good."""
    tenant_id = store.tenant_of_pass(token)
    if tenant_id is None:
        raise NotAuthenticated("the token is not known")
    with app.database.transaction(tenant_id, actor=_PROCESS) as tx:
        ids, owner = store.use_pass(tx, token, app.clock.now())
    return Bound(tenant_id=tenant_id, subscriptions=tuple(ids), owner=owner, base=base)


def handshakes(app: App, bound: Bound) -> list[Text]:
    """The first word for each Subscription."""
    with app.database.transaction(bound.tenant_id, actor=_PROCESS) as tx:
        return [_text(app, tx, bound, *one, "handshake", ()) for one in _served(app, tx, bound)]


def fresh(app: App, bound: Bound) -> list[Text]:
    """What has happened since the last one that was sent, and signs of life that are due. `NotAuthenticated` where the
    client was revoked or none of its Subscriptions is active any more."""
    now = app.clock.now()
    texts: list[Text] = []
    with app.database.transaction(bound.tenant_id, actor=_PROCESS) as tx:
        found = _served(app, tx, bound)
        for served, wanted, principal in found:
            events = store.events(tx, served.id, served.sent + 1, served.events, AT_ONCE)
            most = wanted.max_count
            groups = [events[place : place + most] for place in range(0, len(events), most)]
            texts += [_text(app, tx, bound, served, wanted, principal, "event-notification", one) for one in groups]
            if not groups and served.heartbeat_due is not None and served.heartbeat_due <= now:
                texts.append(_text(app, tx, bound, served, wanted, principal, "heartbeat", ()))
                store.set_heartbeat(tx, served.id, subscribing.next_heartbeat(now, wanted))
    if not found:
        raise NotAuthenticated("there is nothing left to hear of")
    return texts


def sent(app: App, bound: Bound, text: Text) -> None:
    """The socket took it: the next one begins after it."""
    if text.number is None:
        return
    with app.database.transaction(bound.tenant_id, actor=_PROCESS) as tx:
        store.set_sent(tx, text.subscription, text.number)


def _served(app: App, tx: Transaction, bound: Bound) -> list[tuple[Served, Wanted, Principal]]:
    """The active ones among the bound, for whom the client may still hear of them."""
    served = [one for one in store.served(tx, "active") if one.id in bound.subscriptions and one.owner == bound.owner]
    if not served:
        return []
    wanted = subscribing.wanted_of(app, tx, app.tenant(bound.tenant_id), served)
    found: list[tuple[Served, Wanted, Principal]] = []
    for one in served:
        principal = notifying.subscriber(tx, one)
        if principal is not None and one.id in wanted:
            found.append((one, wanted[one.id], principal))
    return found


def _text(
    app: App,
    tx: Transaction,
    bound: Bound,
    served: Served,
    wanted: Wanted,
    principal: Principal,
    kind: Kind,
    events: Sequence[Event],
) -> Text:
    notice = notifying.notice(app, tx, principal, served, wanted, events)
    about = replace(notice.about, base=bound.base)
    text = encode(bundle(about, kind, app.clock.now(), notice.told)).decode()
    return Text(subscription=served.id, text=text, number=events[-1].number if events else None)
