"""Loops whose clocks turned are moved in sets, by what their states foretold: no fact is read."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from careloop.db import Transaction
from careloop.flows import engine, loop_changes
from careloop.flows.app import App
from careloop.flows.causes import Cause
from careloop.loops import store
from careloop.loops.model import LoopState
from careloop.loops.plans import LoopChange
from careloop.loops.rules.advancing import advance
from careloop.loops.rules.rank import is_waiting
from careloop.loops.store import StoredLoop
from careloop.record import Stored

_OWNING = ("CareTeam", "Patient")
"""What says who looks when an escalation fires."""


def advance_loops(
    app: App, tx: Transaction, loops: Sequence[str], aside: Iterable[str], cause: Cause, now: datetime
) -> set[str]:
    """Those of these loops, of locked patients, that only their clocks move are moved, and all others left as they are.
    Gives the patients whose facts must be read: those `aside` and those of the others."""
    app = engine.at_practice(app, tx)
    pathways = engine.content_of(app.catalog).pathways
    reviewed = set(aside)
    changes: dict[str, list[LoopChange]] = {}
    for loop in store.load_turning(tx, loops) if loops else ():
        pathway = pathways.pinned(loop.state.pathway, loop.state.version)
        state = advance(loop.state, pathway, max(now, loop.as_of)) if pathway is not None else None
        if state is None or state is loop.state or not _same_next(loop.state, state):
            reviewed.add(loop.patient_id)
        else:
            changes.setdefault(loop.patient_id, []).append(LoopChange(old=loop, new=state))
    moved = {patient: some for patient, some in changes.items() if patient not in reviewed}
    if moved and not loop_changes.carry_turns(app, tx, _works(app, tx, moved), cause, now):
        reviewed |= moved.keys()
    return reviewed


def _same_next(old: LoopState, new: LoopState) -> bool:
    """The step to do next is the same, so that the loop keeps its place on every list: none that turned was waiting."""
    pairs = zip(old.steps, new.steps, strict=True)
    return all(after is before or not is_waiting(before) for before, after in pairs)


def _works(app: App, tx: Transaction, moved: dict[str, list[LoopChange]]) -> list[loop_changes.Work]:
    escalated = [patient for patient, some in moved.items() if any(map(_escalates, some))]
    teams: dict[str, list[Stored]] = app.record.of_patients(tx, escalated, _OWNING) if escalated else {}
    return [
        loop_changes.Work(
            patient_id=patient,
            zone=ZoneInfo(some[0].new.zone),
            resources=teams.get(patient, ()),
            changes=some,
            beside=(),
        )
        for patient, some in moved.items()
    ]


def _escalates(change: LoopChange) -> bool:
    old: StoredLoop | None = change.old
    return old is not None and _fired(old.state) != _fired(change.new)


def _fired(state: LoopState) -> int:
    return sum(len(step.escalations) for step in state.steps)
