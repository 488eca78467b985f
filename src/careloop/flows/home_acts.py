"""What people do about an alert: it was seen, the patient was spoken to, what was done (MO-10, MO-11).

One act is one Communication about the DetectedIssue, through the one door, so that it proves the steps of the loop just
as one from another system would.
"""

from dataclasses import dataclass
from typing import Any

from careloop.access.model import Principal, Role
from careloop.access.policy import Action, require_action
from careloop.db import Transaction
from careloop.errors import Conflict, NotFound, NotPermitted, Rejected
from careloop.fhir.ids import new_id
from careloop.flows import acting, monitoring, writing
from careloop.flows.app import App
from careloop.loops import store as loops
from careloop.monitoring import store
from careloop.record import Write

CLINICIANS = frozenset({Role.NURSE, Role.PHYSICIAN})
_CATEGORY = "urn:careloop:communication"


@dataclass(frozen=True, kw_only=True)
class Done:
    """What was done about an alert. `spoke`: with the patient."""

    action: str
    note: str = ""
    spoke: bool = False


def see(app: App, tx: Transaction, principal: Principal, alert_id: str) -> str:
    """A clinician has looked at it and judged how urgent it is."""
    row = _row(principal, tx, alert_id)
    _write(app, tx, principal, [_message(app, principal, row, ["triage"], "Seen and judged")])
    monitoring.review(app, tx, (), [row["patient_id"]])
    return "Seen. It is still open until you say what was done."


def close(app: App, tx: Transaction, principal: Principal, alert_id: str, done: Done) -> str:
    """The alert ends with an action and its clinician. Without an action a reason is needed, and nobody has to be
    called: the step is attested with that reason."""
    row = _row(principal, tx, alert_id)
    action = monitoring.content_of(app, tx).actions.get(done.action)
    if action is None:
        raise Rejected(at="action", expected="what was done", code="required")
    note = done.note.strip()
    if action.asks and not note:
        raise Rejected(at="note", expected=f"{action.asks[0].lower()}{action.asks[1:]}", code="required")
    if action.spoken and action.id != "called" and not (done.spoke or note):
        raise Rejected(at="note", expected="whom you spoke with, or what was arranged", code="required")
    found = [_message(app, principal, row, ["triage"], "Seen and judged")]
    spoke = action.id == "called" or done.spoke
    if spoke:
        found.append(_spoken(app, principal, row, note or action.says))
    resolved = _message(app, principal, row, ["resolved"], note or action.says)
    resolved["reasonCode"] = [
        {"coding": [{"system": "urn:careloop:alert-action", "code": action.id}], "text": action.says}
    ]
    found.append(resolved)
    store.execute(tx, "note_action", id=alert_id, action=action.id, at=app.clock.now())
    if not spoke:
        _attest_contact(app, tx, principal, alert_id, f"{action.says}. {note}".strip())
    _write(app, tx, principal, found)
    monitoring.review(app, tx, (), [row["patient_id"]])
    return f"Closed: {action.says[0].lower()}{action.says[1:]}."


def loop_of(tx: Transaction, alert_id: str) -> loops.StoredLoop | None:
    """The loop about an alert, the newest."""
    found = loops.load_loops(tx, focuses=[f"DetectedIssue/{alert_id}"])
    return found[-1] if found else None


def _attest_contact(app: App, tx: Transaction, principal: Principal, alert_id: str, note: str) -> None:
    """No call is needed, and the record says why."""
    loop = loop_of(tx, alert_id)
    step = None if loop is None else next((one for one in loop.state.steps if one.step_id == "contact"), None)
    if loop is not None and step is not None and step.status.is_open:
        acting.attest(app, tx, principal, loop_id=loop.id, step_id="contact", reason="not-applicable", note=note)


def _row(principal: Principal, tx: Transaction, alert_id: str) -> dict[str, Any]:
    require_action(principal, Action.LOOP_WORK)
    if not principal.roles & CLINICIANS:
        raise NotPermitted("a nurse or a physician works an alert")
    rows = store.rows_of(tx, "alert", id=alert_id)
    if not rows:
        raise NotFound("there is no such alert")
    if rows[0]["state"] != "open":
        raise Conflict("this alert has ended")
    return dict(rows[0])


def _message(app: App, principal: Principal, row: dict[str, Any], codes: list[str], text: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "resourceType": "Communication",
        "id": new_id(),
        "status": "completed",
        "category": [{"coding": [{"system": _CATEGORY, "code": code}]} for code in codes],
        "subject": {"reference": f"Patient/{row['patient_id']}"},
        "about": [{"reference": f"DetectedIssue/{row['id']}"}],
        "sent": app.clock.now().replace(microsecond=0).isoformat(),
        "payload": [{"contentString": text}],
    }
    if principal.practitioner_id:
        found["sender"] = {"reference": principal.reference}
    return found


def _spoken(app: App, principal: Principal, row: dict[str, Any], text: str) -> dict[str, Any]:
    """A call that reached the patient (interface.md §4)."""
    patient = {"reference": f"Patient/{row['patient_id']}"}
    mode = {"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode", "code": "PHONE"}
    found = _message(app, principal, row, ["outreach"], text)
    return found | {"recipient": [patient], "medium": [{"coding": [mode]}]}


def _write(app: App, tx: Transaction, principal: Principal, found: list[dict[str, Any]]) -> None:
    writing.write(
        app,
        tx,
        principal,
        [Write(method="update", resource_type="Communication", id=one["id"], resource=one) for one in found],
    )
