"""Rows of a worklist from places in the order; everything a page needs is read at once, never row by row."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from careloop.db import Transaction
from careloop.flows import engine
from careloop.flows.app import App
from careloop.flows.capacity import minutes_table
from careloop.flows.people import Names, PatientShown, patients_shown
from careloop.flows.worklist_values import WorklistRow
from careloop.loops import worklist as lists
from careloop.loops.model import ClockState, LoopState, Status, StepState

CALL_STEPS = frozenset({"contact"})
"""Steps that a call to the patient proves."""


class RowMaker:
    """Reads once what many rows share: names of owners and patients, states, other loops of the same patients."""

    def __init__(self, app: App, tx: Transaction, now: datetime, zone: ZoneInfo) -> None:
        self._app = engine.at_practice(app, tx)
        self._tx = tx
        self._now = now
        self._zone = zone
        self._minutes = minutes_table(self._app.catalog)
        self.names = Names(tx)

    def rows(self, places: Sequence[lists.Placed]) -> list[WorklistRow]:
        """A row for each place, in the same order."""
        loops = lists.listed(self._tx, places)
        patient_ids = sorted({loop.patient_id for loop in loops.values()})
        patients = patients_shown(self._app, self._tx, patient_ids, self._now, self._zone)
        totals = lists.open_loops_of(self._tx, patient_ids)
        return [self._row(place, loops[place.loop_id], patients, totals) for place in places]

    def _row(
        self,
        place: lists.Placed,
        loop: lists.ListedLoop,
        patients: Mapping[str, PatientShown],
        totals: Mapping[str, int],
    ) -> WorklistRow:
        patient = patients[loop.patient_id]
        is_call = place.step_id in CALL_STEPS
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
            title=loop.own_title or engine.title(self._app.catalog, loop.pathway, place.step_id or ""),
            reason=f"Waiting: {loop.hold_reason}" if loop.hold_reason else loop.says,
            due=place.due,
            clock=_clock_now(place, loop, self._now),
            owner=loop.owner,
            owner_name=self.names.name(loop.owner),
            owner_initials=self.names.initials(loop.owner),
            segments=tuple(loop.segments or ()),
            points=place.points,
            more=max(0, totals.get(loop.patient_id, 0) - Status(loop.status).is_open),
            minutes=self._minutes.of(place.step_id or "", interpreter=patient.interpreter and is_call),
            is_call=is_call,
        )


def _clock_now(place: lists.Placed, loop: lists.ListedLoop, now: datetime) -> ClockState:
    """The clock of the step to do; late the moment its time is over, even before the next sweep."""
    if place.waiting and (loop.clock == ClockState.WAITING or loop.status == Status.ON_HOLD):
        return ClockState.WAITING
    if place.due < now and Status(loop.status).is_open:
        return ClockState.OVERDUE
    return ClockState(loop.clock)


def step_of(state: LoopState, step_id: str | None) -> StepState | None:
    """The step with this id."""
    return next((step for step in state.steps if step.step_id == step_id), None)


def segments_of(state: LoopState) -> tuple[bool, ...]:
    """For each step that counts, whether its proof is in hand; what does not apply is not a segment."""
    return tuple(step.status == Status.COMPLETED for step in state.steps if step.status != Status.CANCELLED)
