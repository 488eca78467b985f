"""The one clock. Nothing else in the product reads the system time.

A demo or a test may start the product's clock at another instant; it then runs on at the usual pace. The offset is
kept in the database table `instance`, so that every process on one data folder lives at the same time.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Tells the product's time: the system's plus `offset`."""

    offset: timedelta = timedelta(0)

    def now(self) -> datetime:
        """The current instant in UTC."""
        return datetime.now(UTC) + self.offset

    @property
    def is_moved(self) -> bool:
        """True when the product does not live at the system's time; every page then says so."""
        return abs(self.offset) > timedelta(seconds=1)


def clock_started_at(instant: datetime) -> Clock:
    """A clock that reads `instant` now and runs on from there."""
    return Clock(offset=instant - datetime.now(UTC))
