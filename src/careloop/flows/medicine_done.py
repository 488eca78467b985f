"""A signed reconciliation as it is read again: what holds now, what is still open, and the patient's sheet (ME-07).

Everything is read from the List, the MedicationStatements and the Procedure that the signing wrote.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from careloop.access.model import Principal
from careloop.access.policy import Action, require, require_action
from careloop.db import Transaction
from careloop.errors import Conflict, NotFound, Rejected
from careloop.fhir.ids import new_id
from careloop.flows import acting, engine, medicine_compare, medicine_resources, people, writing
from careloop.flows.app import App
from careloop.flows.calls import OUTCOMES
from careloop.flows.medicine_lists import drugs_for
from careloop.flows.patient_reading import full_name, header_of
from careloop.flows.patient_values import Header
from careloop.flows.timeline import instant_of
from careloop.medications import reconciliations
from careloop.medications.drugs import Drugs
from careloop.medications.reading import read_medicine
from careloop.medications.rules.reconciling.entries import dosing_of, said_of
from careloop.medications.rules.reconciling.telling import (
    CHANGES,
    SheetLine,
    Telling,
    how_words,
    in_order,
    line_of,
    purpose_of,
    telling_of,
)
from careloop.record import Stored

WAYS = (("PHONE", "Call"), ("FACE2FACE", "Visit"), ("MAILWRIT", "Letter"))
_OPEN = ("requested", "received", "accepted", "in-progress")


@dataclass(frozen=True, kw_only=True)
class DoneLine:
    """One medicine after the reconciliation."""

    change: str
    name: str
    how: str
    reason: str
    until: str


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A question that went out."""

    text: str
    to: str
    due: datetime | None
    status: str
    answer: str


@dataclass(frozen=True, kw_only=True)
class DonePage:
    """The page of a signed reconciliation."""

    header: Header
    done: str
    signed: datetime
    signed_by: str
    statement: str
    lines: tuple[DoneLine, ...]
    heads: Mapping[str, str]
    asked: tuple[Asked, ...]
    note_status: str
    told: str
    loop_id: str | None
    withdrawn: bool


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """The patient's sheet; the same lines, for whoever reads them."""

    name: str
    born: date | None
    allergies: tuple[str, ...] | None
    language: str
    interpreter: bool
    written: datetime
    signed_by: str
    lines: tuple[SheetLine, ...]
    heads: Mapping[str, str]
    phone: str
    is_signed: bool
    done: str
    patient_id: str


def page(app: App, tx: Transaction, principal: Principal, patient_id: str, done: str) -> DonePage:
    """What came of it. One audited read of the patient; `NotFound` for what is not this patient's."""
    patient, procedure, statements = _read(app, tx, principal, patient_id, done)
    telling = telling_for(app, tx)
    draft = reconciliations.find(tx, done)
    tasks = app.record.follow(tx, "Task", [("based-on", f"Procedure/{done}")])
    tasks += _clarifying(app, tx, patient_id, statements)
    messages = _messages(app, tx, patient_id, done)
    names = people.Names(tx)
    today = app.clock.now().astimezone(people.zone_of(tx)).date()
    lines = [_line(one, telling, drugs_for(app, tx)) for one in statements]
    return DonePage(
        header=header_of(patient, _allergies(app, tx, patient_id), today),
        done=done,
        signed=instant_of(procedure.get("performedDateTime")) or app.clock.now(),
        signed_by=_performer(procedure),
        statement=str((procedure.get("note") or [{}])[0].get("text", "")),
        lines=tuple(DoneLine(change=line.change, name=line.name, how=line.how, reason=_reason(one), until=line.until)
                    for line, one in zip(lines, statements, strict=True)),
        heads=telling.heads,
        asked=tuple(_asked(one.resource, names) for one in tasks if _is_question(one.resource)),
        note_status=next((m["status"] for m in messages if "pharmacy-note" in _categories(m)), ""),
        told=_told(messages),
        loop_id=medicine_compare.loop_of(tx, patient_id, draft.matter if draft else None),
        withdrawn=procedure.get("status") == "entered-in-error",
    )  # fmt: skip


