"""Responsibility follows need (PG-02): when tier, setting or programme of a patient changes, a rule may propose that
somebody of another role leads. A person accepts; nothing shifts by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from careloop.access import accounts
from careloop.access.model import system_principal
from careloop.catalog import Catalog
from careloop.db import Transaction
from careloop.errors import Conflict, Rejected
from careloop.flows import leading, routing
from careloop.flows.app import App
from careloop.loops import owning
from careloop.teams import store

_SETTINGS = {"hospice-plan": "hospice", "post-acute-watch": "facility"}
_PROGRAMMES = frozenset({"monthly-care"})


@dataclass(frozen=True, kw_only=True)
class Shift:
    """One rule: when `of` becomes `to`, somebody of `role` should lead."""

    id: str
    of: str
    to: str
    role: str
    says: str


def shifts_of(catalog: Catalog) -> list[Shift]:
    """The rules in their order (content/responsibility/shifts.yaml)."""
    return [Shift(**line) for line in catalog.document("responsibility", "shifts")["shifts"]]


def need_of(high: bool, pathways: frozenset[str], before: Mapping[str, Any] | None) -> dict[str, str]:
    """Tier, setting and programme as the open loops say. A programme that was and is no more has `ended`."""
    setting = next((_SETTINGS[one] for one in sorted(pathways) if one in _SETTINGS), "home")
    was = (before or {}).get("programme")
    programme = "in" if _PROGRAMMES & pathways else "ended" if was in ("in", "ended") else "none"
    return {"tier": "high" if high else "standard", "setting": setting, "programme": programme}


def shift_for(shifts: Sequence[Shift], before: Mapping[str, Any] | None, now: Mapping[str, str]) -> Shift | None:
    """The first rule whose fact became its value just now; none where nothing was known before."""
    if before is None:
        return None
    return next((one for one in shifts if now[one.of] == one.to and before.get(one.of) != one.to), None)


def look(app: App, tx: Transaction, most: int = 200) -> int:
    """Some of the patients whose need may have changed are looked at; how many."""
    patients = store.looks(tx, most)
    if not patients:
        return 0
    found, known = owning.facts_of_patients(tx, patients), store.known_facts(tx, patients)
    shifts = shifts_of(app.catalog)
    for patient in patients:
        now = need_of(*found.get(patient, (False, frozenset())), before=known.get(patient))
        if now != known.get(patient):
            store.save_facts(tx, patient, now, app.clock.now())
            if shift := shift_for(shifts, known.get(patient), now):
                propose(app, tx, patient, shift)
    return len(patients)


def propose(app: App, tx: Transaction, patient_id: str, shift: Shift) -> bool:
    """Somebody of the role is asked to lead; False where the lead has the role already, an offer waits, or nobody of
    the role can."""
    lead = store.leads(tx, [patient_id]).get(patient_id)
    members = accounts.members(tx, [lead]) if lead and lead.startswith("Practitioner/") else []
    if any(shift.role in {role.value for role in member.roles} for member in members):
        return False
    resources = app.record.of_patients(tx, [patient_id], ("CareTeam", "Patient"))[patient_id]
    owner = routing.Desk(routing.Office(app, tx, lead or ""), patient_id, resources).choice(shift.role).owner
    if not owner.startswith("Practitioner/") or owner == lead or store.open_offer(tx, patient_id):
        return False
    try:
        with tx.savepoint():
            leading.offer_lead(
                app,
                tx,
                system_principal(tx.tenant_id, "responsibility"),
                patient_id=patient_id,
                to=owner,
                why=f"The patient {shift.says}",
                role=shift.role,
                rule=shift.id,
            )
    except (Rejected, Conflict):
        return False
    return True
