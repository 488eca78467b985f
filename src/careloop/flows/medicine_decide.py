"""One medicine that somebody still had to decide about: asked of a doctor, or on hold until a day (ME-06, ME-08)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from careloop.access.model import Principal, Tenant, system_principal
from careloop.access.policy import Action, require, require_action
from careloop.db import Transaction
from careloop.errors import Conflict, NotFound, Rejected
from careloop.fhir.ids import derived_id
from careloop.flows import acting, medicine_resources, people, writing
from careloop.flows.app import App
from careloop.flows.medicine_words import day
from careloop.flows.timeline import instant_of, text_of
from careloop.loops import store as loops
from careloop.medications import reconciliations

PATHWAY = "medicine-decision"
OUTCOMES: Mapping[str, str] = {"continue": "Take it as before", "change": "Take it in a new way", "stop": "Stop it"}
"""What can be decided."""


@dataclass(frozen=True, kw_only=True)
class Undecided:
    """A medicine that waits for a decision, with the loop that chases it."""

    task_id: str
    loop_id: str | None
    says: str
    due: datetime | None
    statement: str


def ask_about_holds(app: App, tenant: Tenant) -> int:
    """ME-08: the day after a hold ended without a decision somebody has to decide. For the worker; safe at any time."""

    def work(tx: Transaction) -> int:
        now, zone = app.clock.now(), people.zone_of(tx)
        today = now.astimezone(zone).date()
        due = reconciliations.holds_due(tx, today)
        principal = system_principal(tx.tenant_id, "medicines")
        for hold in due:
            until = f" on {day(hold.until)}" if hold.until else ""
            task = medicine_resources.decision_request(
                derived_id(tx.tenant_id, "hold over", f"{hold.statement} {hold.until}"),
                hold.patient_id,
                principal,
                now,
                f"The hold of {hold.name.lower()} ended{until}: restart it or stop it",
                datetime.combine(today, time(23, 59, 59), tzinfo=zone),
                [hold.statement],
            )
            writing.write(app, tx, principal, [medicine_resources.put(task)])
            reconciliations.asked(tx, hold.statement, now)
        return len(due)

    return app.database.run(tenant.id, work, actor="medicines")


def undecided(app: App, tx: Transaction, patient_id: str) -> list[Undecided]:
    """What waits for a decision about this patient's medicines, the earliest first. Not audited by itself."""
    standing = {
        one.state.focus: one.id
        for one in loops.load_loops(tx, patients=[patient_id])
        if one.state.pathway == PATHWAY and any(s.step_id == "decided" and s.status.is_open for s in one.state.steps)
    }
    tasks = app.record.fetch(tx, sorted(standing))
    found = [
        Undecided(
            task_id=one.id,
            loop_id=standing.get(one.reference),
            says=str(one.resource.get("description", "")),
            due=instant_of(((one.resource.get("restriction") or {}).get("period") or {}).get("end")),
            statement=str((one.resource.get("focus") or {}).get("reference", "")),
        )
        for one in tasks.values()
    ]
    return sorted(found, key=lambda one: (one.due is None, one.due, one.says))


def settle(
    app: App,
    tx: Transaction,
    principal: Principal,
    patient_id: str,
    task_id: str,
    *,
    outcome: str,
    how: str,
    reason: str,
) -> str:
    """It is decided: the medicine is taken as before, in a new way, or stopped, with the reason."""
    require_action(principal, Action.LOOP_WORK)
    require(principal, "update", "MedicationStatement")
    acting.require_text("reason", reason)
    if outcome not in OUTCOMES:
        raise Rejected(at="outcome", expected=f"one of {', '.join(OUTCOMES)}", code="code-invalid")
    if outcome == "change":
        acting.require_text("how", how)
    app.record.read(tx, principal, "Patient", patient_id)
    waiting = next((one for one in undecided(app, tx, patient_id) if one.task_id == task_id), None)
    if waiting is None:
        raise Conflict("this was decided meanwhile")
    stored = app.record.fetch(tx, [waiting.statement]).get(waiting.statement)
    if stored is None or stored.deleted or stored.patient_id != patient_id:
        raise NotFound("there is no such medicine")
    now = app.clock.now()
    statement = _decided(stored.resource, outcome, how.strip(), reason.strip(), now)
    name = text_of(stored.resource.get("medicationCodeableConcept")) or "the medicine"
    note = medicine_resources.message(
        derived_id(tx.tenant_id, "medicine decided", task_id), patient_id, principal, now,
        codes=["medicine-decided"], text=f"{OUTCOMES[outcome]}: {name}. {reason.strip()}",
        about=[f"Task/{task_id}", waiting.statement],
    )  # fmt: skip
    writing.write(app, tx, principal, [medicine_resources.put(statement), medicine_resources.put(note)])
    reconciliations.end_hold(tx, waiting.statement, now)
    return f"Decided. {OUTCOMES[outcome]}. Now tell the patient."


def _decided(statement: Mapping[str, Any], outcome: str, how: str, reason: str, now: datetime) -> dict[str, Any]:
    """The statement as it is from now on."""
    found = {name: value for name, value in statement.items() if name not in ("statusReason", "effectivePeriod")}
    change = {"continue": "keep", "change": "other", "stop": "stop"}[outcome]
    found["extension"] = [
        {"url": medicine_resources.OUTCOME, "valueCode": outcome},
        {"url": medicine_resources.CHANGE, "valueCode": change},
    ]
    found |= {"status": "stopped" if outcome == "stop" else "active", "note": [{"text": reason}]}
    found["dateAsserted"] = medicine_resources.stamp(now)
    if outcome == "stop":
        found |= {"statusReason": [{"text": reason}], "effectivePeriod": {"end": medicine_resources.stamp(now)}}
    if outcome == "change":
        found["dosage"] = [{"text": how}]
    return found
