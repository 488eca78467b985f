"""`%factory`: making FHIR values in an expression (FHIRPath on FHIR, type factory; R5 and later). Nothing is changed: a
value with another extension or property is a new one.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from careloop.fhir.fhirpath.errors import wrong
from careloop.fhir.fhirpath.functions.conversion import to_boolean, to_decimal, to_integer, to_string
from careloop.fhir.fhirpath.runtime import Closure, Environment, FhirNode, Items, plain, singleton, text_of
from careloop.fhir.fhirpath.syntax import Call, type_name
from careloop.fhir.fhirpath.types import is_known, is_primitive, step, system_name
from careloop.fhir.primitives import PRIMITIVES

PARAMETERS: dict[str, tuple[str, ...]] = {
    "Identifier": ("system", "value", "use", "type"),
    "HumanName": ("family", "given", "prefix", "suffix", "text", "use"),
    "ContactPoint": ("system", "value", "use"),
    "Address": ("line", "city", "state", "postalCode", "country", "use", "type"),
    "Quantity": ("system", "code", "value", "unit"),
    "Coding": ("system", "code", "display", "version"),
    "CodeableConcept": ("coding", "text"),
}
"""The elements that each function takes, in order."""

_LISTS = frozenset(["given", "prefix", "suffix", "line", "coding"])
_NUMBERS = frozenset(["integer", "positiveInt", "unsignedInt"])
_ADDRESSES = frozenset(["uri", "url", "canonical"])
_FHIR_OF_SYSTEM = {"Quantity": "Quantity", "DateTime": "dateTime"}
_spaceless = re.compile(r"\S*").fullmatch


def made(call: Call, arguments: Sequence[Closure]) -> Closure:
    """The closure of `%factory.name(…)`; `Rejected` for a name that the factory does not have."""
    if call.name == "create" and len(call.arguments) == 1:
        return _create(call)
    make, least, most = _maker(call.name)
    if make is None or not least <= len(arguments) <= most:
        raise wrong("a function of %factory with its arguments", call.position)

    def closure(focus: Items, environment: Environment) -> Items:
        return [make([one(environment.this, environment) for one in arguments])]

    return closure


def _maker(name: str) -> tuple[Callable[[list[Items]], FhirNode] | None, int, int]:
    if name in PARAMETERS:
        return lambda given: _complex(name, given), 1, len(PARAMETERS[name])
    if name in ("withExtension", "withProperty"):
        return (_with_extension if name == "withExtension" else _with_property), 3, 3
    if name == "Extension":
        return lambda given: (_extension(given[0], given[1]), "Extension", None), 2, 2
    return ((lambda given: _primitive(name, given)) if name in PRIMITIVES else None), 1, 2


def _create(call: Call) -> Closure:
    kind = (type_name(call.arguments[0]) or "").removeprefix("FHIR.")
    if not is_known(kind):
        raise wrong("a type of R4", call.position)
    empty: Items = [(None, kind, {}) if is_primitive(kind) else ({}, kind, None)]
    return lambda focus, environment: empty


def _primitive(kind: str, given: list[Items]) -> FhirNode:
    value = None if not given[0] else _checked(kind, given[0])
    extensions = [one[0] for one in given[1] if type(one) is tuple and one[1] == "Extension"] if len(given) > 1 else []
    return value, kind, {"extension": extensions} if extensions else None


def _checked(kind: str, items: Items) -> Any:
    """The JSON value of a primitive; `Rejected` for what the type cannot hold."""
    value = singleton(items)
    if kind == "boolean":
        value = to_boolean(value)
    elif kind in _NUMBERS:
        value = to_integer(value)
    elif kind == "decimal":
        value = to_decimal(value)
    elif not isinstance(value, str):
        value = None if system_name(value) in (None, "Boolean", "Integer", "Decimal") else to_string(value)
    is_address = kind in _ADDRESSES and isinstance(value, str) and _spaceless(value)
    if value is None or not (is_address or PRIMITIVES[kind][0](value)):
        raise wrong(f"a value of type {kind}")
    return value


def _complex(kind: str, given: list[Items]) -> FhirNode:
    found: dict[str, Any] = {}
    for name, items in zip(PARAMETERS[kind], given, strict=False):
        if items:
            values = [_part(kind, name, item) for item in items]
            if name not in _LISTS and len(values) > 1:
                raise wrong(f"one {name}")
            found[name] = values if name in _LISTS else values[0]
    return found, kind, None


def _part(kind: str, name: str, item: Any) -> Any:
    """The JSON value of an element, checked against its type."""
    here = step(kind, name)
    if here is None:
        raise wrong(f"an element of {kind}")
    if is_primitive(here.kind):
        return _checked(here.kind, [item])
    if type(item) is not tuple or item[1] != here.kind:
        raise wrong(f"a {here.kind}")
    return item[0]


def _extension(address: Items, items: Items) -> dict[str, Any]:
    url = text_of(address)
    if not url or len(items) != 1:
        raise wrong("the address and the value of an extension")
    system = system_name(items[0])
    kind = items[0][1] if system is None else _FHIR_OF_SYSTEM.get(system, system.lower())
    if not kind:
        raise wrong("a value of a known type")
    return {"url": url, f"value{kind[0].upper()}{kind[1:]}": plain(items[0])}


def _node(items: Items) -> FhirNode:
    if len(items) != 1 or type(items[0]) is not tuple:
        raise wrong("a FHIR value")
    value, kind, beside = items[0]
    return value, kind, beside


def _with_extension(given: list[Items]) -> FhirNode:
    value, kind, beside = _node(given[0])
    added = _extension(given[1], given[2])
    if isinstance(value, dict):
        return {**value, "extension": [*value.get("extension", ()), added]}, kind, beside
    around = beside or {}
    return value, kind, {**around, "extension": [*around.get("extension", ()), added]}


def _with_property(given: list[Items]) -> FhirNode:
    value, kind, beside = _node(given[0])
    name = text_of(given[1])
    if not name or kind is None or step(kind, name) is None:
        raise wrong("an element of the value's type")
    values = [plain(item) for item in given[2]]
    new = {name: values if name in _LISTS else values[0]} if values else {}
    if isinstance(value, dict):
        return {**value, **new}, kind, beside
    return value, kind, {**(beside or {}), **new}
