"""Facts changed: the patient's loops become what the record and the acts say they must be, with Tasks and owners.

The one place where the engine meets the database. It derives, compares, and writes only differences, in the
transaction of the write that caused them; the same facts again write nothing (engine.md §1.4).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from careloop.db import Transaction
from careloop.flows import engine, foreign_orders, loop_changes, routing, side_notes
from careloop.flows.app import App
from careloop.flows.causes import Cause
from careloop.loops import store
from careloop.loops.facts.matters import OWN_TASKS
from careloop.loops.model import Closure, Derivation, LoopState, Status, StepState, Unsupported
from careloop.record import Stored


def review(app: App, tx: Transaction, patient_ids: Sequence[str], cause: str | Cause | None) -> None:
    """The loops of these patients are what their facts say now. Safe to call at any time, any number of times."""
    patients = sorted({patient for patient in patient_ids if patient})
    if not patients:
        return
    app = engine.at_practice(app, tx)
    lock(tx, patients)
    given = cause if isinstance(cause, Cause) else Cause(fact=cause)
    now = app.clock.now()
    read = _read(app, tx, patients)
    works = [_work(app, tx, patient, read, given, now) for patient in patients]
    works = [work for work in works if work.changes or work.beside]
    if works:
        loop_changes.carry_out(app, tx, works, given, now)
        if before := [change.new.id for work in works for change in work.changes if change.old]:
            store.withdraw_idle_offers(tx, before, now)
    review(app, tx, sorted({*read.elsewhere.values(), *read.former}), given)


def unsettled(app: App, tx: Transaction, patient_ids: Sequence[str]) -> list[str]:
    """The loops of these patients that a review would write now: none, where everything stands as facts and acts say.
    Those whose clock is due to be looked at are left out. Nothing is written or locked."""
    app = engine.at_practice(app, tx)
    now, read = app.clock.now(), _read(app, tx, sorted(patient_ids))
    waking = set(store.waking(tx, sorted(patient_ids), now))
    found = sorted(read.elsewhere)
    for patient in sorted(set(patient_ids) - waking):
        derived = _derive(app, tx, patient, read, now)
        known = {loop.id: loop for loop in read.mine[patient]}
        changes = loop_changes.find_changes(known, _states(derived.derivation, known, now), Cause(fact=None))
        found += [change.new.id for change in changes]
    return found


@dataclass(frozen=True, kw_only=True)
class _Read:
    """What stands about some patients: resources and loops by patient; roles of who took part; loops that went to
    others with their matter."""

    resources: Mapping[str, Sequence[Stored]]
    roles: Mapping[str, frozenset[str]]
    mine: Mapping[str, Sequence[store.StoredLoop]]
    elsewhere: Mapping[str, str]

    @property
    def former(self) -> set[str]:
        """Patients who are not looked at now and who lose a loop: its matter is with one of these."""
        return {loop.patient_id for loops in self.mine.values() for loop in loops} - self.resources.keys()


def _read(app: App, tx: Transaction, patients: Sequence[str]) -> _Read:
    resources = {
        patient: [found for found in mine if not is_own_task_text(found)]
        for patient, mine in app.record.of_patients(tx, patients, engine.RESOURCE_TYPES).items()
    }
    resources = foreign_orders.own_only(app, tx, resources)
    focus_types = engine.content_of(app.catalog).focus_types
    stored = store.load_loops(tx, patients=patients, focuses=_focuses(resources, focus_types))
    elsewhere = _moved_away(app, tx, stored, resources)
    mine = _by_patient([loop for loop in stored if loop.id not in elsewhere], resources)
    by_hand = _proofs_by_hand(app, tx, mine)
    whole = {patient: [*resources[patient], *by_hand[patient]] for patient in patients}
    roles = routing.roles_of(tx, [found for theirs in whole.values() for found in theirs])
    return _Read(resources=whole, roles=roles, mine=mine, elsewhere=elsewhere)


def lock(tx: Transaction, patient_ids: Iterable[str]) -> None:
    """Nobody else reviews these patients until the transaction ends."""
    tx.lock(*[f"patient {patient}" for patient in patient_ids])


def _proofs_by_hand(
    app: App, tx: Transaction, mine: Mapping[str, Sequence[store.StoredLoop]]
) -> dict[str, list[Stored]]:
    """What people named as proof and no rule asks about (a form, a care plan), by patient: it must still stand."""
    named = {
        patient: {str(act.data.get("reference", "")).split("/_history/")[0] for loop in loops for act in loop.acts}
        for patient, loops in mine.items()
    }
    other = {
        patient: sorted(thing for thing in things if thing and thing.split("/")[0] not in engine.RESOURCE_TYPES)
        for patient, things in named.items()
    }
    wanted = sorted({thing for things in other.values() for thing in things})
    found = app.record.fetch(tx, wanted) if wanted else {}
    return {patient: [found[thing] for thing in things if thing in found] for patient, things in other.items()}


def _work(app: App, tx: Transaction, patient_id: str, read: _Read, cause: Cause, now: datetime) -> loop_changes.Work:
    """What one patient's facts and acts say now, compared with what stands."""
    resources, derived = read.resources[patient_id], _derive(app, tx, patient_id, read, now)
    known = {loop.id: loop for loop in read.mine[patient_id]}
    changes = loop_changes.find_changes(known, _states(derived.derivation, known, now), cause)
    side_notes.look_again(tx, patient_id, derived)
    beside = side_notes.beside(tx, patient_id, derived, resources, now)
    return loop_changes.Work(
        patient_id=patient_id, zone=derived.zone, resources=resources, changes=changes, beside=beside
    )


