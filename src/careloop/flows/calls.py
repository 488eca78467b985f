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
from careloop.flows import acting, one_act, proof_ways, worklist
from careloop.flows.app import App
from careloop.flows.minutes_ledger import minutes_extensions
from careloop.loops import store
from careloop.loops.ids import step_task_id
from careloop.loops.rules.proving import proven_by_call, tried_by_call

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
    call = checked(Call(outcome=outcome, minutes=Decimal(minutes), note=note, medium=medium, spoke_with=spoke_with))
    loops = [acting.find_loop(tx, each) for each in dict.fromkeys((loop_id, *also))]
    patient_id = acting.same_patient(loops)
    act_id = new_id()
    tasks = [task for loop in loops for task in tasks_of(app, tx, loop, outcome)]
    one_act.write(app, tx, principal, [contact(app, principal, call, patient_id, tasks, act_id)], act_id=act_id)
    changes = one_act.changes_of(app, loops, store.load_loops(tx, ids=[loop.id for loop in loops]))
    receipt = acting.ActReceipt(
        act_id=act_id,
        says=OUTCOMES[outcome],
        next_loop_id=worklist.next_loop(app, tx, principal, without=[loop.id for loop in loops]),
        outputs=(*says_of(call), *one_act.lines(changes)),
    )
    acting.keep_receipt(tx, principal, idempotency_key, receipt, app.clock.now())
    return receipt


def says_of(call: Call) -> list[str]:
    """What a call writes beside proof, in words."""
    minutes = [f"{call.minutes:f} minutes"] if call.minutes else []
    return [f"Call: {call.outcome.replace('-', ' ')}", *minutes, *(["Note of the call"] if call.note else [])]


def checked(call: Call) -> Call:
    """The call, if it can be one; else `Rejected`."""
    if call.outcome not in OUTCOMES:
        raise Rejected(at="outcome", expected=f"one of {', '.join(OUTCOMES)}", code="code-invalid")
    if not 0 <= call.minutes <= MOST_MINUTES:
        raise Rejected(at="minutes", expected=f"minutes from 0 to {MOST_MINUTES}", code="value")
    if call.spoke_with not in ("patient", "caregiver"):
        raise Rejected(at="spoke_with", expected="patient or caregiver", code="code-invalid")
    return call


def contact(
    app: App, principal: Principal, call: Call, patient_id: str, tasks: Sequence[str], resource_id: str
) -> dict[str, Any]:
    """The call as interface.md §4 names it; a try is `not-done` with its outcome as the reason."""
    patient = {"reference": f"Patient/{patient_id}"}
    now = app.clock.now().replace(microsecond=0)
    minutes = minutes_extensions(call.minutes, now)
    spoke = {"url": "urn:careloop:spoke-with", "valueCode": call.spoke_with}
    resource: dict[str, Any] = {
        "resourceType": "Communication",
        "id": resource_id,
        "extension": [*minutes, spoke] if call.outcome == "reached" else minutes,
        "basedOn": [{"reference": f"Task/{task}"} for task in tasks],
        "status": "completed" if call.outcome == "reached" else "not-done",
        "category": [_coded("urn:careloop:communication", "outreach")],
        "medium": [_coded("http://terminology.hl7.org/CodeSystem/v3-ParticipationMode", call.medium)],
        "subject": patient,
        "recipient": [patient],
        "sent": now.isoformat(),
    }
    if not tasks:
        del resource["basedOn"]
    if principal.practitioner_id:
        resource["sender"] = {"reference": principal.reference}
    if call.outcome != "reached":
        resource["statusReason"] = _coded("urn:careloop:contact-outcome", call.outcome)
    if call.note and call.note.strip():
        resource["payload"] = [{"contentString": call.note.strip()}]
    return resource


def tasks_of(app: App, tx: Transaction, loop: store.StoredLoop, outcome: str) -> list[str]:
    """The Tasks of the open steps that such a call proves, or is a try of; where there is none, of the loop."""
    ties = proven_by_call if outcome == "reached" else tried_by_call
    steps = [(state, proof_ways.step_of(app, tx, loop, state.step_id)) for state in loop.state.steps]
    found = [step.id for state, step in steps if step is not None and state.status.is_open and ties(step)]
    return [step_task_id(loop.id, step_id) for step_id in found] or [loop.id]


def _coded(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}
