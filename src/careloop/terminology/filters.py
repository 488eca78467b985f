"""The filters of a value set: conditions on one concept of a code system that is known here (R4 filter-operator)."""

from typing import Any

from careloop.errors import Rejected
from careloop.terminology.logic import Answer
from careloop.terminology.model import CodeSystem, Concept, Filter
from careloop.terminology.patterns import pattern

_THE_CODE = ("concept", "code")
_ABSENT_IS_FALSE = ("notSelectable", "abstract", "inactive")
"""Properties that a concept has only where they are true."""


def passes(system: CodeSystem, one: Filter, concept: Concept) -> Answer:
    """Whether the concept passes the filter; None for an operator that R4 does not have, and for an expression that
    cannot be read or would cost too much."""
    match one.op:
        case "is-a":
            return concept.code in system.below(one.value)
        case "descendent-of":
            return concept.code in system.below(one.value) and not _is(system, concept, one.value)
        case "is-not-a":
            return concept.code not in system.below(one.value)
        case "generalizes":
            return concept.code in system.above(one.value)
    values = _values(system, one.property, concept)
    match one.op:
        case "=":
            return one.value in values
        case "in":
            return any(value.strip() in values for value in one.value.split(","))
        case "not-in":
            return all(value.strip() not in values for value in one.value.split(","))
        case "regex":
            return _matches(one.value, values)
        case "exists":
            return bool(values) is (one.value == "true")
    return None


def _matches(expression: str, values: list[str]) -> Answer:
    try:
        return any(pattern(expression).matches(value) for value in values)
    except Rejected:
        return None


def _is(system: CodeSystem, concept: Concept, code: str) -> bool:
    found = system.find(code)
    return found is not None and found.code == concept.code


def _values(system: CodeSystem, name: str, concept: Concept) -> list[str]:
    """The values of a property as text."""
    if name in _THE_CODE:
        return [concept.code]
    if name == "display":
        return [concept.display] if concept.display else []
    if name in ("parent", "child"):
        return list(concept.parents if name == "parent" else concept.children)
    found = [_text(value) for key, value in concept.properties if key == name]
    return found or (["false"] if name in _ABSENT_IS_FALSE else [])


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value.get("code", "")) if isinstance(value, dict) else str(value)
