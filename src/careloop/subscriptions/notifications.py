"""What a subscriber is sent: notification bundles of the R5 backport for R4. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from careloop.fhir.ids import derived_id
from careloop.subscriptions.model import Content, Event

Resource = dict[str, Any]
Kind = Literal["handshake", "heartbeat", "event-notification", "query-status", "query-event"]

_PROFILES = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription-"
STATUS_PROFILE = _PROFILES + "status-r4"
BUNDLE_PROFILE = _PROFILES + "notification-r4"
_METHODS = {"created": "POST", "updated": "PUT", "deleted": "DELETE"}
_ANSWERS = {"created": "201", "updated": "200", "deleted": "204"}


@dataclass(frozen=True, kw_only=True)
class Told:
    """One event as it is told. `resource` is what the subscriber may see of it, None where nothing is shown of it;
    `is_hidden`: its subscriber may not read it, so that not even its id is told."""

    event: Event
    resource: Mapping[str, Any] | None = None
    included: Sequence[Mapping[str, Any]] = ()
    is_hidden: bool = False
    patient_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class About:
    """The Subscription that a notification is for, as it stands when it is made."""

    base: str
    id: str
    status: str
    topic: str | None
    events: int
    content: Content = "empty"
    error: str = ""


def bundle(about: About, kind: Kind, now: datetime, told: Sequence[Told] = ()) -> Resource:
    """A notification: a history bundle whose first entry is the status, then what changed."""
    entries = [_status_entry(about, kind, told)]
    if about.content != "empty":
        entries += [entry for one in told if not one.is_hidden for entry in _entries(about, one)]
    return {
        "resourceType": "Bundle",
        "id": derived_id("notification", about.id, kind, now.isoformat(), *(one.event.number for one in told)),
        "meta": {"profile": [BUNDLE_PROFILE], "lastUpdated": _instant(now)},
        "type": "history",
        "timestamp": _instant(now),
        "entry": entries,
    }


def status(about: About, kind: Kind, told: Sequence[Told] = ()) -> Resource:
    """`Parameters` that say how the Subscription stands."""
    parts: list[dict[str, Any]] = [
        {"name": "subscription", "valueReference": {"reference": f"{about.base}/Subscription/{about.id}"}},
    ]
    if about.topic:
        parts.append({"name": "topic", "valueCanonical": about.topic})
    parts += [
        {"name": "status", "valueCode": about.status},
        {"name": "type", "valueCode": kind},
        {"name": "events-since-subscription-start", "valueString": str(about.events)},
        *({"name": "notification-event", "part": _event(about, one)} for one in told),
    ]
    if about.error:
        parts.append({"name": "error", "valueCodeableConcept": {"text": about.error}})
    return {"resourceType": "Parameters", "meta": {"profile": [STATUS_PROFILE]}, "parameter": parts}


def _status_entry(about: About, kind: Kind, told: Sequence[Told]) -> Resource:
    identity = derived_id("status", about.id, kind, about.events, *(one.event.number for one in told))
    return {
        "fullUrl": f"urn:uuid:{identity}",
        "resource": {**status(about, kind, told), "id": identity},
        "request": {"method": "GET", "url": f"Subscription/{about.id}/$status"},
        "response": {"status": "200"},
    }


def _event(about: About, told: Told) -> list[dict[str, Any]]:
    event = told.event
    parts: list[dict[str, Any]] = [
        {"name": "event-number", "valueString": str(event.number)},
        {"name": "timestamp", "valueInstant": _instant(event.at)},
    ]
    if about.content != "empty" and not told.is_hidden:
        parts.append({"name": "focus", "valueReference": {"reference": f"{about.base}/{event.reference}"}})
        parts += [
            {"name": "additional-context", "valueReference": {"reference": f"{about.base}/{_name(one)}"}}
            for one in told.included
        ]
    return parts


def _entries(about: About, told: Told) -> list[Resource]:
    event = told.event
    collection = event.change == "created"
    focus: Resource = {
        "fullUrl": f"{about.base}/{event.reference}",
        "request": {"method": _METHODS[event.change], "url": event.resource_type if collection else event.reference},
        "response": {"status": _ANSWERS[event.change]},
    }
    if about.content == "full-resource" and told.resource is not None:
        focus["resource"] = told.resource
    return [focus, *(_context(about, one) for one in told.included)]


def _context(about: About, resource: Mapping[str, Any]) -> Resource:
    entry: Resource = {
        "fullUrl": f"{about.base}/{_name(resource)}",
        "request": {"method": "GET", "url": _name(resource)},
        "response": {"status": "200"},
    }
    if about.content == "full-resource":
        entry["resource"] = resource
    return entry


def _name(resource: Mapping[str, Any]) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
