"""Loops that differ from what they must be are carried out: rows, Tasks, owners, escalations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from careloop.access.model import system_principal
from careloop.db import Transaction
from careloop.fhir.ids import new_id
from careloop.flows import engine, noticing, routing
from careloop.flows.app import App
from careloop.flows.causes import Cause
from careloop.loops import store
from careloop.loops.model import Escalation, LoopState, StepState
from careloop.loops.plans import LoopChange, LoopPlan, PlanFrame, plan_change, plan_turn
from careloop.loops.rows import NEVER, RowFrame, loop_row, snoozed_until, step_row
from careloop.loops.rules.turned import turns_between
from careloop.record import Amendment, Stored, Write

LATE_AFTER = timedelta(minutes=10)
"""An escalation that fires longer than this after its instant says that it is late."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a review found for one patient: loops that changed, and resources (scores, notes) to be written beside."""

    patient_id: str
    zone: tzinfo
    resources: Sequence[Stored]
    changes: Sequence[LoopChange]
    beside: Sequence[Mapping[str, Any]]


def find_changes(known: Mapping[str, store.StoredLoop], states: Sequence[LoopState], cause: Cause) -> list[LoopChange]:
    """The loops whose state, patient, snooze or decided owner differs from what stands."""
    reassigned = {loop_id for loop_id, _ in cause.assignments}
    changes = [LoopChange(old=known.get(state.id), new=state) for state in states]
    return [change for change in changes if _differs(change) or change.new.id in reassigned]


def _differs(change: LoopChange) -> bool:
    old = change.old
    if old is None or old.state != change.new or old.patient_id != change.new.patient_id:
        return True
    return old.snoozed_until != snoozed_until(old.acts, change.new)


def carry_out(app: App, tx: Transaction, works: Sequence[Work], cause: Cause, now: datetime) -> None:
    """Rows, owners, Tasks, Provenance and escalations of all patients' changed loops are written, set by set."""
    desks = _desks(app, tx, works)
    changes = [(work, change) for work in works for change in work.changes]
    numbers = iter(store.next_numbers(tx, sum(change.old is None for _, change in changes)))
    plans = []
    for work, change in changes:
        owners = routing.choose_owners(desks[work.patient_id], change, cause.assignments)
        number = change.old.number if change.old else next(numbers)
        plans.append(plan_change(change, number, owners, _plan_frame(app, work, cause, now)))
    _write_resources(app, tx, works, plans, now)
    with tx.pipeline():
        _save_rows(app, tx, plans, now)
        store.change_owners(tx, [owner_change for plan in plans for owner_change in plan.owner_changes])
    fired = [one for work in works for one in _new_escalations(work.changes, desks[work.patient_id], now)]
    settled = [change for _, change in changes if _ever_escalated(change)]
    store.save_escalations(tx, fired, {change.new.id: _standing(change.new) for change in settled})
    noticing.note_loops(app, tx, plans, fired, by=cause.by, now=now)


def carry_turns(app: App, tx: Transaction, works: Sequence[Work], cause: Cause, now: datetime) -> bool:
    """The same for loops of which only clocks turned and escalations fired: owners, and what their Tasks say beside the
    clock, stay as they are. False, and nothing is written, where a Task does not stand as its loop says: such loops
    need `carry_out`."""
    plans = [plan_turn(change, _plan_frame(app, work, cause, now)) for work in works for change in work.changes]
    if not _amend(app, tx, plans, now):
        return False
    _write_resources(app, tx, works, plans, now)
    fired = _all_that_fired(app, tx, works, now)
    with tx.pipeline():
        store.turn(tx, [_turned_loop(plan, now) for plan in plans], _turned_steps(plans))
        store.save_escalations(tx, fired, {})
    noticing.note_loops(app, tx, plans, fired, by=cause.by, now=now)
    return True


def _all_that_fired(app: App, tx: Transaction, works: Sequence[Work], now: datetime) -> list[dict[str, Any]]:
    """Escalations that turns brought. Nobody is asked about the patients of whom nothing fired."""
    found = {work.patient_id: [one for change in work.changes for one in _fired_by_turns(change)] for work in works}
    desks = _desks(app, tx, [work for work in works if found[work.patient_id]])
    return [
        _fired(change.new, step, escalation, desks[patient_id].choice(escalation.to_role).owner, now)
        for patient_id, fired in found.items()
        for change, step, escalation in fired
    ]


def _fired_by_turns(change: LoopChange) -> list[tuple[LoopChange, StepState, Escalation]]:
    """A turn adds to what fired already, and touches open steps only."""
    assert change.old is not None
    pairs = zip(change.old.state.steps, change.new.steps, strict=True)
    return [(change, now, one) for was, now in pairs for one in now.escalations[len(was.escalations) :]]


