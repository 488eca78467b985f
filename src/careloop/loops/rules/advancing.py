"""What time alone does to a loop, from its stored state: clocks turn and escalations fire; no fact is read. Pure.

The law: until `holds_until`, `advance` gives exactly what the whole derivation would (tests/unit/loops/rules). The
derivation writes into the state what its steps have ahead; here that is only carried out.
"""

from collections.abc import Iterable
from datetime import datetime

from careloop.loops.model import END, ClockState, Escalation, LoopState, StepState, changed
from careloop.loops.rules.calendar import INSTANT
from careloop.loops.rules.explaining import story_of
from careloop.loops.rules.pathways import Pathway

_URGENCY = (ClockState.OVERDUE, ClockState.DUE_SOON, ClockState.ON_TIME, ClockState.WAITING)


def advance(state: LoopState, pathway: Pathway, now: datetime) -> LoopState | None:
    """The loop at `now`, at which no fact and no act is newer than the state; None where that cannot be said without
    them: something else than a clock changes by then, or the loop has steps that its pathway does not know."""
    if not state.status.is_open or now >= state.holds_until or not _knows_steps(state, pathway):
        return None
    steps = tuple([step if _rests(step, now) else _turned(step, now) for step in state.steps])
    if all(new is old for new, old in zip(steps, state.steps, strict=True)):
        return state
    moved = changed(state, steps=steps, clock=loop_clock(steps), next_change=next_turn(steps, state.holds_until))
    if all(len(new.escalations) == len(old.escalations) for new, old in zip(steps, state.steps, strict=True)):
        return moved
    return changed(moved, explanations=(state.explanations[0], *story_of(pathway, moved)))


def _knows_steps(state: LoopState, pathway: Pathway) -> bool:
    return all(step.title is not None or pathway.step(step.step_id) is not None for step in state.steps)


def _rests(step: StepState, now: datetime) -> bool:
    return not step.ahead or step.ahead[0].at > now


def _turned(step: StepState, now: datetime) -> StepState:
    return turned_step(step, sum(now >= turn.at for turn in step.ahead))


def turned_step(step: StepState, turns: int) -> StepState:
    """The step after the first so many of what it has ahead."""
    due = step.ahead[:turns]
    words = [turn.word for turn in due if not turn.to_role]
    fired = [Escalation(key=turn.word, at=turn.at - INSTANT, to_role=turn.to_role) for turn in due if turn.to_role]
    return changed(
        step,
        clock=ClockState(words[-1]) if words else step.clock,
        escalations=(*step.escalations, *fired),
        ahead=step.ahead[turns:],
    )


def loop_clock(steps: Iterable[StepState]) -> ClockState:
    """The most urgent clock of the open steps; waiting only when all of them wait."""
    clocks = {step.clock for step in steps if step.status.is_open}
    return next((clock for clock in _URGENCY if clock in clocks), ClockState.ON_TIME)


def next_turn(steps: Iterable[StepState], holds_until: datetime | None) -> datetime | None:
    """The next instant at which time alone changes the loop; None where it never will."""
    ahead = [step.ahead[0].at for step in steps if step.ahead]
    if holds_until is not None and holds_until < END:
        ahead.append(holds_until)
    return min(ahead, default=None)
