"""Deadlines: business days of a calendar, dates in a zone, elapsed hours. Each comes with its arithmetic in words.

A deadline that is a date ends at 23:59:59 of that date where the patient lives (interface.md §4). Hours are elapsed
time, so 72 hours after a Friday before the clocks change end at another time of day (transitions.md TR-28). Business
days are Monday to Friday without holidays, counted after the day of the event (TR-20).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

LAST_SECOND = time(23, 59, 59)
INSTANT = timedelta(microseconds=1)
"""The smallest step of time: a deadline at 23:59:59 is missed one of these later."""


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """Holidays by observed date, with their names. Dates outside `first` to `last` know weekends only."""

    name: str
    holidays: Mapping[date, str] = field(default_factory=dict)
    first: date = date.min
    last: date = date.max

    def is_business_day(self, day: date) -> bool:
        """True from Monday to Friday, holidays excepted."""
        return day.weekday() < 5 and day not in self.holidays

    def covers(self, day: date) -> bool:
        """True when the holidays around this date are known."""
        return self.first <= day <= self.last


@dataclass(frozen=True, kw_only=True)
class Span:
    """A length of time as rules write it: `2 business-days`, `14 days`, `72 hours`."""

    amount: int
    unit: str

    @property
    def said(self) -> str:
        """`2-business-days`: as a word of a fact says it."""
        return f"{self.amount}-{self.unit}"

    @property
    def words(self) -> str:
        """`2 business days`, `1 day`."""
        unit = self.unit.replace("-", " ")
        return f"{self.amount} {unit.removesuffix('s') if self.amount == 1 else unit}"


@dataclass(frozen=True, kw_only=True)
class Deadline:
    """An instant in the patient's zone, and the sentence that explains it."""

    due: datetime
    because: str


_SAID = re.compile(r"(\d{1,5})-(minutes|hours|days|business-days|months)", re.ASCII)


def span_said(word: str) -> Span | None:
    """The span that a word says, `60-minutes` or `3-business-days`; None for a word that says none."""
    found = _SAID.fullmatch(word)
    return None if found is None else Span(amount=int(found[1]), unit=found[2])


@lru_cache(maxsize=256)
def zone_named(name: str) -> ZoneInfo:
    """The IANA zone, UTC where nobody knows the name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def local_date(instant: datetime, zone: str) -> date:
    """The date on the wall where the patient lives."""
    return instant.astimezone(zone_named(zone)).date()


def end_of(day: date, zone: str) -> datetime:
    """23:59:59 of `day` in `zone`."""
    return datetime.combine(day, LAST_SECOND, tzinfo=zone_named(zone))


def start_of(day: date, zone: str) -> datetime:
    """The first moment of `day` in `zone`."""
    return datetime.combine(day, time(), tzinfo=zone_named(zone))


@lru_cache(maxsize=4096)
def words_of(day: date) -> str:
    """`Fri 20 Nov`: the month as a word, so that nobody reads the order wrong."""
    return f"{day:%a} {day.day} {day:%b}"


def add_business_days(day: date, amount: int, calendar: Calendar) -> tuple[date, tuple[str, ...]]:
    """The `amount`-th business day after `day`, and the holidays passed over. `day` itself never counts."""
    skipped: list[str] = []
    reached = day
    while amount > 0:
        reached += timedelta(days=1)
        if calendar.is_business_day(reached):
            amount -= 1
        elif reached.weekday() < 5:
            skipped.append(calendar.holidays[reached])
    return reached, tuple(skipped)


def after(start: datetime, span: Span, zone: str, calendar: Calendar, *, since: str = "") -> Deadline:
    """The deadline `span` after `start`. `since` names the start in words where the date alone would not do."""
    if span.unit in _ELAPSED:
        return _elapsed_after(start, span, zone)
    day = local_date(start, zone)
    if span.unit == "months":
        due = months_after(day, span.amount)
        return Deadline(due=end_of(due, zone), because=f"{span.words} after {since or words_of(day)}")
    base = since or words_of(day)
    if span.unit == "days":
        return Deadline(due=end_of(day + timedelta(days=span.amount), zone), because=f"{span.words} after {base}")
    return _business_days_after(day, span, zone, calendar, base)


_ELAPSED = {"minutes": timedelta(minutes=1), "hours": timedelta(hours=1)}
"""Units that are elapsed time, not dates on the wall."""


def _elapsed_after(start: datetime, span: Span, zone: str) -> Deadline:
    local = start.astimezone(zone_named(zone))
    due = (start.astimezone(UTC) + _ELAPSED[span.unit] * span.amount).astimezone(zone_named(zone))
    changed = "" if due.utcoffset() == local.utcoffset() else ", clocks change in between"
    return Deadline(due=due, because=f"{_hours_in_words(span)} after {words_of(local.date())} {local:%H:%M}{changed}")


def _hours_in_words(span: Span) -> str:
    """Whole days above three are said as days, to the hour."""
    if span.unit == "minutes":
        return span.words
    days, rest = divmod(span.amount, 24)
    return f"{days} days to the hour" if days > 3 and rest == 0 else span.words


def _business_days_after(day: date, span: Span, zone: str, calendar: Calendar, base: str) -> Deadline:
    reached, skipped = add_business_days(day, span.amount, calendar)
    because = f"{span.words} after {base}"
    if skipped:
        because += f", {' and '.join(skipped)} skipped"
    if not calendar.covers(reached):
        because += f" (holidays of {reached.year} are not loaded)"
    return Deadline(due=end_of(reached, zone), because=because)


def end_of_month(day: date) -> date:
    """The last day of the month of `day`."""
    return months_after(day.replace(day=1), 1) - timedelta(days=1)


def months_after(day: date, months: int) -> date:
    """The same day of the month `months` later, or that month's last day."""
    return months_before(day, -months)


def months_before(day: date, months: int) -> date:
    """The same day of the month `months` earlier, or that month's last day (LACE looks back 6 calendar months)."""
    index = day.year * 12 + day.month - 1 - months
    year, month = divmod(index, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, min(day.day, last))
        except ValueError:
            continue
    raise ValueError("no such month")
