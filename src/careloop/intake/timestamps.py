"""HL7 v2 dates and times (TS, DTM, DT): the instant, the FHIR text with the sender's precision and offset."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from careloop.errors import Rejected

_PATTERN = re.compile(
    r"^(\d{4})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:\.(\d{1,6}))?)?)?)?)?)?([+-]\d{4})?$"
)
EXPECTED = "a date that exists, as YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ]"


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time. `instant` is UTC; `text` is the FHIR dateTime with the precision and offset it was sent in."""

    instant: datetime
    text: str

    @property
    def date_text(self) -> str:
        """The FHIR date: the day in the sender's zone, or the year or month where no more was said."""
        return self.text[:10]


@lru_cache(maxsize=4096)
def moment(text: str, zone: str, at: str) -> Moment:
    """The moment that `text` names, without an offset in `zone` (TR-03). `Rejected` when there is no such time."""
    found = _PATTERN.match(text)
    if not found:
        raise Rejected(at=at, expected=EXPECTED)
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    try:
        place = _offset(offset) if offset else ZoneInfo(zone)
        local = datetime(
            int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0),
            int((fraction or "0").ljust(6, "0")), tzinfo=place,
        )  # fmt: skip
        instant = local.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Rejected(at=at, expected=EXPECTED) from error
    if hour is None:
        return Moment(instant, "-".join(part for part in (year, month, day) if part))
    milliseconds = "milliseconds" if fraction else "seconds"
    return Moment(instant, local.isoformat(timespec=milliseconds))


def instant_text(instant: datetime) -> str:
    """An instant as FHIR text in UTC, to the second where it has no fraction."""
    utc = instant.astimezone(UTC)
    return utc.isoformat(timespec="microseconds" if utc.microsecond else "seconds").replace("+00:00", "Z")


def moment_from_text(text: str, zone: str) -> Moment:
    """The moment of a FHIR dateTime that this module wrote; a date alone begins in `zone`."""
    if len(text) > 10:
        return Moment(datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC), text)
    parts = [int(part) for part in text.split("-")] + [1, 1]
    return Moment(datetime(parts[0], parts[1], parts[2], tzinfo=ZoneInfo(zone)).astimezone(UTC), text)


def _offset(text: str) -> tzinfo:
    hours, minutes = int(text[1:3]), int(text[3:5])
    if hours > 14 or minutes > 59:
        raise ValueError("offset")
    delta = timedelta(hours=hours, minutes=minutes)
    return timezone(-delta if text[0] == "-" else delta)