def _desks(app: App, tx: Transaction, works: Sequence[Work]) -> dict[str, routing.Desk]:
    office = routing.Office(app, tx)
    return {work.patient_id: routing.Desk(office, work.patient_id, work.resources) for work in works}


def _amend(app: App, tx: Transaction, plans: Sequence[LoopPlan], now: datetime) -> bool:
    """The Tasks read as planned; False, and nothing is written, where one of them is not as its loop says."""
    amendments = [
        Amendment(resource_type="Task", id=task_id, elements=elements)
        for plan in plans
        for task_id, elements in plan.amended.items()
    ]
    return not amendments or app.record.amend(tx, system_principal(tx.tenant_id, "loops"), now, amendments) is not None


def _turned_loop(plan: LoopPlan, now: datetime) -> dict[str, Any]:
    old, new = plan.change.old, plan.change.new
    assert old is not None
    return {
        "id": new.id,
        "clock": new.clock.value,
        "as_of": now,
        "wake_at": new.next_change or NEVER,
        "task_version": plan.versions[""],
        "history": plan.history[""],
        "turned": turns_between(old.derived, new),
    }


def _turned_steps(plans: Sequence[LoopPlan]) -> list[dict[str, Any]]:
    return [
        {
            "loop_id": plan.change.new.id,
            "step_id": step.step_id,
            "clock": step.clock.value,
            "task_version": plan.versions[step.step_id],
            "history": plan.history[step.step_id],
        }
        for plan in plans
        for step in plan.change.new.steps
        if step.step_id in plan.changed
    ]


def _plan_frame(app: App, work: Work, cause: Cause, now: datetime) -> PlanFrame:
    return PlanFrame(
        zone=work.zone,
        title=lambda pathway, step_id: engine.title(app.catalog, pathway, step_id),
        now=now,
        by=cause.by,
        fact=cause.fact,
        provenance_id=new_id,
    )


def _write_resources(
    app: App, tx: Transaction, works: Sequence[Work], plans: Sequence[LoopPlan], now: datetime
) -> None:
    """Tasks, Provenance, scores and notes are in the record, in one call."""
    resources: list[Mapping[str, Any]] = [resource for plan in plans for resource in plan.resources]
    resources += [resource for work in works for resource in work.beside]
    writes = [
        Write(method="update", resource_type=resource["resourceType"], id=resource["id"], resource=resource)
        for resource in resources
    ]
    if writes:
        app.record.write(tx, system_principal(tx.tenant_id, "loops"), now, writes, validate=False)


def _save_rows(app: App, tx: Transaction, plans: Sequence[LoopPlan], now: datetime) -> None:
    frames = [(plan, _row_frame(app, plan, now)) for plan in plans]
    loops = [loop_row(plan.change.new, frame) for plan, frame in frames]
    steps = [
        step_row(plan.change.new, position, step, frame)
        for plan, frame in frames
        for position, step in enumerate(plan.change.new.steps)
    ]
    store.save(tx, loops, steps)


def _row_frame(app: App, plan: LoopPlan, now: datetime) -> RowFrame:
    return RowFrame(
        number=plan.number,
        owners=plan.owners,
        versions=plan.versions,
        history=plan.history,
        acts=plan.change.old.acts if plan.change.old else (),
        weights=engine.rank_weights(app.catalog),
        now=now,
    )


def _new_escalations(changes: Sequence[LoopChange], desk: routing.Desk, now: datetime) -> list[dict[str, Any]]:
    """Those that fire now."""
    return [
        _fired(change.new, step, escalation, desk.choice(escalation.to_role).owner, now)
        for change in changes
        for step in change.new.steps
        if step.status.is_open
        for escalation in step.escalations
        if f"{step.step_id} {escalation.key}" not in _standing_before(change)
    ]


def _fired(state: LoopState, step: StepState, escalation: Escalation, to_owner: str, now: datetime) -> dict[str, Any]:
    return {
        "loop_id": state.id,
        "step_id": step.step_id,
        "key": escalation.key,
        "to_role": escalation.to_role,
        "to_owner": to_owner,
        "at": escalation.at,
        "fired": now,
        "late": now - escalation.at > LATE_AFTER,
    }


def _standing_before(change: LoopChange) -> list[str]:
    return _standing(change.old.state) if change.old else []


def _ever_escalated(change: LoopChange) -> bool:
    return change.old is not None and bool(_standing(change.old.state) or _standing(change.new))


def _standing(state: LoopState) -> list[str]:
    """The step and key of each escalation of a step that is still open."""
    return [
        f"{step.step_id} {escalation.key}"
        for step in state.steps
        if step.status.is_open
        for escalation in step.escalations
    ]
