"""Critical results (results.md section 2): which values are, until when somebody must know, who is paged, what repeats.

What cannot be compared with a limit is treated as critical and says why (RC-03): a missed page is worse than a needless
one. A value of an age that no row covers is not evaluated (RC-07). The laboratory's own word for critical counts too.
Clocks are elapsed minutes: a closed clinic never stops them (RC-06).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from careloop.loops.rules.result_tables import AgeGroup, CriticalRow, CriticalTable
from careloop.loops.rules.result_values import (
    CRITICAL_FLAGS,
    HIGH_FLAGS,
    LOW_FLAGS,
    NORMAL_FLAGS,
    POSITIVE_FLAGS,
    Measured,
    clauses,
    codes_in,
    flags_of,
    has_phrase,
    in_unit,
    measured,
    range_of,
)

Resource = Mapping[str, Any]


class Verdict(StrEnum):
    """What the table says of a value."""

    CRITICAL = "critical"
    CANNOT_DECIDE = "cannot-decide"
    NOT_CRITICAL = "not-critical"
    NO_RANGE_FOR_AGE = "no-range-for-age"
    NO_ROW = "no-row"


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The verdict on one value. `flag` says what is special: `comparator`, `unit`, `text`, `range`, `age`,
    `laboratory`. `value` is in the unit of the row. `direction` is `low`, `high` or `positive`."""

    verdict: Verdict
    row: CriticalRow | None = None
    tier: str | None = None
    minutes: int | None = None
    direction: str | None = None
    value: Decimal | None = None
    flag: str | None = None

    @property
    def pages(self) -> bool:
        """True when somebody must hear of it now: critical, or it cannot be decided."""
        return self.verdict in (Verdict.CRITICAL, Verdict.CANNOT_DECIDE)


_NOT = Judged(verdict=Verdict.NOT_CRITICAL)
_TIER_OF_LABORATORY = "red"


def judge(observation: Resource, table: CriticalTable, birth_date: date | None) -> Judged:
    """The verdict on an Observation, the strictest of all rows that fit."""
    rows = _rows_for(observation, table)
    fitting = [_judged_by(row, observation, table) for row in rows if _fits_age(row, observation, birth_date)]
    if rows and not fitting:
        return _said_by_laboratory(observation, table, Judged(verdict=Verdict.NO_RANGE_FOR_AGE, flag="age"))
    worst = min(fitting, key=_severity, default=Judged(verdict=Verdict.NO_ROW))
    if birth_date is None and worst.pages and worst.row is not None and worst.row.age.id != "any":
        worst = replace(worst, flag=worst.flag or "age")
    return _said_by_laboratory(observation, table, worst)


def _rows_for(observation: Resource, table: CriticalTable) -> list[CriticalRow]:
    codes = dict.fromkeys(codes_in(observation.get("code", {})))
    return list({row.id: row for code in codes for row in table.rows.get(code, ())}.values())


def _fits_age(row: CriticalRow, observation: Resource, birth_date: date | None) -> bool:
    day = day_of(observation)
    if row.age.id == "any" or birth_date is None or day is None:
        return True
    return in_age_group(row.age, birth_date, day)


def _severity(one: Judged) -> tuple[int, int]:
    order = [Verdict.CRITICAL, Verdict.CANNOT_DECIDE, Verdict.NOT_CRITICAL]
    return order.index(one.verdict), one.minutes or 0


def _said_by_laboratory(observation: Resource, table: CriticalTable, found: Judged) -> Judged:
    """HH, LL and AA mean critical: the laboratory's own list may be stricter than ours."""
    flags = flags_of(observation) & CRITICAL_FLAGS
    if found.verdict is Verdict.CRITICAL or not flags:
        return found
    direction = "low" if flags & LOW_FLAGS else "high" if flags & HIGH_FLAGS else "positive"
    tier = found.tier or _TIER_OF_LABORATORY
    minutes = found.minutes or table.tiers[tier]
    return replace(
        found,
        verdict=Verdict.CRITICAL,
        tier=tier,
        minutes=minutes,
        direction=direction,
        flag=found.flag or "laboratory",
    )


def day_of(observation: Resource) -> date | None:
    """The date of the test: when it was taken, else when it was issued; of a month or year, its first day."""
    period = observation.get("effectivePeriod") or {}
    stated = observation.get("effectiveDateTime") or observation.get("effectiveInstant") or period.get("start")
    text = str(stated or observation.get("issued") or "")[:10]
    try:
        return date.fromisoformat(text + {4: "-01-01", 7: "-01"}.get(len(text), ""))
    except ValueError:
        return None


