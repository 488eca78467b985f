"""Weekly hours as they stand in a `Schedule`, and the Schedule and Slots that say them."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time
from typing import Any

from careloop.errors import Rejected
from careloop.scheduling.model import WeekHours, Window

HOURS = "urn:careloop:hours"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""FHIR days-of-week, Monday first."""


def read_hours(schedule: Mapping[str, Any]) -> tuple[WeekHours, ...]:
    """The weekly hours of a Schedule, in order; what cannot be read is left out."""
    found = []
    for extension in schedule.get("extension", ()):
        if extension.get("url") == HOURS:
            parts = {part.get("url"): part for part in extension.get("extension", ())}
            day = str(parts.get("day", {}).get("valueCode", ""))
            opens, closes = (_time(parts.get(name, {}).get("valueTime")) for name in ("from", "to"))
            if day in DAYS and opens and closes and opens < closes:
                found.append(WeekHours(DAYS.index(day), opens, closes))
    return tuple(sorted(found))


def hours_extensions(hours: Iterable[WeekHours]) -> list[dict[str, Any]]:
    """The same as extensions of a Schedule."""
    return [
        {
            "url": HOURS,
            "extension": [
                {"url": "day", "valueCode": DAYS[one.weekday]},
                {"url": "from", "valueTime": one.opens.isoformat()},
                {"url": "to", "valueTime": one.closes.isoformat()},
            ],
        }
        for one in sorted(hours)
    ]


def parse_hours(lines: Mapping[int, str]) -> tuple[WeekHours, ...]:
    """Hours as people write them, by day of the week: `8:00-12:00, 13:00-17:00`. `Rejected` names the day."""
    found: list[WeekHours] = []
    for weekday, text in sorted(lines.items()):
        spans = [_span(weekday, part.strip()) for part in text.replace("–", "-").split(",") if part.strip()]
        spans.sort()
        for one, other in itertools.pairwise(spans):
            if other.opens < one.closes:
                raise Rejected(at=DAYS[weekday], expected="hours that do not overlap")
        found += spans
    return tuple(found)


def hours_text(hours: Iterable[WeekHours], weekday: int) -> str:
    """The hours of one day as people write them."""
    return ", ".join(f"{one.opens:%H:%M}-{one.closes:%H:%M}" for one in sorted(hours) if one.weekday == weekday)


def slot_of(slot_id: str, schedule: str, window: Window, status: str, zone: Any) -> dict[str, Any]:
    """A Slot of that window."""
    return {
        "resourceType": "Slot",
        "id": slot_id,
        "schedule": {"reference": schedule},
        "status": status,
        "start": _instant(window.start, zone),
        "end": _instant(window.end, zone),
    }


def slot_status(window: Window, taken: Sequence[tuple[str, Window]]) -> str:
    """Free, or what takes it: away before a visit, a visit before a hold."""
    kinds = {kind for kind, other in taken if other.meets(window)}
    if "away" in kinds:
        return "busy-unavailable"
    if "visit" in kinds:
        return "busy"
    return "busy-tentative" if kinds else "free"


def _span(weekday: int, text: str) -> WeekHours:
    opens, _, closes = text.partition("-")
    first, last = _time(opens.strip()), _time(closes.strip())
    if first is None or last is None or first >= last:
        raise Rejected(at=DAYS[weekday], expected="hours such as 8:00-12:00, 13:00-17:00")
    return WeekHours(weekday, first, last)


def _time(value: Any) -> time | None:
    if not isinstance(value, str) or ":" not in value:
        return None
    hour, _, rest = value.partition(":")
    try:
        found = time.fromisoformat(f"{hour:0>2}:{rest}")
    except ValueError:
        return None
    return found if found.tzinfo is None else None


def _instant(at: datetime, zone: Any) -> str:
    return at.astimezone(zone).isoformat(timespec="seconds")
