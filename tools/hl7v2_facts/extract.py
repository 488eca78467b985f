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
    r"collected|fastingStatus|product|abatement|item(?=Codeable|Reference)|dose|asNeeded|author|reported|start|defaultValue)"
    r"(?=[A-Z][a-zA-Z]+$)(?!Status|Reason|Administration|Request|Number|Quantity$)"
)
_IN_WORDS = (".line", ".given", ".suffix", ".prefix", ".family")
"""Lists of words that one converter splits and another does not: `1000 Hospital Lane` holds `Hospital Lane`."""
_SILENT = frozenset({"resourceType", "id", "div", "fullUrl", "system", "version", "userSelected", "lastUpdated"})
_CODING = frozenset({"system", "code", "display", "version", "userSelected", "extension", "id"})
_DATE = re.compile(r"^\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?)?)?$")
_NUMBER = re.compile(r"^-?\d+(\.\d+)?$")


@dataclass(frozen=True, slots=True)
class Fact:
    """Something said at a place. `kind`: code, date, number, text or reference."""

    place: str
    kind: str
    tokens: frozenset[str]
    system: str = field(default="", compare=False)
    """Of a code."""

    def __str__(self) -> str:
        return f"{self.place} = {' / '.join(sorted(self.tokens))}"

    def found_in(self, other: "Fact") -> bool:
        """True when the other says the same at the same place."""
        if self.kind == "words":
            return other.kind == "joined" and any(
                f" {one} " in f" {two} " for one in self.tokens for two in other.tokens
            )
        if self.kind == "date" and other.kind == "date":
            return any(_same_time(one, two) for one in self.tokens for two in other.tokens)
        if self.kind == "reference" and other.kind == "code":
            return bool({token.partition(" ")[2] for token in self.tokens} & other.tokens)
        return bool(self.tokens & other.tokens)


@dataclass(frozen=True, slots=True)
class Told:
    """One resource as its facts."""

    resource_type: str
    facts: frozenset[Fact]
    by_place: Mapping[str, tuple[Fact, ...]] = field(default_factory=dict)


def extract(resources: Sequence[Json], *, numbered: bool = False) -> list[Told]:
    """The facts of each resource, contained ones too; resources that say the same are told once. `numbered`: a resource
    that is known only by the number in a reference counts as one that has this number and says no more."""
    every = [*resources, *(one for resource in resources for one in resource.get("contained", ()))]
    by_reference = {f"{one['resourceType']}/{one.get('id')}": one for one in every}
    by_reference |= {f"#{one.get('id')}": one for resource in resources for one in resource.get("contained", ())}
    authorities = _authorities(every) | _mere_roles(every)
    told = {}
    for resource in every:
        if f"{resource['resourceType']}/{resource.get('id')}" in authorities:
            continue
        walked = _walk(resource["resourceType"], resource, by_reference)
        facts = frozenset(Fact(_cut(fact.place), fact.kind, fact.tokens, fact.system) for fact in walked)
        places: dict[str, list[Fact]] = {}
        for fact in facts:
            places.setdefault(fact.place, []).append(fact)
        told[(resource["resourceType"], facts)] = Told(
            resource_type=resource["resourceType"],
            facts=facts,
            by_place={place: tuple(some) for place, some in places.items()},
        )
    return [*told.values(), *_named_only(every), *(_numbered_only(every) if numbered else ())]


def _numbered_only(resources: Sequence[Json]) -> list[Told]:
    """What references by identifier name: the target's type and number."""
    found: dict[tuple[str, str], Told] = {}

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            number = value.get("identifier")
            if isinstance(number, dict) and "type" in value and set(value) <= {"identifier", "type", "display"}:
                kind = str(value["type"])
                facts = frozenset(_walk(kind, {"identifier": [number]}, {}))
                places = {fact.place: (fact,) for fact in facts}
                found[kind, str(number.get("value"))] = Told(resource_type=kind, facts=facts, by_place=places)
            for part in value.values():
                walk(part)
        elif isinstance(value, list):
            for one in value:
                walk(one)

    for resource in resources:
        walk(resource)
    return list(found.values())


def _named_only(resources: Sequence[Json]) -> list[Told]:
    """People who are known by name alone: with us a reference that has words and no target."""
    found: dict[str, Told] = {}

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if "display" in value and set(value) <= {"display", "type"}:
                words = _words(value["display"])
                places = ("family", "given", "prefix", "suffix")
                facts = {
                    f"Practitioner.name.{one}": Fact(f"Practitioner.name.{one}", "joined", frozenset({words}))
                    for one in places
                }
                by_place = {place: (fact,) for place, fact in facts.items()}
                found[words] = Told(resource_type="Practitioner", facts=frozenset(facts.values()), by_place=by_place)
            for part in value.values():
                walk(part)
        elif isinstance(value, list):
            for one in value:
                walk(one)

    for resource in resources:
        walk(resource)
    return list(found.values())


