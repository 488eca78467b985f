"""Searches that are not about one type alone: over several types, and inside a compartment (FHIR R4 http, 3.1.0.11)."""

from collections.abc import Sequence
from dataclasses import dataclass

from careloop.access.model import Principal
from careloop.access.policy import may, require
from careloop.db import Transaction
from careloop.errors import NotFound, Rejected
from careloop.flows import audit_trail
from careloop.flows.app import App
from careloop.flows.terminology import terminology_of
from careloop.record import SearchPage
from careloop.record.search import Wide

EVERY = "*"
MOST_TYPES = 40
"""Types that one system search may name."""

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class WideAsked:
    """A search over the types of `_type`, or inside `compartment` (`Patient/1`) for a type or `*`."""

    parameters: Pairs
    compartment: str | None = None
    resource_type: str = EVERY
    base: str | None = None
    lenient: bool = False


def search_wide(app: App, tx: Transaction, principal: Principal, asked: WideAsked) -> SearchPage:
    """One page of what satisfies the parameters, as far as the principal may search. Audited.

    A type that was named and may not be searched is refused; where all are meant it is left out.
    """
    wide = _inside(app, principal, asked) if asked.compartment is not None else _over(app, principal, asked)
    parameters = [pair for pair in asked.parameters if pair[0] != "_type"]
    now = app.clock.now()
    return app.record.search_wide(
        tx,
        principal,
        wide,
        parameters,
        now,
        base=asked.base,
        lenient=asked.lenient,
        terminology=lambda: terminology_of(app, tx),
    )


def _over(app: App, principal: Principal, asked: WideAsked) -> Wide:
    types = _named(app, asked.parameters)
    if not types:
        raise Rejected(at="_type", expected="the types to search", code="required")
    for one in types:
        require(principal, "search", one)
    return Wide(resource_types=types)


def _inside(app: App, principal: Principal, asked: WideAsked) -> Wide:
    code, _, identity = (asked.compartment or "").partition("/")
    definitions = app.record.definitions
    if code not in definitions.compartments or not identity:
        raise NotFound("there is no compartment of that name")
    if asked.resource_type != EVERY:
        _refuse_unknown(app, asked.resource_type)
        require(principal, "search", asked.resource_type)
        return Wide(resource_types=[asked.resource_type], compartment=asked.compartment)
    named = _named(app, asked.parameters)
    types = [one for one in named or sorted(definitions.types) if may(principal, "search", one)]
    types = [one for one in types if one != audit_trail.RESOURCE_TYPE]
    if not types:
        require(principal, "search", EVERY)
    return Wide(resource_types=types, compartment=asked.compartment, every_type=True)


def _named(app: App, parameters: Pairs) -> list[str]:
    """The types that `_type` names, each once."""
    given = [one for name, value in parameters if name == "_type" for one in value.split(",")]
    found = list(dict.fromkeys(given))
    for one in found:
        _refuse_unknown(app, one)
    if len(found) > MOST_TYPES:
        raise Rejected(at="_type", expected=f"at most {MOST_TYPES} types", code="too-costly")
    return found


def _refuse_unknown(app: App, resource_type: str) -> None:
    if not app.record.definitions.of(resource_type) or resource_type == audit_trail.RESOURCE_TYPE:
        raise Rejected(at="_type", expected="R4 resource types of the record", code="not-supported")
