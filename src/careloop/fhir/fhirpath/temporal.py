"""Dates, dateTimes and times as FHIRPath means them: in the precision that was written, with or without an offset.

Comparing values of different precision gives None where the answer depends on what is not known.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import ROUND_DOWN, Decimal
from functools import lru_cache
from typing import Literal

from careloop.fhir.fhirpath.errors import wrong

TemporalKind = Literal["date", "dateTime", "time"]
Part = int | Decimal

_DATE = r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?"
_CLOCK = r"(\d{2})(?::(\d{2})(?::(\d{2}(?:\.\d{1,9})?))?)?"
_PATTERNS = {
    "date": re.compile(_DATE, re.ASCII),
    "dateTime": re.compile(rf"{_DATE}(?:T(?:{_CLOCK}(Z|[+-]\d{{2}}:\d{{2}})?)?)?", re.ASCII),
    "time": re.compile(rf"T?{_CLOCK}", re.ASCII),
}
_HIGHEST: tuple[Part, ...] = (9999, 12, 31, 23, 59, Decimal("59.999999999"))
_LOWEST: tuple[Part, ...] = (1, 1, 1, 0, 0, 0)
_WIDEST_OFFSET_MINUTES = 14 * 60


@dataclass(frozen=True, slots=True)
class Temporal:
    """A date (`parts` are year, month, day), a dateTime (… hour, minute, second) or a time (hour, minute, second).

    `parts` ends where the precision does. `offset` is in minutes, None where none was written.
    """

    kind: TemporalKind
    parts: tuple[Part, ...]
    offset: int | None = None

    @staticmethod
    @lru_cache(maxsize=16_384)
    def parse(kind: str, text: str) -> "Temporal | None":
        """The value that `text` writes, None where there is no such date or time."""
        match = _PATTERNS[kind].fullmatch(text)
        if match is None:
            return None
        groups = match.groups()
        zone = groups[-1] if kind == "dateTime" else None
        words = groups[:-1] if kind == "dateTime" else groups
        parts = tuple(Decimal(word) if "." in word else int(word) for word in words if word is not None)
        offset = None if zone is None else _offset(zone)
        found = Temporal(kind, parts, offset)  # type: ignore[arg-type]
        return found if found.is_real() else None

    @staticmethod
    def of_instant(instant: datetime) -> "Temporal":
        """An aware datetime, to the millisecond."""
        seconds = Decimal(instant.second) + Decimal(instant.microsecond // 1000) / 1000
        offset = instant.utcoffset() or timedelta()
        parts = (instant.year, instant.month, instant.day, instant.hour, instant.minute)
        return Temporal("dateTime", (*parts, seconds.quantize(Decimal("0.001"))), round(offset.total_seconds() / 60))

    def is_real(self) -> bool:
        """True where every part lies in its range and the month has that day."""
        parts = self.parts if self.kind != "time" else (2000, 1, 1, *self.parts)
        if not all(low <= part <= high for part, low, high in zip(parts, _LOWEST, _HIGHEST, strict=False)):
            return False
        if self.offset is not None and abs(self.offset) > _WIDEST_OFFSET_MINUTES:
            return False
        return len(parts) < 3 or parts[2] <= monthrange(int(parts[0]), int(parts[1]))[1]

    def __str__(self) -> str:
        if self.kind == "time":
            return _clock_text(self.parts)
        day = "-".join(f"{part:04d}" if place == 0 else f"{part:02d}" for place, part in enumerate(self.parts[:3]))
        if len(self.parts) <= 3:
            return day
        return f"{day}T{_clock_text(self.parts[3:])}{_offset_text(self.offset)}"

    def compare(self, other: "Temporal") -> int | None:
        """-1, 0 or 1 as this is before, at or after the other; None where precision or offset leave it open."""
        if (self.kind == "time") != (other.kind == "time"):
            raise wrong("two dates or two times to compare")
        if self.offset is not None and other.offset is not None:
            return _compare_parts(self.in_utc().parts, other.in_utc().parts)
        if self.offset is not None or other.offset is not None:
            return _compare_unsure(self, other)
        return _compare_parts(self.parts, other.parts)

    def in_utc(self) -> "Temporal":
        """The same instant at offset zero, in the same precision."""
        if not self.offset or len(self.parts) < 4:
            return self
        moved = _moved(self.parts, timedelta(minutes=-self.offset))
        return Temporal(self.kind, moved[: len(self.parts)], 0)

    def as_date(self) -> "Temporal":
        """Only the date of a dateTime."""
        return Temporal("date", self.parts[:3])

    def as_date_time(self) -> "Temporal":
        """A date as a dateTime of the same precision."""
        return Temporal("dateTime", self.parts, self.offset)


def _compare_parts(ours: tuple[Part, ...], theirs: tuple[Part, ...]) -> int | None:
    for one, two in zip(ours, theirs, strict=False):
        if one != two:
            return -1 if one < two else 1
    return 0 if len(ours) == len(theirs) else None


def _compare_unsure(one: Temporal, two: Temporal) -> int | None:
    """One of the two has no offset: known only where it is the same answer at every offset in use."""
    if len(one.parts) < 4 or len(two.parts) < 4:
        return _compare_parts(one.parts, two.parts)
    answers = {_at(one, minutes).compare(_at(two, minutes)) for minutes in (-720, _WIDEST_OFFSET_MINUTES)}
    return answers.pop() if len(answers) == 1 else None


def _at(value: Temporal, minutes: int) -> Temporal:
    return value if value.offset is not None else Temporal(value.kind, value.parts, minutes)


def _offset(zone: str) -> int:
    if zone == "Z":
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[4:6])
    return -minutes if zone[0] == "-" else minutes


def _offset_text(offset: int | None) -> str:
    if offset is None:
        return ""
    if offset == 0:
        return "Z"
    hours, minutes = divmod(abs(offset), 60)
    return f"{'-' if offset < 0 else '+'}{hours:02d}:{minutes:02d}"


def _clock_text(parts: tuple[Part, ...]) -> str:
    return ":".join(_two_digits(part) for part in parts)


def _two_digits(part: Part) -> str:
    if isinstance(part, Decimal):
        whole, _, fraction = str(part).partition(".")
        return f"{int(whole):02d}.{fraction}" if fraction else f"{int(whole):02d}"
    return f"{part:02d}"


def _moved(parts: tuple[Part, ...], by: timedelta) -> tuple[Part, ...]:
    """Parts later by a duration, as the six parts of a dateTime; fractions of a second keep their digits."""
    full = [*parts, *_LOWEST[len(parts) :]]
    whole = int(full[5])
    fraction = full[5] - whole
    try:
        moment = datetime(*(int(part) for part in full[:5]), whole, tzinfo=UTC) + by  # type: ignore[misc,arg-type,call-arg]
    except OverflowError as error:
        raise wrong("a date between the years 1 and 9999") from error
    seconds: Part = moment.second
    micro = Decimal(moment.microsecond) / 1_000_000
    if fraction or micro or isinstance(full[5], Decimal):
        seconds = (Decimal(moment.second) + fraction + micro).normalize()
        seconds = _with_digits(seconds, full[5], micro)
    return (moment.year, moment.month, moment.day, moment.hour, moment.minute, seconds)


def _with_digits(seconds: Decimal, before: Part, micro: Decimal) -> Decimal:
    digits = -int(before.as_tuple().exponent) if isinstance(before, Decimal) else 0
    digits = max(digits, 3 if micro else 0)
    return seconds.quantize(Decimal(1).scaleb(-digits)) if digits else seconds


_MONTHS = {"year": 12, "month": 1}
_SECONDS = {
    "week": Decimal(7 * 86400),
    "day": Decimal(86400),
    "hour": Decimal(3600),
    "minute": Decimal(60),
    "second": Decimal(1),
    "millisecond": Decimal("0.001"),
}
UNITS = ("year", "month", "week", "day", "hour", "minute", "second", "millisecond")
"""Calendar units, the longest first."""
_PRECISION_UNIT = ("year", "month", "day", "hour", "minute", "second")


def add(value: Temporal, amount: Decimal, unit: str) -> Temporal:
    """`value` later by an amount of calendar units; months keep the day where the month has it.

    Fractions of anything above a second are cut off (FHIRPath, date and time arithmetic). A unit finer than the
    value's precision is first converted to that precision: a month has 30 days, a year 365.
    """
    if value.kind == "time":
        return _add_to_time(value, amount, unit)
    amount, unit = _in_precision(amount, unit, len(value.parts))
    if unit in _MONTHS:
        return _add_months(value, int(amount) * _MONTHS[unit])
    seconds = _seconds(amount, unit)
    moved = _moved(value.parts, timedelta(microseconds=int(seconds * 1_000_000)))
    return Temporal(value.kind, moved[: len(value.parts)], value.offset)


def _seconds(amount: Decimal, unit: str) -> Decimal:
    whole = amount if unit in ("second", "millisecond") else amount.to_integral_value(ROUND_DOWN)
    return whole * _SECONDS[unit]


def _in_precision(amount: Decimal, unit: str, precision: int) -> tuple[Decimal, str]:
    finest = _PRECISION_UNIT[precision - 1]
    if unit in _MONTHS and finest == "year" and unit == "month":
        return (amount / 12).to_integral_value(ROUND_DOWN), "year"
    if unit in _MONTHS or precision >= 6:
        return amount.to_integral_value(ROUND_DOWN) if unit in _MONTHS else amount, unit
    if finest in ("year", "month"):
        days = _seconds(amount, unit) / 86400
        return (days / (365 if finest == "year" else 30)).to_integral_value(ROUND_DOWN), finest
    if _SECONDS[unit] < _SECONDS[finest]:
        return (_seconds(amount, unit) / _SECONDS[finest]).to_integral_value(ROUND_DOWN), finest
    return amount, unit


def _add_months(value: Temporal, months: int) -> Temporal:
    year, month = int(value.parts[0]), int(value.parts[1]) if len(value.parts) > 1 else 1
    year, zero_month = divmod(year * 12 + month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise wrong("a date between the years 1 and 9999")
    parts: tuple[Part, ...] = (year, zero_month + 1)
    if len(value.parts) > 2:
        parts = (*parts, min(value.parts[2], monthrange(year, zero_month + 1)[1]), *value.parts[3:])
    return Temporal(value.kind, parts[: len(value.parts)], value.offset)


def _add_to_time(value: Temporal, amount: Decimal, unit: str) -> Temporal:
    """A time goes round after 24 hours."""
    if unit not in _SECONDS or unit in ("week", "day"):
        raise wrong("hours, minutes, seconds or milliseconds to add to a time")
    shifted = add(Temporal("dateTime", (2000, 1, 15, *value.parts)), amount % _DAY_OF[unit], unit)
    return Temporal("time", shifted.parts[3:])


_DAY_OF = {unit: Decimal(86400) / _SECONDS[unit] for unit in ("hour", "minute", "second", "millisecond")}

_DIGITS = {"date": (4, 6, 8), "dateTime": (4, 6, 8, 10, 12, 14, 17), "time": (2, 4, 6, 9)}


def precision(value: Temporal) -> int:
    """The digits that were written: 4 for a year, 17 for a dateTime with milliseconds, 4 for a time with minutes."""
    steps = _DIGITS[value.kind]
    has_fraction = isinstance(value.parts[-1], Decimal) and -int(value.parts[-1].as_tuple().exponent) > 0
    return steps[len(value.parts) - 1 + (1 if has_fraction else 0)]


def boundary(value: Temporal, digits: int | None, *, low: bool) -> Temporal | None:
    """The first or last moment that `value` may mean, in a precision of so many digits; None for an unknown precision.

    A dateTime without offset is taken at +14:00 for its first and at -12:00 for its last moment.
    """
    wanted = _DIGITS[value.kind][-1] if digits is None else digits
    kind = value.kind
    if kind == "date" and wanted > 8:
        kind = "dateTime"
    if wanted not in _DIGITS[kind]:
        return None
    parts = _filled(value, low=low)
    steps = _DIGITS[kind].index(wanted)
    offset = value.offset
    if kind == "dateTime" and offset is None and steps > 2:
        offset = _WIDEST_OFFSET_MINUTES if low else -12 * 60
    count = min(steps + 1, len(parts))
    if kind != "date" and steps == len(parts) - 1:
        parts = (*parts[:-1], int(parts[-1]))
    return Temporal(kind, parts[:count], offset if kind == "dateTime" and steps > 2 else None)


def _filled(value: Temporal, *, low: bool) -> tuple[Part, ...]:
    """All parts of a value, those that were not written as low or as high as they can be."""
    start = 3 if value.kind == "time" else 0
    limits = _LOWEST if low else _HIGHEST
    parts = [*value.parts, *limits[start + len(value.parts) :]]
    if value.kind != "time" and not low and len(value.parts) < 3:
        parts[2] = monthrange(int(parts[0]), int(parts[1]))[1]
    seconds = Decimal(parts[-1])
    digits = -int(seconds.as_tuple().exponent)
    if len(value.parts) == len(parts) and not low:
        seconds += Decimal(1).scaleb(-digits) - Decimal("0.001") if digits < 3 else 0
    parts[-1] = seconds.quantize(Decimal("0.001"), rounding=ROUND_DOWN)
    return tuple(parts)


def zone_of(value: Temporal) -> timezone | None:
    """The offset of a dateTime as a zone, None where none was written."""
    return None if value.offset is None else timezone(timedelta(minutes=value.offset))


def difference(one: Temporal, two: Temporal, unit: str, *, whole: bool) -> int | None:
    """Boundaries, or `whole` units, of time from one value to another; None where precision leaves it open."""
    first, second = _moment(one, unit), _moment(two, unit)
    if first is None or second is None:
        return None
    if unit in _MONTHS:
        months = (second.year - first.year) * 12 + second.month - first.month
        if unit == "year" and not whole:
            return second.year - first.year
        if whole:
            months = _whole_months(first, second, months)
        return int(months / _MONTHS[unit])
    if whole:
        return int((second - first).total_seconds() / float(_SECONDS[unit]))
    return _boundaries(first, second, unit)


def _whole_months(first: datetime, second: datetime, months: int) -> int:
    rest_first = (first.day, first.time())
    rest_second = (second.day, second.time())
    if months > 0 and rest_second < rest_first:
        return months - 1
    if months < 0 and rest_second > rest_first:
        return months + 1
    return months


def _boundaries(first: datetime, second: datetime, unit: str) -> int:
    start = datetime(1, 1, 1, tzinfo=UTC)
    ends = [(moment - start) // timedelta(microseconds=int(_SECONDS[unit] * 1_000_000)) for moment in (first, second)]
    return ends[1] - ends[0]


def _moment(value: Temporal, unit: str) -> datetime | None:
    parts = value.parts if value.kind != "time" else (2000, 1, 1, *value.parts)
    needed = {"year": 1, "month": 2, "week": 3, "day": 3, "hour": 4, "minute": 5}.get(unit, 6)
    if len(parts) < needed:
        return None
    full = [*parts, *_LOWEST[len(parts) :]]
    whole = int(full[5])
    micro = int((full[5] - whole) * 1_000_000)
    moment = datetime(*(int(part) for part in full[:5]), whole, micro, tzinfo=UTC)  # type: ignore[misc,arg-type,call-arg]
    return moment - timedelta(minutes=value.offset or 0)


def day_of(value: Temporal) -> date | None:
    """The calendar day of a value that has one."""
    return date(*(int(part) for part in value.parts[:3])) if len(value.parts) >= 3 else None
