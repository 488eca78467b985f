"""What time does to teams: leave begins and ends, memberships end, needs change, the morning's digest is made."""

from careloop.access import accounts
from careloop.access.model import Tenant, system_principal
from careloop.db import Transaction
from careloop.flows import absences, digests, handing_over, shifting, team_notes
from careloop.flows.app import App
from careloop.loops import owning
from careloop.teams import store

_MOST = 100
_BATCHES = 25
"""So many sets of patients are looked at in one round: after a large load the other rounds have their turn."""


def go_on(app: App, tenant: Tenant) -> None:
    """Everything that is due is done, each kind in a transaction of its own. Doing it again changes nothing."""
    app.database.run(tenant.id, lambda tx: _absences(app, tx))
    app.database.run(tenant.id, lambda tx: _memberships(app, tx))
    app.database.run(tenant.id, lambda tx: _left_over(app, tx))
    app.database.run(tenant.id, lambda tx: digests.make_if_due(app, tx))
    for _ in range(_BATCHES):
        if not app.database.run(tenant.id, lambda tx: shifting.look(app, tx)):
            break


def _absences(app: App, tx: Transaction) -> None:
    """Those that end first, so that who is back can cover."""
    now = app.clock.now()
    for absence in store.absences_to_end(tx, now):
        absences.come_back(app, tx, absence)
    for absence in store.absences_to_begin(tx, now):
        absences.begin(app, tx, absence)


def _memberships(app: App, tx: Transaction) -> None:
    """Whose place in a team ended passes on what they hold for its patient."""
    over = store.memberships_over(tx, app.clock.now(), _MOST)
    patients = sorted({member.patient_id for member in over})
    if not patients:
        return
    store.drop_members_over(tx, patients, app.clock.now())
    still = {(member.patient_id, member.practitioner) for member in store.members(tx, patients)}
    gone = {(member.patient_id, member.practitioner) for member in over} - still
    led = store.leads(tx, patients)
    stay = {(patient, person) for patient, person in gone if led.get(patient) == f"Practitioner/{person}"}
    author = system_principal(tx.tenant_id, "teams")
    team_notes.let_go(app, tx, author, gone - stay)


def _left_over(app: App, tx: Transaction) -> None:
    """Work that reached somebody in the moment in which their account was closed goes on to who is there."""
    gone = [member.reference for member in accounts.staff(tx) if not member.active]
    for owner in owning.still_with(tx, gone):
        author = system_principal(tx.tenant_id, "teams")
        handing_over.move_work(app, tx, author, from_=owner, why="the owner's account is closed")
