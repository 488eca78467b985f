"""`content/results` as values. `tables_of(documents)` keeps what it read, so that reading a fact costs no parsing."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

from careloop.loops.rules.calendar import Span
from careloop.loops.rules.nodules import NoduleTable, read_nodules
from careloop.loops.rules.result_values import Unit

Document = Mapping[str, Any]
LOINC = "http://loinc.org"


@dataclass(frozen=True, kw_only=True)
class AgeGroup:
    """From and below in days or years of age; an open end is None."""

    id: str
    from_days: int | None = None
    below_days: int | None = None
    from_years: int | None = None
    below_years: int | None = None
    mark: str = ""


@dataclass(frozen=True, kw_only=True)
class CriticalRow:
    """Limits of one test for one age. Strict: below `below`, above `above`."""

    id: str
    test: str
    codes: frozenset[str]
    age: AgeGroup
    tier: str
    minutes: int
    unit: Unit | None = None
    below: Decimal | None = None
    above: Decimal | None = None
    above_range: bool = False
    new: bool = False
    positive: bool = False


@dataclass(frozen=True, kw_only=True)
class Page:
    """RC-05: who is paged after this share of the time."""

    share: int
    who: str
    says: str


@dataclass(frozen=True, kw_only=True)
class CriticalTable:
    """The list of critical values with what belongs to it."""

    rows: Mapping[str, tuple[CriticalRow, ...]]
    tiers: Mapping[str, int]
    units: Mapping[str, str]
    words: Mapping[str, tuple[str, ...]]
    negative: frozenset[str]
    positive: frozenset[str]
    repeat_hours: int
    worse: Decimal
    pages: tuple[Page, ...]


@dataclass(frozen=True, kw_only=True)
class Clocks:
    """The spans of a group of tests (RE-06)."""

    collect: Span
    result: Span | None
    review: Mapping[str, Span]
    tell: Mapping[str, Span]


@dataclass(frozen=True, kw_only=True)
class Group:
    """A group of tests: how one is known, and its clocks."""

    id: str
    says: str
    clocks: Clocks
    codes: frozenset[str]
    categories: frozenset[str]
    words: tuple[str, ...]
    priority: frozenset[str]
    otherwise: bool


@dataclass(frozen=True, kw_only=True)
class WindowTable:
    """All groups, queues and who hears of what nobody read."""

    groups: tuple[Group, ...]
    pending: Clocks
    queues: Mapping[str, str]
    says: Mapping[str, str]
    escalation: tuple[tuple[int, tuple[str, ...]], ...]
    match_hours: int
    categories: frozenset[str]
    systems: frozenset[str]
    not_tests: frozenset[str]
    not_results: frozenset[str]
    result_categories: frozenset[str]

    def group(self, name: str) -> Group:
        """The group with this id."""
        return next(group for group in self.groups if group.id == name)


@dataclass(frozen=True, kw_only=True)
class When:
    """One way in which a finding shows; everything that is given must hold."""

    codes: frozenset[str]
    group: str | None
    value: str | None
    low: Decimal | None
    below: Decimal | None
    unit: Unit | None
    scale: str | None
    categories: frozenset[str]
    words: tuple[str, ...]
    and_words: tuple[str, ...]
    value_codes: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class FollowUpRow:
    """A finding and the further step that it needs; without `needs` it opens nothing (BI-RADS 6)."""

    id: str
    trigger: str
    says: str
    when: tuple[When, ...]
    needs: str | None
    target_days: int | None
    limit_days: int | None
    mark: str
    by_clinician: bool = False
    """The patient hears of it from a clinician, never by portal alone."""


@dataclass(frozen=True, kw_only=True)
class FollowUpKind:
    """What counts as a follow-up. `categories` of a scale: imaging counts only with one of them; `others` count too."""

    id: str
    says: str
    codes: frozenset[str]
    scale: str | None
    categories: frozenset[str]
    others: frozenset[str]
    encounters: bool
    has_result: bool


@dataclass(frozen=True, kw_only=True)
class FollowUpTable:
    """Findings that need a further step, and what counts as one. `rads`: code to scale and category."""

    rows: tuple[FollowUpRow, ...]
    kinds: Mapping[str, FollowUpKind]
    rads: Mapping[str, tuple[str, str]]
    tries: int
    decide_days: int

    @cached_property
    def by_code(self) -> Mapping[str, tuple[FollowUpRow, ...]]:
        """Rows that can be met by the code of a test, by that code."""
        found: dict[str, list[FollowUpRow]] = {}
        for row in self.rows:
            for code in frozenset[str]().union(*(when.codes for when in row.when)):
                found.setdefault(code, []).append(row)
        return {code: tuple(rows) for code, rows in found.items()}

    @cached_property
    def by_words(self) -> tuple[FollowUpRow, ...]:
        """Rows that can be met by what a result says, whatever its code."""
        return tuple(row for row in self.rows if any(not when.codes for when in row.when))


@dataclass(frozen=True, kw_only=True)
class ResultTables:
    """All of `content/results`."""

    critical: CriticalTable
    windows: WindowTable
    follow_ups: FollowUpTable
    nodules: NoduleTable


_CACHE: dict[int, tuple[object, ResultTables]] = {}


def tables_of(documents: Mapping[str, Any]) -> ResultTables:
    """The documents of `content/results` by name, as values; parsed once for each set of documents."""
    key = documents["critical-values"]
    known = _CACHE.get(id(key))
    if known is None or known[0] is not key:
        known = key, parse_tables(documents)
        _CACHE.clear()
        _CACHE[id(key)] = known
    return known[1]


def parse_tables(documents: Mapping[str, Document]) -> ResultTables:
    """The documents of `content/results`, which the schema accepts, as values."""
    return ResultTables(
        critical=_critical(documents["critical-values"]),
        windows=_windows(documents["windows"]),
        follow_ups=_follow_ups(documents["abnormal-followup"]),
        nodules=read_nodules(documents["fleischner"]),
    )


def _critical(document: Document) -> CriticalTable:
    ages = {one["id"]: AgeGroup(**one) for one in document["age_groups"]}
    rows: dict[str, list[CriticalRow]] = {}
    for item in document["rows"]:
        row = _critical_row(item, ages)
        for code in row.codes:
            rows.setdefault(code, []).append(row)
    return CriticalTable(
        rows={code: tuple(found) for code, found in rows.items()},
        tiers={one["id"]: one["minutes"] for one in document["tiers"]},
        units=document["units"],
        words={name: tuple(words) for name, words in document["words"].items()},
        negative=frozenset(document["codes"]["negative"]),
        positive=frozenset(document["codes"]["positive"]),
        repeat_hours=document["repeat"]["within_hours"],
        worse=Decimal(document["repeat"]["worse_by_percent"]) / 100,
        pages=tuple(Page(share=one["share"], who=one["who"], says=one["says"]) for one in document["pages"]),
    )


def _critical_row(item: Document, ages: Mapping[str, AgeGroup]) -> CriticalRow:
    return CriticalRow(
        id=item["id"],
        test=item["test"],
        codes=frozenset(f"{LOINC}|{code}" for code in (item["loinc"], *item.get("also", ()))),
        age=ages[item["age_group"]],
        tier=item["tier"],
        minutes=item["minutes"],
        unit=_unit(item),
        below=_number(item.get("below")),
        above=_number(item.get("above")),
        **{name: item[name] for name in ("above_range", "new", "positive") if name in item},
    )


def _unit(item: Document) -> Unit | None:
    if "unit" not in item:
        return None
    return Unit(code=item["unit"], molar_mass=_number(item.get("molar_mass")), valence=item.get("valence"))


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _windows(document: Document) -> WindowTable:
    return WindowTable(
        groups=tuple(_group(one) for one in document["groups"]),
        pending=_clocks(document["pending_at_discharge"]),
        queues={one["step"]: one["id"] for one in document["queues"]},
        says={one["id"]: one["says"] for one in document["queues"]},
        escalation=tuple((one["business_days"], tuple(one["to"])) for one in document["escalation"]),
        match_hours=document["match"]["within_hours"],
        categories=frozenset(document["tests"]["categories"]),
        systems=frozenset(document["tests"]["systems"]),
        not_tests=frozenset(document["tests"]["not_tests"]),
        not_results=frozenset(document["tests"]["not_results"]),
        result_categories=frozenset(document["tests"]["result_categories"]),
    )


def _group(item: Document) -> Group:
    return Group(
        id=item["id"],
        says=item["says"],
        clocks=_clocks(item),
        codes=frozenset(item.get("codes", ())),
        categories=frozenset(item.get("categories", ())),
        words=tuple(item.get("words", ())),
        priority=frozenset(item.get("priority", ())),
        otherwise=item.get("otherwise", False),
    )


def _clocks(item: Document) -> Clocks:
    result = item["collected_to_result_days"]
    review, tell = item["result_to_review_business_days"], item["review_to_patient_notified_days"]
    return Clocks(
        collect=span_of(item["ordered_to_collected_days"], "days"),
        result=None if result == "as_test" else span_of(result, "days"),
        review={name: span_of(value, "business-days") for name, value in review.items()},
        tell={name: span_of(value, "days") for name, value in tell.items()},
    )


def span_of(amount: float, unit: str) -> Span:
    """Whole days as they are; a fraction of a day, or of a business day, as that part of 24 hours in whole minutes."""
    exact = Fraction(str(amount))
    if exact.denominator == 1:
        return Span(amount=int(exact), unit=unit)
    return Span(amount=int(exact * 24 * 60), unit="minutes")


def _follow_ups(document: Document) -> FollowUpTable:
    return FollowUpTable(
        rows=tuple(_follow_up_row(row) for row in document["rows"]),
        kinds={one["id"]: _kind(one) for one in document["follow_ups"]},
        rads={code: (one["scale"], one["category"]) for one in document["rads"] for code in one["codes"]},
        tries=document["outreach"]["tries"],
        decide_days=document["decide"]["limit_days"],
    )


def _follow_up_row(item: Document) -> FollowUpRow:
    return FollowUpRow(
        id=item["id"],
        trigger=item["trigger"],
        says=item["required_follow_up"],
        when=tuple(_when(one) for one in item["when"]),
        needs=item.get("needs"),
        target_days=item.get("target_days"),
        limit_days=item.get("limit_days"),
        mark=item["mark"],
        by_clinician=item.get("told_by") == "clinician",
    )


def _when(item: Document) -> When:
    rads: Mapping[str, Any] = item.get("rads", {})
    return When(
        codes=frozenset(item.get("codes", ())),
        group=item.get("group"),
        value=item.get("value"),
        low=_number(item.get("from")),
        below=_number(item.get("below")),
        unit=_unit(item),
        scale=rads.get("scale"),
        categories=frozenset(rads.get("categories", ())),
        words=tuple(item.get("words", ())),
        and_words=tuple(item.get("and_words", ())),
        value_codes=frozenset(item.get("value_codes", ())),
    )


def _kind(item: Document) -> FollowUpKind:
    rads: Mapping[str, Any] = item.get("rads", {})
    return FollowUpKind(
        id=item["id"],
        says=item["says"],
        codes=frozenset(item["codes"]),
        scale=rads.get("scale"),
        categories=frozenset(rads.get("categories", ())),
        others=frozenset(item.get("or", ())),
        encounters=item.get("encounters", False),
        has_result=item.get("result", True),
    )
