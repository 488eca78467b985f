"""What a search must find, worked out resource by resource from US Core's own metadata: slow, and without our index."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from careloop.errors import Rejected
from careloop.fhir.dates import interval, period_interval

ZONE = ZoneInfo("America/New_York")
Resource = dict[str, Any]
Span = tuple[datetime, datetime]

_EXTENSION = re.compile(r"extension\.where\(url='([^']+)'\)\.(value\w*)")

PREFIXES: dict[str, Callable[[Span, Span], bool]] = {
    "eq": lambda own, asked: asked[0] <= own[0] and own[1] <= asked[1],
    "ne": lambda own, asked: own[0] < asked[0] or own[1] > asked[1],
    "gt": lambda own, asked: own[1] > asked[1],
    "lt": lambda own, asked: own[0] < asked[0],
    "ge": lambda own, asked: own[1] > asked[1] or (asked[0] <= own[0] and own[1] <= asked[1]),
    "le": lambda own, asked: own[0] < asked[0] or (asked[0] <= own[0] and own[1] <= asked[1]),
    "sa": lambda own, asked: own[0] >= asked[1],
    "eb": lambda own, asked: own[1] <= asked[0],
}
"""FHIR R4 search, section 3.1.1.4.5, as it stands there."""


def at(resource: Resource, path: str) -> list[Any]:
    """The values of an element path such as `Observation.effective` or `Patient.name.family`."""
    path = path.partition(".")[2]
    extension = _EXTENSION.fullmatch(path)
    if extension is not None:
        found = [one for one in resource.get("extension", ()) if one["url"] == extension[1]]
        return [value for one in found for value in _named(one, extension[2])]
    values: list[Any] = [resource]
    for name in path.split("."):
        values = [value for one in values if isinstance(one, dict) for value in _named(one, name)]
    return values


def _named(element: Resource, name: str) -> Iterator[Any]:
    """The entries of an element; `effective` stands for every `effective[x]`."""
    for key, value in element.items():
        if key == name or (key.startswith(name) and key[len(name)].isupper() and name in CHOICES):
            yield from value if isinstance(value, list) else [value]


CHOICES = frozenset(("effective", "onset", "performed", "occurrence", "value", "medication", "deceased", "abatement"))


def span(value: Any) -> Span | None:
    """The time that a date, a Period or a Timing's first event covers."""
    try:
        if isinstance(value, str):
            return interval(value, ZONE)
        return period_interval(value, ZONE) if "start" in value or "end" in value else None
    except Rejected:
        return None


def search_values(value: Any) -> Iterator[str]:
    """What a client may ask for to find a resource with this value: the most telling way first."""
    if isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, str):
        yield value
    elif "reference" in value:
        yield value["reference"].split("/_history/")[0]
    elif "coding" in value:
        for one in value["coding"]:
            yield from search_values(one)
    elif "code" in value:
        yield f"{value['system']}|{value['code']}" if value.get("system") else value["code"]
        yield value["code"]
    elif "start" in value or "end" in value:
        yield value.get("start") or value["end"]
    else:
        yield from _words(value)


def _words(value: Resource) -> Iterator[str]:
    """Identifier, HumanName, Address."""
    if "value" in value:
        yield f"{value['system']}|{value['value']}" if value.get("system") else value["value"]
    for key in ("family", "city", "text", "postalCode", "state"):
        if key in value:
            yield value[key]
    for key in ("given", "line"):
        yield from value.get(key, ())


def matches(resource: Resource, paths: list[str], kind: str, asked: str) -> bool:
    """Whether one of the values at `paths` satisfies one of the values asked for."""
    values = [value for path in paths for value in at(resource, path)]
    return any(_fits(value, kind, one) for value in values for one in asked.split(","))


def _fits(value: Any, kind: str, asked: str) -> bool:
    if kind in ("date", "dateTime", "Period", "instant"):
        return _in_time(value, asked)
    if kind == "Reference":
        own = value.get("reference", "").split("/_history/")[0]
        return own == asked or own.rpartition("/")[2] == asked
    if kind in ("HumanName", "Address"):
        return any(_folded(word).startswith(_folded(asked)) for word in _texts(value))
    if kind == "string":
        return _folded(value).startswith(_folded(asked)) if isinstance(value, str) else asked in search_values(value)
    if isinstance(value, str):
        return value == asked.rpartition("|")[2] or value == asked or value.partition("|")[0] == asked
    return asked in search_values(value)


def _in_time(value: Any, asked: str) -> bool:
    prefix, day = (asked[:2], asked[2:]) if asked[:2] in PREFIXES else ("eq", asked)
    own = span(value)
    return own is not None and PREFIXES[prefix](own, interval(day, ZONE))


def _texts(value: Resource) -> Iterator[str]:
    for key in (
        "family",
        "given",
        "prefix",
        "suffix",
        "text",
        "line",
        "city",
        "district",
        "state",
        "postalCode",
        "country",
    ):
        found = value.get(key, [])
        yield from found if isinstance(found, list) else [found]


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
