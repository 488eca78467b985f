"""What clients may ask about Subscriptions: how they stand, which events there were, a pass for a websocket."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from careloop.access.policy import require
from careloop.errors import NotFound, NotPermitted, Rejected
from careloop.fhir.ids import derived_id
from careloop.flows import notifying, subscribing
from careloop.flows.interactions import Interaction
from careloop.subscriptions import Served, Wanted, store
from careloop.subscriptions.model import Content
from careloop.subscriptions.notifications import About, bundle, status

Resource = dict[str, Any]
MOST_EVENTS = 100
_MOST_IDS = 100


@dataclass(frozen=True, kw_only=True)
class EventsAsked:
    """Events from one number to another, with as much of each as `content` says (None: as the Subscription has it)."""

    since: int = 1
    until: int | None = None
    content: Content | None = None


def statuses(door: Interaction, ids: Sequence[str], wanted: Sequence[str], base: str) -> Resource:
    """How Subscriptions stand, as a searchset of `Parameters`; all that are served where no id is named."""
    _require(door)
    found = [_served(door, one) for one in ids] or store.served(door.tx, "requested", "active", "error", "off")
    entries = [_status_entry(door, one, base) for one in found[:_MOST_IDS] if not wanted or one.status in wanted]
    return {"resourceType": "Bundle", "type": "searchset", "total": len(entries), "entry": entries}


def events(door: Interaction, subscription_id: str, asked: EventsAsked, base: str) -> Resource:
    """Events again, as a history bundle; what is shown of them are the asker's rights."""
    _require(door)
    served = _served(door, subscription_id)
    wanted = _wanted(door, served)
    until = served.events if asked.until is None else asked.until
    if asked.since > until + 1:
        raise Rejected(at="eventsSinceNumber", expected="a number not after eventsUntilNumber", code="value")
    found = store.events(door.tx, served.id, asked.since, until, MOST_EVENTS)
    shown = replace(wanted, content=asked.content or wanted.content or "id-only")
    notice = notifying.notice(door.app, door.tx, door.principal, served, shown, found)
    return bundle(replace(notice.about, base=base), "query-event", door.app.clock.now(), notice.told)


def binding_token(door: Interaction, ids: Sequence[str], address: str) -> Resource:
    """A pass for the websocket at `address`, good once and for five minutes."""
    _require(door)
    now = door.app.clock.now()
    for one in ids:
        served = _served(door, one)
        if served.owner != door.principal.id:
            raise NotFound("there is no such Subscription")
        if _wanted(door, served).channel != "websocket":
            raise Rejected(at="ids", expected="Subscriptions with the channel websocket", code="value")
    token = store.give_pass(door.tx, door.principal, now, ids)
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "token", "valueString": token},
            {"name": "expiration", "valueDateTime": _instant(now + store.PASS_LIFE)},
            *({"name": "subscription", "valueString": one} for one in ids),
            {"name": "websocket-url", "valueUrl": address},
        ],
    }


def _require(door: Interaction) -> None:
    """Whoever sees a part of the record only is told nothing here: events name resources outside of it."""
    require(door.principal, "read", subscribing.RESOURCE_TYPE)
    if door.principal.sight is not None:
        raise NotPermitted("Subscriptions are for programs with scopes of the level system")


def _served(door: Interaction, subscription_id: str) -> Served:
    found = store.find(door.tx, subscription_id)
    if found is None:
        raise NotFound("there is no such Subscription")
    return found


def _wanted(door: Interaction, served: Served) -> Wanted:
    """What it asks for; `Rejected` where it cannot be served."""
    stored = door.app.record.fetch(door.tx, [subscribing.target_of(served.id)])
    if not stored:
        raise NotFound("there is no such Subscription")
    return subscribing.read_wanted(door.app, stored[subscribing.target_of(served.id)].resource)


def _status_entry(door: Interaction, served: Served, base: str) -> Resource:
    stored = door.app.record.fetch(door.tx, [subscribing.target_of(served.id)]).get(subscribing.target_of(served.id))
    criteria = stored.resource["criteria"] if stored else ""
    about = About(
        base=base,
        id=served.id,
        status=served.status,
        topic=criteria if criteria in subscribing.topics_of(door.app) else None,
        events=served.events,
        error=served.reason,
    )
    identity = derived_id("status", served.id, served.status, served.events)
    return {
        "fullUrl": f"urn:uuid:{identity}",
        "resource": {**status(about, "query-status"), "id": identity},
        "search": {"mode": "match"},
    }


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
