"""Days, deadlines and labels as a brief says them. Pure."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from careloop.longitudinal.rules.ages import day_of

Resource = Mapping[str, Any]
_CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
_OPEN_LABELS = frozenset({"N", "L", "M", "U"})


def day_words(at: datetime | str, zone: ZoneInfo) -> str:
    """`Fri 20 Nov`; the year too where it is not certain."""
    day = day_of(at, zone) if isinstance(at, str) else at.astimezone(zone).date()
    return _day(day) if day else ""


def _day(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b}"


def dated_words(text: str, now: datetime, zone: ZoneInfo) -> str:
    """`20 Nov`, or `20 Nov 2024` where it is another year."""
    day = day_of(text, zone)
    if day is None:
        return ""
    year = "" if day.year == now.astimezone(zone).year else f" {day.year}"
    return f"{day.day} {day:%b}{year}" if len(text) > 7 else f"{day:%b}{year}".strip() if len(text) == 7 else text


def moment_words(at: datetime, zone: ZoneInfo) -> str:
    """`Fri 27 Nov 10:00 am`."""
    local = at.astimezone(zone)
    return f"{_day(local.date())} {local.hour % 12 or 12}:{local:%M} {'am' if local.hour < 12 else 'pm'}"


def due_words(due: datetime, now: datetime, zone: ZoneInfo) -> str:
    """`late by 2 days`, `today by 5:00 pm`, `by Fri 27 Nov`."""
    if due < now:
        return f"late by {_span(now - due)}"
    if due.astimezone(zone).date() == now.astimezone(zone).date():
        local = due.astimezone(zone)
        return f"today by {local.hour % 12 or 12}:{local:%M} {'am' if local.hour < 12 else 'pm'}"
    return f"by {day_words(due, zone)}"


def _span(late: timedelta) -> str:
    minutes = int(late.total_seconds() // 60)
    if minutes < 60:
        return f"{max(minutes, 1)} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h"
    return f"{minutes // (24 * 60)} days"


def is_private(resource: Resource) -> bool:
    """True where a resource carries a label of privacy (assessments.md AS-09): any label, but a confidentiality that is
    normal or lower."""
    labels = (resource.get("meta") or {}).get("security", ())
    return any(one.get("system") != _CONFIDENTIALITY or one.get("code") not in _OPEN_LABELS for one in labels)
