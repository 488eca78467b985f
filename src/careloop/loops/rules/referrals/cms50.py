"""CMS50, receipt of specialist report, as its CQL reads (referrals.md §2; value sets by name): one referral a patient.

Dates and times are local to the practice, with the precision they were given. Which visits qualify is decided by value
sets before this.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

_STATUSES = frozenset({"active", "completed"})
_LAST_MONTH, _LAST_DAY = 10, 31


@dataclass(frozen=True, kw_only=True)
class Referral:
    """A ServiceRequest that refers. `authored` is a day or an instant, as it was written."""

    id: str
    authored: date
    status: str = "active"
    intent: str = "order"


@dataclass(frozen=True, kw_only=True)
class Fulfilment:
    """A Task that fulfils a referral. `is_consultant_report`: its reason is in the value set Consultant Report."""

    referral: str
    status: str
    ended: date | None
    is_consultant_report: bool


@dataclass(frozen=True, kw_only=True)
class Cms50:
    """Where the patient stands in the measure; `referral` is the one that counts."""

    initial_population: bool
    numerator: bool
    referral: str | None = None


def cms50(year: int, qualifying: Sequence[date], referrals: Sequence[Referral], tasks: Sequence[Fulfilment]) -> Cms50:
    """Population and numerator of one patient. Only the first referral authored from 1 January to 31 October counts;
    its report must end after it was authored and by 31 December. No exclusions."""
    first = _first(year, referrals)
    if first is None or not any(day.year == year for day in qualifying):
        return Cms50(initial_population=False, numerator=False)
    met = any(_is_receipt(one, first, year) for one in tasks)
    return Cms50(initial_population=True, numerator=met, referral=first.id)


def _first(year: int, referrals: Sequence[Referral]) -> Referral | None:
    last = date(year, _LAST_MONTH, _LAST_DAY)
    counted = [
        one
        for one in referrals
        if one.status in _STATUSES and one.intent == "order" and date(year, 1, 1) <= day_of(one.authored) <= last
    ]
    return min(counted, key=lambda one: (day_of(one.authored), _hour(one.authored), one.id), default=None)


def _is_receipt(task: Fulfilment, referral: Referral, year: int) -> bool:
    return (
        task.referral == referral.id
        and task.status == "completed"
        and task.is_consultant_report
        and task.ended is not None
        and _is_after(task.ended, referral.authored)
        and day_of(task.ended) <= date(year, 12, 31)
    )


def day_of(when: date) -> date:
    """The day of a day or an instant."""
    return when.date() if isinstance(when, datetime) else when


def _hour(when: date) -> str:
    return when.isoformat()[10:]


def _is_after(end: date, authored: date) -> bool:
    """Instants are compared as such; where one is a day only, the days must differ (CQL: else it is not known)."""
    if isinstance(end, datetime) and isinstance(authored, datetime):
        return end > authored
    return day_of(end) > day_of(authored)
