"""The valid readings of one metric in order, as tests look at them: before, near, by local day (MO-06, MO-12). Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from zoneinfo import ZoneInfo

from careloop.monitoring.model import Judged


@dataclass(frozen=True, slots=True)
class DayReading:
    """The reading that stands for a local day: the first of the morning, else the first. `place` is where it is."""

    place: int
    morning: bool


class Series:
    """Valid readings, oldest first. Those with a wrong clock stand in it, and no window looks at them (MO-01)."""

    def __init__(self, readings: Sequence[Judged], zone: str, morning_ends: time) -> None:
        self.readings = readings
        self.values: list[Decimal] = [one.reading.value for one in readings if one.reading.value is not None]
        self._zone, self._morning_ends = ZoneInfo(zone), morning_ends

    @cached_property
    def days(self) -> list[date]:
        """The local date of each reading (MO-12: a zone moves the day, never the instant)."""
        return [one.reading.measured.astimezone(self._zone).date() for one in self.readings]

    @cached_property
    def by_day(self) -> dict[date, DayReading]:
        """The reading that stands for each local day."""
        found: dict[date, DayReading] = {}
        for place, (one, day) in enumerate(zip(self.readings, self.days, strict=True)):
            if one.clock:
                continue
            local = one.reading.measured.astimezone(self._zone).time()
            morning = local < self._morning_ends
            known = found.get(day)
            if known is None or (morning and not known.morning):
                found[day] = DayReading(place, morning)
        return found

    def stands_for_day(self, place: int) -> bool:
        """True where this reading is the one of its day."""
        standing = self.by_day.get(self.days[place])
        return standing is not None and standing.place == place

    def days_before(self, day: date, count: int) -> Iterator[int]:
        """Places of the day readings of the `count` days before `day`, newest first."""
        for back in range(1, count + 1):
            known = self.by_day.get(day - timedelta(days=back))
            if known is not None:
                yield known.place

    def back(self, place: int, span: timedelta) -> Iterator[int]:
        """Places before `place` within a span, newest first, none with a wrong clock."""
        earliest = self.readings[place].moment - span
        for at in range(place - 1, -1, -1):
            one = self.readings[at]
            if one.clock:
                continue
            if one.moment < earliest:
                return
            yield at

    def repeats(self, place: int, span: timedelta) -> list[int]:
        """Places of readings after `place` within a span, by the moments that count."""
        start = self.readings[place].moment
        return [at for at in range(place + 1, len(self.readings)) if start < self.readings[at].moment <= start + span]

    def received(self, places: Sequence[int]) -> datetime:
        """When all of these were here."""
        return max(self.readings[at].reading.received for at in places)
