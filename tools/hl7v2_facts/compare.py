"""Two sets of resources compared: which expected facts ours hold, which they do not, which do not count and why."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tools.hl7v2_facts.extract import Fact, Told

_NAMES = (".name", ".identifier.value", ".name.family", ".code")


@dataclass(frozen=True, kw_only=True)
class Exclusion:
    """Facts that do not count: a pattern of places, where given of values, and the type and reason why."""

    place: re.Pattern[str]
    value: re.Pattern[str] | None
    message: re.Pattern[str] | None
    type: str
    reason: str
    without: tuple[str, ...] = ()
    """Only in messages that have nothing in any of these fields."""
    same_as: tuple[str, ...] = ()
    """Only facts whose words stand in one of these fields of the message."""
    system: re.Pattern[str] | None = None
    """Only codes of these systems."""
    absent: bool = False
    """Only facts that are not found and whose words stand nowhere in the message."""

    def holds(self, message: str, fact: Fact) -> bool:
        """True for a fact of this message that does not count."""
        return bool(
            self.place.fullmatch(fact.place)
            and (self.value is None or any(self.value.fullmatch(token) for token in fact.tokens))
            and (self.message is None or self.message.fullmatch(message))
            and (self.system is None or self.system.fullmatch(fact.system))
        )


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What the comparison takes as equal, and what it leaves out."""

    exclusions: tuple[Exclusion, ...]
    same_type: Mapping[str, tuple[str, ...]]
    same_place: Mapping[str, tuple[str, ...]]


@dataclass(kw_only=True)
class Result:
    """One message: what was found, what not, and what was excluded by which rule (with: was it found all the same)."""

    message: str
    found: list[Fact] = field(default_factory=list)
    missing: list[Fact] = field(default_factory=list)
    excluded: list[tuple[Exclusion, bool]] = field(default_factory=list)
    fault: str = ""

    @property
    def expected(self) -> int:
        """Facts that count."""
        return len(self.found) + len(self.missing)


def _fields(text: str) -> dict[str, list[str]]:
    """What every field that holds anything holds, anywhere in the message."""
    text = text.lstrip("\ufeff")
    found: dict[str, list[str]] = {}
    for line in re.split(r"[\r\n]+", text):
        fields = line.split(text[3:4] or "|")
        first = 1 if fields[0] == "MSH" else 0
        for place, value in enumerate(fields, start=first):
            if place > first and value:
                found.setdefault(f"{fields[0]}-{place}", []).append(value)
    return found


def _in_fields(fact: Fact, names: Sequence[str], fields: Mapping[str, Sequence[str]]) -> bool:
    """True when any of its words stands, by itself, in one of these fields."""
    parts = {_bare(part) for name in names for part in _parts(name, fields)}
    return bool({_bare(token) for token in fact.tokens} & parts)


def _parts(name: str, fields: Mapping[str, Sequence[str]]) -> list[str]:
    """The parts of a field (`PID-5`), or one component of it (`PID-5.15`)."""
    field_name, _, component = name.partition(".")
    repeated = [one for value in fields.get(field_name, ()) for one in value.split("~")]
    if component:
        found = [one.split("^")[int(component) - 1 : int(component)] for one in repeated]
        return [part for some in found for part in some if part]
    return [part for one in repeated for part in re.split(r"[\^&]", one) if part]


def _stands_in(fact: Fact, text: str) -> bool:
    """True when any of its words stand in the message; what is said in codes may always."""
    if fact.place.endswith(("status", "intent", "gender", "use")):
        return True
    if fact.kind == "code" and all(len(token) < 4 for token in fact.tokens):
        return True
    return any(_bare(token.partition(" ")[2] if fact.kind == "reference" else token) in text for token in fact.tokens)


def _bare(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.casefold())


def load_rules(document: Mapping[str, Any], suite: str) -> Rules:
    """The rules of `equivalents.yaml` and exclusions for one suite."""
    exclusions = tuple(
        Exclusion(
            place=re.compile(one["place"]),
            value=re.compile(one["value"]) if "value" in one else None,
            message=re.compile(one["message"]) if "message" in one else None,
            type=one["type"],
            reason=one["reason"],
            without=tuple(one.get("without", ())),
            absent=bool(one.get("absent")),
            same_as=tuple(one.get("same-as", ())),
            system=re.compile(one["system"]) if "system" in one else None,
        )
        for one in document["exclusions"]
        if suite in one["suites"]
    )
    equal = document.get("equivalents", ())
    return Rules(
        exclusions=exclusions,
        same_type={one["type"]: tuple(one["is-also"]) for one in equal if "type" in one},
        same_place={one["place"]: tuple(one["is-also"]) for one in equal if "place" in one},
    )


def compare(message: str, expected: Sequence[Told], ours: Sequence[Told], rules: Rules, text: str = "") -> Result:
    """Each expected resource against the one of ours that is most like it. `text` is the message itself."""
    bare, filled = _bare(text), _fields(text)
    result = Result(message=message)
    for one in expected:
        best = _best(one, ours, rules)
        named = one.by_place.get(f"{one.resource_type}.code", ())
        unnamed = bool(text) and bool(named) and not any(_stands_in(fact, bare) for fact in named)
        for fact in sorted(one.facts, key=str):
            if fact.kind == "joined":
                continue
            found = best is not None and _found(fact, one.resource_type, best, rules)
            absent = not found and bool(text) and (unnamed or not _stands_in(fact, bare))
            matching = (
                rule
                for rule in rules.exclusions
                if rule.holds(message, fact)
                and (absent or not rule.absent)
                and not any(one in filled for one in rule.without)
                and (not rule.same_as or _in_fields(fact, rule.same_as, filled))
            )
            excluded = next(matching, None)
            if excluded:
                result.excluded.append((excluded, found))
            else:
                (result.found if found else result.missing).append(fact)
    return result


def _best(one: Told, ours: Sequence[Told], rules: Rules) -> Told | None:
    types = (one.resource_type, *rules.same_type.get(one.resource_type, ()))
    candidates = [told for told in ours if told.resource_type in types]
    return max(candidates, key=lambda told: _likeness(one, told, rules), default=None)


def _likeness(one: Told, told: Told, rules: Rules) -> int:
    """How much one says of the other; what names it counts most."""
    return sum(
        (4 if fact.place.endswith(_NAMES) else 1) for fact in one.facts if _found(fact, one.resource_type, told, rules)
    )


def _found(fact: Fact, resource_type: str, told: Told, rules: Rules) -> bool:
    places = [fact.place, *rules.same_place.get(fact.place, ())]
    if told.resource_type != resource_type:
        places += [told.resource_type + fact.place.removeprefix(resource_type)]
    return any(fact.found_in(other) for place in places for other in told.by_place.get(place, ()))
