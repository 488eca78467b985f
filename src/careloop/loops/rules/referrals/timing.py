"""Time to specialist (RF-03): how long patients wait, with those who still wait counted as what they are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil


@dataclass(frozen=True, kw_only=True)
class Wait:
    """One referral. `seen` is its first completed visit; a date on which the patient did not come is none. `ended` is
    when it ended without a visit. `see_by` closes its window."""

    authored: date
    see_by: date
    seen: date | None = None
    ended: date | None = None
    booked: date | None = None
    reported: date | None = None

    @property
    def days(self) -> int | None:
        """Calendar days to the first completed visit, None without one."""
        return None if self.seen is None else (self.seen - self.authored).days

    def waiting_days(self, today: date) -> int | None:
        """Days waited so far, None where nobody waits any more."""
        return None if self.seen is not None or self.ended is not None else (today - self.authored).days


@dataclass(frozen=True, kw_only=True)
class Waits:
    """The report of RF-03. A figure without anything to count is None. `within` of `due` were seen inside their window;
    a referral that is still open is due once its window is over, and then it was not met."""

    completed: int
    median: float | None
    p90: int | None
    longest: int | None
    waiting: tuple[int, ...]
    within: int
    due: int
    ended: int
    to_booked: float | None = None
    """Median days from asking to the booking; None of nothing."""

    to_report: float | None = None
    """Median days from the visit to its report; None of nothing."""

    @property
    def share(self) -> float | None:
        """Seen inside the window, of all that are due."""
        return self.within / self.due if self.due else None

    @property
    def waiting_words(self) -> str:
        """`1 waiting, 75 days`; never as 0."""
        if not self.waiting:
            return "nobody waiting"
        longest = max(self.waiting)
        days = "1 day" if longest == 1 else f"{longest} days"
        return f"1 waiting, {days}" if len(self.waiting) == 1 else f"{len(self.waiting)} waiting, longest {days}"


def waits(referrals: Sequence[Wait], today: date) -> Waits:
    """Median, 90th percentile (nearest rank) and share within the window (RF-03)."""
    done = sorted(one.days for one in referrals if one.days is not None)
    within = sum(1 for one in referrals if one.seen is not None and one.seen <= one.see_by)
    late_open = sum(1 for one in referrals if one.waiting_days(today) is not None and today > one.see_by)
    waiting = [days for one in referrals if (days := one.waiting_days(today)) is not None]
    return Waits(
        completed=len(done),
        median=median(done),
        p90=percentile(done, 90),
        longest=done[-1] if done else None,
        waiting=tuple(sorted(waiting, reverse=True)),
        within=within,
        due=len(done) + late_open,
        ended=sum(1 for one in referrals if one.seen is None and one.ended is not None),
        to_booked=_median_of(interval(one.authored, one.booked) for one in referrals),
        to_report=_median_of(interval(one.seen, one.reported) for one in referrals),
    )


def _median_of(days: Iterable[int | None]) -> float | None:
    """Of what is known; a report that is older than its recorded visit says nothing (worked case 4)."""
    return median(sorted(one for one in days if one is not None and one >= 0))


def median(values: Sequence[int]) -> float | None:
    """The middle of sorted values, the mean of the two middle ones; None of nothing."""
    if not values:
        return None
    half = len(values) // 2
    return float(values[half]) if len(values) % 2 else (values[half - 1] + values[half]) / 2


def percentile(values: Sequence[int], share: int) -> int | None:
    """The smallest value that `share` percent of the sorted values do not exceed (nearest rank); None of nothing."""
    return values[max(0, ceil(len(values) * share / 100) - 1)] if values else None


def interval(start: date | None, end: date | None) -> int | None:
    """Days from one to the other, None unless both are known: authored to booked, visit to report (RF-03)."""
    return None if start is None or end is None else (end - start).days
