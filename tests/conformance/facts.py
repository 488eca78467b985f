"""Facts of two sets of FHIR resources compared: what one says (identity, codes, dates, values, statuses, references) is
looked for in the other. Strict: each expected resource is matched with at most one of ours of the same type, and a fact
counts only in that one, under the same element.

Shared by the conformance suites of HL7 v2 and C-CDA. A suite gives its `Dialect`: what the other converter writes under
another element or type (aliases), and what is left out, each with a type and a reason.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

Json = dict[str, Any]
Fact = tuple[str, str]
"""Element path without indexes and without the type of a choice (`value.value`), and the value as plain text."""

_CHOICES = (
    "onset", "effective", "value", "occurrence", "performed", "medication", "abatement", "multipleBirth", "deceased",
    "born", "age", "asNeeded", "timing", "rate", "dose", "serviced", "product", "item", "allowed", "scheduled",
    "reported", "content", "location", "defaultValue", "participantEffective", "start", "due", "target", "detail",
    "statusReason",
)  # fmt: skip
_TYPES = (
    "DateTime|Period|Quantity|CodeableConcept|String|Integer|Boolean|Range|Ratio|Age|Date|Timing|Instant|Coding|"
    "Reference|Attachment|Identifier|Code|Uri|Decimal|SampledData|Time"
)
_CHOICE = re.compile(rf"^({'|'.join(_CHOICES)})({_TYPES})$")
_SAID_IN_WORDS = frozenset(
    {"display", "text", "div", "title", "description", "comment", "alias", "data", "hash", "url", "contentType"}
)
_NOT_FACTS = frozenset({"id", "meta", "resourceType", "fullUrl", "contained", "implicitRules"})
_DATE = re.compile(r"^\d{4}(-\d\d(-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d)?)?)?)?$")


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How the other side writes things. `systems` makes systems comparable; `aliases` maps `Type.path` (or a prefix of
    it) to the path where the same fact stands with us; `left_out` are `Type.path` prefixes with the reason; `types`
    maps a type to the types that may hold its facts with us."""

    systems: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, Sequence[str]] = field(default_factory=dict)
    values: Mapping[tuple[str, str], Sequence[str]] = field(default_factory=dict)
    """For one path: another word for the same value, `(path, theirs) -> ours`."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A fact that was not found: the resource, the fact and what ours says under that path."""

    resource: str
    path: str
    expected: str
    ours: tuple[str, ...]