def sheet(app: App, tx: Transaction, principal: Principal, patient_id: str, done: str) -> Sheet:
    """The sheet of a signed reconciliation that stands."""
    patient, procedure, statements = _read(app, tx, principal, patient_id, done)
    if procedure.get("status") != "completed":
        raise NotFound("there is no such signed comparison")
    telling, drugs = telling_for(app, tx), drugs_for(app, tx)
    today = app.clock.now().astimezone(people.zone_of(tx)).date()
    head = header_of(patient, _allergies(app, tx, patient_id), today)
    signed = any("plan-signed" in _categories(one) for one in _messages(app, tx, patient_id, done))
    answered = any(
        one.resource.get("status") == "completed" and _yes(one.resource)
        for one in app.record.follow(tx, "Task", [("based-on", f"Procedure/{done}")])
    )
    return Sheet(
        name=full_name(patient),
        born=head.birth_date,
        allergies=head.allergies,
        language=head.language,
        interpreter=head.interpreter,
        written=instant_of(procedure.get("performedDateTime")) or app.clock.now(),
        signed_by=_performer(procedure),
        lines=tuple(in_order([_line(one, telling, drugs) for one in statements])),
        heads=telling.heads,
        phone=writing.settings_for(tx).practice_phone or "",
        is_signed=signed or answered,
        done=done,
        patient_id=patient_id,
    )


def told(
    app: App,
    tx: Transaction,
    principal: Principal,
    patient_id: str,
    done: str,
    *,
    outcome: str,
    way: str,
    key: str | None = None,
) -> str:
    """The patient was told which medicines to take, or somebody tried to (ui.md §4.3). A letter counts as told."""
    require_action(principal, Action.LOOP_WORK)
    require(principal, "create", "Communication")
    if before := acting.once(tx, principal, key):
        return before.says
    if way not in dict(WAYS):
        raise Rejected(at="way", expected=f"one of {', '.join(dict(WAYS))}", code="code-invalid")
    if way == "PHONE" and outcome not in OUTCOMES:
        raise Rejected(at="outcome", expected="what came of the call", code="code-invalid")
    _, procedure, statements = _read(app, tx, principal, patient_id, done)
    if procedure.get("status") != "completed":
        raise Conflict("this comparison was withdrawn")
    now, telling, drugs = app.clock.now(), telling_for(app, tx), drugs_for(app, tx)
    lines = in_order([_line(one, telling, drugs) for one in statements])
    found = medicine_resources.message(
        new_id(), patient_id, principal, now, codes=["outreach", "medicines-told"],
        text=" ".join(one.says for one in lines if one.change != "keep") or "No medicine changes.",
        about=[f"Procedure/{done}"],
    )  # fmt: skip
    mode = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"
    found |= {
        "recipient": [{"reference": f"Patient/{patient_id}"}],
        "medium": [{"coding": [{"system": mode, "code": way}]}],
    }
    if way == "MAILWRIT":
        found["received"] = found["sent"]
    if way == "PHONE" and outcome != "reached":
        reason = {"coding": [{"system": "urn:careloop:contact-outcome", "code": outcome}]}
        found |= {"status": "not-done", "statusReason": reason}
    writing.write(app, tx, principal, [medicine_resources.put(found)])
    reached = way != "PHONE" or outcome == "reached"
    receipt = acting.ActReceipt(act_id=found["id"], says="The patient is told." if reached else OUTCOMES[outcome])
    acting.keep_receipt(tx, principal, key, receipt, now)
    return receipt.says


def note_sent(app: App, tx: Transaction, principal: Principal, patient_id: str, done: str, to: str) -> str:
    """The note went to this pharmacy."""
    require_action(principal, Action.LOOP_WORK)
    require(principal, "update", "Communication")
    acting.require_text("to", to)
    app.record.read(tx, principal, "Patient", patient_id)
    notes = [one for one in _messages(app, tx, patient_id, done) if "pharmacy-note" in _categories(one)]
    if not notes:
        raise NotFound("nothing changes that a pharmacy must know")
    if notes[0]["status"] == "completed":
        raise Conflict("the note was sent before")
    note = {
        **notes[0],
        "status": "completed",
        "sent": medicine_resources.stamp(app.clock.now()),
        "recipient": [{"display": to.strip()[:200]}],
    }
    writing.write(app, tx, principal, [medicine_resources.put(note)])
    return f"The note went to {to.strip()[:200]}."


def telling_for(app: App, tx: Transaction) -> Telling:
    """The plain words of the practice."""
    return telling_of(engine.catalog_for(app, tx).document("medications", "plain"))


