"""Who of those that wait gets a freed time: by need, then by how long they wait.

Never used: language, insurance, distance, missed visits (ui.md §7.1). Who cannot come at that time, or was asked about
it already, is passed over and keeps the place in the line.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from careloop.scheduling.model import Waiting, Window

NOT_SAID = 5
"""Where nobody said how urgent it is, it stands in the middle of 1 to 9."""


def in_order(waiting: Iterable[Waiting], now: datetime) -> list[Waiting]:
    """The most urgent first; among equals who is latest against the date they should be seen by, then who waits
    longest."""
    return sorted(waiting, key=lambda one: (one.need or NOT_SAID, _beyond(one, now), one.since, one.id))


def _beyond(one: Waiting, now: datetime) -> tuple[int, datetime]:
    """Those with a date to be seen by come by that date, before those without one."""
    return (0, one.latest) if one.latest else (1, now)


def fits(one: Waiting, free: Window, actor: str) -> bool:
    """True where the freed time is long enough, with whom they wait for, and when they can come."""
    if timedelta(minutes=one.minutes) > free.length:
        return False
    if one.actor is not None and one.actor != actor:
        return False
    start, end = free.start, free.start + timedelta(minutes=one.minutes)
    return one.wanted is None or (one.wanted.start <= start and end <= one.wanted.end)


def next_for(
    waiting: Iterable[Waiting],
    free: Window,
    actor: str,
    *,
    asked: Collection[str],
    busy: Collection[str],
    now: datetime,
) -> Waiting | None:
    """Whom to ask next about the freed time; None when there is nobody. `asked` are ids of those who were asked about
    it, `busy` are patients who are elsewhere then."""
    for one in in_order(waiting, now):
        if one.id not in asked and one.patient_id not in busy and fits(one, free, actor):
            return one
    return None


def why_of(one: Waiting, place: int, total: int, day_words: str) -> str:
    """The reason in words, for those who ask why this person."""
    urgent = {1: "most urgent", 2: "urgent", 3: "urgent"}.get(one.need, "")
    parts = [urgent, f"waits since {day_words}", f"number {place} of {total}"]
    return ", ".join(part for part in parts if part)


def expires_at(now: datetime, free: Window, open_for: timedelta, notice: timedelta) -> datetime | None:
    """Until when the offer stands: never later than `notice` before the visit; None where that is over."""
    latest = free.start - notice
    return None if latest <= now else min(now + open_for, latest)
