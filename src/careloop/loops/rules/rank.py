"""The order of a worklist: points from named rules, always with their reasons (ui.md §7.1, engine.md §4).

The sum of the parts is the order; ties go to the earlier deadline, then to the older loop. SQL computes the same sum
(`loops/worklist.sql`); a test holds both against each other. Weights are content (`content/worklist/rank.yaml`).
Never used to lower a rank: language, insurance, distance, missed visits, length of the task.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from typing import Any

from careloop.loops.model import ClockState, LoopState, Status, StepState, Tier


@dataclass(frozen=True, kw_only=True)
class RankWeights:
    """Points of each rule; see the content file for what each means.

    `outside` holds "pathway step" of the clocks that somebody outside sets (payer, law, laboratory); `safety` the
    pathways that always come first; `awaiting` those in which the patient waits for an answer.
    """

    outside_late: int
    outside_today: int
    outside_tomorrow: int
    own_late: int
    own_late_day: int
    own_late_most: int
    own_today: int
    risk_high: int
    patient_waits: int
    no_contact: int
    day_open: int
    day_open_most: int
    now_from: int
    outside: frozenset[str]
    safety: frozenset[str]
    awaiting: frozenset[str]
    contact_steps: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class RankPart:
    """One rule that gave points: how many, its words, and the fact behind it."""

    points: int
    text: str
    why: str


@dataclass(frozen=True, kw_only=True)
class RankDays:
    """The instants that day rules compare with: now, and the starts of tomorrow and of the day after, in one zone."""

    now: datetime
    tomorrow: datetime
    day_after: datetime


def read_weights(document: Mapping[str, Any]) -> RankWeights:
    """Weights from the content document."""
    points = {name: entry["points"] for name, entry in document["points"].items()}
    clocks = frozenset(f"{pathway} {step}" for pathway, steps in document["outside_clocks"].items() for step in steps)
    return RankWeights(
        **points,
        now_from=document["now_from"],
        outside=clocks,
        safety=frozenset(document["safety_pathways"]),
        awaiting=frozenset(document["patient_waits_in"]),
        contact_steps=frozenset(document["contact_steps"]),
    )


def rank_days(now: datetime, zone: tzinfo) -> RankDays:
    """Midnights in `zone` after `now`; days have 23 or 25 hours when clocks change."""
    today = now.astimezone(zone).date()
    starts = [datetime.combine(today + timedelta(days=ahead), time(0), tzinfo=zone) for ahead in (1, 2)]
    return RankDays(now=now, tomorrow=starts[0], day_after=starts[1])


def is_outside(weights: RankWeights, pathway: str, step_id: str) -> bool:
    """True when somebody outside set this clock, so that missing it costs more than our own target does."""
    return f"{pathway} {step_id}" in weights.outside


def next_step(state: LoopState) -> StepState | None:
    """The open step to do next: one that nobody waits for comes first, then the earlier due."""
    steps = [step for step in state.steps if step.status.is_open]
    return min(steps, key=lambda step: (is_waiting(step), step.due), default=None)


def is_waiting(step: StepState) -> bool:
    """True while the next move is somebody else's."""
    return step.clock == ClockState.WAITING or step.status == Status.ON_HOLD


def lasting_parts(state: LoopState, weights: RankWeights) -> tuple[RankPart, ...]:
    """Parts that time alone does not change: risk, a patient who waits, no contact yet."""
    parts = []
    if state.tier == Tier.HIGH:
        parts.append(RankPart(points=weights.risk_high, text="High risk of return to hospital", why=state.tier_because))
    if state.pathway in weights.awaiting:
        parts.append(
            RankPart(
                points=weights.patient_waits,
                text="The patient is waiting for an answer",
                why="asked and not yet answered",
            )
        )
    elif any(step.step_id in weights.contact_steps and step.status.is_open for step in state.steps):
        parts.append(
            RankPart(
                points=weights.no_contact,
                text="No contact yet",
                why="nobody has spoken with the patient since this began",
            )
        )
    return tuple(parts)


def lasting_points(state: LoopState, weights: RankWeights) -> int:
    """Sum of the lasting parts, kept with the loop."""
    return sum(part.points for part in lasting_parts(state, weights))


def timed_parts(
    *, outside: bool, due: datetime, opened: datetime, waiting: bool, days: RankDays, weights: RankWeights
) -> tuple[RankPart, ...]:
    """Parts that the clock gives now. A step that waits for somebody else has no clock points of its own."""
    clock = RankPart(points=0, text="", why="")
    if not waiting:
        clock = _outside_clock(due, days, weights) if outside else _own_clock(due, days, weights)
    age = max(0, (days.now - opened) // timedelta(days=1)) * weights.day_open
    sinking = RankPart(points=min(age, weights.day_open_most), text="Days open", why="so that nothing sinks")
    return tuple(part for part in (clock, sinking) if part.points)


def _outside_clock(due: datetime, days: RankDays, weights: RankWeights) -> RankPart:
    why = "this clock is set from outside"
    if due < days.now:
        return RankPart(points=weights.outside_late, text="Late", why=why)
    if due < days.tomorrow:
        return RankPart(points=weights.outside_today, text="Clock ends today", why=why)
    if due < days.day_after:
        return RankPart(points=weights.outside_tomorrow, text="Clock ends tomorrow", why=why)
    return RankPart(points=0, text="", why="")


def _own_clock(due: datetime, days: RankDays, weights: RankWeights) -> RankPart:
    why = "our own target"
    if due < days.now:
        late = weights.own_late + (days.now - due) // timedelta(days=1) * weights.own_late_day
        return RankPart(points=min(late, weights.own_late_most), text="Late", why=why)
    if due < days.tomorrow:
        return RankPart(points=weights.own_today, text="Due today", why=why)
    return RankPart(points=0, text="", why="")
