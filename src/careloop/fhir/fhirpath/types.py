"""The R4 type model: which elements a type has, in which JSON property each lies, and which type is a kind of which."""

from functools import cache
from typing import Any

from careloop.fhir import definitions
from careloop.fhir.fhirpath.quantities import Quantity
from careloop.fhir.fhirpath.temporal import Temporal

PRIMITIVE_BASES = {
    "code": "string", "id": "string", "markdown": "string", "canonical": "uri", "oid": "uri", "url": "uri",
    "uuid": "uri", "positiveInt": "integer", "unsignedInt": "integer",
}  # fmt: skip
"""The primitive types that R4 derives from another primitive."""

SYSTEM_TYPES = frozenset(["Boolean", "String", "Integer", "Long", "Decimal", "Date", "DateTime", "Time", "Quantity"])

_NAMES: dict[type, str] = {bool: "Boolean", int: "Integer", str: "String"}
_SYSTEM_OF_TEMPORAL = {"date": "Date", "dateTime": "DateTime", "time": "Time"}

ABSTRACT_RESOURCES = ("Resource", "DomainResource")

SYSTEM_STRING = "System.String"
"""The type of `Element.id` and `Extension.url`: a plain string, without extensions of its own."""


class Step:
    """How one name is read from one type: JSON property → type of what lies there.

    `properties` are the names under which a choice may lie in JSON, with those of what lies beside primitives.
    """

    __slots__ = ("choices", "is_open", "json_name", "kind", "properties", "sibling")

    def __init__(self, choices: dict[str, str]) -> None:
        self.choices = choices if len(choices) > 1 else None
        self.properties = {*choices, *(f"_{name}" for name in choices)}
        self.json_name, self.kind = next(iter(choices.items()))
        self.sibling = self.kind in _definitions().primitives
        self.is_open = self.kind in ABSTRACT_RESOURCES


@cache
def _definitions() -> definitions.Definitions:
    return definitions.load()


@cache
def step(kind: str, name: str) -> Step | None:
    """How to read `name` from a value of type `kind`; None where R4 does not define it."""
    tables = _definitions()
    if kind in tables.primitives:
        return _of_primitive(name)
    if kind not in tables.nodes:
        return None
    elements = tables.elements(kind)
    element = elements.get(name)
    if element is not None and element.is_choice:
        return None
    element = element or elements.get(f"{name}[x]")
    if element is None and name != "resourceType":
        return None
    if name == "resourceType" and is_resource(kind):
        return Step({name: SYSTEM_STRING})
    if name == "url" and kind == "Extension":
        return Step({name: SYSTEM_STRING})
    if name == "id":
        return Step({name: "id" if is_resource(kind) or kind in ABSTRACT_RESOURCES else SYSTEM_STRING})
    return Step(_choices(element)) if element is not None else None


def _choices(element: definitions.Element) -> dict[str, str]:
    return {json_name: inner.removeprefix("@") for json_name, inner in element.json_names().items()}


def _of_primitive(name: str) -> Step | None:
    if name == "extension":
        return Step({name: "Extension"})
    return Step({name: SYSTEM_STRING}) if name == "id" else None


@cache
def names(kind: str) -> dict[str, Step]:
    """Every JSON property of a type, with how it is read."""
    tables = _definitions()
    if kind in tables.primitives:
        return {"id": Step({"id": SYSTEM_STRING}), "extension": Step({"extension": "Extension"})}
    found: dict[str, Step] = {}
    for element in tables.elements(kind).values() if kind in tables.nodes else ():
        for json_name, inner in element.json_names().items():
            found[json_name] = Step({json_name: inner.removeprefix("@")})
    if "id" in found:
        found["id"] = Step({"id": "id" if is_resource(kind) else SYSTEM_STRING})
    return found


@cache
def is_known(kind: str) -> bool:
    """True for a type of R4: primitive, datatype or resource."""
    tables = _definitions()
    return kind in tables.primitives or kind in tables.nodes or kind in ("SimpleQuantity", "MoneyQuantity", "Element")


def is_primitive(kind: str | None) -> bool:
    """True for a primitive type of R4."""
    return kind in _definitions().primitives


def is_resource(kind: str | None) -> bool:
    """True for a resource type of R4."""
    return kind in _definitions().resources


@cache
def ancestors(kind: str) -> frozenset[str]:
    """A type, and all that it is a kind of."""
    found = {kind}
    tables = _definitions()
    while kind:
        if kind in tables.primitives:
            kind = PRIMITIVE_BASES.get(kind, "Element" if kind not in found - {kind} else "")
        elif kind in tables.nodes:
            kind = tables.base(kind) or ""
        else:
            kind = ""
        if kind:
            found.add(kind)
    return frozenset(found)


def system_name(value: Any) -> str | None:
    """The name of a System value's type, None for a node."""
    if isinstance(value, Temporal):
        return _SYSTEM_OF_TEMPORAL[value.kind]
    if isinstance(value, Quantity):
        return "Quantity"
    return None if type(value) is tuple else _NAMES.get(type(value), "Decimal")


def is_of(item: Any, namespace: str | None, name: str, *, exact: bool = False) -> bool:
    """True where an item is of the named type, or of a kind of it (`exact`: primitives only of that very type)."""
    system = system_name(item)
    if system is None and item[1] is None and not isinstance(item[0], dict):
        system = system_name(item[0]) if item[0] is not None else None
    if system is not None:
        return namespace != "FHIR" and system == name
    if namespace == "System":
        return False
    kind = item[1]
    if kind is None:
        return isinstance(item[0], dict) and item[0].get("resourceType") == name
    if exact and is_primitive(kind):
        return bool(kind == name)
    return name in ancestors(kind) or (name in ("SimpleQuantity", "MoneyQuantity") and "Quantity" in ancestors(kind))


def split_name(name: str) -> tuple[str | None, str]:
    """`FHIR.Patient` as namespace and name; None where no namespace was given."""
    namespace, dot, rest = name.partition(".")
    return (namespace, rest) if dot else (None, name)
