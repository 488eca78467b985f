"""HL7 v3 times as FHIR dates: with the precision that was given, and a zone wherever there is a time of day."""

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

_TIME = re.compile(
    r"(?P<year>\d{4})(?:(?P<month>\d\d)(?:(?P<day>\d\d)"
    r"(?:(?P<hour>\d\d)(?:(?P<minute>\d\d)(?:(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))?)?)?)?)?)?"
    r"(?P<zone>Z|[+-]\d{4})?",
    re.ASCII,
)


def date_time(text: str | None, zone: str) -> str | None:
    """`20120815090051-0500` as `2012-08-15T09:00:51-05:00`. None for what is no date that exists. An hour without
    minutes is the hour's beginning; a time without an offset is in `zone`."""
    found = _TIME.fullmatch((text or "").strip().replace("-00:00", "+0000"))
    if found is None:
        return None
    year, month, day = found["year"], found["month"], found["day"]
    shown = "-".join(part for part in (year, month, day) if part)
    if not _exists(year, month or "01", day or "01"):
        return None
    if not found["hour"]:
        return shown
    clock = f"{found['hour']}:{found['minute'] or '00'}:{found['second'] or '00'}"
    try:
        moment = datetime.fromisoformat(f"{shown}T{clock}")
    except ValueError:
        return None
    fraction = f".{found['fraction']}" if found["fraction"] else ""
    return f"{shown}T{clock}{fraction}{_offset(found['zone'], moment, zone)}"


def date_only(text: str | None, zone: str) -> str | None:
    """The day of a time, or the month or year where no more was said."""
    said = date_time(text, zone)
    return said.partition("T")[0] if said else None


def _exists(year: str, month: str, day: str) -> bool:
    try:
        date(int(year), int(month), int(day))
    except ValueError:
        return False
    return True


def _offset(said: str | None, moment: datetime, zone: str) -> str:
    if said == "Z":
        return "Z"
    if said and int(said[1:3]) <= 14 and int(said[3:]) < 60:
        return f"{said[:3]}:{said[3:]}"
    local = moment.replace(tzinfo=ZoneInfo(zone)).strftime("%z")
    return f"{local[:3]}:{local[3:]}"
