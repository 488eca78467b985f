"""Messages from patients: those that wait, warning words first; one thread and its answers; the answer (ui.md §7.7)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal
from careloop.access.policy import Action, require, require_action
from careloop.db import Transaction
from careloop.engagement.reading import Reading, reading_of
from careloop.errors import NotFound, Rejected
from careloop.fhir.ids import new_id
from careloop.flows import acting, engine, people, writing
from careloop.flows.app import App
from careloop.flows.people import PatientShown
from careloop.flows.timeline import instant_of
from careloop.loops import store
from careloop.loops.rules.messages import pattern_of, texts_of, warning_in
from careloop.record import Stored, Write

PATHWAY = "patient-message"
MOST = 100
OPENED_FROM_HERE: Mapping[str, str] = {
    "symptom-alert": "Symptom alert",
    "safety-concern": "Safety concern",
    "medication-reconciliation": "Medicines to compare",
    "routine-follow-up": "Visit to arrange",
}
"""What a message can be the reason for, with one click."""


@dataclass(frozen=True, kw_only=True)
class Thread:
    """One matter that a patient wrote about. `warning` is the word that must not wait, None where there is none."""

    loop_id: str
    patient_id: str
    patient: PatientShown
    wrote: datetime
    says: str
    warning: str | None
    due: datetime
    clock: str
    owner: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """One message of a thread. `seen` is when the patient had it, None while nobody knows."""

    id: str
    at: datetime
    by_patient: bool
    who: str
    text: str
    seen: datetime | None


@dataclass(frozen=True, kw_only=True)
class Opened:
    """One thread with everything said in it, oldest first."""

    thread: Thread
    lines: Sequence[Line]
    language: str
    steps: Sequence[tuple[str, str, bool]]
    is_open: bool


def board(app: App, tx: Transaction, principal: Principal) -> list[Thread]:
    """The threads that wait: those with warning words first, then the first due."""
    require_action(principal, Action.WORKLIST_READ)
    app = engine.at_practice(app, tx)
    rows = store.open_of_pathway(tx, PATHWAY, MOST)
    found = app.record.fetch(tx, [row["focus"] for row in rows])
    shown = people.patients_shown(app, tx, [row["patient_id"] for row in rows], app.clock.now(), people.zone_of(tx))
    threads = [
        _thread(app, row, found[row["focus"]], shown[row["patient_id"]]) for row in rows if row["focus"] in found
    ]
    _audit(tx, principal, "search", "patient messages", [one.patient_id for one in threads])
    return sorted(threads, key=lambda one: (one.warning is None, one.due, one.loop_id))


def open_thread(app: App, tx: Transaction, principal: Principal, loop_id: str) -> Opened:
    """The thread of one loop; `NotFound` where the loop is not about a message."""
    require_action(principal, Action.WORKLIST_READ)
    app = engine.at_practice(app, tx)
    loop = _loop(tx, loop_id)
    mine = app.record.of_patient(tx, loop.patient_id, ["Communication", "Patient"])
    said = _chain(loop.state.focus, [one for one in mine if one.resource_type == "Communication"])
    first = next((one for one in said if one.reference == loop.state.focus), None)
    if first is None:
        raise NotFound("the message is no longer in the record")
    names = people.Names(tx)
    shown = people.patients_shown(app, tx, [loop.patient_id], app.clock.now(), people.zone_of(tx))[loop.patient_id]
    row = {
        "id": loop.id, "patient_id": loop.patient_id, "opened": loop.state.opened, "owner": loop.owner,
        "next_due": min((step.due for step in loop.state.steps if step.status.is_open), default=loop.state.deadline),
        "clock": loop.state.clock.value,
    }  # fmt: skip
    _audit(tx, principal, "read", f"message thread {loop.id}", [loop.patient_id])
    steps = [
        (engine.title(app.catalog, PATHWAY, step.step_id), step.clock.value, not step.status.is_open)
        for step in loop.state.steps
    ]
    return Opened(
        thread=_thread(app, row, first, shown),
        lines=[_line(names, one) for one in said],
        language=shown.language,
        steps=steps,
        is_open=loop.state.status.is_open,
    )


def mark_read(app: App, tx: Transaction, principal: Principal, loop_id: str) -> acting.ActReceipt:
    """Somebody has read the message; its answer is still owed."""
    loop = _open_loop(tx, principal, loop_id)
    note = _note(app, principal, loop, "message-read") | {"about": [{"reference": loop.state.focus}]}
    writing.write(app, tx, principal, [_create(note)])
    return acting.ActReceipt(act_id=note["id"], says="Read. The patient still waits for an answer.")


def answer(
    app: App, tx: Transaction, principal: Principal, loop_id: str, text: str, *, key: str | None = None
) -> acting.ActReceipt:
    """The answer is in the record and with the patient's messages. The same press twice answers once."""
    acting.require_text("text", text)
    before = acting.once(tx, principal, key)
    if before is not None:
        return before
    loop = _open_loop(tx, principal, loop_id)
    sent = _note(app, principal, loop, "outreach") | {
        "inResponseTo": [{"reference": loop.state.focus}],
        "recipient": [{"reference": f"Patient/{loop.patient_id}"}],
        "medium": [_coded("http://terminology.hl7.org/CodeSystem/v3-ParticipationMode", "ONLINEWRIT")],
        "payload": [{"contentString": text.strip()}],
    }
    writing.write(app, tx, principal, [_create(sent)])
    receipt = acting.ActReceipt(act_id=sent["id"], says="Answered. It closes when the patient has seen it.")
    acting.keep_receipt(tx, principal, key, receipt, app.clock.now())
    return receipt


