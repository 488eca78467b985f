"""What clocks did to a loop since its state was derived, small enough to be written at each turn. Pure.

The law: `with_turns(derived, turns_between(derived, advanced)) == advanced` for whatever `advance` gives
(tests/unit/loops/rules/test_derive.py). So the state itself is written only where facts or acts change it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from careloop.loops.model import ClockState, Explanation, LoopState, StepState, changed
from careloop.loops.rules.advancing import next_turn, turned_step


@dataclass(frozen=True, kw_only=True)
class TurnedStep:
    """The first `turns` of what the step had ahead are done; its clock says so."""

    turns: int
    clock: ClockState


@dataclass(frozen=True, kw_only=True)
class Said:
    """A sentence that was added to the history of the loop, and its place there."""

    place: int
    line: Explanation


@dataclass(frozen=True, kw_only=True)
class Turned:
    """Everything by which the loop differs from its derived state: steps by id, sentences in their order."""

    clock: ClockState
    steps: Mapping[str, TurnedStep]
    said: tuple[Said, ...] = field(default=())


def with_turns(derived: LoopState, turned: Turned) -> LoopState:
    """The loop as it stands."""
    steps = tuple(
        turned_step(step, done.turns) if (done := turned.steps.get(step.step_id)) else step for step in derived.steps
    )
    explanations = derived.explanations
    if turned.said:
        lines = list(explanations)
        for said in turned.said:
            lines.insert(said.place, said.line)
        explanations = tuple(lines)
    return changed(
        derived,
        steps=steps,
        clock=turned.clock,
        next_change=next_turn(steps, derived.holds_until),
        explanations=explanations,
    )


def turns_between(derived: LoopState, now: LoopState) -> Turned:
    """What `advance` did, once or several times, to come from the one to the other."""
    pairs = zip(derived.steps, now.steps, strict=True)
    return Turned(
        clock=now.clock,
        steps={
            after.step_id: TurnedStep(turns=_turns(before, after), clock=after.clock)
            for before, after in pairs
            if after is not before and _turns(before, after)
        },
        said=_added(derived.explanations, now.explanations),
    )


def _turns(before: StepState, after: StepState) -> int:
    return len(before.ahead) - len(after.ahead)


def _added(before: tuple[Explanation, ...], after: tuple[Explanation, ...]) -> tuple[Said, ...]:
    """Sentences are only added, and those that were there stay in their order."""
    if len(before) == len(after):
        return ()
    added, known = [], 0
    for place, line in enumerate(after):
        if known < len(before) and line == before[known]:
            known += 1
        else:
            added.append(Said(place=place, line=line))
    return tuple(added)
