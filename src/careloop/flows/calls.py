"""A call to a patient: one Communication holds contact, minutes and proof for every loop that it covers."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from careloop.access.model import Principal
from careloop.access.policy import Action, require_action
from careloop.db import Transaction
from careloop.errors import Rejected
from careloop.fhir.ids import new_id
from careloop.flows import acting, worklist, writing
from careloop.flows.app import App
from careloop.loops import store
from careloop.loops.ids import step_task_id
from careloop.record import Write

OUTCOMES = {
    "reached": "Reached. The contact is proven.",
    "left-message": "Message left. This counts as a try.",
    "no-answer": "No answer. This counts as a try.",
    "wrong-number": "Wrong number. This counts as a try.",
    "busy": "Line busy. This counts as a try.",
}
"""What a call can come to, and what is said after it was saved (codes of `urn:careloop:contact-outcome`)."""

MOST_MINUTES = 600


@dataclass(frozen=True, kw_only=True)
class Call:
    """What a person says about a call. `medium` is a code of v3-ParticipationMode."""

    outcome: str
    minutes: Decimal
    note: str | None
    medium: str
    spoke_with: str


def log_call(
    app: App,
    tx: Transaction,
    principal: Principal,
    *,
    loop_id: str,
    outcome: str,
    minutes: Decimal | int,
    note: str | None = None,
    also: Sequence[str] = (),
    medium: str = "PHONE",
    spoke_with: str = "patient",
    idempotency_key: str | None = None,
) -> acting.ActReceipt:
    """The call is in the record once, tied to the contact step of each loop; what it proves is closed."""
    require_action(principal, Action.LOOP_WORK)
    before = acting.once(tx, principal, idempotency_key)
    if before is not None:
        return before
    call = _checked(Call(outcome=outcome, minutes=Decimal(minutes), note=note, medium=medium, spoke_with=spoke_with))
    loops = [acting.find_loop(tx, each) for each in dict.fromkeys((loop_id, *also))]
    patient_id = acting.same_patient(loops)
    act_id = new_id()
    resource = _communication(app, principal, call, patient_id, loops)
    write = Write(method="create", resource_type="Communication", id=act_id, resource={**resource, "id": act_id})
    writing.write(app, tx, principal, [write])
    following = worklist.next_loop(app, tx, principal, without=[loop.id for loop in loops])
    receipt = acting.ActReceipt(act_id=act_id, says=OUTCOMES[outcome], next_loop_id=following)
    acting.keep_receipt(tx, principal, idempotency_key, receipt, app.clock.now())
    return receipt


def _checked(call: Call) -> Call:
    if call.outcome not in OUTCOMES:
        raise Rejected(at="outcome", expected=f"one of {', '.join(OUTCOMES)}", code="code-invalid")
    if not 0 <= call.minutes <= MOST_MINUTES:
        raise Rejected(at="minutes", expected=f"minutes from 0 to {MOST_MINUTES}", code="value")
    if call.spoke_with not in ("patient", "caregiver"):
        raise Rejected(at="spoke_with", expected="patient or caregiver", code="code-invalid")
    return call


def _communication(
    app: App, principal: Principal, call: Call, patient_id: str, loops: Sequence[store.StoredLoop]
) -> dict[str, Any]:
    """The call as interface.md §4 names it; a try is `not-done` with its outcome as the reason."""
    patient = {"reference": f"Patient/{patient_id}"}
    minutes: dict[str, Any] = {"url": "urn:careloop:minutes", "valueDecimal": call.minutes}
    spoke = {"url": "urn:careloop:spoke-with", "valueCode": call.spoke_with}
    resource: dict[str, Any] = {
        "resourceType": "Communication",
        "extension": [minutes, spoke] if call.outcome == "reached" else [minutes],
        "basedOn": [{"reference": f"Task/{task}"} for task in map(_task_of, loops)],
        "status": "completed" if call.outcome == "reached" else "not-done",
        "category": [_coded("urn:careloop:communication", "outreach")],
        "medium": [_coded("http://terminology.hl7.org/CodeSystem/v3-ParticipationMode", call.medium)],
        "subject": patient,
        "recipient": [patient],
        "sent": app.clock.now().replace(microsecond=0).isoformat(),
    }
    if principal.practitioner_id:
        resource["sender"] = {"reference": principal.reference}
    if call.outcome != "reached":
        resource["statusReason"] = _coded("urn:careloop:contact-outcome", call.outcome)
    if call.note and call.note.strip():
        resource["payload"] = [{"contentString": call.note.strip()}]
    return resource


def _task_of(loop: store.StoredLoop) -> str:
    """The Task of the step that a contact proves where the loop has one, else of the loop."""
    step = next((step for step in ("contact", "patient-told") if step in loop.steps), None)
    return step_task_id(loop.id, step) if step else loop.id


def _coded(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}
