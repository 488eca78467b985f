"""What happened in some days according to derived loops: opened, closed, came due, was late, called somebody. Pure.

A loop's state tells its whole life, because the engine folds by the time of events; so one derivation at the end of the
days gives everything that a manager asks of them (decision 0188).
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from typing import Any

from careloop.loops.model import LoopState, Status, StepState
from careloop.loops.ownership import LEAD
from careloop.loops.rules.rank import (
    RankDays,
    RankWeights,
    is_outside,
    is_waiting,
    lasting_points,
    next_step,
    timed_parts,
)

KINDS = ("opened", "closed", "ended", "due", "late", "escalated")
"""Opened; closed by proof; ended without it; deadlines that came; deadlines that passed undone; others called."""

OwnerOf = Callable[[str, str], str]
"""Who would own a step (step id, '' for the loop) of this role."""


@dataclass(frozen=True, kw_only=True)
class Days:
    """The days that are looked at: from `since` until `until`, as they begin and end in `zone`."""

    since: datetime
    until: datetime
    zone: tzinfo

    def hold(self, at: datetime) -> bool:
        """True for an instant in them."""
        return self.since <= at <= self.until


@dataclass(frozen=True, kw_only=True)
class Happening:
    """One thing that happened to a loop (step id '') or to one of its steps. `role` is whose business it is."""

    kind: str
    at: datetime
    step_id: str
    role: str


def happenings(state: LoopState, days: Days) -> Iterator[Happening]:
    """What these days brought for one loop."""
    for found in _all(state, days.until):
        if days.hold(found.at):
            yield found


def _all(state: LoopState, now: datetime) -> Iterator[Happening]:
    yield Happening(kind="opened", at=state.opened, step_id="", role=LEAD)
    ended = end_of(state)
    if ended is not None:
        kind = "closed" if state.status is Status.COMPLETED else "ended"
        yield Happening(kind=kind, at=ended, step_id="", role=LEAD)
    for step in state.steps:
        yield from _of_step(step, now)


def _of_step(step: StepState, now: datetime) -> Iterator[Happening]:
    """A deadline came when the step was still wanted or had been done; it was late when it passed undone."""
    dropped = step.status not in (Status.COMPLETED, Status.FAILED) and not step.status.is_open
    done = step.ended
    if not (dropped and done is not None and done <= step.due):
        yield Happening(kind="due", at=step.due, step_id=step.step_id, role=step.owner_role)
        if (done is None and step.due < now) or (done is not None and done > step.due) or _failed_at(step):
            yield Happening(kind="late", at=step.due, step_id=step.step_id, role=step.owner_role)
    for one in step.escalations:
        yield Happening(kind="escalated", at=one.at, step_id=step.step_id, role=one.to_role)


def _failed_at(step: StepState) -> bool:
    """The window of the loop closed at the very deadline of the step: nobody did it."""
    return step.status is Status.FAILED and step.ended is not None and step.ended >= step.due


def end_of(state: LoopState) -> datetime | None:
    """When the loop ended; None while it is open."""
    if state.status.is_open:
        return None
    return state.closed or max((step.ended for step in state.steps if step.ended), default=state.opened)


@dataclass
class Tally:
    """Counts of what happened, in all and by day, owner (role and person) and step; and what stands at the end."""

    totals: Counter[str] = field(default_factory=Counter)
    by_day: dict[date, Counter[str]] = field(default_factory=dict)
    by_owner: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    by_step: dict[str, Counter[str]] = field(default_factory=dict)
    patients: set[str] = field(default_factory=set)
    standing: int = 0

    def add(self, state: LoopState, days: Days, owner_of: OwnerOf) -> None:
        """One loop is counted."""
        found = list(happenings(state, days))
        if found:
            self.patients.add(state.patient_id)
        self.standing += state.status.is_open
        for one in found:
            self.totals[one.kind] += 1
            self.by_day.setdefault(one.at.astimezone(days.zone).date(), Counter())[one.kind] += 1
            self.by_owner.setdefault((one.role, owner_of(one.step_id, one.role)), Counter())[one.kind] += 1
            if one.step_id:
                self.by_step.setdefault(one.step_id, Counter())[one.kind] += 1

    def figures(self) -> dict[str, int]:
        """The totals by name, with the loops that stand open at the end and the people they are about."""
        found = {kind: self.totals[kind] for kind in KINDS}
        return {**found, "open": self.standing, "patients": len(self.patients)}


def compared(draft: Tally, active: Tally | None) -> dict[str, Any]:
    """Both side by side: totals with their difference, then by step, by owner and by day, as JSON values."""
    other = active or Tally()
    totals, before = draft.figures(), other.figures()
    return {
        "draft": totals,
        "active": before if active is not None else None,
        "difference": {name: totals[name] - before[name] for name in totals} if active is not None else None,
        "steps": [
            {"step": step, **_both(draft.by_step, other.by_step, step)}
            for step in dict.fromkeys([*draft.by_step, *other.by_step])
        ],
        "owners": [
            {"role": key[0], "owner": key[1], **_both(draft.by_owner, other.by_owner, key)}
            for key in sorted({*draft.by_owner, *other.by_owner})
        ],
        "days": [
            {"day": day.isoformat(), **_both(draft.by_day, other.by_day, day)}
            for day in sorted({*draft.by_day, *other.by_day})
        ],
    }


def _both(draft: dict[Any, Counter[str]], active: dict[Any, Counter[str]], key: Any) -> dict[str, dict[str, int]]:
    return {name: _counts(side.get(key, Counter())) for name, side in (("draft", draft), ("active", active))}


def _counts(found: Counter[str]) -> dict[str, int]:
    return {kind: found[kind] for kind in KINDS if found[kind]}


SECTIONS = ("now", "today", "week", "waiting")


@dataclass
class OrderTally:
    """Where open loops stand on the worklist with other points (first) and with those that hold (second)."""

    totals: tuple[Counter[str], Counter[str]] = field(default_factory=lambda: (Counter(), Counter()))
    by_owner: dict[str, tuple[Counter[str], Counter[str]]] = field(default_factory=dict)
    moved: int = 0

    def add(self, state: LoopState, owner: str, sides: Sequence[RankWeights], days: RankDays) -> None:
        """One open loop is counted under both."""
        places = [section_of(state, weights, days) for weights in sides]
        self.moved += places[0] != places[1]
        for place, totals, mine in zip(places, self.totals, self._of(owner), strict=True):
            totals[place] += 1
            mine[place] += 1

    def _of(self, owner: str) -> tuple[Counter[str], Counter[str]]:
        return self.by_owner.setdefault(owner, (Counter(), Counter()))

    def figures(self) -> dict[str, Any]:
        """Both sides as JSON values: in all, by owner, and how many loops change their section."""
        return {
            "order": True,
            "moved": self.moved,
            "draft": {place: self.totals[0][place] for place in SECTIONS},
            "active": {place: self.totals[1][place] for place in SECTIONS},
            "owners": [
                {"owner": owner, "draft": dict(mine[0]), "active": dict(mine[1])}
                for owner, mine in sorted(self.by_owner.items())
            ],
        }


def section_of(state: LoopState, weights: RankWeights, days: RankDays) -> str:
    """The section of the worklist in which this open loop stands, as `loops/worklist.sql` places it."""
    step = next_step(state)
    due = step.due if step else state.deadline
    waits = step is not None and is_waiting(step)
    safety = state.pathway in weights.safety
    outside = is_outside(weights, state.pathway, step.step_id if step else "")
    timed = timed_parts(outside=outside, due=due, opened=state.opened, waiting=waits, days=days, weights=weights)
    points = lasting_points(state, weights) + sum(part.points for part in timed)
    if waits and not safety:
        return "waiting"
    if safety or points >= weights.now_from:
        return "now"
    return "today" if due < days.tomorrow else "week"
