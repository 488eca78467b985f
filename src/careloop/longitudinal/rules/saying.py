"""What a fact says, in words that stand beside those of another source. Pure."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC

from careloop.longitudinal.model import Fact, Resource, Side
from careloop.longitudinal.rules.ages import date_words
from careloop.longitudinal.rules.paths import code_of, first, walk, words_of

_HOLE = re.compile(r"\{([a-z]+)\}")
_DATES = (
    "effectiveDateTime", "effectivePeriod.start", "occurrenceDateTime", "performedDateTime", "performedPeriod.start",
    "period.start", "onsetDateTime", "recordedDate", "authoredOn", "dateAsserted", "dateTime", "date", "issued",
)  # fmt: skip


def side_of(fact: Fact, template: str) -> Side:
    """One side of a contradiction. `template` may name {name}, {status}, {value}, {start}, {end}, {place}, ..."""
    source = fact.sources[0]
    return Side(
        reference=fact.reference,
        version=fact.version,
        words=" ".join(_HOLE.sub(lambda hole: _FILL[hole[1]](fact.resource), template).split()),
        source="; ".join(one.name for one in fact.sources[:3]),
        dated=source.at or str(first(fact.resource, _DATES) or ""),
        document_id=source.document_id,
    )


def name_of(resource: Resource) -> str:
    """What the fact is about: the problem, the medicine, the test."""
    for element in ("medicationCodeableConcept", "vaccineCode", "code", "type", "class", "scope"):
        value = resource.get(element)
        value = value[0] if isinstance(value, list) and value else value
        if words := words_of(value):
            return words
    return str(resource.get("medicationReference", {}).get("display", "")) or "not named"


def value_of(resource: Resource) -> str:
    """The value of an observation in words; empty where it has none."""
    quantity = resource.get("valueQuantity")
    if isinstance(quantity, Mapping) and "value" in quantity:
        unit = str(quantity.get("unit") or quantity.get("code") or "")
        return f"{quantity.get('comparator', '')}{quantity['value']} {unit}".strip()
    for name in ("valueString", "valueInteger", "valueBoolean", "valueDateTime"):
        if name in resource:
            return {True: "yes", False: "no"}.get(resource[name], str(resource[name]))
    if "valueCodeableConcept" in resource:
        return words_of(resource["valueCodeableConcept"])
    parts = [(words_of(one.get("code")), value) for one in walk(resource, "component") if (value := value_of(one))]
    if all(value[:1].isdigit() for _, value in parts):
        return " / ".join(value.split(" ")[0] for _, value in parts)
    return "; ".join(f"{name}: {value}" if name else value for name, value in parts)


def status_of(resource: Resource) -> str:
    """`active`, `resolved`, `stopped`: the clinical status, else the status."""
    return (code_of(resource, "clinicalStatus") or str(resource.get("status", ""))).replace("-", " ")


def _died(resource: Resource) -> str:
    when = resource.get("deceasedDateTime")
    return f"died {date_words(str(when), UTC)}" if when else "died"


def _language(resource: Resource) -> str:
    return words_of(first(resource, ("communication.language",)))


def _phone(resource: Resource) -> str:
    current = [one for one in resource.get("telecom", ()) if one.get("use") != "old"]
    return str(current[0].get("value", "")) if current else "no number that works"


def _place(resource: Resource) -> str:
    provider = resource.get("serviceProvider", {})
    place = first(resource, ("location.location.display",))
    return str(provider.get("display") or place or "a place without a name")


def _text(path: str) -> Callable[[Resource], str]:
    return lambda resource: str(first(resource, (path,)) or "not stated")


def _day(*paths: str) -> Callable[[Resource], str]:
    return lambda resource: date_words(str(first(resource, paths) or ""), UTC) or "no date stated"


_FILL: Mapping[str, Callable[[Resource], str]] = {
    "name": name_of,
    "value": value_of,
    "status": status_of,
    "birthdate": _day("birthDate"),
    "gender": _text("gender"),
    "died": _died,
    "language": _language,
    "phone": _phone,
    "place": _place,
    "start": _day("period.start"),
    "end": _day("period.end"),
    "day": _day(*_DATES),
}
HOLES = frozenset(_FILL)
"""What the words of a side may name."""
