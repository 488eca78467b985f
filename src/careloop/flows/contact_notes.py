"""A number that does not work, and silence, become somebody's work (CB-07, CB-08), by whatever door they were told.

The work is the pathway `contact-repair`: one at a time for a patient, opened by a Task that says what is wrong.
"""

from collections.abc import Sequence
from typing import Any

from careloop.access.model import system_principal
from careloop.db import Transaction
from careloop.engagement.contacts import rules
from careloop.engagement.contacts.content import budget_of
from careloop.engagement.contacts.model import Budget
from careloop.events import ChangeKind
from careloop.fhir.ids import new_id
from careloop.flows import engine
from careloop.flows.app import App
from careloop.flows.contact_reading import contacts_of, is_outgoing, medium_of, outcome_of
from careloop.loops import store
from careloop.record import Write, Written

PATHWAY = "contact-repair"
OPEN = "urn:careloop:open"
_WRONG = {
    "wrong-number": "wrong number",
    "blocked": "the number is blocked",
    "bounced": "the mail came back",
    "undeliverable": "it could not be delivered",
}


def tasks_for(app: App, tx: Transaction, written: Sequence[Written]) -> list[Write]:
    """The Tasks by which work begins because of these writes; none while such work is open. Costs nothing where no try
    to reach a patient was written."""
    budget = budget_of(engine.catalog_for(app, tx))
    tries = [one for one in written if _is_try(one)]
    found = []
    for patient_id in dict.fromkeys(str(one.patient_id) for one in tries if one.patient_id):
        says = _wrong(app, tx, patient_id, [one for one in tries if one.patient_id == patient_id], budget)
        if says and not _is_open(tx, patient_id):
            found.append(_task(app, tx, patient_id, says))
    return found


def _is_try(one: Written) -> bool:
    if one.resource_type != "Communication" or one.change is ChangeKind.UNCHANGED or one.resource is None:
        return False
    return is_outgoing(one.resource) and bool(outcome_of(one.resource))


def _wrong(app: App, tx: Transaction, patient_id: str, tries: Sequence[Written], budget: Budget) -> str:
    """What is wrong, in words: a way that does not work first, then silence; empty where nothing is."""
    for one in tries:
        resource: dict[str, Any] = dict(one.resource or {})
        outcome = outcome_of(resource)
        if outcome in budget.failures:
            way = budget.titles.get(medium_of(resource), "Contact")
            return f"{way}: {_WRONG.get(outcome, outcome)} (CB-08)"
    stored = app.record.of_patient(tx, patient_id, ("Communication",))
    contacts = contacts_of([one.resource for one in stored], budget)
    count = rules.silent_tries(contacts, budget, app.clock.now())
    if count < budget.silent_tries:
        return ""
    return f"No answer to {count} tries in {budget.silent_days} days ({rules.SILENCE})"


def _is_open(tx: Transaction, patient_id: str) -> bool:
    loops = store.load_loops(tx, patients=[patient_id])
    return any(loop.state.pathway == PATHWAY and loop.state.status.is_open for loop in loops)


def _task(app: App, tx: Transaction, patient_id: str, says: str) -> Write:
    now = app.clock.now().replace(microsecond=0).isoformat()
    task = {
        "resourceType": "Task",
        "id": new_id(),
        "status": "requested",
        "intent": "order",
        "priority": "routine",
        "code": {"coding": [{"system": OPEN, "code": PATHWAY}], "text": says},
        "description": says,
        "for": {"reference": f"Patient/{patient_id}"},
        "authoredOn": now,
        "lastModified": now,
        "requester": {"reference": system_principal(tx.tenant_id, "contacts").reference},
    }
    return Write(method="create", resource_type="Task", id=str(task["id"]), resource=task)