def _derive(app: App, tx: Transaction, patient_id: str, read: _Read, now: datetime) -> engine.Derived:
    resources, loops = read.resources[patient_id], read.mine[patient_id]
    tenant, instant = engine.tenant_of(tx), _rules_instant(loops, now)
    return engine.derive(app.catalog, tenant, patient_id, resources, loops, read.roles, instant)


def _rules_instant(loops: Sequence[store.StoredLoop], now: datetime) -> datetime:
    """The engine never goes back behind an instant at which it decided already (`deadlines run --at`)."""
    return max([now, *(loop.as_of for loop in loops if loop.state.status.is_open)])


def _states(derivation: Derivation, known: Mapping[str, store.StoredLoop], now: datetime) -> list[LoopState]:
    """Every loop that facts call for, and those that no fact calls for any more, ended."""
    states = [_complete(known.get(state.id), state, now) for state in derivation.loops]
    ended = [_unsupported(known[item.loop_id].state, item) for item in derivation.unsupported]
    return [*states, *ended]


def _complete(old: store.StoredLoop | None, state: LoopState, now: datetime) -> LoopState:
    """The state with the steps that it no longer needs, closed as not applicable, so that no Task is forgotten."""
    if old is None:
        return store.normal_state(state)
    kept = {step.step_id for step in state.steps}
    gone = Closure(reason="not-applicable", at=now)
    dropped = [_end_step(step, gone) for step in old.state.steps if step.step_id not in kept]
    return store.normal_state(replace(state, steps=(*state.steps, *dropped)))


def _end(state: LoopState, closure: Closure) -> LoopState:
    steps = tuple(_end_step(step, closure) for step in state.steps)
    ended = replace(
        state, status=Status.CANCELLED, closed=closure.at, closure=closure, steps=steps, board=None, next_change=None
    )
    return store.normal_state(ended)


def _unsupported(state: LoopState, found: Unsupported) -> LoopState:
    """Without what it rested on and lost; over, unless it had ended for another reason."""
    left = replace(state, steps=tuple(_unproven(step, found) for step in state.steps))
    if state.status in (Status.CANCELLED, Status.FAILED):
        return store.normal_state(left)
    return _end(left, found.closure)


def _unproven(step: StepState, found: Unsupported) -> StepState:
    kept = tuple(proof for proof in step.evidence if proof.thing not in found.lost)
    if step.status is not Status.COMPLETED or len(kept) == len(step.evidence):
        return step
    if kept:
        return replace(step, evidence=kept)
    ended = replace(step, status=Status.CANCELLED, ended=found.closure.at, closure=found.closure)
    return replace(ended, evidence=(), escalations=())


def _end_step(step: StepState, closure: Closure) -> StepState:
    if not step.status.is_open:
        return step
    return replace(step, status=Status.CANCELLED, ended=closure.at, closure=closure, escalations=())


def is_own_task_text(found: Stored) -> bool:
    """True for a Task that stands for a loop or a step: it follows from facts and is none. Seen in the text, so that
    none of them has to be decoded."""
    return found.resource_type == "Task" and any(system in found.text for system in _OWN_SYSTEMS)


_OWN_SYSTEMS = tuple(f'"{system}"' for system in sorted(OWN_TASKS))


def _focuses(resources: Mapping[str, Sequence[Stored]], types: frozenset[str]) -> list[str]:
    return [found.reference for mine in resources.values() for found in mine if found.resource_type in types]


def _by_patient(
    stored: Sequence[store.StoredLoop], resources: Mapping[str, Sequence[Stored]]
) -> dict[str, list[store.StoredLoop]]:
    """A loop goes where its matter is; while the matter is with nobody here, it stays with its patient."""
    holders = {found.reference: patient for patient, theirs in resources.items() for found in theirs}
    mine: dict[str, list[store.StoredLoop]] = {patient: [] for patient in resources}
    for loop in stored:
        holder = holders.get(loop.state.focus, loop.patient_id)
        if holder in mine:
            mine[holder].append(loop)
    return mine


def _moved_away(
    app: App, tx: Transaction, stored: Sequence[store.StoredLoop], resources: Mapping[str, Sequence[Stored]]
) -> dict[str, str]:
    """Loops whose matter now belongs to a patient who is not under review (A45, unmerge): loop id to that patient."""
    here = {found.reference for mine in resources.values() for found in mine}
    lost = sorted({loop.state.focus for loop in stored if loop.state.focus not in here})
    if not lost:
        return {}
    holders = {reference: item.patient_id for reference, item in app.record.fetch(tx, lost).items()}
    found = {loop.id: holders.get(loop.state.focus) for loop in stored if loop.state.focus in lost}
    return {loop_id: holder for loop_id, holder in found.items() if holder is not None and holder not in resources}
