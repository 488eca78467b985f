"""Which facts of one person cannot both be right, by the rules of `content/contradictions`. Pure."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise, product

from careloop.fhir.ucum import canonical
from careloop.longitudinal.content import ContradictionRule, Folding, Part, SideRule
from careloop.longitudinal.model import Contradiction, Fact, Side
from careloop.longitudinal.rules.folding import identity_of, newest_first
from careloop.longitudinal.rules.holding import holds
from careloop.longitudinal.rules.keys import part_values
from careloop.longitudinal.rules.paths import first, instant_of, walk
from careloop.longitudinal.rules.saying import side_of

_INGREDIENT = Part(take="ingredient", paths=("medicationCodeableConcept", "code"))
_VALID = Part(take="code", paths=("verificationStatus",))
_MOST_PAIRS = 20_000
_FOREVER = timedelta(days=36_500)


def find(rules: Iterable[ContradictionRule], facts: Sequence[Fact], folding: Folding) -> list[Contradiction]:
    """Every contradiction once, in a fixed order, whatever the order of the facts. What was entered in error says
    nothing."""
    standing = [fact for fact in facts if not _is_void(fact)]
    finder = _Finder(folding)
    return [found for rule in rules for found in finder.find(rule, standing)]


def _is_void(fact: Fact) -> bool:
    if fact.resource.get("status") in ("entered-in-error", "cancelled", "unknown"):
        return True
    codes = walk(fact.resource, "verificationStatus.coding.code")
    return "entered-in-error" in codes or "refuted" in codes


class _Finder:
    """Keys of facts are worked out once, for all rules."""

    def __init__(self, folding: Folding) -> None:
        self._folding = folding
        self._keys: dict[tuple[str, str, int], frozenset[str]] = {}

    def find(self, rule: ContradictionRule, facts: Sequence[Fact]) -> list[Contradiction]:
        left = self._side(rule, rule.left, facts)
        right = left if rule.mirrored or not left else self._side(rule, rule.right, facts)
        if not left or not right or len(left) * len(right) > _MOST_PAIRS:
            return []
        groups: dict[str, list[tuple[Fact, Fact]]] = {}
        for one, other in _neighbours(left) if rule.jump_percent else product(left, right):
            if (rule.mirrored and _place(one) >= _place(other)) or _place(one) == _place(other):
                continue
            if (
                all(test(rule, one, other) for test in _TESTS)
                and (common := self._common(rule, one, other)) is not None
            ):
                groups.setdefault(_matter(rule, one, other, common), []).append((one, other))
        return [_told(rule, matter, groups[matter]) for matter in sorted(groups)]

    def _side(self, rule: ContradictionRule, side: SideRule, facts: Sequence[Fact]) -> list[Fact]:
        chosen = [one for one in facts if one.type in side.types and holds(side.where, one.resource)]
        chosen.sort(key=_place)
        return self._newest(chosen) if rule.newest_of_source else chosen

    def _newest(self, facts: Sequence[Fact]) -> list[Fact]:
        """Of each source the newest fact about a matter: what it said before, it has taken back itself."""
        kept: dict[tuple[str, str], Fact] = {}
        for fact in facts:
            key = (fact.sources[0].key, fact.type)
            rule = self._folding.rules.get(fact.type)
            if key not in kept or (rule and newest_first(fact, rule) > newest_first(kept[key], rule)):
                kept[key] = fact
        return sorted(kept.values(), key=_place)

    def _common(self, rule: ContradictionRule, one: Fact, other: Fact) -> str | None:
        """The key that both share; empty where the rule asks for none, None where they share none."""
        if rule.same is None:
            return ""
        shared = self._of(rule.same, one) & self._of(rule.same, other)
        return min(shared) if shared else None

    def _of(self, how: str, fact: Fact) -> frozenset[str]:
        place = (how, fact.reference, fact.version)
        if place not in self._keys:
            found = identity_of(fact, self._folding) if how == "matter" else self._ingredients(fact)
            self._keys[place] = found
        return self._keys[place]

    def _ingredients(self, fact: Fact) -> frozenset[str]:
        return part_values(fact.resource, _INGREDIENT, self._folding)


def _place(fact: Fact) -> tuple[str, int, str]:
    said = json.dumps(fact.resource, sort_keys=True, default=str) if fact.type == "Patient" else ""
    return (fact.reference, fact.version, said)


def _neighbours(facts: Sequence[Fact]) -> Iterable[tuple[Fact, Fact]]:
    """Each measurement and the next one in time."""
    dated = sorted(facts, key=lambda fact: (str(_instant(fact, _WHEN) or ""), fact.reference))
    for one, other in pairwise(dated):
        yield (one, other) if _place(one) < _place(other) else (other, one)


def _different(rule: ContradictionRule, one: Fact, other: Fact) -> bool:
    """Both say something, and nothing that both say is the same."""
    if rule.differs is None:
        return True
    said, told = (_values(rule.differs.evaluate(fact.resource)) for fact in (one, other))
    return bool(said and told) and not said & told


def _values(found: Sequence[object]) -> set[str]:
    return {json.dumps(one, sort_keys=True, default=str) for one in found}


def _other_source(rule: ContradictionRule, one: Fact, other: Fact) -> bool:
    """True where no source said both."""
    if not rule.other_source:
        return True
    return not {source.key for source in one.sources} & {source.key for source in other.sources}


def _later(rule: ContradictionRule, one: Fact, other: Fact) -> bool:
    if rule.later_hours is None:
        return True
    before, after = _instant(one, rule.left_time), _instant(other, rule.right_time)
    return before is not None and after is not None and after - before >= timedelta(hours=rule.later_hours)


def _overlap(rule: ContradictionRule, one: Fact, other: Fact) -> bool:
    if rule.overlap_hours is None:
        return True
    starts = [_instant(fact, ("period.start",)) for fact in (one, other)]
    if None in starts:
        return False
    begins = [start for start in starts if start is not None]
    ends = [_instant(fact, ("period.end",)) or begins[place] + _FOREVER for place, fact in enumerate((one, other))]
    return min(ends) - max(begins) >= timedelta(hours=rule.overlap_hours)


_WHEN = ("effectiveDateTime", "effectivePeriod.start", "issued")


def _jumps(rule: ContradictionRule, one: Fact, other: Fact) -> bool:
    """Two measurements, near in time, so far apart that one of them is a slip of the pen or of the unit."""
    if rule.jump_percent is None:
        return True
    times, amounts = [_instant(fact, _WHEN) for fact in (one, other)], [_amount(fact) for fact in (one, other)]
    if None in times or None in amounts:
        return False
    whens = [when for when in times if when is not None]
    (low, unit), (high, other_unit) = sorted(amount for amount in amounts if amount is not None)
    near = abs(whens[0] - whens[1]) <= timedelta(days=rule.jump_days or 0)
    return near and unit == other_unit and low > 0 and (high - low) * 100 > low * rule.jump_percent


def _amount(fact: Fact) -> tuple[Decimal, str] | None:
    quantity = fact.resource.get("valueQuantity", {})
    if "value" not in quantity:
        return None
    number, unit = Decimal(str(quantity["value"])), str(quantity.get("code") or quantity.get("unit", ""))
    return canonical(number, unit) or (number, unit)


def _instant(fact: Fact, paths: Sequence[str]) -> datetime | None:
    return instant_of(first(fact.resource, paths))


_TESTS: Sequence[Callable[[ContradictionRule, Fact, Fact], bool]] = (
    _other_source, _later, _overlap, _jumps, _different,
)  # fmt: skip


def _matter(rule: ContradictionRule, one: Fact, other: Fact, common: str) -> str:
    if rule.per == "patient":
        return ""
    return common if rule.per == "matter" else " ".join(sorted((one.reference, other.reference)))


def _told(rule: ContradictionRule, matter: str, pairs: Sequence[tuple[Fact, Fact]]) -> Contradiction:
    left = {_place(one): one for one, _ in pairs}
    right = {_place(other): other for _, other in pairs if _place(other) not in left}
    sides = (_sides(rule.left, left), _sides(rule.right, right))
    digest = hashlib.sha256()
    for place in sorted({**left, **right}):
        digest.update(_content({**left, **right}[place]))
    return Contradiction(
        rule=rule.id, matter=matter, left=sides[0], right=sides[1], fingerprint=digest.hexdigest()[:32], says=rule.title
    )


def _sides(rule: SideRule, facts: Mapping[tuple[str, int, str], Fact]) -> tuple[Side, ...]:
    return tuple(side_of(facts[place], rule.words) for place in sorted(facts))


def _content(fact: Fact) -> bytes:
    said = {name: value for name, value in fact.resource.items() if name not in ("meta", "text")}
    return json.dumps(said, sort_keys=True, default=str).encode()