def open_matter(app: App, tx: Transaction, principal: Principal, loop_id: str, pathway: str) -> acting.ActReceipt:
    """Another loop begins because of this message."""
    require_action(principal, Action.LOOP_WORK)
    if pathway not in OPENED_FROM_HERE:
        raise Rejected(at="pathway", expected=f"one of {', '.join(OPENED_FROM_HERE)}", code="code-invalid")
    loop = _open_loop(tx, principal, loop_id)
    now = app.clock.now().replace(microsecond=0).isoformat()
    task = {
        "resourceType": "Task",
        "id": new_id(),
        "status": "requested",
        "intent": "order",
        "priority": "urgent",
        "code": _coded("urn:careloop:open", pathway) | {"text": OPENED_FROM_HERE[pathway]},
        "focus": {"reference": loop.state.focus},
        "for": {"reference": f"Patient/{loop.patient_id}"},
        "authoredOn": now,
        "lastModified": now,
        **({"requester": {"reference": principal.reference}} if principal.practitioner_id else {}),
    }
    writing.write(app, tx, principal, [_create(task)])
    return acting.ActReceipt(act_id=str(task["id"]), says=f"{OPENED_FROM_HERE[pathway]} opened.")


def grade(text: str) -> Reading | None:
    """How hard an answer is to read."""
    return reading_of(text)


def _loop(tx: Transaction, loop_id: str) -> store.StoredLoop:
    loop = acting.find_loop(tx, loop_id)
    if loop.state.pathway != PATHWAY:
        raise NotFound("there is no such message")
    return loop


def _open_loop(tx: Transaction, principal: Principal, loop_id: str) -> store.StoredLoop:
    require_action(principal, Action.LOOP_WORK)
    require(principal, "create", "Communication")
    loop = _loop(tx, loop_id)
    if not loop.state.status.is_open:
        raise Rejected(at="loop", expected="a message that still waits", code="business-rule")
    return loop


def _chain(focus: str, messages: Sequence[Stored]) -> list[Stored]:
    """The message, what it answers, and what answers it, oldest first; notes about it that nobody sent are left out."""
    by_reference = {one.reference: one for one in messages if one.resource.get("status") != "entered-in-error"}
    found, waiting = {focus}, [focus]
    while waiting:
        here = waiting.pop()
        above = _answers(by_reference[here]) if here in by_reference else set()
        below = {reference for reference, one in by_reference.items() if here in _answers(one)}
        fresh = (above | below) - found
        found |= fresh
        waiting += fresh
    chosen = [by_reference[reference] for reference in found if reference in by_reference]
    return sorted(chosen, key=lambda one: (_sent(one), bool(_answers(one)), one.id))


def _answers(message: Stored) -> set[str]:
    return {str(one.get("reference", "")).split("/_history/")[0] for one in message.resource.get("inResponseTo", ())}


def _sent(message: Stored) -> datetime:
    return instant_of(message.resource.get("sent")) or message.last_updated


def _thread(app: App, row: Mapping[str, Any], message: Stored, shown: PatientShown) -> Thread:
    texts = texts_of(message.resource)
    pattern = pattern_of(app.catalog.document("messages", "warning-words")["words"])
    return Thread(
        loop_id=row["id"],
        patient_id=row["patient_id"],
        patient=shown,
        wrote=_sent(message),
        says=" ".join(texts)[:200],
        warning=warning_in(texts, pattern),
        due=row["next_due"],
        clock=row["clock"],
        owner=row["owner"],
    )


def _line(names: people.Names, message: Stored) -> Line:
    sender = str((message.resource.get("sender") or {}).get("reference", ""))
    by_patient = sender.startswith(("Patient/", "RelatedPerson/"))
    return Line(
        id=message.id,
        at=_sent(message),
        by_patient=by_patient,
        who="" if by_patient else names.name(sender) if sender else "The practice",
        text="\n".join(texts_of(message.resource)),
        seen=instant_of(message.resource.get("received")),
    )


def _note(app: App, principal: Principal, loop: store.StoredLoop, category: str) -> dict[str, Any]:
    note: dict[str, Any] = {
        "resourceType": "Communication",
        "id": new_id(),
        "status": "completed",
        "category": [_coded("urn:careloop:communication", category)],
        "subject": {"reference": f"Patient/{loop.patient_id}"},
        "sent": app.clock.now().replace(microsecond=0).isoformat(),
    }
    return note | ({"sender": {"reference": principal.reference}} if principal.practitioner_id else {})


def _create(resource: dict[str, Any]) -> Write:
    return Write(method="create", resource_type=resource["resourceType"], id=resource["id"], resource=resource)


def _coded(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def _audit(tx: Transaction, principal: Principal, subtype: str, query: str, patients: Sequence[str]) -> None:
    record_audit(
        tx,
        AuditEntry(
            principal=principal,
            action="E" if subtype == "search" else "R",
            subtype=subtype,
            resource_type="Communication",
            patient_ids=sorted(set(patients)),
            query=query,
        ),
    )
