"""What a resource must be found by: the searches that its own values make, written without the product's index.

`exact` searches must find exactly the resources that make them; the others at least those.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.conformance.test_fhir_examples import walked

from careloop.fhir.model import SearchParameter

Value = Any


@dataclass(frozen=True, slots=True)
class Search:
    """One search of a type: `name=value`."""

    resource_type: str
    name: str
    value: str
    exact: bool


def searches(resource: dict[str, Any], parameters: dict[str, SearchParameter]) -> Iterator[Search]:
    """Every search that must find the resource."""
    for parameter in parameters.values():
        ways = composite_values(resource, parameter) if parameter.together else plain_values(resource, parameter)
        for suffix, value, exact in dict.fromkeys(ways):
            yield Search(resource["resourceType"], parameter.name + suffix, value, exact)


Way = tuple[str, str, bool]
"""The modifier, the value, and whether it finds nothing else."""


def plain_values(resource: dict[str, Any], parameter: SearchParameter) -> Iterator[Way]:
    """The searches by one parameter."""
    for walk in parameter.walks:
        read = READERS.get((parameter.type, walk.leaf))
        for value in walked(resource, walk.steps) if read else ():
            yield from read(value)


def composite_values(resource: dict[str, Any], parameter: SearchParameter) -> Iterator[Way]:
    """The parts of one element, with `$` between them: the first values of each, plain."""
    for together in parameter.together:
        elements = walked(resource, together.base) if together.key else [resource]
        for element in elements:
            parts = [first_plain(element, part) for part in together.parts]
            if all(parts):
                yield "", "$".join(filter(None, parts)), False


def first_plain(element: dict[str, Any], part: SearchParameter) -> str | None:
    found = (value for suffix, value, _ in plain_values(element, part) if not suffix and not value.endswith("|"))
    return next(found, None)


def escaped(text: str) -> str:
    for letter in "\\,$|":
        text = text.replace(letter, "\\" + letter)
    return text


def coding(value: Value) -> Iterator[Way]:
    system, code = value.get("system"), value.get("code")
    if code is not None:
        yield "", f"{escaped(system)}|{escaped(code)}" if system else f"|{escaped(code)}", True
        yield "", escaped(code), False
        if system:
            yield "", f"{escaped(system)}|", False
    if value.get("display", "").strip():
        yield ":text", escaped(value["display"][:60]), False


def concept(value: Value) -> Iterator[Way]:
    for one in value.get("coding", ()):
        yield from coding(one)
    if value.get("text", "").strip():
        yield ":text", escaped(value["text"].upper()[:60]), False


def identifier(value: Value) -> Iterator[Way]:
    system, number = value.get("system"), value.get("value")
    if number is None:
        return
    yield "", f"{escaped(system)}|{escaped(number)}" if system else f"|{escaped(number)}", True
    yield "", escaped(number), False
    for kind in value.get("type", {}).get("coding", ()):
        if kind.get("system") and kind.get("code"):
            yield ":of-type", f"{escaped(kind['system'])}|{escaped(kind['code'])}|{escaped(number)}", True


def reference(value: Value) -> Iterator[Way]:
    text = value.get("reference")
    if text and not text.startswith("#"):
        plain = text.split("/_history/")[0] if not text.startswith(("urn:", "http")) else text
        yield "", escaped(plain), True
    inside = value.get("identifier", {})
    if inside.get("system") and inside.get("value"):
        yield ":identifier", f"{escaped(inside['system'])}|{escaped(inside['value'])}", True


def text(value: Value) -> Iterator[Way]:
    if any(one.isalnum() for one in value):
        yield ":exact", escaped(value), True
        yield "", escaped(" ".join(value.split())[:40].lower()), False
        yield ":contains", escaped(" ".join(value.split())[1:30].strip() or value), False


def parts(names: tuple[str, ...]) -> Callable[[Value], Iterator[Way]]:
    def read(value: Value) -> Iterator[Way]:
        for name in names:
            found = value.get(name, [])
            for one in found if isinstance(found, list) else [found]:
                yield from text(one)

    return read


def moment(value: Value) -> Iterator[Way]:
    for prefix in ("", "ge", "le", "ap"):
        yield "", prefix + value, False


def period(value: Value) -> Iterator[Way]:
    if "start" in value:
        yield "", "ge" + value["start"], False
        yield "", "ap" + value["start"], False
    if "end" in value:
        yield "", "le" + value["end"], False


def timing(value: Value) -> Iterator[Way]:
    for one in value.get("event", ())[:1]:
        yield "", "ap" + one, False
    bounds = value.get("repeat", {}).get("boundsPeriod")
    if bounds:
        yield from period(bounds)


def number(value: Value) -> Iterator[Way]:
    for prefix in ("", "ge", "le"):
        yield "", f"{prefix}{value}", False


def quantity(value: Value) -> Iterator[Way]:
    if "value" not in value:
        return
    yield "", str(value["value"]), False
    if value.get("system") and value.get("code"):
        unit = f"{escaped(value['system'])}|{escaped(value['code'])}"
        yield "", f"{value['value']}|{unit}", False
        yield "", f"ge{value['value']}|{unit}", False
    if value.get("code"):
        yield "", f"{value['value']}||{escaped(value['code'])}", False


def money(value: Value) -> Iterator[Way]:
    if "value" in value:
        yield "", str(value["value"]), False


def ends(value: Value) -> Iterator[Way]:
    for end in ("low", "high"):
        yield from quantity(value.get(end, {}))


def plain(value: Value) -> Iterator[Way]:
    yield "", {True: "true", False: "false"}[value] if isinstance(value, bool) else escaped(value), True


def address(value: Value) -> Iterator[Way]:
    yield "", escaped(value), True
    yield "", escaped(value.partition("|")[0]), True
    yield ":below", escaped(value.partition("|")[0][:200]), False


def loosely(value: Value) -> Iterator[Way]:
    yield "", escaped(value), False


def contact(value: Value) -> Iterator[Way]:
    if value.get("value"):
        yield "", escaped(value["value"]), False
        yield "", escaped(value["value"].upper()), False


READERS: dict[tuple[str, str], Callable[[Value], Iterator[Way]]] = {
    ("token", "Coding"): coding, ("token", "CodeableConcept"): concept, ("token", "Identifier"): identifier,
    ("token", "ContactPoint"): contact, ("reference", "Reference"): reference, ("reference", "canonical"): loosely,
    ("reference", "uri"): loosely, ("date", "Period"): period, ("date", "Timing"): timing,
    ("number", "Range"): ends, ("quantity", "Range"): ends, ("quantity", "Money"): money,
    ("string", "HumanName"): parts(("text", "family", "given", "prefix", "suffix")),
    ("string", "Address"): parts(("text", "line", "city", "district", "state", "postalCode", "country")),
    **{("token", kind): plain for kind in ("boolean", "code", "id", "string", "uri")},
    **{("uri", kind): address for kind in ("canonical", "uri", "url")},
    **{("string", kind): text for kind in ("string", "markdown")},
    **{("date", kind): moment for kind in ("date", "dateTime", "instant")},
    **{("number", kind): number for kind in ("decimal", "integer", "positiveInt", "unsignedInt")},
    **{("quantity", kind): quantity for kind in ("Age", "Count", "Distance", "Duration", "Quantity")},
}  # fmt: skip
