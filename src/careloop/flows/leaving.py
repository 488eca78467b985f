"""Somebody leaves: first everything that they hold has another owner, then they are gone (engine.md §1.1).

What may be held: loops, steps, escalations, other Tasks, the lead of patients, places in care teams, covers, offers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from careloop.access.accounts import StaffMember
from careloop.access.model import Principal, system_principal
from careloop.db import Transaction
from careloop.errors import Conflict
from careloop.flows import closing, handing_over, routing, writing
from careloop.flows.app import App
from careloop.loops import owning
from careloop.loops.ownership import LEAD
from careloop.record import Stored, Write
from careloop.teams import store

_LOOP_SYSTEMS = frozenset({"urn:careloop:pathway", "urn:careloop:step"})
_MATCH = "person-match"
_CLOSED = frozenset({"completed", "cancelled", "failed", "rejected", "entered-in-error"})
_BATCH = 50


@dataclass(frozen=True, kw_only=True)
class Held:
    """What somebody holds."""

    loops: int
    steps: int
    patients: int
    tasks: int
    leads: int
    teams: int
    escalations: int
    covers: int

    @property
    def nothing(self) -> bool:
        """True where they could leave without a word."""
        return not any(vars(self).values())


def held_by(app: App, tx: Transaction, reference: str) -> Held:
    """Everything that would have to move."""
    work = owning.work_of(tx, reference)
    person = reference.removeprefix("Practitioner/")
    return Held(
        loops=sum(row["step_id"] == "" for row in work),
        steps=sum(row["step_id"] != "" for row in work),
        patients=len({row["patient_id"] for row in work}),
        tasks=len(_other_tasks(app, tx, reference)),
        leads=len(store.led_by(tx, reference)),
        teams=len(store.teams_of_member(tx, person)),
        escalations=len(owning.escalations_to(tx, reference)),
        covers=len(store.absences_covered_by(tx, person)),
    )


_ACCEPTED = frozenset({"test-result"})
"""Of whom these are, somebody says by taking them: nobody is made responsible for a result unasked (RE-02)."""


def let_leave(
    app: App, tx: Transaction, principal: Principal, leaving: StaffMember, successor: StaffMember | None
) -> int:
    """Nothing is left with `leaving`; the successor has it where they may, else whoever routing names, results the
    pool. How many things moved. `Conflict` where something cannot move."""
    now, why = app.clock.now(), f"{leaving.name} leaves"
    to = successor.reference if successor else None
    owning.withdraw_offers(tx, leaving.reference, why=why, at=now)
    store.withdraw_offers(tx, leaving.reference, by=principal.reference, why=why, at=now)
    store.pass_covers(tx, from_=leaving.practitioner_id, to=successor.practitioner_id if successor else None)
    store.end_absences_of(tx, leaving.practitioner_id, now)
    leads = _pass_leads(app, tx, principal, leaving, to, why)
    moved = handing_over.move_work(app, tx, principal, from_=leaving.reference, to=to, why=why, to_pool=_ACCEPTED)
    tasks = _pass_tasks(app, tx, leaving, to)
    _end_memberships(app, tx, principal, leaving, successor)
    if not held_by(app, tx, leaving.reference).nothing:
        raise Conflict("something is still with this person")
    return moved + leads + tasks


def _pass_leads(app: App, tx: Transaction, principal: Principal, leaving: StaffMember, to: str | None, why: str) -> int:
    """Each patient whom they lead is led by somebody else."""
    patients = store.led_by(tx, leaving.reference)
    for start in range(0, len(patients), _BATCH):
        some = patients[start : start + _BATCH]
        closing.lock(tx, some)
        resources = app.record.of_patients(tx, some, ("CareTeam", "Patient")) if to is None else {}
        office = routing.Office(app, tx, leaving.reference)
        desks = {patient: routing.Desk(office, patient, found) for patient, found in resources.items()}
        for patient in some:
            chosen = to or desks[patient].choice(LEAD).owner
            store.change_lead(tx, patient, chosen, at=app.clock.now(), by=principal.reference, why=why)
    return len(patients)


def _other_tasks(app: App, tx: Transaction, reference: str) -> list[Stored]:
    """Open Tasks of this owner that stand for no loop and no step."""
    found = app.record.follow(tx, "Task", [("owner", reference)])
    return [one for one in found if not one.deleted and _is_open(one.resource) and not _is_loop(one.resource)]


def _is_open(task: dict[str, Any]) -> bool:
    return task.get("status") not in _CLOSED


def _is_loop(task: dict[str, Any]) -> bool:
    codings = (task.get("code") or {}).get("coding") or ()
    return any(one.get("system") in _LOOP_SYSTEMS and one.get("code") != _MATCH for one in codings)


def _pass_tasks(app: App, tx: Transaction, leaving: StaffMember, to: str | None) -> int:
    """Other Tasks go to the successor, else to whoever leads the patient, else to the queue."""
    tasks = _other_tasks(app, tx, leaving.reference)
    patients = {one.id: one.patient_id for one in tasks if one.patient_id}
    leads = store.leads(tx, sorted(set(patients.values())))
    queue = routing.queue_reference(tx.tenant_id)
    owners = {one.id: to or leads.get(patients.get(one.id, ""), queue) for one in tasks}
    writes = [
        Write(
            method="update",
            resource_type="Task",
            id=one.id,
            resource={**one.resource, "owner": {"reference": owners[one.id]}},
        )
        for one in tasks
    ]
    if writes:
        store.pass_contradictions(tx, owners)
        author = system_principal(tx.tenant_id, "leaving")
        app.record.write(tx, author, app.clock.now(), writes, validate=False)
    return len(tasks)


def _end_memberships(
    app: App, tx: Transaction, principal: Principal, leaving: StaffMember, successor: StaffMember | None
) -> None:
    """Every CareTeam that names them says until when; the successor has their place."""
    teams = sorted({team for team, _ in store.teams_of_member(tx, leaving.practitioner_id)})
    for start in range(0, len(teams), _BATCH):
        found = app.record.fetch(tx, [f"CareTeam/{team}" for team in teams[start : start + _BATCH]])
        now = app.clock.now()
        writes = [_without(one, leaving, successor, now) for one in found.values() if not one.deleted]
        writing.write(app, tx, principal, writes, cause=f"{leaving.name} leaves", validate=False)


def _without(team: Stored, leaving: StaffMember, successor: StaffMember | None, now: datetime) -> Write:
    return Write(
        method="update",
        resource_type="CareTeam",
        id=team.id,
        resource=passed_on(team.resource, leaving.reference, successor, now),
    )


def passed_on(
    team: dict[str, Any], leaving: str, successor: StaffMember | None, now: datetime, roles: Sequence[str] = ()
) -> dict[str, Any]:
    """The CareTeam where one member's places (of these roles; all when none is named) end now and another's begin."""
    participants: list[dict[str, Any]] = []
    begun: list[dict[str, Any]] = []
    for one in team.get("participant", []):
        mine = (one.get("member") or {}).get("reference") == leaving and "end" not in (one.get("period") or {})
        if not mine or (roles and not set(roles) & _codes(one)):
            participants.append(one)
            continue
        instant = now.isoformat(timespec="seconds")
        participants.append({**one, "period": {**one.get("period", {}), "end": instant}})
        if successor is not None:
            member = {"reference": successor.reference, "display": successor.name}
            begun.append({**one, "member": member, "period": {"start": instant}})
    return {**team, "participant": [*participants, *begun]}


def _codes(participant: dict[str, Any]) -> set[str]:
    return {
        str(coding.get("code", "")) for concept in participant.get("role", []) for coding in concept.get("coding", [])
    }


def patient_team(app: App, tx: Transaction, patient_id: str) -> list[Stored]:
    """The active CareTeams of a patient."""
    found = app.record.of_patients(tx, [patient_id], ("CareTeam",))[patient_id]
    return [one for one in found if one.resource.get("status", "active") == "active"]
