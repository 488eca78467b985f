"""Deadlines of steps, how urgent they are, and who else looks when they pass.

Each deadline comes with its arithmetic in words. Due soon: under a quarter of the time is left, or the clock ends
today (ui.md §4.2).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from careloop.loops.model import Act, ActKind, ClockState, Escalation, Evidence, Turn
from careloop.loops.rules.calendar import (
    INSTANT,
    Deadline,
    Span,
    after,
    end_of,
    end_of_month,
    local_date,
    span_said,
    start_of,
    words_of,
    zone_named,
)
from careloop.loops.rules.case import Case, standing_acts
from careloop.loops.rules.evidence import proof_of, settled_at
from careloop.loops.rules.pathways import Due, EscalationRule, Step

_VISITS = frozenset({"AMB", "HH", "VR"})
_BOOKED = frozenset({"booked", "arrived", "checked-in", "fulfilled"})


@dataclass(frozen=True, kw_only=True)
class Timing:
    """When a step must be done, why then, and the aim inside that limit."""

    due: datetime
    because: str
    target: datetime | None = None
    start: datetime | None = None
    """When the clock began, where that is not the opening."""


@dataclass(frozen=True, kw_only=True)
class Hold:
    """Waiting for a reason, from `since` until `until`."""

    reason: str
    since: datetime
    until: datetime
    by: str


def timing_of(case: Case, step: Step) -> Timing:
    """The deadline of a step: as somebody set it for this patient, else as its clock says."""
    return set_for_patient(case, step.id) or _by_clock(case, step)


def set_for_patient(case: Case, step_id: str) -> Timing | None:
    """The deadline that a person gave this patient's step, with their reason; None where nobody did."""
    acts = [act for act in standing_acts(case.acts, step_id, case.until) if act.kind is ActKind.DEADLINE]
    if not acts:
        return None
    due = instant_in(acts[-1], "due").astimezone(zone_named(case.zone))
    return Timing(due=due, because=f"set for this patient: {acts[-1].data.get('note') or acts[-1].data['reason']}")


def _by_clock(case: Case, step: Step) -> Timing:
    """The deadline of a step whose clock starts with the opening fact, or with another step's date."""
    if step.due.date_of is not None:
        return _date_of(case, step.due.date_of)
    if step.due.planned_start:
        return _planned(case)
    if step.due.by_tier is not None:
        return _by_tier(case, step)
    if step.due.date is not None:
        return _named_date(case, step.due)
    if step.due.end_of_month:
        day = end_of_month(local_date(case.anchor.at, case.zone))
        return Timing(due=end_of(day, case.zone), because=f"the end of the month, {words_of(day)}")
    return _within(case, step)


def _within(case: Case, step: Step) -> Timing:
    """So long after the opening, or after the end of another step; until that has ended, after its own deadline."""
    start, since = _start(case, step.due.since)
    span, why = _span(case, step.due)
    deadline = case.after(start, span, since)
    aim = step.due.target or span_said(case.key(step.due.target_by or "") or "")
    target = case.after(start, aim, since).due if aim else None
    return Timing(due=deadline.due, because=f"{deadline.because}{why}", target=target, start=start)


def _start(case: Case, step_id: str | None) -> tuple[datetime, str]:
    """When the clock begins, and what to call that moment where its date alone would not do."""
    before = case.pathway.step(step_id) if step_id else None
    if before is None:
        return case.anchor.at, ""
    settled = settled_at(case, before.id)
    if settled is not None:
        return max(settled, case.anchor.at), ""
    due = timing_of(case, before).due
    return due, f'the deadline of "{before.title}", {words_of(local_date(due, case.zone))}'


def _span(case: Case, due: Due) -> tuple[Span, str]:
    """The length of the clock, and why it is that."""
    if due.by_key is None:
        assert due.within is not None
        return due.within, ""
    name, spans = due.by_key
    word = case.key(name)
    said = span_said(word or "") if due.as_said else None
    if said is not None:
        return said, ""
    if word is not None and word in spans:
        return spans[word], f" ({name} {word})"
    assert due.otherwise is not None
    return due.otherwise, f" ({name} not known)"


def _named_date(case: Case, due: Due) -> Timing:
    """A date that the matter itself names; where it names none, so long after the opening."""
    assert due.date is not None and due.otherwise is not None
    named = case.date(due.date)
    if named is None:
        deadline = case.after_opening(due.otherwise)
        return Timing(due=deadline.due, because=f"{deadline.because} (no date was named)")
    limit = named - INSTANT if named == start_of(local_date(named, case.zone), case.zone) else named
    day = local_date(limit, case.zone)
    return Timing(due=min(limit.replace(microsecond=0), end_of(day, case.zone)), because=f"named: {words_of(day)}")


def _by_tier(case: Case, step: Step) -> Timing:
    assert step.due.by_tier is not None
    span = step.due.by_tier[case.tier]
    deadline = case.after_opening(span)
    because = f"{deadline.because} ({case.tier.value} risk)"
    if not step.due.tcm_days:
        return Timing(due=deadline.due, because=because)
    inclusive = case.after_opening(replace(span, amount=span.amount - 1))
    if case.settings.tcm_day_count == "inclusive":
        return Timing(due=inclusive.due, because=f"day {span.amount} with the discharge date as day 1", target=None)
    return Timing(due=deadline.due, because=because, target=inclusive.due)


def _planned(case: Case) -> Timing:
    stay = case.anchor.stay
    start = (stay.planned_start if stay else None) or case.anchor.at
    day = local_date(start, case.zone)
    return Timing(due=end_of(day, case.zone), because=f"the planned date, {words_of(day)}")


