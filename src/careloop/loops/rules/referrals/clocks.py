"""Dates of a referral: see-by (RF-02), approvals (RF-11), how long a state lasts."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from careloop.loops.model import Unknown
from careloop.loops.rules.calendar import Calendar, Deadline, Span, after, end_of, local_date, words_of
from careloop.loops.rules.referrals.content import Clock, Priority, State, Tables


def see_by(authored: date, priority: Priority) -> date:
    """The date by which the patient should be seen: authored date plus the days of the priority (RF-02)."""
    return authored + timedelta(days=priority.see_by_days)


def see_by_after_change(before: date, old: Priority, new: Priority, changed: date) -> date:
    """The see-by date after the priority was changed on `changed` (RF-02): raised, the earlier of the old date and the
    new days from the change; lowered, the new days from the change; the same, as before."""
    if new.rank == old.rank:
        return before
    fresh = changed + timedelta(days=new.see_by_days)
    return min(before, fresh) if new.rank < old.rank else fresh


def is_late_scheduled(see_by_date: date, booked: date) -> bool:
    """True when the visit is booked after the see-by date: said at booking, not on the day (RF-02)."""
    return booked > see_by_date


def state_deadline(
    tables: Tables, state: State, since: datetime, priority: Priority, see_by_date: date, zone: str, calendar: Calendar
) -> Deadline | None:
    """Until when the referral may be in this state, with the arithmetic; None where nothing is waited for."""
    clock = state.clock
    if clock is None:
        return None
    if clock.of == "see-by":
        days = priority.see_by_days
        return Deadline(due=end_of(see_by_date, zone), because=f"see-by date, {days} days for {priority.id}")
    return add_span(since, _span(clock, priority), zone, calendar)


def _span(clock: Clock, priority: Priority) -> Span:
    if clock.of == "triage":
        return priority.triage
    if clock.of == "schedule":
        return priority.schedule
    span = clock.by_priority.get(priority.id, clock.within)
    assert span is not None, "the schema asks for within or of"
    return span


def add_span(since: datetime, span: Span, zone: str, calendar: Calendar) -> Deadline:
    """`span` after `since`. Months keep the day of the month, or take the month's last day."""
    if span.unit != "months":
        return after(since, span, zone, calendar)
    day = local_date(since, zone)
    return Deadline(due=end_of(months_later(day, span.amount), zone), because=f"{span.words} after {words_of(day)}")


def months_later(day: date, months: int) -> date:
    """The same day of the month `months` later, clipped to the last day of that month."""
    index = day.year * 12 + day.month - 1 + months
    first = date(index // 12, index % 12 + 1, 1)
    next_first = date((index + 1) // 12, (index + 1) % 12 + 1, 1)
    return min(first + timedelta(days=day.day - 1), next_first - timedelta(days=1))


@dataclass(frozen=True, kw_only=True)
class Authorization:
    """A payer's approval. `expires` and `visits` are None where there is no limit; `needed` False: none is asked."""

    needed: bool = True
    number: str = ""
    expires: date | None = None
    visits: int | None = None
    visits_used: int = 0

    @property
    def visits_left(self) -> int | None:
        """Visits that may still be made; None without a limit (RF-11)."""
        return None if self.visits is None else max(0, self.visits - self.visits_used)


def authorization_problem(given: Authorization | None, see_by_date: date, booked: date | None = None) -> str | Unknown:
    """What is wrong with the approval for the day of the visit (the see-by date until one is booked), empty when
    nothing is (RF-11). It holds through the day on which it expires."""
    if given is None:
        return Unknown(reason="nobody asked whether an approval is needed")
    if not given.needed:
        return ""
    if not given.number:
        return "approval not there yet"
    day = booked or see_by_date
    if given.expires is not None and given.expires < day:
        return f"approval ends {words_of(given.expires)}, before {words_of(day)}"
    if given.visits_left == 0:
        return "all approved visits are used"
    return ""
