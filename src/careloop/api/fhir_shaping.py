"""`_summary` and `_elements`: a part of a resource, marked as a part (FHIR R4 search, section 3.1.1.5.8)."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from careloop.fhir import definitions as tables
from careloop.fhir.clauses import SearchRequest
from careloop.fhir.definitions import Element
from careloop.fhir.jsons import encode
from careloop.record import Stored

_SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
_PARTS = ("true", "text", "data")
_ALWAYS = frozenset({"resourceType", "id", "meta"})

Keep = Callable[[Element], bool]


def shaped(stored: Stored, summary: str | None, elements: tuple[str, ...]) -> bytes | None:
    """The text of the part that was asked for; None where the whole was."""
    if elements:
        kept = _required(stored.resource_type) | _choices(stored.resource_type, elements)
    elif summary == "true":
        kept = _names(stored.resource_type, "summary")
    elif summary == "text":
        kept = _required(stored.resource_type) | {"text"}
    elif summary == "data":
        kept = frozenset(stored.resource) - {"text"}
    else:
        return None
    return encode(_part(stored.resource, kept | _ALWAYS))


def texts_of(page: list[Stored], request: SearchRequest | None) -> dict[str, bytes]:
    """The parts by reference; empty where whole resources were asked for."""
    if request is None or (not request.elements and request.summary not in _PARTS):
        return {}
    parts = {stored.reference: shaped(stored, request.summary, request.elements) for stored in page}
    return {reference: text for reference, text in parts.items() if text is not None}


def _part(resource: dict[str, Any], kept: frozenset[str]) -> dict[str, Any]:
    part = {name: value for name, value in resource.items() if name.removeprefix("_") in kept}
    meta = dict(part.get("meta") or {})
    meta["tag"] = [*meta.get("tag", ()), _SUBSETTED]
    return {**part, "meta": meta}


def _required(resource_type: str) -> frozenset[str]:
    return _names(resource_type, "required")


@lru_cache(maxsize=512)
def _names(resource_type: str, which: str) -> frozenset[str]:
    elements = tables.load().elements(resource_type).values()
    keep = [one for one in elements if one.minimum > 0 or (which == "summary" and one.in_summary)]
    return frozenset(name for one in keep for name in one.json_names())


def _choices(resource_type: str, elements: tuple[str, ...]) -> frozenset[str]:
    """The JSON names of the elements asked for; `value` stands for every `value[x]`."""
    known = tables.load().elements(resource_type)
    asked = [known.get(name) or known.get(f"{name}[x]") for name in elements]
    return frozenset(elements) | {name for one in asked if one is not None for name in one.json_names()}
