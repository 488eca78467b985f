"""The engine: a patient's facts and acts, folded to the state every loop of that patient must be in now.

Pure and total: the same facts in any order, any number of times, give the same loops (engine.md §1.4). What is in the
store already matters for three things only: the pathway version a loop is pinned to, loops whose window was over
before anybody knew (they are noted, not opened), and loops that no fact calls for any more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from careloop.loops.facts.model import PatientFacts
from careloop.loops.ids import loop_id
from careloop.loops.model import (
    END,
    Act,
    ClockState,
    Closure,
    Derivation,
    ExistingLoop,
    Explanation,
    LoopSettings,
    LoopState,
    Score,
    Status,
    StayScore,
    StepState,
    Tier,
)
from careloop.loops.rules.advancing import loop_clock, next_turn
from careloop.loops.rules.calendar import INSTANT, Calendar, Deadline, after
from careloop.loops.rules.case import Case
from careloop.loops.rules.ending import Asked, end_of_loop
from careloop.loops.rules.explaining import about, opened_because, story_of, window_over
from careloop.loops.rules.moments import Moments
from careloop.loops.rules.opening import Anchor, anchors
from careloop.loops.rules.pathways import Pathway, Pathways
from careloop.loops.rules.scores import scores_of, tier_of
from careloop.loops.rules.stays import chain_of
from careloop.loops.rules.steps import closed_with_loop, loop_hold, steps_of
from careloop.loops.rules.unsupported import unsupported_loops


@dataclass(frozen=True, kw_only=True)
class _Known:
    """Everything that is the same for all loops of one derivation."""

    pathways: Pathways
    calendar: Calendar
    facts: PatientFacts
    existing: Mapping[str, ExistingLoop]
    acts: Mapping[str, tuple[Act, ...]]
    settings: LoopSettings
    now: datetime


@dataclass(frozen=True, kw_only=True)
class _Worked:
    """What one anchor came to: a loop, or the note that it opens none; and the scores that were needed."""

    loop: LoopState | None = None
    note: Explanation | None = None
    scores: StayScore | None = None


def derive(
    pathways: Pathways,
    calendar: Calendar,
    facts: PatientFacts,
    existing: Sequence[ExistingLoop],
    acts: Sequence[Act],
    settings: LoopSettings,
    now: datetime,
) -> Derivation:
    """The state that every loop of this patient must be in at `now`, ordered by opening time and id."""
    known = _Known(
        pathways=pathways,
        calendar=calendar,
        facts=facts,
        existing={loop.id: loop for loop in existing},
        acts=_by_loop(acts),
        settings=settings,
        now=now,
    )
    opening = Moments(now)
    worked = _all_anchors(known, opening)
    loops = sorted((item.loop for item in worked.values() if item.loop), key=lambda loop: (loop.opened, loop.id))
    changes = [at for at in (opening.next, *(loop.next_change for loop in loops)) if at is not None]
    return Derivation(
        loops=tuple(loops),
        notes=_notes(worked),
        unsupported=unsupported_loops(existing, frozenset(worked), facts, now),
        scores=_scores(worked),
        next_change=min(changes, default=None),
        next_opening=opening.next,
    )


def _by_loop(acts: Sequence[Act]) -> dict[str, tuple[Act, ...]]:
    found: dict[str, dict[str, Act]] = {}
    for act in acts:
        found.setdefault(act.loop_id, {})[act.id] = act
    return {loop: tuple(sorted(mine.values(), key=lambda act: (act.at, act.id))) for loop, mine in found.items()}


def _all_anchors(known: _Known, opening: Moments) -> dict[str, _Worked]:
    worked: dict[str, _Worked] = {}
    for pathway in _candidates(known):
        for anchor in anchors(pathway, known.facts, known.pathways, opening):
            identity = loop_id(known.facts.tenant_id, pathway.id, anchor.focus, anchor.matter)
            if pathway.status == "active" or identity in known.existing:
                worked[identity] = _work_out(known, identity, _pinned(known, identity, pathway), anchor)
    return worked


def _candidates(known: _Known) -> list[Pathway]:
    """Active pathways, and retired ones that loops still live under; retired ones open nothing new."""
    found = dict(known.pathways.active)
    for loop in known.existing.values():
        retired = known.pathways.pinned(loop.pathway, loop.version)
        if retired is not None:
            found.setdefault(loop.pathway, retired)
    return [found[pathway_id] for pathway_id in sorted(found)]


def _pinned(known: _Known, identity: str, active: Pathway) -> Pathway:
    stored = known.existing.get(identity)
    return (known.pathways.pinned(active.id, stored.version) if stored else None) or active


def _notes(worked: Mapping[str, _Worked]) -> tuple[Explanation, ...]:
    found = [item.note for item in worked.values() if item.note]
    return tuple(sorted(found, key=lambda note: (note.at, note.text)))


def _scores(worked: Mapping[str, _Worked]) -> tuple[StayScore, ...]:
    by_focus = {item.scores.focus: item.scores for item in worked.values() if item.scores and item.loop}
    return tuple(by_focus[focus] for focus in sorted(by_focus))


def _work_out(known: _Known, identity: str, pathway: Pathway, anchor: Anchor) -> _Worked:
    deadline = after(anchor.at, pathway.window, known.facts.zone, known.calendar)
    moments = Moments(known.now)
    if identity not in known.existing and moments.has_turned(deadline.due + INSTANT):
        return _Worked(note=window_over(pathway, anchor, deadline) if anchor.stay is not None else None)
    if identity not in known.existing and anchor.opens_by is not None and moments.has_turned(anchor.opens_by + INSTANT):
        return _Worked()
    asked = Asked(
        pathway=pathway,
        anchor=anchor,
        facts=known.facts,
        pathways=known.pathways,
        moments=moments,
        acts=known.acts.get(identity, ()),
        deadline=deadline,
    )
    return _loop(known, identity, asked)


def _loop(known: _Known, identity: str, asked: Asked) -> _Worked:
    ended = end_of_loop(asked)
    scores, tier, because = _risk(known, asked.pathway, asked.anchor)
    case = Case(
        loop_id=identity,
        pathway=asked.pathway,
        anchor=asked.anchor,
        facts=known.facts,
        calendar=known.calendar,
        settings=known.settings,
        moments=asked.moments,
        acts=asked.acts,
        tier=tier,
        until=min(asked.until, ended[1].at) if ended else asked.until,
        belonging=known.facts.belonging(asked.anchor.focus) if asked.anchor.stay is None else (),
    )
    state = _state(case, asked.deadline, because, ended)
    found = StayScore(focus=asked.anchor.focus, at=asked.anchor.at, scores=scores) if scores else None
    return _Worked(loop=state, scores=found)


def _risk(known: _Known, pathway: Pathway, anchor: Anchor) -> tuple[tuple[Score, ...], Tier, str]:
    if not pathway.tiered or anchor.stay is None:
        return (), Tier.STANDARD, "this pathway has one intensity"
    chain = replace(chain_of(anchor.stay, known.facts, known.pathways.dispositions), left=anchor.at)
    scores = scores_of(chain, known.facts, known.pathways, known.settings.hospital_version)
    return scores, *tier_of(scores)


def _state(case: Case, deadline: Deadline, tier_because: str, ended: tuple[Status, Closure] | None) -> LoopState:
    steps = steps_of(case)
    status, closed, closure = _outcome(case, steps, ended)
    if closure is not None and closed is not None:
        steps = tuple(closed_with_loop(step, closure, status) for step in steps)
    board, holds_until = _board(case, steps, status), case.moments.next
    if status in (Status.CANCELLED, Status.FAILED):
        steps, holds_until = tuple(replace(step, ahead=()) for step in steps), None
    state = LoopState(
        id=case.loop_id,
        pathway=case.pathway.id,
        version=case.pathway.version,
        patient_id=case.facts.patient_id,
        focus=case.anchor.focus,
        matter=case.anchor.matter,
        status=status,
        clock=loop_clock(steps) if closed is None else ClockState.ON_TIME,
        opened=case.anchor.at,
        deadline=deadline.due,
        deadline_because=deadline.because,
        tier=case.tier,
        tier_because=tier_because,
        steps=steps,
        closed=closed,
        closure=closure,
        watch_until=deadline.due if case.pathway.watch else None,
        next_change=next_turn(steps, holds_until),
        board=board,
        about=about(case),
        zone=case.zone,
        holds_until=holds_until or END,
    )
    return replace(state, explanations=(opened_because(case), *story_of(case.pathway, state)))


def _outcome(
    case: Case, steps: tuple[StepState, ...], ended: tuple[Status, Closure] | None
) -> tuple[Status, datetime | None, Closure | None]:
    """Status, closing time and reason. Complete proof wins over an end that came at the same instant or later; steps
    that were all closed without proof over one that came later."""
    if not any(step.status.is_open for step in steps):
        last = max((step.ended or case.anchor.at for step in steps), default=case.anchor.at)
        if any(step.status is Status.COMPLETED for step in steps):
            return Status.COMPLETED, last, None
        if ended is None or last < ended[1].at:
            return Status.CANCELLED, last, _last_closure(steps)
    if ended is not None:
        return ended[0], ended[1].at, ended[1]
    if loop_hold(case) is not None:
        return Status.ON_HOLD, None, None
    worked = any(step.started is not None for step in steps)
    return (Status.IN_PROGRESS if worked else Status.ACCEPTED), None, None


def _last_closure(steps: tuple[StepState, ...]) -> Closure | None:
    closures = [step.closure for step in steps if step.closure is not None]
    return max(closures, key=lambda closure: (closure.at, closure.reason), default=None)


def _board(case: Case, steps: tuple[StepState, ...], status: Status) -> str | None:
    """The column of the first open kind of step; the watch column until the window ends; none after an early end."""
    if status in (Status.CANCELLED, Status.FAILED):
        return None
    still_open = {step.step_id for step in steps if step.status.is_open}
    for column, while_open in case.pathway.board:
        if still_open & while_open:
            return column
    if case.pathway.watch is None or case.moments.passed(case.after_opening(case.pathway.window).due):
        return None
    return case.pathway.watch