def in_age_group(group: AgeGroup, birth_date: date, day: date) -> bool:
    """True when somebody born on that date belongs to the age group on `day`. Years are counted by birthdays."""
    days = (day - birth_date).days
    years = day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))
    return (
        (group.from_days is None or days >= group.from_days)
        and (group.below_days is None or 0 <= days < group.below_days)
        and (group.from_years is None or years >= group.from_years)
        and (group.below_years is None or years < group.below_years)
    )


def _judged_by(row: CriticalRow, observation: Resource, table: CriticalTable) -> Judged:
    value = measured(observation)
    if row.positive:
        found = _culture(observation, value, table)
    elif row.above_range:
        found = _above_range(observation, value)
    else:
        found = _by_limits(row, value, table)
    if not found.pages:
        return replace(found, row=row)
    return replace(found, row=row, tier=row.tier, minutes=row.minutes)


def _by_limits(row: CriticalRow, value: Measured, table: CriticalTable) -> Judged:
    assert row.unit is not None
    if value.number is None:
        return Judged(verdict=Verdict.CANNOT_DECIDE, flag="text") if _says_something(value, table) else _NOT
    number = in_unit(value.number, value.unit, row.unit, table.units)
    if number is None:
        return _without_unit(row, value)
    return replace(_against(row, number, value.comparator), value=number)


def _without_unit(row: CriticalRow, value: Measured) -> Judged:
    """No unit: if the number would be critical in the row's own unit, nobody can say. Another unit: nobody can say."""
    assert value.number is not None
    if value.unit:
        return Judged(verdict=Verdict.CANNOT_DECIDE, flag="unit")
    assumed = _against(row, value.number, value.comparator)
    return replace(assumed, verdict=Verdict.CANNOT_DECIDE, flag="unit") if assumed.pages else assumed


def _says_something(value: Measured, table: CriticalTable) -> bool:
    """True for a text that is neither empty nor says that the result is still to come."""
    return bool(value.text.strip()) and not has_phrase(value.text, (*table.words["waiting"], "hemolyzed", "cancelled"))


def _against(row: CriticalRow, number: Decimal, comparator: str) -> Judged:
    """RC-03. With `<` the true value lies below the number, with `>` above it."""
    low, high = _low(row.below, number, comparator), _high(row.above, number, comparator)
    if low is True:
        return Judged(verdict=Verdict.CRITICAL, direction="low")
    if high is True:
        return Judged(verdict=Verdict.CRITICAL, direction="high")
    if low is None or high is None:
        return Judged(verdict=Verdict.CANNOT_DECIDE, direction="low" if low is None else "high", flag="comparator")
    return _NOT


def _low(limit: Decimal | None, number: Decimal, comparator: str) -> bool | None:
    """Whether the value is below the limit; None when the comparator leaves it open."""
    if limit is None:
        return False
    if comparator == "<":
        return True if number <= limit else None
    if comparator == "<=":
        return True if number < limit else None
    if comparator in (">", ">="):
        return False if number >= limit else None
    return number < limit


def _high(limit: Decimal | None, number: Decimal, comparator: str) -> bool | None:
    """Whether the value is above the limit; None when the comparator leaves it open."""
    if limit is None:
        return False
    if comparator == ">":
        return True if number >= limit else None
    if comparator == ">=":
        return True if number > limit else None
    if comparator in ("<", "<="):
        return False if number <= limit else None
    return number > limit


def _above_range(observation: Resource, value: Measured) -> Judged:
    """Above the 99th percentile, which the laboratory gives as the upper end of its range."""
    high = range_of(observation)[1]
    flags = flags_of(observation)
    if value.number is not None and high is not None:
        return replace(_against_high(high, value), value=value.number)
    if flags & (HIGH_FLAGS | POSITIVE_FLAGS | {"A", "AA"}):
        return Judged(verdict=Verdict.CRITICAL, direction="high", value=value.number)
    if flags & (NORMAL_FLAGS | LOW_FLAGS) or (value.number is None and not value.text):
        return _NOT
    return Judged(verdict=Verdict.CANNOT_DECIDE, direction="high", value=value.number, flag="range")


def _against_high(high: Decimal, value: Measured) -> Judged:
    assert value.number is not None
    found = _high(high, value.number, value.comparator)
    if found is None:
        return Judged(verdict=Verdict.CANNOT_DECIDE, direction="high", flag="comparator")
    return Judged(verdict=Verdict.CRITICAL, direction="high") if found else _NOT


