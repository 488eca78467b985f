"""What a referral holds of the items of RF-01: one that is being written, one in the record; and adding them."""

from collections.abc import Mapping, Sequence
from typing import Any

from careloop.access.model import Principal
from careloop.db import Transaction
from careloop.errors import NotFound
from careloop.flows import referral_rows
from careloop.flows.app import App
from careloop.flows.referral_desk import Desk, Receipt, open_desk
from careloop.flows.referral_resources import NewReferral, part
from careloop.loops.rules.referrals import Tables, words
from careloop.loops.rules.referrals.completeness import Request, missing_items
from careloop.loops.rules.referrals.content import Named


def patient_of(app: App, tx: Transaction, patient_id: str) -> Mapping[str, Any]:
    """The Patient; `NotFound` where there is none."""
    found = app.record.fetch(tx, [f"Patient/{patient_id}"]).get(f"Patient/{patient_id}")
    if found is None or found.deleted:
        raise NotFound("there is no such patient")
    return found.resource


def asked_of(new: NewReferral, patient: Mapping[str, Any]) -> Request:
    """What RF-01 looks at, for a referral that is being written."""
    return Request(
        question=new.question,
        reason=new.reason,
        reason_codes=(*new.reason_codes, *new.reason_references),
        priority=new.priority,
        language=referral_rows.language_of(patient),
        contact=contact_of(patient),
        results=new.results,
        medications=new.medications,
        allergies=new.allergies,
        role=new.role,
        insurance=new.insurance or " ".join(new.coverages),
    )


def contact_of(patient: Mapping[str, Any]) -> str:
    """The first way to reach the patient that still holds."""
    reached = (str(one.get("value", "")) for one in patient.get("telecom", ()) if one.get("use") != "old")
    return next((value for value in reached if value), "")


def recorded(app: App, tx: Transaction, request: Mapping[str, Any], task: Mapping[str, Any] | None) -> Request:
    """What RF-01 looks at, for a referral in the record, whoever wrote it."""
    tables = referral_rows.tables_of(app)
    patient = patient_of(app, tx, str(request["subject"]["reference"]).removeprefix("Patient/"))
    nothing = {words.value_of(one) for one in words.extensions(request, words.NONE)}
    listed = {name: () if name in nothing else _listed(request, *types) for name, types in _LISTS.items()}
    questions = [
        one.get("valueString", "") for one in (task or {}).get("input", ()) if words.kind_of(one) == "question"
    ]
    roles = [coding.get("code", "") for one in request.get("orderDetail", ()) for coding in one.get("coding", ())]
    return Request(
        question=" ".join([*questions, *(one.get("text", "") for one in request.get("note", ()))]),
        reason=" ".join(words.text_of(one) for one in request.get("reasonCode", ())),
        reason_codes=_reason_codes(request),
        priority=_priority(tables, request),
        language=referral_rows.language_of(patient),
        contact=contact_of(patient),
        results=listed["results"],
        medications=listed["medications"],
        allergies=listed["allergies"],
        role=next(iter(roles), ""),
        insurance=referral_rows.payer_of(request)
        or " ".join(one.get("reference", "") for one in request.get("insurance", ())),
    )


_LISTS: Mapping[str, Sequence[str]] = {
    "results": ("DiagnosticReport", "Observation", "DocumentReference", "ImagingStudy"),
    "medications": ("MedicationStatement", "MedicationRequest", "List"),
    "allergies": ("AllergyIntolerance",),
}


def _listed(request: Mapping[str, Any], *types: str) -> tuple[str, ...] | None:
    named = [str(one.get("reference", "")) for one in request.get("supportingInfo", ())]
    return tuple(one for one in named if one.split("/")[0] in types) or None


def _priority(tables: Tables, request: Mapping[str, Any]) -> str:
    return str(
        words.value_of(words.extension(request, words.PRIORITY)) or tables.priority_of(request.get("priority", "")).id
    )


def _reason_codes(request: Mapping[str, Any]) -> tuple[str, ...]:
    coded = [coding for one in request.get("reasonCode", ()) for coding in one.get("coding", ())]
    named = [str(one.get("reference", "")) for one in request.get("reasonReference", ())]
    return (*(f"{one.get('system', '')}|{one.get('code', '')}" for one in coded), *named)


def missing_of(app: App, tx: Transaction, desk: Desk) -> tuple[Named, ...]:
    """The items of RF-01 that stand between this referral and sending."""
    return missing_items(desk.tables, recorded(app, tx, desk.request, desk.task))


def complete(app: App, tx: Transaction, principal: Principal, request_id: str, given: Mapping[str, str]) -> Receipt:
    """Items that were missing are there now: `question`, `reason`, `role`, `insurance`, and `none-<list>` for a list of
    which there is nothing. Only before it is sent."""
    desk = open_desk(app, tx, principal, request_id)
    request = dict(desk.request)
    extension = list(request.get("extension", ()))
    for name in _LISTS:
        if given.get(f"none-{name}"):
            extension.append({"url": words.NONE, "valueCode": name})
    if given.get("insurance", "").strip():
        extension = [one for one in extension if one.get("url") != words.INSURANCE]
        extension.append({"url": words.INSURANCE, "valueString": given["insurance"].strip()})
    request["extension"] = extension
    if given.get("reason", "").strip():
        request["reasonCode"] = [*request.get("reasonCode", ()), {"text": given["reason"].strip()}]
    if given.get("role", "") in {role.id for role in desk.tables.roles}:
        request["orderDetail"] = [{"coding": [{"system": words.ROLE, "code": given["role"]}]}]
    question = given.get("question", "").strip()
    if question:
        request["note"] = [*request.get("note", ()), {"text": question}]
        asked = {"id": f"question-{len(desk.task.get('input', ())) + 1}", "type": part("question")}
        desk.task = {**desk.task, "input": [*desk.task.get("input", ()), {**asked, "valueString": question}]}
    desk.request = {name: value for name, value in request.items() if value != []}
    missing = missing_of(app, tx, desk)
    left = ", ".join(item.title.lower() for item in missing)
    return desk.save(f"Saved. Still missing: {left}." if missing else "Saved. It can be sent.")
