"""A Subscription of R4, with the extensions of the R5 backport, as what it asks for. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any, cast
from urllib.parse import parse_qsl

from careloop.errors import Rejected
from careloop.fhir.dates import parse_instant
from careloop.fhir.searchparameters import SearchDefinitions
from careloop.subscriptions.model import EVERY_TYPE, Content, Filter, Topic, Trigger, Wanted
from careloop.subscriptions.topics import read_criteria

Resource = Mapping[str, Any]

BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
_JSON = ("application/fhir+json", "application/json")
_MOST_FILTERS, _MOST_HEADERS = 20, 10
_LEAST_HEARTBEAT, _LONGEST_TIMEOUT, _MOST_EVENTS = 10, 20, 20
_OURS = frozenset({"host", "content-length", "content-type", "transfer-encoding", "connection", "x-careloop-delivery"})


def read_subscription(resource: Resource, topics: Mapping[str, Topic], definitions: SearchDefinitions) -> Wanted:
    """What the Subscription asks for; `Rejected` names what cannot be served here, and why."""
    channel = resource["channel"]
    topic = topics.get(resource["criteria"])
    triggers, filters = _of_topic(resource, topic, definitions) if topic else _plain(resource, definitions)
    kind = channel["type"]
    if kind not in ("rest-hook", "websocket"):
        raise Rejected(at="Subscription.channel.type", expected="rest-hook or websocket", code="not-supported")
    if kind == "rest-hook" and not channel.get("endpoint"):
        raise Rejected(at="Subscription.channel.endpoint", expected="an address", code="required")
    return Wanted(
        topic=topic.url if topic else None,
        triggers=triggers,
        filters=filters,
        channel=kind,
        endpoint=channel.get("endpoint", ""),
        headers=_headers(channel.get("header", ())),
        content=_content(channel, is_topic=topic is not None),
        mime=_mime(channel),
        heartbeat_seconds=_number(channel, "backport-heartbeat-period", least=_LEAST_HEARTBEAT),
        timeout_seconds=_number(channel, "backport-timeout", least=1, most=_LONGEST_TIMEOUT),
        max_count=_number(channel, "backport-max-count", least=1, most=_MOST_EVENTS) or 1,
        ends=parse_instant(resource["end"], UTC) if "end" in resource else None,
    )


def fingerprint_of(resource: Resource) -> str:
    """What a Subscription asks for as text: another one needs another handshake."""
    parts = [resource.get("criteria"), resource.get("_criteria"), resource.get("channel"), resource.get("end")]
    return repr(parts)


def _of_topic(
    resource: Resource, topic: Topic, definitions: SearchDefinitions
) -> tuple[tuple[Trigger, ...], tuple[Filter, ...]]:
    texts = [
        one.get("valueString", "")
        for one in resource.get("_criteria", {}).get("extension", ())
        if one.get("url") == BACKPORT + "backport-filter-criteria"
    ]
    if len(texts) > _MOST_FILTERS:
        raise Rejected(
            at="Subscription.criteria.extension", expected=f"at most {_MOST_FILTERS} filters", code="too-costly"
        )
    filters = tuple(_filter(text, topic, definitions) for text in texts)
    if not topic.filter_by and not filters:
        raise Rejected(
            at="Subscription.criteria.extension",
            expected="a filter such as Observation?code=..., as this topic is about everything",
            code="required",
        )
    return topic.triggers, filters


def _filter(text: str, topic: Topic, definitions: SearchDefinitions) -> Filter:
    at = "Subscription.criteria.extension"
    resource_type, _, query = text.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    about = {one.resource_type for one in topic.triggers}
    if resource_type not in about and EVERY_TYPE not in about:
        raise Rejected(at=at, expected=f"a filter on {' or '.join(sorted(about))}", code="value")
    allowed = topic.filter_by.get(resource_type)
    for name, _ in pairs:
        if allowed is not None and name.partition(":")[0].partition(".")[0] not in allowed:
            raise Rejected(at=at, expected="filters by " + ", ".join(allowed), code="not-supported")
    return Filter(resource_type=resource_type, clauses=read_criteria(resource_type, pairs, definitions, at=at))


def _plain(resource: Resource, definitions: SearchDefinitions) -> tuple[tuple[Trigger, ...], tuple[Filter, ...]]:
    """R4 without a topic: a search; every change after which a resource satisfies it is told."""
    at = "Subscription.criteria"
    resource_type, _, query = resource["criteria"].partition("?")
    if resource_type not in definitions.types:
        raise Rejected(
            at=at,
            expected="the address of a topic of this server, or a search such as Observation?code=...",
            code="value",
        )
    clauses = read_criteria(resource_type, parse_qsl(query, keep_blank_values=True), definitions, at=at)
    return (Trigger(resource_type=resource_type, on=frozenset({"created", "updated"}), current=clauses),), ()


def _headers(lines: Sequence[str]) -> dict[str, str]:
    at = "Subscription.channel.header"
    if len(lines) > _MOST_HEADERS:
        raise Rejected(at=at, expected=f"at most {_MOST_HEADERS} headers", code="too-costly")
    found: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.strip()
        if not colon or not name.replace("-", "").isalnum() or not name.isascii() or not _is_printable(value):
            raise Rejected(at=at, expected="Name: value", code="value")
        if name.lower() in _OURS:
            raise Rejected(at=at, expected="a header that is not ours to set", code="value")
        found[name] = value.strip()
    return found


def _is_printable(value: str) -> bool:
    return value.isascii() and all(" " <= letter <= "~" for letter in value)


def _content(channel: Resource, *, is_topic: bool) -> Content | None:
    """How much a notification holds. A topic without the extension: nothing of the resource."""
    url = BACKPORT + "backport-payload-content"
    found = [one.get("valueCode") for one in channel.get("_payload", {}).get("extension", ()) if one.get("url") == url]
    if not found:
        return "empty" if is_topic or channel["type"] == "websocket" else None
    if found[0] not in ("empty", "id-only", "full-resource"):
        raise Rejected(
            at="Subscription.channel.payload.extension", expected="empty, id-only or full-resource", code="value"
        )
    return cast(Content, found[0])


def _mime(channel: Resource) -> str | None:
    mime: str | None = channel.get("payload")
    if mime is not None and mime.partition(";")[0].strip() not in _JSON:
        raise Rejected(at="Subscription.channel.payload", expected="application/fhir+json", code="not-supported")
    return mime


def _number(channel: Resource, name: str, *, least: int, most: int = 86_400) -> int | None:
    for one in channel.get("extension", ()):
        if one.get("url") == BACKPORT + name:
            value = one.get("valueUnsignedInt", one.get("valuePositiveInt"))
            if not isinstance(value, int) or not least <= value <= most:
                raise Rejected(
                    at=f"Subscription.channel.extension({name})", expected=f"{least} to {most}", code="value"
                )
            return value
    return None
