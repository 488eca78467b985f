"""What a reconciliation writes, as FHIR resources (decision 0209). Pure.

Any FHIR client can read it: the lists before and after are `List`s, each medicine after it a `MedicationStatement`, the
act a `Procedure` (SNOMED CT 430193006, CPT II 1111F) that names the lists, questions and requests are `Task`s.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from careloop.access.model import Principal, Role
from careloop.fhir.ids import derived_id
from careloop.flows import panel
from careloop.medications.rules.reconciling.outcomes import Decision, Held, Outcome
from careloop.medications.rules.reconciling.sources import LOINC, RECONCILED
from careloop.medications.rules.reconciling.values import Entry, MedicineList, Side
from careloop.medications.rules.reconciling.words import SOURCES
from careloop.record import Write

Json = dict[str, Any]
QUESTIONS = panel.SYSTEM
SNOMED = "http://snomed.info/sct"
CPT = "http://www.ama-assn.org/go/cpt"
BEFORE, AFTER = "urn:careloop:list-before", "urn:careloop:list-after"
OUTCOME, CHANGE, RESTART = "urn:careloop:outcome", "urn:careloop:medicine-change", "urn:careloop:restart"
SIGN = "sign-medicines"
ASK_MEDICINE = "ask-about-medicine"
_HISTORY_OF_USE = ("10160-0", "History of Medication use")
_STATUS: Mapping[str, str] = {
    "new": "active",
    "more": "active",
    "less": "active",
    "other": "active",
    "keep": "active",
    "stop": "stopped",
    "hold": "on-hold",
}
_LEVEL = {Role.PHYSICIAN: ("physician", "Physician"), Role.NURSE: ("nurse", "Registered nurse")}


def put(resource: Json) -> Write:
    """The resource as it is to be written."""
    return Write(method="update", resource_type=resource["resourceType"], id=resource["id"], resource=resource)


def procedure(
    own_id: str,
    patient_id: str,
    principal: Principal,
    now: datetime,
    matter: str | None,
    *,
    encounter: str | None,
    lists: Sequence[tuple[str, str]] = (),
    statement: str = "",
    done: bool = False,
) -> Json:
    """The act of comparing. `lists`: extension and reference of each list that it held against others or left."""
    found: Json = {
        "resourceType": "Procedure",
        "id": own_id,
        "status": "completed" if done else "in-progress",
        "code": {
            "coding": [
                {"system": SNOMED, "code": "430193006", "display": "Medication reconciliation"},
                *([{"system": CPT, "code": "1111F"}] if done else []),
            ],
            "text": "Medicine lists compared",
        },
        "subject": {"reference": f"Patient/{patient_id}"},
        "performedDateTime": stamp(now),
        "performer": [{"actor": _who(principal), **_function(principal)}],
    }
    if matter:
        found["basedOn"] = [{"reference": matter}]
    if encounter:
        found["encounter"] = {"reference": encounter}
    if lists:
        found["extension"] = [{"url": url, "valueReference": {"reference": one}} for url, one in lists]
    if statement:
        found["note"] = [{"authorReference": _who(principal), "time": stamp(now), "text": statement}]
    return found


def list_before(
    tenant_id: int, own_id: str, patient_id: str, told: MedicineList, versions: Mapping[str, int], now: datetime
) -> Json:
    """One list as it was told, with the versions that were looked at."""
    references = [one for entry in told.entries for one in (entry.reference, *entry.also)]
    return {
        "resourceType": "List",
        "id": derived_id(tenant_id, "list before", f"{own_id} {told.source.value}"),
        "identifier": [{"system": RECONCILED, "value": f"{own_id}|before-{told.source.value}"}],
        "status": "retired",
        "mode": "snapshot",
        "title": f"Before: {SOURCES[told.source]}" + (f", {told.told.isoformat()}" if told.told else ""),
        "code": _code(),
        "subject": {"reference": f"Patient/{patient_id}"},
        "date": stamp(now),
        "note": [{"text": f"Told by {told.who}"}] if told.who else [],
        "entry": [{"item": {"reference": f"{one}/_history/{versions.get(one, 1)}"}} for one in references],
    }


def list_after(tenant_id: int, own_id: str, patient_id: str, statements: Sequence[Json], now: datetime) -> Json:
    """What holds from now on, every medicine with its outcome."""
    return {
        "resourceType": "List",
        "id": after_id(tenant_id, own_id),
        "identifier": [{"system": RECONCILED, "value": f"{own_id}|after"}],
        "status": "current",
        "mode": "working",
        "title": "Reconciled medicine list",
        "code": _code(),
        "subject": {"reference": f"Patient/{patient_id}"},
        "date": stamp(now),
        "entry": [
            {"flag": {"text": _text(one, OUTCOME)}, "item": {"reference": f"MedicationStatement/{one['id']}"}}
            for one in statements
        ],
    }


def after_id(tenant_id: int, own_id: str) -> str:
    """The id of the list that a reconciliation left."""
    return derived_id(tenant_id, "list after", own_id)


def statement_id(tenant_id: int, own_id: str, entry: Entry) -> str:
    """The id of one medicine after a reconciliation."""
    return derived_id(tenant_id, "reconciled medicine", f"{own_id} {entry.source.value} {entry.reference}")


def statement(
    tenant_id: int, own_id: str, patient_id: str, one: Held, resource: Mapping[str, Any], who: Principal, now: datetime
) -> Json:
    """One medicine after the reconciliation: whose words hold, why, from when, until when."""
    decision = one.decision
    found = _medicine(resource) | {
        "resourceType": "MedicationStatement",
        "id": statement_id(tenant_id, own_id, one.entry),
        "status": _status(one),
        "subject": {"reference": f"Patient/{patient_id}"},
        "dateAsserted": stamp(now),
        "informationSource": _who(who),
        "derivedFrom": [{"reference": reference} for entry in one.row.entries for reference in _derived(entry)],
        "extension": _extensions(decision, one.change),
    }
    if found["status"] == "stopped":
        found["effectivePeriod"] = {"end": stamp(now)}
    if found["status"] in ("stopped", "not-taken", "on-hold") and decision.reason:
        found["statusReason"] = [{"text": decision.reason}]
    if decision.reason:
        found["note"] = [{"text": decision.reason}]
    return found


def old_product(
    tenant_id: int,
    own_id: str,
    patient_id: str,
    entry: Entry,
    resource: Mapping[str, Any],
    who: Principal,
    now: datetime,
) -> Json:
    """Another product of the same ingredient that is still at home: stopped, and said so (worked case 1)."""
    return _medicine(resource) | {
        "resourceType": "MedicationStatement",
        "id": statement_id(tenant_id, own_id, entry),
        "status": "stopped",
        "subject": {"reference": f"Patient/{patient_id}"},
        "dateAsserted": stamp(now),
        "effectivePeriod": {"end": stamp(now)},
        "informationSource": _who(who),
        "derivedFrom": [{"reference": entry.reference}],
        "statusReason": [{"text": "Another product of the same medicine is taken instead"}],
        "extension": _extensions(Decision(outcome=Outcome.STOP), "stop"),
    }


def request(own_id: str, patient_id: str, principal: Principal, now: datetime, *, says: str = "") -> Json:
    """Somebody began to compare medicines: the loop that follows it."""
    return _task(own_id, patient_id, principal, now, "medication-reconciliation", says or "Compare medicine lists")


def decision_request(
    own_id: str, patient_id: str, who: Principal, now: datetime, says: str, due: datetime, about: Sequence[str]
) -> Json:
    """A medicine that somebody still has to decide about: asked of a doctor, or its hold is over (ME-06, ME-08)."""
    found = _task(own_id, patient_id, who, now, "medicine-decision", says)
    found["restriction"] = {"period": {"end": stamp(due)}}
    found["priority"] = "urgent"
    if about:
        found["focus"] = {"reference": about[0]}
        found["input"] = [{"type": {"text": "medicine"}, "valueReference": {"reference": one}} for one in about]
    return found


def question(
    own_id: str,
    patient_id: str,
    principal: Principal,
    now: datetime,
    *,
    kind: str,
    to: str,
    text: str,
    facts: Sequence[str],
    due: datetime,
    loop_id: str | None,
    based_on: Sequence[str],
) -> Json:
    """A question to a physician, among "My questions" (decision 0157)."""
    found: Json = {
        "resourceType": "Task",
        "id": own_id,
        "status": "requested",
        "intent": "order",
        "code": {"coding": [{"system": QUESTIONS, "code": "yes-no"}, {"system": QUESTIONS, "code": kind}],
                 "text": "Question"},
        "description": text,
        "basedOn": [{"reference": one} for one in based_on],
        "for": {"reference": f"Patient/{patient_id}"},
        "authoredOn": stamp(now),
        "lastModified": stamp(now),
        "requester": _who(principal),
        "owner": {"reference": to},
        "restriction": {"period": {"end": stamp(due)}},
    }  # fmt: skip
    if loop_id:
        found["focus"] = {"reference": f"Task/{loop_id}"}
    said = [fact for fact in facts if fact]
    if said:
        kind_of_fact = {"coding": [{"system": QUESTIONS, "code": "fact"}], "text": "Fact"}
        found["input"] = [{"type": kind_of_fact, "valueString": fact} for fact in said]
    return found


def message(
    own_id: str,
    patient_id: str,
    principal: Principal,
    now: datetime,
    *,
    codes: Sequence[str],
    text: str,
    about: Sequence[str],
) -> Json:
    """A completed Communication about a reconciliation."""
    return {
        "resourceType": "Communication",
        "id": own_id,
        "status": "completed",
        "category": [{"coding": [{"system": "urn:careloop:communication", "code": code}]} for code in codes],
        "subject": {"reference": f"Patient/{patient_id}"},
        "about": [{"reference": one} for one in about],
        "sent": stamp(now),
        "sender": _who(principal),
        "payload": [{"contentString": text}],
    }


def stamp(now: datetime) -> str:
    """An instant as FHIR writes it."""
    return now.replace(microsecond=0).isoformat()


def day_stamp(day: date) -> str:
    """A day as FHIR writes it."""
    return day.isoformat()


def _task(own_id: str, patient_id: str, principal: Principal, now: datetime, pathway: str, says: str) -> Json:
    return {
        "resourceType": "Task",
        "id": own_id,
        "status": "requested",
        "intent": "order",
        "code": {"coding": [{"system": "urn:careloop:open", "code": pathway}], "text": says},
        "description": says,
        "for": {"reference": f"Patient/{patient_id}"},
        "authoredOn": stamp(now),
        "lastModified": stamp(now),
        "requester": _who(principal),
    }


def _who(principal: Principal) -> Json:
    named: Json = {"display": principal.name} if principal.name else {}
    return (
        {"reference": principal.reference, **named}
        if principal.practitioner_id
        else {**named} or {"display": "Careloop"}
    )


def _function(principal: Principal) -> Json:
    level = next((_LEVEL[role] for role in (Role.PHYSICIAN, Role.NURSE) if role in principal.roles), None)
    if level is None:
        return {}
    return {"function": {"coding": [{"system": "urn:careloop:role", "code": level[0], "display": level[1]}]}}


def _code() -> Json:
    return {"coding": [{"system": LOINC, "code": _HISTORY_OF_USE[0], "display": _HISTORY_OF_USE[1]}]}


def _medicine(resource: Mapping[str, Any]) -> Json:
    """What it is and how it is taken, as the source wrote it."""
    found: Json = {
        name: resource[name]
        for name in ("medicationCodeableConcept", "medicationReference", "reasonCode", "reasonReference", "contained")
        if name in resource
    }
    dosage = resource.get("dosage") or resource.get("dosageInstruction")
    return {**found, "dosage": dosage} if dosage else found


def _status(one: Held) -> str:
    if one.change == "stop" and not any(
        entry.state.is_taken and entry.side is not Side.HOSPITAL for entry in one.row.entries
    ):
        return "not-taken"
    if one.change == "ask":
        return "active" if one.entry.state.is_taken and one.entry.side is not Side.HOSPITAL else "unknown"
    return _STATUS[one.change]


def _derived(entry: Entry) -> tuple[str, ...]:
    return (entry.reference, *entry.also)


def _extensions(decision: Decision, change: str) -> list[Json]:
    found: list[Json] = [
        {"url": OUTCOME, "valueCode": decision.outcome.value},
        {"url": CHANGE, "valueCode": change},
    ]
    if decision.until:
        found.append({"url": RESTART, "valueDate": day_stamp(decision.until)})
    elif decision.condition:
        found.append({"url": RESTART, "valueString": decision.condition})
    return found


def _text(resource: Mapping[str, Any], url: str) -> str:
    return next((str(one["valueCode"]) for one in resource.get("extension", ()) if one["url"] == url), "")
