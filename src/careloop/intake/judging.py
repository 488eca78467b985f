"""Counts of what a sender fills, judged by the rules of `content/conformance`: findings in plain words. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from careloop.intake.counting import KindCounts, Place, Tally

FEWEST = 5
"""So many chances must have been seen before anything is said."""
_MOST_CODES_NAMED = 8
SEVERITIES = ("must", "should", "could")


@dataclass(frozen=True, kw_only=True)
class ConformanceRule:
    """One rule of content; `content/conformance/README.md` explains its words."""

    id: str
    title: str
    place: Place
    expect: str
    share: float
    severity: str
    why: str
    none: str
    some: str
    ask: str
    given: tuple[str, ...] = ()
    codes: str = ""
    needed_by: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one rule says of one sender. `met` of `total` is how often it was as it should be."""

    rule: ConformanceRule
    met: int
    total: int
    says: str
    unknown: tuple[tuple[str, int], ...] = ()
    """Codes that nobody knows, and how often each came."""

    @property
    def percent(self) -> int:
        """How much of it is as it should be, rounded down."""
        return 100 * self.met // self.total if self.total else 0


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """Everything that the rules say of one sender: what to ask for, what is good, what too few messages tell."""

    findings: tuple[Finding, ...]
    good: tuple[Finding, ...]
    untold: tuple[ConformanceRule, ...]


Known = Callable[[str, str], bool]
"""Whether a code (second) of a coded field (first) is known."""


def read_rules(document: Mapping[str, Any]) -> tuple[ConformanceRule, ...]:
    """The rules in a document of `content/conformance`."""
    return tuple(
        ConformanceRule(
            id=one["id"],
            title=one["title"],
            place=Place(
                addresses=tuple(one.get("fields", ())), kinds=tuple(one["messages"]),
                coded=one["expect"] == "known-code",
            ),
            expect=one["expect"],
            share=one.get("share", 1.0),
            severity=one["severity"],
            why=one["why"],
            none=one["none"],
            some=one.get("some", one["none"]),
            ask=one["ask"],
            given=tuple(one.get("given", ())),
            codes=one.get("codes", ""),
            needed_by=tuple(one.get("needed-by", ())),
        )
        for one in document["rules"]
    )  # fmt: skip


def places_of(rules: Iterable[ConformanceRule]) -> tuple[Place, ...]:
    """The places that must be counted for these rules, coded ones first: a place is counted once."""
    found = [rule.place for rule in rules if rule.place.addresses]
    merged: dict[str, Place] = {}
    for place in found:
        before = merged.get(place.key)
        kinds = tuple(dict.fromkeys([*(before.kinds if before else ()), *place.kinds]))
        coded = place.coded or (before is not None and before.coded)
        merged[place.key] = Place(addresses=place.addresses, kinds=kinds, coded=coded)
    return tuple(merged.values())


def judge(rules: Sequence[ConformanceRule], counts: Mapping[str, KindCounts], known: Known) -> Judgement:
    """What the rules say of these counts; the gravest first, in the order of the rules."""
    judged = [(rule, _judged(rule, counts, known)) for rule in rules]
    told = [(rule, finding) for rule, finding in judged if finding is not None]
    bad = [finding for rule, finding in told if finding.met < rule.share * finding.total]
    return Judgement(
        findings=tuple(sorted(bad, key=lambda one: SEVERITIES.index(one.rule.severity))),
        good=tuple(finding for _, finding in told if finding not in bad),
        untold=tuple(rule for rule, finding in judged if finding is None),
    )


def _judged(rule: ConformanceRule, counts: Mapping[str, KindCounts], known: Known) -> Finding | None:
    if rule.expect == "sent":
        return _sent(rule, counts)
    tallies = [
        tally
        for kind, one in counts.items()
        if rule.place.is_asked_of(kind) and (tally := one.places.get(rule.place.key)) is not None
    ]
    whole = _sum(tallies)
    total = whole.filled if rule.expect in ("known-code", "offset") and rule.codes != "loinc" else whole.total
    if total < FEWEST:
        return None
    unknown = _unknown(rule, whole.codes, known) if rule.expect == "known-code" else ()
    met = _met(rule, whole, sum(count for _, count in unknown))
    return Finding(rule=rule, met=met, total=total, says=_says(rule, met, total, unknown), unknown=unknown)


def _met(rule: ConformanceRule, whole: Tally, unknown: int) -> int:
    if rule.expect == "known-code":
        return whole.filled - unknown
    return {"filled": whole.filled, "time": whole.with_time, "offset": whole.with_offset}[rule.expect]


def _sent(rule: ConformanceRule, counts: Mapping[str, KindCounts]) -> Finding | None:
    given = Place(addresses=(), kinds=rule.given)
    chances = sum(one.messages for kind, one in counts.items() if given.is_asked_of(kind))
    if chances < FEWEST:
        return None
    came = sum(one.messages for kind, one in counts.items() if rule.place.is_asked_of(kind))
    met = chances if came else 0
    return Finding(rule=rule, met=met, total=chances, says=_says(rule, met, chances, ()))


def _sum(tallies: Iterable[Tally]) -> Tally:
    whole = Tally()
    for one in tallies:
        whole.total += one.total
        whole.filled += one.filled
        whole.with_time += one.with_time
        whole.with_offset += one.with_offset
        whole.codes.update(one.codes)
    return whole


def _unknown(rule: ConformanceRule, codes: Counter[str], known: Known) -> tuple[tuple[str, int], ...]:
    return tuple((code, count) for code, count in codes.most_common() if not known(rule.codes, code))


def _says(rule: ConformanceRule, met: int, total: int, unknown: Sequence[tuple[str, int]]) -> str:
    named = ", ".join(code for code, _ in unknown[:_MOST_CODES_NAMED])
    more = len(unknown) - _MOST_CODES_NAMED
    codes = f"{named} and {more} more" if more > 0 else named
    return (rule.some if met else rule.none).format(left=total - met, total=total, codes=codes)
