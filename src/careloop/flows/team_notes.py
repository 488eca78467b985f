"""The record says something about our staff or a patient's team: what routing rests on is in step, and nobody leaves
with work in their hands (engine.md §1.1), by whatever door it was written.

A `Practitioner` or role of an active account is not switched off by a write: the account is closed first, which moves
the work. Whoever is taken out of a patient's `CareTeam` passes that patient's work on in the same transaction; the
patient's lead only where the team names another coordinator, and by somebody who may decide it.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from careloop.access import accounts
from careloop.access.accounts import StaffMember
from careloop.access.model import Principal, PrincipalKind
from careloop.access.policy import Action, may_act
from careloop.db import Transaction
from careloop.errors import Conflict
from careloop.events import ChangeKind
from careloop.fhir.ids import derived_id, new_id
from careloop.flows import engine, handing_over, routing
from careloop.flows.app import App
from careloop.loops import owning
from careloop.loops.ownership import LEAD
from careloop.record import Written
from careloop.teams import store
from careloop.teams.model import Absence, Member
from careloop.teams.rules import absences_of, members_of, profile_of

TYPES = frozenset({"Practitioner", "PractitionerRole", "CareTeam"})
_LEFT_TEAM = "left the patient's care team"


def note(app: App, tx: Transaction, principal: Principal, written: Sequence[Written]) -> None:
    """Profiles, absences and memberships say what the record says now. `Conflict` where work or a lead would be left
    with somebody who is gone; nothing is written then."""
    telling = [one for one in written if one.resource_type in TYPES and one.change is not ChangeKind.UNCHANGED]
    if not telling:
        return
    _note_staff(app, tx, [one for one in telling if one.resource_type != "CareTeam"])
    _note_teams(app, tx, principal, [one for one in telling if one.resource_type == "CareTeam"])


def _note_staff(app: App, tx: Transaction, told: Sequence[Written]) -> None:
    about = {person for one in told if (person := _person(tx, one))}
    members = {member.practitioner_id: member for member in accounts.members(tx, sorted(about))}
    for one in told:
        member = members.get((_person(tx, one) or "").removeprefix("Practitioner/"))
        if member is not None and member.active:
            _refuse_switching_off(tx, member, one)
    for member in members.values():
        _note_profile(app, tx, member)


def _person(tx: Transaction, one: Written) -> str | None:
    """Whom a Practitioner or PractitionerRole is about."""
    if one.resource_type == "Practitioner":
        return f"Practitioner/{one.id}"
    if one.resource is not None:
        return str((one.resource.get("practitioner") or {}).get("reference", "")) or None
    return next((member.reference for member in accounts.staff(tx) if one.id in _role_ids(tx, member)), None)


def _role_ids(tx: Transaction, member: StaffMember) -> dict[str, str]:
    """The ids of the roles that the product itself keeps for an account, with their codes."""
    return {
        derived_id(tx.tenant_id, "practitioner-role", member.username, role.value): role.value for role in member.roles
    }


def _refuse_switching_off(tx: Transaction, member: StaffMember, one: Written) -> None:
    """Nobody with an account that is open ceases to be there by a write."""
    if _stands(one.resource):
        return
    if one.resource_type == "Practitioner" or one.id in _role_ids(tx, member):
        raise Conflict("this is an active member of the staff: close the account first, which moves the work")


def _stands(resource: Mapping[str, Any] | None) -> bool:
    return resource is not None and resource.get("active", True) is True


def _note_profile(app: App, tx: Transaction, member: StaffMember) -> None:
    found = app.record.fetch(tx, [member.reference]).get(member.reference)
    if found is None or found.deleted:
        return
    roles = app.record.follow(tx, "PractitionerRole", [("practitioner", member.reference)])
    resources = [role.resource for role in roles if not role.deleted]
    store.save_profile(tx, profile_of(found.resource, resources))
    if member.active:
        _note_absences(app, tx, member, resources)


def _note_absences(app: App, tx: Transaction, member: StaffMember, roles: Sequence[Mapping[str, Any]]) -> None:
    """Stretches of PractitionerRole.notAvailable that lie ahead and that no absence on record covers; a FHIR client has
    no word for a cover, so routing names one for each patient."""
    now, zone = app.clock.now(), _zone(tx)
    for starts, ends, why in sorted({found for role in roles for found in absences_of(role, zone)}):
        if ends <= now or store.overlapping_absences(tx, [member.practitioner_id], starts, ends):
            continue
        store.add_absence(
            tx,
            Absence(
                id=new_id(),
                practitioner=member.practitioner_id,
                starts=starts,
                ends=ends,
                cover=None,
                why=why or "not available",
                by="PractitionerRole.notAvailable",
                noted=now,
            ),
        )


def _note_teams(app: App, tx: Transaction, principal: Principal, told: Sequence[Written]) -> None:
    if not told:
        return
    _keep_queue_led(tx, told)
    now, zone = app.clock.now(), _zone(tx)
    members = [member for one in told if one.resource is not None for member in members_of(one.resource, now, zone)]
    before = store.replace_members(tx, sorted({one.id for one in told}), members)
    _name_first_leads(app, tx, members)
    _let_go(app, tx, principal, before)


def _keep_queue_led(tx: Transaction, told: Sequence[Written]) -> None:
    """The queue has a named lead who is there (engine.md §1.1)."""
    queue = routing.queue_reference(tx.tenant_id).removeprefix("CareTeam/")
    for one in told:
        if one.id != queue:
            continue
        first: Mapping[str, Any] = next(iter((one.resource or {}).get("participant", [])), {})
        reference = str((first.get("member") or {}).get("reference", ""))
        led = any(member.active for member in accounts.members(tx, [reference]))
        if one.resource is None or one.resource.get("status", "active") != "active" or not led:
            raise Conflict("the queue needs an active member of the staff as its first participant")


def _name_first_leads(app: App, tx: Transaction, members: Sequence[Member]) -> None:
    """The first coordinator of a team leads where nobody did."""
    named = {member.practitioner for member in members if member.role == LEAD}
    active = {one.practitioner_id for one in accounts.members(tx, sorted(named)) if one.active}
    chosen: dict[str, str] = {}
    for member in members:
        if member.role == LEAD and member.practitioner in active:
            chosen.setdefault(member.patient_id, f"Practitioner/{member.practitioner}")
    store.first_leads(tx, chosen, at=app.clock.now(), by="careloop", why="coordinator of the patient's care team")


def _let_go(app: App, tx: Transaction, principal: Principal, before: Sequence[Member]) -> None:
    """Those who were in a team and are no more pass on what they hold for its patient."""
    if not before:
        return
    patients = sorted({member.patient_id for member in before})
    still = {(member.patient_id, member.practitioner) for member in store.members(tx, patients)}
    gone = {(member.patient_id, member.practitioner) for member in before} - still
    if gone:
        let_go(app, tx, principal, gone)


def let_go(app: App, tx: Transaction, principal: Principal, gone: set[tuple[str, str]]) -> None:
    """People who left the teams of these patients, as (patient, practitioner): their lead and work have moved."""
    patients = sorted({patient for patient, _ in gone})
    leads = store.leads(tx, patients)
    for patient, person in sorted(gone):
        if leads.get(patient) == f"Practitioner/{person}":
            _pass_lead(app, tx, principal, patient, person)
    owners = sorted({f"Practitioner/{person}" for _, person in gone})
    held = {pair for pair in owning.held_for(tx, patients, owners) if (pair[0], pair[1].split("/")[1]) in gone}
    for owner in sorted({owner for _, owner in held}):
        mine = sorted(patient for patient, holder in held if holder == owner)
        handing_over.move_work(app, tx, principal, from_=owner, patients=mine, why=_LEFT_TEAM)


def _pass_lead(app: App, tx: Transaction, principal: Principal, patient: str, person: str) -> None:
    """The lead goes to the other coordinator of the team (PG-01: a person only hands over, whoever supervises
    assigns)."""
    others = [one.practitioner for one in store.members(tx, [patient]) if one.role == LEAD]
    active = [one.reference for one in accounts.members(tx, others) if one.active and one.practitioner_id != person]
    decides = principal.kind is not PrincipalKind.USER or may_act(principal, Action.TEAM_SUPERVISE)
    if not active or not decides:
        raise Conflict("this is the patient's lead coordinator: hand the lead over first")
    why = f"the lead before {_LEFT_TEAM}"
    store.change_lead(tx, patient, active[0], at=app.clock.now(), by=principal.reference, why=why)


def _zone(tx: Transaction) -> ZoneInfo:
    return ZoneInfo(engine.tenant_of(tx).zone)
