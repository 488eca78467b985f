"""Who owned this at that moment? Exactly one answer for every loop, step and patient, for every past moment."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal
from careloop.access.policy import require
from careloop.db import Row, Transaction
from careloop.errors import NotFound, Rejected
from careloop.flows import engine, people
from careloop.flows.app import App
from careloop.loops import owning
from careloop.loops import store as loops
from careloop.teams import store


@dataclass(frozen=True, kw_only=True)
class Owned:
    """One owner: of what (step '' is the loop), who, since and until when (None: still), by whose decision and why."""

    loop_id: str
    step_id: str
    title: str
    owner: str
    name: str
    since: datetime
    until: datetime | None
    by: str
    why: str


@dataclass(frozen=True, kw_only=True)
class OwnedThen:
    """The owners of everything about a patient at one moment, and who led; `lead` is None before the first."""

    at: datetime
    lead: Owned | None
    loops: tuple[Owned, ...]


def of_patient(
    app: App, tx: Transaction, principal: Principal, patient_id: str, at: datetime | None, *, closed: bool = False
) -> OwnedThen:
    """Who owned what about this patient at that moment (now when left out), of what was open then. Audited."""
    require(principal, "search", "Task")
    app.record.read(tx, principal, "Patient", patient_id)
    moment = _moment(app, at)
    names = people.Names(tx)
    lead = store.lead_at(tx, patient_id, moment)
    shown = None
    if lead is not None:
        shown = Owned(
            loop_id="",
            step_id="",
            title="Lead coordinator",
            owner=lead.lead,
            name=names.name(lead.lead),
            since=lead.led_from,
            until=lead.led_until,
            by=names.name(lead.by),
            why=lead.why,
        )
    rows = owning.owned_at(tx, patient_id, moment, closed=closed)
    return OwnedThen(at=moment, lead=shown, loops=tuple(_owned(app, names, row) for row in rows))


def of_task(app: App, tx: Transaction, principal: Principal, task_id: str, at: datetime | None) -> Owned:
    """The one owner of the loop or step that this Task stands for. `NotFound` for a Task that stands for none, and
    before it was known."""
    require(principal, "search", "Task")
    place = loops.place_of_task(tx, task_id)
    row = owning.answer_at(tx, place.loop_id, place.step_id, _moment(app, at)) if place else None
    if place is None or row is None:
        raise NotFound("nobody owned that then")
    loop = loops.load_loops(tx, ids=[place.loop_id])[0]
    _audit(tx, principal, task_id, place.patient_id)
    return _owned(app, people.Names(tx), {**row, "pathway": loop.state.pathway})


def _owned(app: App, names: people.Names, row: Row | dict[str, Any]) -> Owned:
    return Owned(
        loop_id=row["loop_id"],
        step_id=row["step_id"],
        title=engine.title(app.catalog, row["pathway"], row["step_id"]),
        owner=row["owner"],
        name=names.name(row["owner"]),
        since=row["owned_from"],
        until=row["owned_until"],
        by=names.name(row["by"]),
        why=row["why"],
    )


def _moment(app: App, at: datetime | None) -> datetime:
    """A past moment, or now."""
    now = app.clock.now()
    if at is None:
        return now
    if at.tzinfo is None:
        raise Rejected(at="at", expected="an instant with an offset")
    if at > now:
        raise Rejected(at="at", expected="a moment that has been")
    return at


def _audit(tx: Transaction, principal: Principal, task_id: str, patient_id: str) -> None:
    entry = AuditEntry(
        principal=principal,
        action="R",
        subtype="read",
        resource_type="Task",
        resource_ids=[task_id],
        patient_ids=[patient_id],
        query="owner at a moment",
    )
    record_audit(tx, entry)
