"""What a step must be now: done by proof, done by a person's word, waiting, late, not needed.

Proof wins over a person's word, and a person's word over nothing. A step that is not needed (home visit when risk is
not high, pending results when none was open) is cancelled as `not-applicable` and comes back when that changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from careloop.loops.model import Act, ActKind, ClockState, Closure, Escalation, Evidence, Status, StepState, Turn
from careloop.loops.rules.calendar import zone_named
from careloop.loops.rules.case import Case, closed_by_person, standing_acts
from careloop.loops.rules.clocks import (
    Hold,
    Timing,
    enough_attempts,
    escalations_of,
    hold_of,
    holds_in,
    in_order,
    instant_in,
    set_for_patient,
    taken_over,
    timing_of,
    urgency,
)
from careloop.loops.rules.evidence import attempts_at, proof_of, settled_at, shown_by_hand, unneeded
from careloop.loops.rules.pathways import Due, Step
from careloop.loops.rules.results import followed, timing_of_results


@dataclass(frozen=True, kw_only=True)
class Found:
    """What the record says about a step, before people's acts are looked at."""

    timing: Timing
    proof: tuple[Evidence, ...] = ()
    attempts: tuple[Evidence, ...] = ()
    not_needed: str | None = None
    first: Timing | None = None
    """The clock until attempts gave the step another one (`Attempts.then`)."""


def steps_of(case: Case) -> tuple[StepState, ...]:
    """The state of every step of the pathway, in its order, and of those that a person added for this patient."""
    added = [act for act in standing_acts(case.acts, None, case.until) if act.kind is ActKind.EXTRA]
    added.sort(key=lambda act: (act.at, len(str(act.data["step"])), str(act.data["step"])))
    return tuple(step_state(case, step) for step in case.pathway.steps) + tuple(_extra(case, act) for act in added)


def _extra(case: Case, act: Act) -> StepState:
    """A step that only this loop has. It is proven by hand, or done on a person's word."""
    step = Step(
        id=str(act.data["step"]),
        title=str(act.data["title"]),
        owner_role=str(act.data["role"]),
        due=Due(rule="engine.md §2"),
        done_when={},
    )
    acts = standing_acts(case.acts, step.id, case.until)
    due = instant_in(act, "due").astimezone(zone_named(case.zone))
    own = Timing(due=due, because=f"set for this patient: {act.data.get('note') or act.data['reason']}", start=act.at)
    found = Found(timing=set_for_patient(case, step.id) or own)
    by_hand, closed = shown_by_hand(case, acts), closed_by_person(acts)
    if by_hand:
        state = _completed(case, step, found, (by_hand,), acts)
    elif closed:
        state = _closed(case, step, found, closed, acts)
    else:
        state = _open(case, step, found, acts)
    return replace(state, title=step.title)


def step_state(case: Case, step: Step) -> StepState:
    """The state of one step."""
    acts = standing_acts(case.acts, step.id, case.until)
    found = _found(case, step)
    by_hand = shown_by_hand(case, acts)
    proof = found.proof or ((by_hand,) if by_hand else ())
    if proof:
        return _completed(case, step, found, proof, acts)
    closed = closed_by_person(acts) or _not_needed(case, found)
    if closed is not None:
        return _closed(case, step, found, closed, acts)
    return _open(case, step, found, acts)


def _found(case: Case, step: Step) -> Found:
    if step.special == "results-settled":
        return _found_results(case, step)
    timing, attempts = timing_of(case, step), attempts_at(case, step)
    proof, then = proof_of(case, step), taken_over(case, step, attempts)
    return Found(
        timing=then or timing,
        proof=(proof,) if proof else (),
        attempts=attempts,
        not_needed=unneeded(case, step),
        first=timing if then else None,
    )


def _found_results(case: Case, step: Step) -> Found:
    items = followed(case, step.due)
    settled = items and all(item.is_settled for item in items)
    return Found(
        timing=set_for_patient(case, step.id) or timing_of_results(case, step.due, items),
        proof=tuple(evidence for item in items for evidence in item.proof) if settled else (),
        not_needed=None if items else "no result was open at discharge",
    )


def _not_needed(case: Case, found: Found) -> tuple[Status, Closure] | None:
    if found.not_needed is None:
        return None
    return Status.CANCELLED, Closure(reason="not-applicable", at=case.anchor.at, note=found.not_needed)