def _date_of(case: Case, step_id: str) -> Timing:
    """TR-26: the date of the visit when it is done or booked; until then the visit's own deadline."""
    visit = case.pathway.step(step_id)
    assert visit is not None
    done = proof_of(case, visit)
    booked = done.at if done else booked_at(case)
    if booked is None:
        own = timing_of(case, visit)
        return Timing(due=own.due, because=f"the deadline of the visit until one is booked: {own.because}")
    day = local_date(booked, case.zone)
    word = "the date of the visit" if done else "the date of the booked visit"
    return Timing(due=end_of(day, case.zone), because=f"{word}, {words_of(day)}")


def booked_at(case: Case) -> datetime | None:
    """Start of the first visit that is booked after the opening fact, within the loop."""
    starts = [
        fact.at
        for fact in case.facts.facts
        if case.anchor.at < fact.at <= case.until
        if (fact.resource_type == "Appointment" and fact.status in _BOOKED)
        or (
            fact.resource_type == "Encounter"
            and fact.status == "planned"
            and fact.encounter_class in ("AMB", "HH", "VR")
        )
    ]
    return min(starts, default=None)


def urgency(case: Case, started: datetime, due: datetime) -> tuple[ClockState, tuple[Turn, ...]]:
    """Overdue after `due`; due soon under a quarter of the time left or on the last day; else on time. With it, when
    that turns."""
    quarter = due.astimezone(UTC) - (due - started) / 4 + INSTANT
    last_day = start_of(local_date(due, case.zone), case.zone)
    soon, late = min(quarter, last_day) if due > started else last_day, due + INSTANT
    if case.moments.has_turned(late):
        return ClockState.OVERDUE, ()
    overdue = Turn(at=late, word=ClockState.OVERDUE.value)
    if case.moments.has_turned(soon):
        return ClockState.DUE_SOON, (overdue,)
    return ClockState.ON_TIME, (Turn(at=soon, word=ClockState.DUE_SOON.value), overdue)


def hold_of(case: Case, acts: tuple[Act, ...]) -> Hold | None:
    """The hold that a person set and nobody ended, while it lasts."""
    hold = None
    for act in acts:
        if act.kind is ActKind.HOLD:
            hold = Hold(reason=str(act.data["reason"]), since=act.at, until=instant_in(act, "until"), by=act.by)
        elif act.kind in (ActKind.RELEASE, ActKind.RESTORE):
            hold = None
    return None if hold is None or case.moments.reached(hold.until) else hold


def instant_in(act: Act, name: str) -> datetime:
    """An instant among an act's data; the store may hand it back as text."""
    value = act.data[name]
    return value if isinstance(value, datetime) else datetime.fromisoformat(str(value))


def escalations_of(
    case: Case, step: Step, timing: Timing, ended: datetime | None, holds: tuple[tuple[datetime, datetime], ...]
) -> tuple[tuple[Escalation, ...], tuple[Turn, ...]]:
    """The escalations that have fired: their moment came while the step was open and not on hold; and those whose
    moment is still ahead. Both in order of time."""
    fired, ahead = [], []
    for rule in step.escalate:
        if any(case.key(name) not in values for name, values in rule.only.items()):
            continue
        at = _postponed(_moment(case, rule, timing), holds)
        if at > case.until or (ended is not None and at >= ended):
            continue
        if case.moments.has_turned(at + INSTANT):
            fired.append(Escalation(key=rule.key, at=at, to_role=rule.to_role))
        else:
            ahead.append(Turn(at=at + INSTANT, word=rule.key, to_role=rule.to_role))
    return in_order(fired), tuple(sorted(ahead))


def in_order(fired: Iterable[Escalation]) -> tuple[Escalation, ...]:
    """As they fired."""
    return tuple(sorted(fired, key=lambda one: (one.at, one.key)))


def _moment(case: Case, rule: EscalationRule, timing: Timing) -> datetime:
    if rule.share is not None:
        start = timing.start or case.anchor.at
        return start + (timing.due - start) * rule.share / 100
    base = case.anchor.at if rule.after == "opening" else timing.due
    return base if rule.span is None else _later(case, base, rule.span).due


def _later(case: Case, base: datetime, span: Span) -> Deadline:
    return after(base, span, case.zone, case.calendar)


def _postponed(at: datetime, holds: tuple[tuple[datetime, datetime], ...]) -> datetime:
    for since, until in holds:
        if since <= at < until:
            at = until
    return at


def holds_in(acts: tuple[Act, ...]) -> tuple[tuple[datetime, datetime], ...]:
    """Every interval during which a person had put the work on hold, ended early or not."""
    spans: list[tuple[datetime, datetime]] = []
    for act in acts:
        if act.kind is ActKind.HOLD:
            spans.append((act.at, instant_in(act, "until")))
        elif act.kind in (ActKind.RELEASE, ActKind.RESTORE) and spans:
            since, until = spans[-1]
            spans[-1] = (since, min(until, max(since, act.at)))
    return tuple(spans)


def taken_over(case: Case, step: Step, attempts: tuple[Evidence, ...]) -> Timing | None:
    """The clock after enough attempts, where the pathway gives the step time from then on; None before."""
    if step.attempts is None or step.attempts.then is None or len(attempts) < step.attempts.enough:
        return None
    at = attempts[step.attempts.enough - 1].at
    deadline = case.after(at, step.attempts.then)
    return Timing(due=deadline.due, because=f"{deadline.because} ({step.attempts.says})", start=at)


def enough_attempts(case: Case, step: Step, attempts: tuple[Evidence, ...], timing: Timing) -> bool:
    """TR-22: as many separate attempts inside the deadline as the outside rule asks for."""
    if step.attempts is None:
        return False
    return sum(1 for attempt in attempts if attempt.at <= timing.due) >= step.attempts.enough
