"""Proportion of days covered (PQA and CMS; domain, medications.md section 3). Pure; days are whole and inclusive.

A fill covers its days of supply from its date. Of the same ingredient an overlap moves the later fill to the end of
the earlier; different ingredients of a class are not moved, their days are united. The count is cut at its end.
Days in a hospital or nursing facility leave the denominator, and supply on hand moves behind them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from careloop.medications.model import Unknown

_LONGEST = 400
"""Days of supply that a fill can have; more is a mistake of whoever sent it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """So many days of supply of an ingredient, handed over on a day. `reference`: where it stands."""

    ingredient: str
    day: date
    days: int
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From the first to the last day, both in it."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many days, both ends counted; 0 for none."""
        return max(0, (self.last - self.first).days + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """Who is in a measure, and from which share on somebody is adherent (`content/medications/adherence.yaml`)."""

    threshold: Decimal
    least_days: int
    least_fills: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """Covered days of the days of the treatment period, which begins with the first fill; `threshold`: the share from
    which on somebody is adherent."""

    covered: int
    days: int
    index: date
    fills: int
    threshold: Decimal

    @property
    def share(self) -> Decimal:
        """The proportion, to four places for people; `is_adherent` does not use the rounded one."""
        return (Decimal(self.covered) / Decimal(self.days)).quantize(Decimal("0.0001"))

    @property
    def is_adherent(self) -> bool:
        """The threshold or more, without rounding: of 0.80, 0.7999 is not."""
        return Decimal(self.covered) >= self.threshold * Decimal(self.days)


def proportion_of_days_covered(
    fills: Iterable[Fill], period: Period, measure: Measure, facility: Sequence[Period] = ()
) -> Covered | Unknown:
    """The proportion within the period; `Unknown` says why a person is not in the measure."""
    inside = sorted(
        (one for one in fills if period.first <= one.day <= period.last and 0 < one.days <= _LONGEST),
        key=lambda one: (one.day, one.ingredient, one.reference, one.days),
    )
    if not inside:
        return Unknown("no fill in the period")
    index = inside[0].day
    if len({one.day for one in inside}) < measure.least_fills:
        return Unknown(f"fewer than {measure.least_fills} fills on different dates")
    treatment = Period(first=index, last=period.last)
    if treatment.days < measure.least_days:
        return Unknown(f"a treatment period of {treatment.days} days: {measure.least_days} are needed")
    away = {day for one in facility for day in _days(one) if treatment.first <= day <= treatment.last}
    covered = days_covered(inside, away)
    counted = {day for day in covered if treatment.first <= day <= treatment.last} - away
    if treatment.days == len(away):
        return Unknown("in a facility for the whole period")
    return Covered(covered=len(counted), days=treatment.days - len(away), index=index, fills=len(inside),
                   threshold=measure.threshold)  # fmt: skip


def days_covered(fills: Iterable[Fill], away: Iterable[date] = ()) -> frozenset[date]:
    """The days on which supply was at hand, by any ingredient. Days `away` need none: supply moves behind them."""
    absent = frozenset(away)
    by_ingredient: dict[str, list[Fill]] = {}
    for one in sorted(fills, key=lambda one: (one.day, one.reference, one.days)):
        by_ingredient.setdefault(one.ingredient, []).append(one)
    return frozenset(day for some in by_ingredient.values() for day in _one_ingredient(some, absent))


def _one_ingredient(fills: Sequence[Fill], absent: frozenset[date]) -> set[date]:
    covered: set[date] = set()
    free = date.min
    for one in fills:
        day, left = max(one.day, free), one.days
        while left:
            if day not in absent:
                covered.add(day)
                left -= 1
            day += timedelta(days=1)
        free = day
    return covered


def covered_through(fills: Iterable[Fill], away: Iterable[date] = ()) -> date | None:
    """The last day for which the fills give supply: the refill is due then. None without a fill."""
    covered = days_covered(fills, away)
    return max(covered) if covered else None


def _days(period: Period) -> list[date]:
    return [period.first + timedelta(days=step) for step in range(period.days)]
