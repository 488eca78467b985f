"""A calendar feed (RFC 5545) with the least that a diary needs: initials, kind, as much of the place as was chosen.

No name, no reason, no service, no link: whoever sees the telephone of a nurse learns nothing about health.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from careloop.scheduling.model import Window

if TYPE_CHECKING:
    from icalendar import Event

PRODUCT = "-//Careloop//Diary//EN"
REFRESH_MINUTES = 15


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of a diary. `uid` is opaque; `words` is `M. R., Home visit`; `place` is empty where none is told."""

    uid: str
    words: str
    place: str
    window: Window
    confirmed: bool
    changed: datetime


def feed_of(entries: Iterable[Entry], name: str) -> bytes:
    """The feed, the same bytes for the same entries."""
    from icalendar import Calendar  # 80 modules that only a process which is asked for a feed needs

    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", name)
    # How often a calendar program asks again: RFC 7986, and the name that Outlook knows.
    calendar.add("refresh-interval", timedelta(minutes=REFRESH_MINUTES), parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", f"PT{REFRESH_MINUTES}M")
    for entry in sorted(entries, key=lambda one: (one.window, one.uid)):
        calendar.add_component(_event(entry))
    text: bytes = calendar.to_ical()
    return text


def _event(entry: Entry) -> "Event":
    from icalendar import Event

    event = Event()
    event.add("uid", entry.uid)
    event.add("summary", entry.words)
    event.add("dtstart", entry.window.start.astimezone(UTC))
    event.add("dtend", entry.window.end.astimezone(UTC))
    event.add("dtstamp", entry.changed.astimezone(UTC))
    event.add("status", "CONFIRMED" if entry.confirmed else "TENTATIVE")
    event.add("class", "PRIVATE")
    if entry.place:
        event.add("location", entry.place)
    return event
