"""Rows of a worklist from places in the order; everything a page needs is read at once, never row by row."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from careloop.db import Transaction
from careloop.flows import engine
from careloop.flows.app import App
from careloop.flows.people import Names, PatientShown, patients_shown
from careloop.flows.worklist_values import WorklistRow
from careloop.loops import worklist as lists
from careloop.loops.model import ClockState, LoopState, Status, StepState


class RowMaker:
    """Reads once what many rows share: names of owners and patients, states, other loops of the same patients."""

    def __init__(self, app: App, tx: Transaction, now: datetime, zone: ZoneInfo) -> None:
        self._app = app
        self._tx = tx
        self._now = now
        self._zone = zone
        self.names = Names(tx)

    def rows(self, places: Sequence[lists.Placed]) -> list[WorklistRow]:
        """A row for each place, in the same order."""
        shown = lists.shown(self._tx, [place.loop_id for place in places])
        patient_ids = [loop.patient_id for loop in shown.values()]
        patients = patients_shown(self._app, self._tx, patient_ids, self._now, self._zone)
        totals = lists.open_loops_of(self._tx, sorted(set(patient_ids)))
        return [self._row(place, shown[place.loop_id], patients, totals) for place in places]

    def _row(
        self,
        place: lists.Placed,
        loop: lists.Shown,
        patients: Mapping[str, PatientShown],
        totals: Mapping[str, int],
    ) -> WorklistRow:
        patient = patients[loop.patient_id]
        step = step_of(loop.state, place.step_id)
        owner = loop.step_owners.get(place.step_id or "", loop.owner)
        return WorklistRow(
            loop_id=loop.id,
            code=f"L-{loop.number}",
            patient_id=loop.patient_id,
            patient_name=patient.name,
            age=patient.age,
            sex=patient.sex,
            language=patient.language,
            pathway=loop.pathway,
            step_id=place.step_id,
            title=engine.title(self._app.catalog, loop.pathway, place.step_id or ""),
            reason=reason_words(loop, step),
            due=place.due,
            clock=clock_now(loop.state, step, place, self._now),
            owner=owner,
            owner_name=self.names.name(owner),
            owner_initials=self.names.initials(owner),
            segments=segments_of(loop.state),
            points=place.points,
            more=max(0, totals.get(loop.patient_id, 0) - loop.state.status.is_open),
        )


def step_of(state: LoopState, step_id: str | None) -> StepState | None:
    """The step with this id."""
    return next((step for step in state.steps if step.step_id == step_id), None)


def segments_of(state: LoopState) -> tuple[bool, ...]:
    """For each step that counts, whether its proof is in hand; what does not apply is not a segment."""
    return tuple(step.status == Status.COMPLETED for step in state.steps if step.status != Status.CANCELLED)


def clock_now(state: LoopState, step: StepState | None, place: lists.Placed, now: datetime) -> ClockState:
    """The clock of the step to do; late the moment its time is over, even before the next sweep."""
    if place.waiting and (step is None or step.clock == ClockState.WAITING or step.status == Status.ON_HOLD):
        return ClockState.WAITING
    if place.due < now and state.status.is_open:
        return ClockState.OVERDUE
    return step.clock if step else state.clock


def reason_words(loop: lists.Shown, step: StepState | None) -> str:
    """The line under the verb: tries so far, what holds already, else where the deadline comes from."""
    if loop.hold_reason:
        return f"Waiting: {loop.hold_reason}"
    if step is None:
        return loop.state.deadline_because
    if step.rule_met:
        return f"Not reached yet, {step.rule_met}"
    if step.attempts:
        tries = len(step.attempts)
        return f"{tries} {'try' if tries == 1 else 'tries'} so far, last: {step.attempts[-1].says}"
    return step.due_because