@dataclass(kw_only=True)
class Score:
    """What was found of one expected bundle."""

    name: str
    found: int = 0
    total: int = 0
    missing: list[Difference] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Found of total; 1 where nothing is expected."""
        return self.found / self.total if self.total else 1.0

    def lines(self) -> list[str]:
        """A report for people: the score, then each difference."""
        said = [f"{self.name}: {self.found} of {self.total} ({self.share:.1%})"]
        for one in self.missing:
            ours = ", ".join(one.ours) or "nothing"
            said.append(f"  {one.resource} {one.path}: expected {one.expected}, ours {ours}")
        return said


def resources_of(bundle: Json) -> list[Json]:
    """The resources of a bundle, contained ones too."""
    found = []
    for entry in bundle.get("entry", ()):
        resource = entry.get("resource")
        if resource:
            found.append(resource)
            found += resource.get("contained", ())
    return found


def score(name: str, expected: Iterable[Json], ours: Iterable[Json], dialect: Dialect) -> Score:
    """How many of the expected facts ours has."""
    wanted, given = list(expected), list(ours)
    own = [(_facts(one, dialect), one) for one in given]
    pairs = _match([(_facts(one, dialect), one) for one in wanted], own, dialect)
    partner = {_label(theirs): (_label(mine) if mine else "") for theirs, mine in pairs}
    result = Score(name=name)
    for theirs, mine in pairs:
        have = Counter(_facts(mine, dialect)) if mine else Counter()
        links = _references(mine, dialect) if mine else set()
        _compare(theirs, have, links, partner, dialect, result)
    return result


def _compare(
    theirs: Json, have: "Counter[Fact]", links: set[Fact], partner: Mapping[str, str], dialect: Dialect, result: Score
) -> None:
    label = _label(theirs)
    for path, value in _facts(theirs, dialect):
        result.total += 1
        accepted = [(path, value), *((path, one) for one in dialect.values.get((path, value), ()))]
        if any(_take(have, one) for one in accepted):
            result.found += 1
        else:
            under = tuple(text for name, text in have if name == path)[:4]
            result.missing.append(Difference(resource=label, path=path, expected=value, ours=under))
    for path, target in sorted(_references(theirs, dialect)):
        if target not in partner:
            continue
        result.total += 1
        if (path, partner[target]) in links and partner[target]:
            result.found += 1
        else:
            under = tuple(text for name, text in links if name == path)[:4]
            result.missing.append(Difference(resource=label, path=path, expected=target, ours=under))


def _take(have: "Counter[Fact]", wanted: Fact) -> bool:
    """True where ours has it: a coding without a system is found by its code."""
    if have[wanted]:
        return True
    path, value = wanted
    if not value.startswith("|"):
        return False
    return any(name == path and text.rpartition("|")[2] == value[1:] for name, text in have)


def _match(
    wanted: Sequence[tuple[list[Fact], Json]], own: Sequence[tuple[list[Fact], Json]], dialect: Dialect
) -> list[tuple[Json, Json | None]]:
    """Each expected resource with the one of ours that shares the most facts; none of ours is used twice."""
    found = []
    for place, (facts, theirs) in enumerate(wanted):
        accepted = {theirs["resourceType"], *dialect.types.get(theirs["resourceType"], ())}
        for number, (own_facts, mine) in enumerate(own):
            if mine["resourceType"] in accepted:
                shared = sum((Counter(facts) & Counter(own_facts)).values())
                found.append((shared, -place, -number))
    taken: dict[int, int] = {}
    used: set[int] = set()
    for shared, place, number in sorted(found, reverse=True):
        if -place not in taken and -number not in used and (shared or _is_alone(wanted, own, -place, -number)):
            taken[-place] = -number
            used.add(-number)
    return [(theirs, own[taken[place]][1] if place in taken else None) for place, (_, theirs) in enumerate(wanted)]


def _is_alone(
    wanted: Sequence[tuple[list[Fact], Json]], own: Sequence[tuple[list[Fact], Json]], place: int, number: int
) -> bool:
    """A resource without facts in common may be matched only where it is the single one of its type on both sides."""
    kind = wanted[place][1]["resourceType"]
    return sum(one["resourceType"] == kind for _, one in wanted) == 1 == sum(
        one["resourceType"] == kind for _, one in own
    )  # fmt: skip


def _label(resource: Json) -> str:
    return f"{resource['resourceType']}/{resource.get('id', '')}"


def _facts(resource: Json, dialect: Dialect) -> list[Fact]:
    kind = resource["resourceType"]
    found: dict[Fact, None] = {}
    for path, value in _leaves(resource, ""):
        place = _aliased(f"{kind}.{path}", dialect)
        if place is not None:
            found[(place, _plain(path, value, dialect))] = None
    return list(found)


def _aliased(place: str, dialect: Dialect) -> str | None:
    """Where this fact stands with us; None where it is left out."""
    if any(place == one or place.startswith(f"{one}.") for one in dialect.left_out):
        return None
    for theirs, ours in dialect.aliases.items():
        if place == theirs or place.startswith(f"{theirs}."):
            place = ours + place.removeprefix(theirs)
            break
    return place.partition(".")[2]


def _leaves(value: Any, path: str) -> Iterable[tuple[str, Any]]:
    if isinstance(value, list):
        for one in value:
            yield from _leaves(one, path)
    elif isinstance(value, dict):
        yield from _of_object(value, path)
    elif value not in ("", None):
        yield path, value


def _of_object(value: Json, path: str) -> Iterable[tuple[str, Any]]:
    if "reference" in value and isinstance(value["reference"], str):
        return
    if path.endswith(("coding", "valueCoding", "Coding", "meta.security")) or (set(value) == {"system", "code"}):
        if value.get("code"):
            yield path, ("coding", value.get("system", ""), value["code"])
        return
    if "system" in value and "value" in value and isinstance(value["value"], str):
        yield path, ("pair", value["system"], value["value"])
        return
    for name, inner in value.items():
        if name in _NOT_FACTS and not path:
            continue
        if name in _SAID_IN_WORDS or name.startswith("_"):
            continue
        yield from _leaves(inner, _joined(path, name, value))


def _joined(path: str, name: str, holder: Json) -> str:
    """The path one step further. Extensions are told apart by their url; a period's start is the moment itself."""
    if name in ("extension", "modifierExtension"):
        return f"{path}.{name}" if path else name
    if path.endswith(("extension", "modifierExtension")) and "url" in holder:
        tail = str(holder["url"]).rpartition("/")[2]
        return f"{path}({tail}).{_bare(name)}"
    if name == "start" and path and not path.endswith("period"):
        return path
    return f"{path}.{_bare(name)}" if path else _bare(name)


def _bare(name: str) -> str:
    match = _CHOICE.match(name)
    return match[1] if match else name


def _plain(path: str, value: Any, dialect: Dialect) -> str:
    if isinstance(value, tuple):
        kind, system, text = value
        system = dialect.systems.get(system, system)
        if kind == "pair" and system in ("phone", "fax", "sms", "pager"):
            return "phone|" + re.sub(r"\D", "", text).removeprefix("1")
        return f"{system}|{_bare_uri(text)}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | Decimal):
        return _number(value)
    text = str(value).strip()
    if path.endswith("system"):
        return dialect.systems.get(text, text)
    return _moment(text) if _DATE.match(text) else text


def _bare_uri(text: str) -> str:
    return text.strip().removeprefix("urn:uuid:").removeprefix("urn:oid:").lower() if "urn:" in text else text.strip()


def _number(value: Any) -> str:
    try:
        return f"{Decimal(str(value)).normalize():f}"
    except InvalidOperation:
        return str(value)


def _moment(text: str) -> str:
    """A date with its precision; an instant with a zone in UTC."""
    if "T" not in text:
        return text
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return moment.astimezone(UTC).isoformat() if moment.tzinfo else text


def _references(resource: Json, dialect: Dialect) -> set[Fact]:
    found: set[Fact] = set()

    def walk(value: Any, path: str) -> None:
        if isinstance(value, list):
            for one in value:
                walk(one, path)
        elif isinstance(value, dict):
            target = value.get("reference")
            if isinstance(target, str):
                place = _aliased(f"{resource['resourceType']}.{path}", dialect)
                if place is not None:
                    found.add((place, target))
            for name, inner in value.items():
                walk(inner, f"{path}.{_bare(name)}" if path else _bare(name))

    walk(resource, "")
    return found
