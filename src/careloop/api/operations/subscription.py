"""`Subscription/$status`, `$events`, `$get-ws-binding-token` (HL7 Subscriptions R5 Backport)."""

from typing import Any, cast

from careloop.api.operations.model import Operation, OperationCall
from careloop.errors import Rejected
from careloop.flows import subscription_answers
from careloop.flows.subscription_answers import EventsAsked
from careloop.subscriptions.model import Content

_DEFINITIONS = "http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-"
_STATUSES = ("requested", "active", "error", "off")
_CONTENTS = ("empty", "id-only", "full-resource")
_HIGHEST = 999_999_999


def run_status(call: OperationCall) -> dict[str, Any]:
    """How one Subscription stands, or those named, or all."""
    given = call.given.only("id", "status")
    wanted = given.texts("status")
    if any(one not in _STATUSES for one in wanted):
        raise Rejected(at="status", expected=" or ".join(_STATUSES), code="value")
    ids = [call.resource_id] if call.resource_id else given.texts("id")
    base = call.fhir.base
    return call.fhir.run(lambda door: subscription_answers.statuses(door, ids, wanted, base))


def run_events(call: OperationCall) -> dict[str, Any]:
    """Events that were missed, told again."""
    given = call.given.only("eventsSinceNumber", "eventsUntilNumber", "content")
    content = given.text("content")
    if content is not None and content not in _CONTENTS:
        raise Rejected(at="content", expected=" or ".join(_CONTENTS), code="value")
    asked = EventsAsked(
        since=given.number("eventsSinceNumber", most=_HIGHEST) or 1,
        until=given.number("eventsUntilNumber", most=_HIGHEST),
        content=cast(Content, content) if content else None,
    )
    identity, base = str(call.resource_id), call.fhir.base
    return call.fhir.run(lambda door: subscription_answers.events(door, identity, asked, base))


def run_token(call: OperationCall) -> dict[str, Any]:
    """A pass for a websocket, for one Subscription or for those named."""
    given = call.given.only("ids", "id")
    ids = [call.resource_id] if call.resource_id else [*given.texts("ids"), *given.texts("id")]
    if not ids:
        raise Rejected(at="ids", expected="ids of Subscriptions", code="required")
    scheme, _, rest = call.fhir.base.partition("://")
    address = f"{'wss' if scheme == 'https' else 'ws'}://{rest}/ws"
    return call.fhir.run(lambda door: subscription_answers.binding_token(door, ids, address))


STATUS = Operation(
    name="status",
    definition=_DEFINITIONS + "status",
    levels=frozenset({"type", "instance"}),
    types=("Subscription",),
    run=run_status,
)
EVENTS = Operation(
    name="events",
    definition=_DEFINITIONS + "events",
    levels=frozenset({"instance"}),
    types=("Subscription",),
    run=run_events,
)
BINDING_TOKEN = Operation(
    name="get-ws-binding-token",
    definition=_DEFINITIONS + "get-ws-binding-token",
    levels=frozenset({"type", "instance"}),
    types=("Subscription",),
    run=run_token,
)