def _base(case: Case, step: Step, found: Found, acts: tuple[Act, ...], ended: datetime | None) -> StepState:
    """The parts of a state that are the same whether the step is open or closed. Started: the first sign of work."""
    signs = [act.at for act in acts if act.kind is ActKind.START] + [attempt.at for attempt in found.attempts[:1]]
    escalations, ahead = _escalations(case, step, found, acts, ended)
    return StepState(
        step_id=step.id,
        status=Status.ACCEPTED,
        clock=ClockState.ON_TIME,
        owner_role=step.owner_role,
        due=found.timing.due,
        due_because=found.timing.because,
        target=found.timing.target,
        started=min(signs, default=None),
        ended=ended,
        attempts=found.attempts,
        escalations=escalations,
        ahead=ahead,
    )


def _escalations(
    case: Case, step: Step, found: Found, acts: tuple[Act, ...], ended: datetime | None
) -> tuple[tuple[Escalation, ...], tuple[Turn, ...]]:
    """Those that have fired, and those ahead; where attempts gave another clock, those before them and those of that
    clock, which is derived anew each time. A share of the time is asked of the first clock only."""
    holds = holds_in(acts)
    if found.first is None:
        return escalations_of(case, step, found.timing, ended, holds)
    assert found.timing.start is not None
    before, soon = escalations_of(case, step, found.first, min(ended or found.timing.start, found.timing.start), holds)
    rest = tuple(rule for rule in step.escalate if rule.share is None)
    after, later = escalations_of(case, replace(step, escalate=rest), found.timing, ended, holds)
    for turn in (*soon, *later):
        case.moments.reached(turn.at)
    return in_order({one.key: one for one in (*after, *before)}.values()), ()


def _completed(case: Case, step: Step, found: Found, proof: tuple[Evidence, ...], acts: tuple[Act, ...]) -> StepState:
    ended = max(evidence.at for evidence in proof)
    state = _base(case, step, found, acts, ended)
    started = min(ended, state.started) if state.started else ended
    return replace(
        state,
        status=Status.COMPLETED,
        clock=_clock_at_end(found.timing, ended),
        started=started,
        evidence=proof,
        attempts=tuple(attempt for attempt in found.attempts if attempt.at < ended),
        rule_met=_rule_met(case, step, found, ended),
    )


def _clock_at_end(timing: Timing, ended: datetime) -> ClockState:
    return ClockState.OVERDUE if ended > timing.due else ClockState.ON_TIME


def _rule_met(case: Case, step: Step, found: Found, reached: datetime | None) -> str | None:
    timing = found.first or found.timing
    if reached is not None and reached <= timing.due:
        return None
    if step.attempts is not None and enough_attempts(case, step, found.attempts, timing):
        return step.attempts.says
    return None


def _closed(case: Case, step: Step, found: Found, closed: tuple[Status, Closure], acts: tuple[Act, ...]) -> StepState:
    status, closure = closed
    state = _base(case, step, found, acts, closure.at)
    clock = _clock_at_end(found.timing, closure.at) if status is Status.COMPLETED else ClockState.ON_TIME
    return replace(state, status=status, clock=clock, closure=closure, rule_met=_rule_met(case, step, found, None))


def _open(case: Case, step: Step, found: Found, acts: tuple[Act, ...]) -> StepState:
    hold = hold_of(case, acts) or loop_hold(case)
    state = _base(case, step, found, acts, None)
    rule_met = _rule_met(case, step, found, None)
    clock, turns = urgency(case, found.timing.start or case.anchor.at, found.timing.due)
    before = _waits_for(case, step)
    waits = rule_met is not None and found.first is None
    if hold is not None or waits or before:
        clock, turns = ClockState.WAITING, ()
    if waits or before:
        state = replace(state, escalations=(), ahead=())
    status = Status.ON_HOLD if hold is not None else _progress(state)
    return replace(state, status=status, clock=clock, rule_met=rule_met, ahead=tuple(sorted((*turns, *state.ahead))))


def _waits_for(case: Case, step: Step) -> bool:
    """True while a step that comes before is open: its owner is asked first, this one cannot be late."""
    return any(before and settled_at(case, before) is None for before in (step.due.since, step.follows))


def loop_hold(case: Case) -> Hold | None:
    """The hold on the whole loop, while it lasts."""
    return hold_of(case, standing_acts(case.acts, None, case.until))


def _progress(state: StepState) -> Status:
    return Status.IN_PROGRESS if state.started is not None else Status.ACCEPTED


def closed_with_loop(state: StepState, closure: Closure, status: Status) -> StepState:
    """An open step of a loop that ended takes the loop's end; what was closed stays as it is."""
    if not state.status.is_open:
        return state
    return replace(state, status=status, closure=closure, ended=closure.at, clock=ClockState.ON_TIME, ahead=())


def by_id(states: tuple[StepState, ...]) -> Mapping[str, StepState]:
    """The states by step id."""
    return {state.step_id: state for state in states}