def _read(
    app: App, tx: Transaction, principal: Principal, patient_id: str, done: str
) -> tuple[Mapping[str, Any], Mapping[str, Any], list[Mapping[str, Any]]]:
    patient = app.record.read(tx, principal, "Patient", patient_id).resource
    after = f"List/{medicine_resources.after_id(tx.tenant_id, done)}"
    found = app.record.fetch(tx, [f"Procedure/{done}", after])
    mine = [one for one in found.values() if one.patient_id == patient_id and not one.deleted]
    if len(mine) < 2:
        raise NotFound("there is no such comparison")
    items = [str(one["item"]["reference"]) for one in found[after].resource.get("entry", ())]
    statements = app.record.fetch(tx, items)
    return (
        patient,
        found[f"Procedure/{done}"].resource,
        [statements[one].resource for one in items if one in statements],
    )


def _line(statement: Mapping[str, Any], telling: Telling, drugs: Drugs) -> SheetLine:
    medicine = read_medicine(statement, drugs)
    extensions = {one.get("url"): one for one in statement.get("extension", ())}
    change = str(extensions.get(medicine_resources.CHANGE, {}).get("valueCode", "keep"))
    restart = extensions.get(medicine_resources.RESTART, {})
    until = date.fromisoformat(restart["valueDate"]) if "valueDate" in restart else None
    names = sorted(one.name for one in medicine.ingredients) if medicine.is_matched else []
    return line_of(
        telling,
        change=change if change in CHANGES else "keep",
        name=" and ".join(names) or medicine.text,
        purpose=purpose_of(telling, names, drugs.classes_of),
        how=how_words(telling, dosing_of(medicine), said_of(medicine)),
        until=until,
        condition=str(restart.get("valueString", "")),
    )


def _reason(statement: Mapping[str, Any]) -> str:
    return str((statement.get("note") or [{}])[0].get("text", ""))


def _performer(procedure: Mapping[str, Any]) -> str:
    return str(((procedure.get("performer") or [{}])[0].get("actor") or {}).get("display", ""))


def _allergies(app: App, tx: Transaction, patient_id: str) -> dict[str, list[Mapping[str, Any]]]:
    return {
        "AllergyIntolerance": [one.resource for one in app.record.of_patient(tx, patient_id, ["AllergyIntolerance"])]
    }


def _messages(app: App, tx: Transaction, patient_id: str, done: str) -> list[dict[str, Any]]:
    return [
        dict(one.resource)
        for one in app.record.of_patient(tx, patient_id, ["Communication"])
        if any(each.get("reference") == f"Procedure/{done}" for each in one.resource.get("about", ()))
    ]


def _clarifying(app: App, tx: Transaction, patient_id: str, statements: Sequence[Mapping[str, Any]]) -> list[Stored]:
    """The questions about single medicines: they stand under the request that chases each."""
    wanted = {f"MedicationStatement/{one['id']}" for one in statements}
    tasks = app.record.of_patient(tx, patient_id, ["Task"])
    requests = {one.reference for one in tasks if str((one.resource.get("focus") or {}).get("reference", "")) in wanted}
    return [one for one in tasks if any(each.get("reference") in requests for each in one.resource.get("basedOn", ()))]


def _is_question(task: Mapping[str, Any]) -> bool:
    return any(one.get("system") == medicine_resources.QUESTIONS for one in (task.get("code") or {}).get("coding", ()))


def _asked(task: Mapping[str, Any], names: people.Names) -> Asked:
    notes = task.get("note", ())
    return Asked(
        text=str(task.get("description", "")),
        to=names.name(str((task.get("owner") or {}).get("reference", ""))),
        due=instant_of(((task.get("restriction") or {}).get("period") or {}).get("end")),
        status=str(task.get("status", "")),
        answer=str(notes[-1].get("text", "")) if notes and task.get("status") == "completed" else "",
    )


def _yes(task: Mapping[str, Any]) -> bool:
    return any(one.get("valueBoolean") is True for one in task.get("output", ()))


def _categories(message: Mapping[str, Any]) -> set[str]:
    return {str(code.get("code")) for one in message.get("category", ()) for code in one.get("coding", ())}


def _told(messages: Sequence[Mapping[str, Any]]) -> str:
    """`told`, `tried` or nothing."""
    mine = [one for one in messages if "medicines-told" in _categories(one)]
    if any(one["status"] == "completed" for one in mine):
        return "told"
    return "tried" if mine else ""
