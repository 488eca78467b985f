"""FHIR dates as they are: with the precision they were given, and as half-open intervals of UTC instants.

`2024-05` is not the first of May: it is the whole month, in the zone of whoever wrote it. Leap seconds (`:60`) are
refused although the R4 pattern allows them: no clock of ours can hold one (docs/clarifications/fhir.md).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import IntEnum
from functools import lru_cache
from typing import Any

from careloop.errors import Rejected

Interval = tuple[datetime, datetime]

BEGINNING = datetime.min.replace(tzinfo=UTC)
END = datetime.max.replace(tzinfo=UTC)

DATE_PATTERN = r"(?!0000)\d{4}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?)?"
TIME_PATTERN = r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?"
ZONE_PATTERN = r"(?:Z|[+-](?:0\d|1[0-3]):[0-5]\d|[+-]14:00)"
INSTANT_PATTERN = rf"(?!0000)\d{{4}}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T{TIME_PATTERN}{ZONE_PATTERN}"

_PARTS = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d+))?)?(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)
_EXPECTED = "a date as YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss[.fff] with Z or an offset"


class Precision(IntEnum):
    """How much of a date was said. A fraction counts with its digits as `FRACTION`."""

    YEAR = 4
    MONTH = 6
    DAY = 8
    MINUTE = 12
    SECOND = 14
    FRACTION = 17


@dataclass(frozen=True, slots=True)
class FhirDateTime:
    """A `date`, `dateTime` or `instant` exactly as written; `str()` gives the same text back.

    `start` is its first moment: aware where the text names an offset, else local time without a zone.
    """

    text: str
    precision: Precision
    start: datetime
    fraction_digits: int = 0

    def __str__(self) -> str:
        return self.text

    def interval(self, zone: tzinfo) -> Interval:
        """The instants this text can mean: from the first to just before the first that it cannot. UTC."""
        return _utc(self.start, zone), self._end(zone)

    def _end(self, zone: tzinfo) -> datetime:
        try:
            return _utc(_next(self.start, self.precision, self.fraction_digits), zone)
        except (OverflowError, ValueError):
            return END


def parse(text: str) -> FhirDateTime:
    """The date in `text`. `Rejected` when it has another shape or the day does not exist."""
    match = _PARTS.fullmatch(text)
    if match is None:
        raise Rejected(at="date", expected=_EXPECTED, code="value")
    try:
        return FhirDateTime(text, _precision(match), _start(match), min(len(match["fraction"] or ""), 6))
    except ValueError as error:
        raise Rejected(at="date", expected="a day and time that exist", code="value") from error


def _precision(match: re.Match[str]) -> Precision:
    for name, precision in (
        ("fraction", Precision.FRACTION),
        ("second", Precision.SECOND),
        ("minute", Precision.MINUTE),
        ("day", Precision.DAY),
        ("month", Precision.MONTH),
    ):
        if match[name] is not None:
            return precision
    return Precision.YEAR


def _start(match: re.Match[str]) -> datetime:
    microsecond = int((match["fraction"] or "0")[:6].ljust(6, "0"))
    moment = datetime(  # noqa: DTZ001 -- the zone is added below, or by whoever asks for the interval
        int(match["year"]),
        int(match["month"] or 1),
        int(match["day"] or 1),
        int(match["hour"] or 0),
        int(match["minute"] or 0),
        int(match["second"] or 0),
        microsecond,
    )
    if match["zone"] is None:
        return moment
    return moment.replace(tzinfo=_offset(match["zone"]))


@lru_cache(maxsize=256)
def _offset(text: str) -> tzinfo | None:
    """The zone of `-05:00` or `Z`; there are few, and each stands beside thousands of times."""
    return datetime.fromisoformat("2000-01-01T00:00:00" + text).tzinfo


def _next(start: datetime, precision: Precision, digits: int) -> datetime:
    if precision is Precision.YEAR:
        return start.replace(year=start.year + 1)
    if precision is Precision.MONTH:
        return (start + timedelta(days=31)).replace(day=1)
    return start + _LENGTH[precision] if precision < Precision.FRACTION else start + timedelta(seconds=10**-digits)


_LENGTH = {
    Precision.DAY: timedelta(days=1),
    Precision.MINUTE: timedelta(minutes=1),
    Precision.SECOND: timedelta(seconds=1),
}


def _utc(moment: datetime, zone: tzinfo) -> datetime:
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:
        return BEGINNING if moment.year < 5000 else END


def parse_instant(text: str, zone: tzinfo) -> datetime:
    """The first instant that `text` can mean, in UTC; a text without an offset is read in `zone`."""
    return interval(text, zone)[0]


@lru_cache(maxsize=8192)
def _text_interval(text: str, zone: tzinfo) -> Interval:
    return parse(text).interval(zone)


def interval(value: str | Mapping[str, Any], zone: tzinfo) -> Interval:
    """The instants that a date, dateTime, instant, Period or Timing covers: half-open, UTC.

    An open end of a Period is `BEGINNING` or `END`. `Rejected` where nothing in it is a date.
    """
    if isinstance(value, str):
        return _text_interval(value, zone)
    is_timing = "repeat" in value or "event" in value
    found = timing_interval(value, zone) if is_timing else period_interval(value, zone)
    if found is None:
        raise Rejected(at="date", expected="a Period with a start or an end, or a Timing with events or bounds")
    return found


def period_interval(period: Mapping[str, Any], zone: tzinfo) -> Interval | None:
    """The instants of a Period, or None where it has neither start nor end."""
    start, end = period.get("start"), period.get("end")
    if start is None and end is None:
        return None
    low = BEGINNING if start is None else _text_interval(start, zone)[0]
    high = END if end is None else _text_interval(end, zone)[1]
    return low, max(low, high)


def timing_interval(timing: Mapping[str, Any], zone: tzinfo) -> Interval | None:
    """From the first to the last moment of the events and the bounds of a Timing."""
    parts = [_text_interval(event, zone) for event in timing.get("event", ()) if event is not None]
    bounds = period_interval(timing.get("repeat", {}).get("boundsPeriod", {}), zone)
    if bounds is not None:
        parts.append(bounds)
    return (min(low for low, _ in parts), max(high for _, high in parts)) if parts else None