def _culture(observation: Resource, value: Measured, table: CriticalTable) -> Judged:
    says = positivity(observation, value, table)
    if says == "positive":
        return Judged(verdict=Verdict.CRITICAL, direction="positive")
    if says == "unknown":
        return Judged(verdict=Verdict.CANNOT_DECIDE, direction="positive", flag="text")
    return _NOT


def positivity(observation: Resource, value: Measured, table: CriticalTable) -> str:
    """`positive`, `negative`, `waiting`; `unknown` for what no list knows. Codes speak before flags before words."""
    flags = flags_of(observation)
    if value.codes & table.positive or flags & POSITIVE_FLAGS or flags & {"A", "AA"}:
        return "positive"
    if value.codes & table.negative or flags & NORMAL_FLAGS:
        return "negative"
    return _said_in_words(value.text, table.words)


def _said_in_words(text: str, words: Mapping[str, Sequence[str]]) -> str:
    if not text.strip():
        return "waiting"
    found = {_clause(clause, words) for clause in clauses(text)}
    return next((one for one in ("positive", "negative", "waiting") if one in found), "unknown")


def _clause(clause: str, words: Mapping[str, Sequence[str]]) -> str:
    named = has_phrase(clause, words["organisms"])
    for phrase in words["organisms"]:
        clause = clause.replace(phrase, " ")
    if has_phrase(clause, (*words["negative"], "no", "not", "none", "without")):
        return "negative"
    if named or has_phrase(clause, words["positive"]):
        return "positive"
    return "waiting" if has_phrase(clause, words["waiting"]) else "unknown"


@dataclass(frozen=True, kw_only=True)
class Acknowledged:
    """A critical value that somebody has acknowledged: which test, which way, how far, and when."""

    row_id: str
    direction: str | None
    value: Decimal | None
    at: datetime


def needs_page(found: Judged, available: datetime, before: Sequence[Acknowledged], table: CriticalTable) -> bool:
    """RC-04: False when it repeats a critical value that was acknowledged within the last 24 hours, unless the
    direction changed or it is at least a fifth worse than the last acknowledged one. What cannot be compared pages."""
    if not found.pages:
        return False
    if found.row is None:
        return True
    since = available - timedelta(hours=table.repeat_hours)
    same = [one for one in before if one.row_id == found.row.id and since <= one.at <= available]
    if not same:
        return True
    last = max(same, key=lambda one: one.at)
    if last.direction != found.direction:
        return True
    return _is_worse(found, last, table.worse)


def _is_worse(found: Judged, last: Acknowledged, share: Decimal) -> bool:
    if found.direction == "positive":
        return False
    if found.value is None or last.value is None or found.verdict is Verdict.CANNOT_DECIDE:
        return True
    if found.direction == "low":
        return found.value <= last.value - abs(last.value) * share
    return found.value >= last.value + abs(last.value) * share


@dataclass(frozen=True, kw_only=True)
class Paged:
    """Somebody who is paged, when, and after which share of the time."""

    at: datetime
    who: str
    share: int


@dataclass(frozen=True, kw_only=True)
class Answer:
    """How a critical value was answered: in time or not, after how many minutes, and who was paged until then."""

    due: datetime
    met: bool | None
    minutes: int | None
    paged: tuple[Paged, ...]


def answer(
    available: datetime, minutes: int, acknowledged: datetime | None, now: datetime, table: CriticalTable
) -> Answer:
    """RC-01 and RC-05: the clock of a critical value from when it was available. `met` is None while it still runs."""
    due = available + timedelta(minutes=minutes)
    until = min(now, acknowledged) if acknowledged is not None else now
    paged = tuple(
        Paged(at=at, who=page.who, share=page.share)
        for page in table.pages
        if (at := available + timedelta(minutes=minutes) * page.share / 100) <= until and at != acknowledged
    )
    met = acknowledged <= due if acknowledged is not None else (False if now > due else None)
    taken = None if acknowledged is None else int((acknowledged - available).total_seconds() // 60)
    return Answer(due=due, met=met, minutes=taken, paged=paged)


def missing_in_report(*, told_by: str, told_to: str, at: datetime | None, verbal: bool, read_back: bool) -> list[str]:
    """RC-02: what an acknowledgment still needs: names, the time, and for a spoken report the read-back."""
    needed = {"who told it": told_by, "who heard it": told_to, "the time": at, "the read-back": read_back or not verbal}
    return [name for name, value in needed.items() if not value]
