"""When somebody can be booked: weekly hours by the clock on the wall, without holidays, without what is taken.

All comparing is done on instants. On the day when clocks go forward, hours that do not exist are left out; on the day
when they go back, hours that happen twice count twice.
"""

from collections.abc import Container, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from careloop.scheduling.model import WeekHours, Window


def windows_of(day: date, hours: Iterable[WeekHours], zone: ZoneInfo, holidays: Container[date]) -> list[Window]:
    """When hours are held on this day, in order and in UTC; none on a holiday. Hours that touch are one."""
    if day in holidays:
        return []
    found = sorted(
        Window(instant_of(day, one.opens, zone, last=False), instant_of(day, one.closes, zone, last=True))
        for one in hours
        if one.weekday == day.weekday()
    )
    return joined(window for window in found if window.start < window.end)


def instant_of(day: date, at: time, zone: ZoneInfo, *, last: bool) -> datetime:
    """The instant when clocks in `zone` show `at`: of two, the last or the first; where none does, the moment at which
    clocks jump over it."""
    wall = datetime.combine(day, at)
    found = [wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    if found[0].astimezone(zone).replace(tzinfo=None) == wall:
        return max(found) if last else min(found)
    return _jump(min(found), max(found), zone)


def _jump(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """The first minute between two instants at which the clock is another than before."""
    before = low.astimezone(zone).utcoffset()
    minutes = int((high - low) / timedelta(minutes=1))
    for count in range(minutes + 1):
        at = low + timedelta(minutes=count)
        if at.astimezone(zone).utcoffset() != before:
            return at
    return high


def joined(windows: Iterable[Window]) -> list[Window]:
    """The same time with no two windows that touch, in order."""
    found: list[Window] = []
    for window in sorted(windows):
        if found and window.start <= found[-1].end:
            found[-1] = Window(found[-1].start, max(found[-1].end, window.end))
        else:
            found.append(window)
    return found


def without(windows: Sequence[Window], taken: Iterable[Window]) -> list[Window]:
    """What is left of the windows when `taken` is taken out."""
    left = list(windows)
    for hole in joined(taken):
        left = [part for window in left for part in _minus(window, hole)]
    return left


def _minus(window: Window, hole: Window) -> Iterator[Window]:
    if not window.meets(hole):
        yield window
        return
    if window.start < hole.start:
        yield Window(window.start, hole.start)
    if hole.end < window.end:
        yield Window(hole.end, window.end)


def pieces(windows: Iterable[Window], minutes: int) -> list[Window]:
    """Each window cut into pieces of so many minutes from its beginning; what is left at its end is left out."""
    length = timedelta(minutes=minutes)
    found = []
    for window in windows:
        start = window.start
        while start + length <= window.end:
            found.append(Window(start, start + length))
            start += length
    return found


def bookable(free: Iterable[Window], minutes: int, step: int, earliest: datetime) -> list[Window]:
    """Visits of so many minutes that fit, beginning at a full `step` of minutes, none before `earliest`."""
    length, stride = timedelta(minutes=minutes), timedelta(minutes=step)
    found = []
    for window in free:
        start = _next_step(max(window.start, earliest), step)
        while start + length <= window.end:
            found.append(Window(start, start + length))
            start += stride
    return found


def _next_step(at: datetime, step: int) -> datetime:
    floor = at.replace(minute=at.minute - at.minute % min(step, 60), second=0, microsecond=0)
    while floor < at:
        floor += timedelta(minutes=step)
    return floor
