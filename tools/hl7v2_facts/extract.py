"""Facts of FHIR resources: every leaf with the place it stands at, as far as two converters can agree on it.

A fact is a place (`Observation.value`) and what stands there as a set of tokens of which one is enough: a coding counts
by its code or its display, a reference by what names its target, a date to the precision that both have. Systems, ids,
narrative and the order of lists say nothing here. Choice elements are one place (`valueString` is `value`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Json = dict[str, Any]
_CHOICES = re.compile(
    r"^(value|effective|onset|performed|occurrence|occurred|deceased|multipleBirth|medication|serviced|timing|rate|"
    r"collected|fastingStatus|product|abatement|dose|asNeeded|author|reported|start|defaultValue)"
    r"(?=[A-Z][a-zA-Z]+$)(?!Status|Reason|Administration|Request|Number|Quantity$)"
)
_SILENT = frozenset({"resourceType", "id", "div", "fullUrl", "system", "version", "userSelected", "lastUpdated"})
_DATE = re.compile(r"^\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?)?)?$")
_NUMBER = re.compile(r"^-?\d+(\.\d+)?$")


@dataclass(frozen=True, slots=True)
class Fact:
    """Something said at a place. `kind`: code, date, number, text or reference."""

    place: str
    kind: str
    tokens: frozenset[str]

    def __str__(self) -> str:
        return f"{self.place} = {' / '.join(sorted(self.tokens))}"

    def found_in(self, other: "Fact") -> bool:
        """True when the other says the same at the same place."""
        if self.kind == "date" and other.kind == "date":
            return any(_same_time(one, two) for one in self.tokens for two in other.tokens)
        return bool(self.tokens & other.tokens)


@dataclass(frozen=True, slots=True)
class Told:
    """One resource as its facts."""

    resource_type: str
    facts: frozenset[Fact]
    by_place: Mapping[str, tuple[Fact, ...]] = field(default_factory=dict)


def extract(resources: Sequence[Json]) -> list[Told]:
    """The facts of each resource, contained ones too; resources that say the same are told once."""
    every = [*resources, *(one for resource in resources for one in resource.get("contained", ()))]
    by_reference = {f"{one['resourceType']}/{one.get('id')}": one for one in every}
    by_reference |= {f"#{one.get('id')}": one for resource in resources for one in resource.get("contained", ())}
    told = {}
    for resource in every:
        facts = frozenset(_walk(resource["resourceType"], resource, by_reference))
        places: dict[str, list[Fact]] = {}
        for fact in facts:
            places.setdefault(fact.place, []).append(fact)
        told[(resource["resourceType"], facts)] = Told(
            resource_type=resource["resourceType"],
            facts=facts,
            by_place={place: tuple(some) for place, some in places.items()},
        )
    return list(told.values())


def _walk(place: str, value: Any, known: Mapping[str, Json]) -> Iterator[Fact]:
    if isinstance(value, dict):
        yield from _of_object(place, value, known)
    elif isinstance(value, list):
        for one in value:
            yield from _walk(place, one, known)
    else:
        yield _leaf(place, value)


def _of_object(place: str, value: Json, known: Mapping[str, Json]) -> Iterator[Fact]:
    if "reference" in value:
        yield _reference(place, value, known)
        return
    if "code" in value and isinstance(value["code"], str) and ("system" in value or "display" in value):
        yield Fact(place, "code", _tokens(value.get("code"), value.get("display")))
        value = {key: part for key, part in value.items() if key not in ("code", "display")}
    for key, part in value.items():
        if key in _SILENT or key.startswith("_") or key == "contained":
            continue
        if key == "extension" or key == "modifierExtension":
            for one in part:
                yield from _walk(f"{place}.extension({_tail(one.get('url', ''))})", _unnamed(one), known)
        elif key in ("coding", "text") and _is_concept(value):
            yield from _walk(place, part, known)
        else:
            yield from _walk(f"{place}.{_CHOICES.sub(_first, key) if _CHOICES.match(key) else key}", part, known)


def _first(found: re.Match[str]) -> str:
    return f"{found.group(1)}\x00"


def _unnamed(extension: Json) -> Json:
    return {key: part for key, part in extension.items() if key != "url"}


def _tail(url: str) -> str:
    return url


def _is_concept(value: Json) -> bool:
    return set(value) <= {"coding", "text", "extension", "id"}


def _leaf(place: str, value: Any) -> Fact:
    text = _plain(value)
    if _DATE.match(str(value)) and len(str(value)) > 4:
        return Fact(_cut(place), "date", frozenset({str(value)}))
    kind = "number" if _NUMBER.match(text) else "text"
    return Fact(_cut(place), kind, frozenset({text}))


def _cut(place: str) -> str:
    """A choice element and what follows its type are one place."""
    return re.sub(r"\x00[A-Za-z]*", "", place)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = " ".join(str(value).split()).casefold()
    if _NUMBER.match(text):
        text = text.rstrip("0").rstrip(".") if "." in text else text
    return text


def _tokens(*values: Any) -> frozenset[str]:
    return frozenset(_plain(value) for value in values if value not in (None, ""))


def _reference(place: str, value: Json, known: Mapping[str, Json]) -> Fact:
    target = known.get(value["reference"])
    kind, names = _named(target, known) if target else (value["reference"].partition("/")[0], frozenset[str]())
    return Fact(_cut(place), "reference", frozenset(f"{kind} {name}" for name in names) or frozenset({kind}))


def _named(resource: Json, known: Mapping[str, Json], depth: int = 0) -> tuple[str, frozenset[str]]:
    """What names a resource to a reader: its numbers, names and codes; a role is the person who has it."""
    kind = resource["resourceType"]
    if kind == "PractitionerRole" and depth < 2:
        for part in ("practitioner", "organization"):
            target = known.get(resource.get(part, {}).get("reference", ""))
            if target:
                return _named(target, known, depth + 1)
    if kind == "Patient":
        return kind, frozenset({"the patient"})
    names = {_plain(one.get("value")) for one in _list(resource.get("identifier")) if one.get("value")}
    for name in _list(resource.get("name")):
        names |= {_plain(name)} if isinstance(name, str) else _tokens(name.get("family"), *name.get("given", ())[:1])
    for coding in _list((resource.get("code") or {}) if isinstance(resource.get("code"), dict) else None):
        names |= {_plain(one.get("code")) for one in coding.get("coding", ()) if one.get("code")}
    return kind, frozenset(names)


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _same_time(one: str, two: str) -> bool:
    """Equal as far as both are told: the same clock reading, or the same instant where both name an offset."""
    shared = min(len(_clock(one)), len(_clock(two)), 16)
    if _clock(one)[:shared] == _clock(two)[:shared]:
        return True
    first, second = _instant(one), _instant(two)
    if first and second:
        return abs((first - second).total_seconds()) < 60
    return False


def _clock(text: str) -> str:
    return re.sub(r"(Z|[+-]\d{2}:\d{2})$", "", text) if "T" in text else text


def _instant(text: str) -> datetime | None:
    if "T" not in text or not re.search(r"(Z|[+-]\d{2}:\d{2})$", text):
        return None
    try:
        return datetime.fromisoformat(re.sub(r"\.\d+", "", text).replace("Z", "+00:00"))
    except ValueError:
        return None