def _authorities(resources: Sequence[Json]) -> frozenset[str]:
    """Organizations that are nothing but the assigner of an identifier: an authority, which the system stands for."""
    assigners: set[str] = set()
    others: set[str] = set()

    def walk(value: Any, key: str) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("reference"), str):
                (assigners if key == "assigner" else others).add(value["reference"])
            for name, part in value.items():
                walk(part, name)
        elif isinstance(value, list):
            for one in value:
                walk(one, key)

    for resource in resources:
        walk(resource, "")
    return frozenset(one for one in assigners - others if one.startswith("Organization/"))


def _mere_roles(resources: Sequence[Json]) -> frozenset[str]:
    """Roles that say only which person: a reference to one is read as a reference to the person."""
    silent = {"resourceType", "id", "code", "practitioner", "meta", "extension"}
    roles = (one for one in resources if one["resourceType"] == "PractitionerRole" and set(one) <= silent)
    return frozenset(f"PractitionerRole/{one.get('id')}" for one in roles)


def _walk(place: str, value: Any, known: Mapping[str, Json]) -> Iterator[Fact]:
    if isinstance(value, dict):
        yield from _of_object(place, value, known)
    elif isinstance(value, list | str) and place.endswith(_IN_WORDS):
        value = value if isinstance(value, list) else [value]
        for one in value:
            yield Fact(place, "words", frozenset({_words(one)}))
        yield Fact(place, "joined", frozenset({_words(" ".join(map(str, value)))}))
    elif isinstance(value, list):
        for one in value:
            yield from _walk(place, one, known)
    else:
        yield _leaf(place, value)


def _of_object(place: str, value: Json, known: Mapping[str, Json]) -> Iterator[Fact]:
    if "reference" in value:
        yield _reference(place, value, known)
        return
    if isinstance(value.get("identifier"), dict) and set(value) <= {"identifier", "type", "display"}:
        number = _number(value["identifier"].get("value", ""))
        yield Fact(_cut(place), "reference", frozenset({f"{value.get('type', '')} {number}".strip()}))
    if "display" in value and set(value) <= {"display", "type"}:
        words = _words(value["display"]).split()
        yield Fact(
            place,
            "reference",
            frozenset(f"{kind} {word}" for word in words for kind in ("Practitioner", "Organization")),
        )
    if "code" in value and isinstance(value["code"], str) and set(value) <= _CODING:
        yield Fact(place, "code", _tokens(value.get("code"), value.get("display")))
        value = {key: part for key, part in value.items() if key not in ("code", "display")}
    if "value" in value and not isinstance(value["value"], str | dict) and ("unit" in value or "code" in value):
        yield Fact(f"{place}.unit", "text", _tokens(value.get("unit"), value.get("code")))
        value = {key: part for key, part in value.items() if key not in ("unit", "code")}
    for key, part in value.items():
        if key in _SILENT or key.startswith("_") or key == "contained":
            continue
        if key == "coding" and isinstance(part, list):
            yield from _codings(place, part, known)
        elif key == "extension" or key == "modifierExtension":
            for one in part:
                yield from _walk(f"{place}.extension({_tail(one.get('url', ''))})", _unnamed(one), known)
        elif key in ("coding", "text") and (_is_concept(value) or place.endswith(".referenceRange")):
            yield from _walk(place, part, known)
        else:
            yield from _walk(f"{place}.{_CHOICES.sub(_first, key) if _CHOICES.match(key) else key}", part, known)


def _codings(place: str, codings: Sequence[Json], known: Mapping[str, Json]) -> Iterator[Fact]:
    for one in codings:
        tokens = _tokens(one.get("code"), one.get("display"))
        if tokens:
            yield Fact(place, "code", tokens, str(one.get("system", "")))
        for extension in one.get("extension", ()):
            yield from _walk(f"{place}.extension({_tail(extension.get('url', ''))})", _unnamed(extension), known)


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
    if place.endswith(".telecom.value") and sum(sign.isdigit() for sign in text) >= 7 and "@" not in text:
        text = "".join(sign for sign in text if sign.isdigit())[-10:]
    if place.endswith(".identifier.value"):
        text = _number(text)
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


def _number(value: Any) -> str:
    """An identifier without the dashes and prefixes that only one of two converters writes."""
    return _plain(value).removeprefix("urn:oid:").removeprefix("urn:uuid:").replace("-", "")


def _words(text: Any) -> str:
    return " ".join(re.sub(r"[.,]", " ", str(text)).split()).casefold()


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
            told = resource.get(part, {})
            target = known.get(told.get("reference", ""))
            if target:
                return _named(target, known, depth + 1)
            if told.get("display"):
                return part.capitalize(), frozenset(_words(told["display"]).split())
    if kind == "Patient":
        return kind, frozenset({"the patient"})
    names = {_number(one["value"]) for one in _list(resource.get("identifier")) if one.get("value")}
    if kind == "Location" and depth < 6:
        holder = known.get(resource.get("partOf", {}).get("reference", ""))
        names |= _named(holder, known, depth + 1)[1] if holder else frozenset()
    for name in _list(resource.get("name")):
        names |= {_plain(name)} if isinstance(name, str) else _tokens(name.get("family"), *name.get("given", ())[:1])
    names |= {_plain(one) for one in _list(resource.get("alias")) if isinstance(one, str)}
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
