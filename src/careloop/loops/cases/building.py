"""Short lines of a case file written out as the FHIR resources they stand for.

`call: reached` is a `Communication`, `stay: {...}` an `Encounter`, and so on; `resource` gives one in full. The
README of `tests/content` lists them all.
"""

from collections.abc import Callable, Mapping
from typing import Any

from careloop.loops.cases import laboratory

Item = Mapping[str, Any]
Resource = dict[str, Any]

PATIENT = {"reference": "Patient/p"}
PHYSICIAN = "Practitioner/physician"
ROLES = {
    f"Practitioner/{role}": frozenset({role})
    for role in ("physician", "nurse", "coordinator", "manager", "biller", "community-health-worker")
}
"""The people of case files: a practitioner with the name of a role has that role."""

_MEDIA = {"call": "PHONE", "sms": "SMSWRIT", "portal": "ONLINEWRIT", "email": "EMAILWRIT", "letter": "MAILWRIT"}
_NUBC = "https://www.nubc.org/patient-discharge"


def resource_of(item: Item, number: int) -> Resource | None:
    """The resource that a line stands for, None for a line that is no fact (a clock, an act)."""
    if "resource" in item:
        return dict(item["resource"])
    for word, build in _BUILDERS.items():
        if word in item:
            built = build(item, item[word])
            built.setdefault("id", item.get("id", f"{word.replace('_', '-')}-{number}"))
            return built
    return None


def _stay(item: Item, stay: Item) -> Resource:
    encounter: Resource = {
        "resourceType": "Encounter",
        "id": stay["id"],
        "status": stay.get("status", "finished" if "to" in stay else "in-progress"),
        "class": {"code": stay.get("class", "IMP")},
        "period": {name: stay[key] for name, key in (("start", "from"), ("end", "to")) if key in stay},
        "hospitalization": {},
        "extension": [_discharge(discharge) for discharge in stay.get("discharges", ())],
    }
    if "disposition" in stay:
        encounter["hospitalization"]["dischargeDisposition"] = {
            "coding": [{"system": _NUBC, "code": stay["disposition"]}]
        }
    if "classes" in stay:
        encounter["classHistory"] = [_class_part(part) for part in stay["classes"]]
    _add_admission(encounter, stay)
    return encounter


def _class_part(part: Item) -> Resource:
    period = {name: part[key] for name, key in (("start", "from"), ("end", "to")) if key in part}
    return {"class": {"code": part["class"]}, "period": period}


def _add_admission(encounter: Resource, stay: Item) -> None:
    if "priority" in stay:
        encounter["priority"] = {"coding": [{"code": stay["priority"]}]}
    if "admit_source" in stay:
        encounter["hospitalization"]["admitSource"] = {"coding": [{"code": stay["admit_source"]}]}
    if "service" in stay:
        encounter["serviceType"] = {"text": stay["service"]}
    if "site" in stay:
        encounter["serviceProvider"] = {"reference": f"Organization/{stay['site']}"}
    if "principal" in stay:
        encounter["reasonCode"] = [_icd10(stay["principal"])]
    if stay.get("admit_unknown"):
        encounter["extension"].append({"url": "urn:careloop:admit-unknown", "valueBoolean": True})
    if stay.get("pending_discharge"):
        encounter["extension"].append({"url": "urn:careloop:pending-discharge", "valueBoolean": True})
    if "attending" in stay:
        encounter["participant"] = [{"individual": {"reference": f"Practitioner/{stay['attending']}"}}]


def _discharge(discharge: Item) -> Resource:
    parts = [{"url": "key", "valueString": discharge.get("key", discharge["at"])}]
    parts += [
        {"url": name, "valueDateTime": discharge[name]} for name in ("at", "cancelled", "recorded") if name in discharge
    ]
    if "disposition" in discharge:
        parts.append({"url": "disposition", "valueCode": discharge["disposition"]})
    return {"url": "urn:careloop:discharge", "extension": parts}


def _icd10(code: str) -> Resource:
    return {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": code}]}


def _message(medium: str) -> Callable[[Item, Any], Resource]:
    def build(item: Item, outcome: Any) -> Resource:
        sent = item["at"]
        message: Resource = {
            "resourceType": "Communication",
            "status": "completed",
            "category": [{"coding": [{"system": "urn:careloop:communication", "code": item.get("as", "outreach")}]}],
            "subject": PATIENT,
            "recipient": [PATIENT],
            "sent": sent,
            "medium": [{"coding": [{"code": medium}]}],
        }
        if outcome not in ("reached", "sent"):
            message["status"] = "not-done"
            message["statusReason"] = {"coding": [{"system": "urn:careloop:contact-outcome", "code": outcome}]}
        return _with_references(message, item)

    return build


def _with_references(resource: Resource, item: Item) -> Resource:
    if "about" in item:
        resource["about"] = [{"reference": item["about"]}]
    if "in_response_to" in item:
        resource["inResponseTo"] = [{"reference": item["in_response_to"]}]
        resource["sender"], resource["recipient"] = PATIENT, [{"reference": PHYSICIAN}]
    if "received" in item:
        resource["received"] = item["received"]
    if "to_staff" in item:
        resource["recipient"] = [{"reference": PHYSICIAN}]
    return resource


def _visit(item: Item, visit: Item) -> Resource:
    encounter: Resource = {
        "resourceType": "Encounter",
        "status": visit.get("status", "finished"),
        "class": {"code": visit.get("class", "AMB")},
        "period": {"start": item["at"]},
    }
    if visit.get("by", "physician"):
        encounter["participant"] = [{"individual": {"reference": f"Practitioner/{visit.get('by', 'physician')}"}}]
    if "level" in visit:
        encounter["extension"] = [{"url": "urn:careloop:medical-decision-making", "valueCode": visit["level"]}]
    return encounter


def _procedure(item: Item, code: Any) -> Resource:
    system, _, value = ("http://snomed.info/sct|430193006" if code is True else str(code)).partition("|")
    return {
        "resourceType": "Procedure",
        "status": "completed",
        "code": {"coding": [{"system": system, "code": value}]},
        "performedDateTime": item["at"],
    }


def _summary(item: Item, encounter: Any) -> Resource:
    document: Resource = {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": {"coding": [{"system": "http://loinc.org", "code": "18842-5"}]},
        "date": item["at"],
    }
    if isinstance(encounter, str):
        document["context"] = {"encounter": [{"reference": encounter}]}
    return document


def _condition(item: Item, code: Any) -> Resource:
    return {"resourceType": "Condition", "code": _icd10(str(code)), "onsetDateTime": item["at"]}


def _lab(item: Item, lab: Item) -> Resource:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": lab["loinc"]}]},
        "effectiveDateTime": item["at"],
        "valueQuantity": {"value": lab["value"], "code": lab["unit"]},
    }


def _report(item: Item, report: Item) -> Resource:
    found: Resource = {
        "resourceType": "DiagnosticReport",
        "status": report.get("status", "registered"),
        "code": {"text": report.get("name", "result")},
        "effectiveDateTime": report.get("taken", item["at"]),
    }
    return found | ({"issued": report["issued"]} if "issued" in report else {})


def _appointment(item: Item, start: Any) -> Resource:
    return {"resourceType": "Appointment", "status": "booked", "start": start}


def _message_from_patient(item: Item, text: Any) -> Resource:
    """`message: "words"`: the patient writes to the staff."""
    message: Resource = {
        "resourceType": "Communication",
        "status": "completed",
        "subject": PATIENT,
        "sender": PATIENT,
        "recipient": [{"reference": PHYSICIAN}],
        "sent": item["at"],
        "medium": [{"coding": [{"code": "ONLINEWRIT"}]}],
        "payload": [{"contentString": str(text)}],
    }
    if "in_response_to" in item:
        message["inResponseTo"] = [{"reference": item["in_response_to"]}]
    return message


def _staff_note(item: Item, category: Any) -> Resource:
    """`note: triage`: something that a member of the staff did and wrote down, by category; `by` a role, `to: patient`
    where the patient was told, `answers` or `about` a thing."""
    note: Resource = {
        "resourceType": "Communication",
        "status": "completed",
        "category": [{"coding": [{"system": "urn:careloop:communication", "code": str(category)}]}],
        "subject": PATIENT,
        "sender": {"reference": f"Practitioner/{item.get('by', 'nurse')}"},
        "sent": item["at"],
    }
    if item.get("to") == "patient":
        note["recipient"] = [PATIENT]
        note["medium"] = [{"coding": [{"code": item.get("medium", "ONLINEWRIT")}]}]
    for name, element in (("about", "about"), ("answers", "inResponseTo"), ("based_on", "basedOn")):
        if name in item:
            note[element] = [{"reference": item[name]}]
    if "received" in item:
        note["received"] = item["received"]
    return note


def _request(item: Item, request: Item) -> Resource:
    """`request: {open: <pathway>}`: a Task of somebody else; `code` instead of `open` for any other kind."""
    code = request.get("code", f"urn:careloop:open|{request.get('open', '')}")
    system, _, value = str(code).partition("|")
    task: Resource = {
        "resourceType": "Task",
        "status": request.get("status", "requested"),
        "intent": "order",
        "code": {"coding": [{"system": system, "code": value}], "text": request.get("text", "request")},
        "for": PATIENT,
        "authoredOn": request.get("authored", item["at"]),
        "lastModified": item["at"],
        "priority": request.get("priority", "routine"),
    }
    for name, element in (("focus", "focus"), ("part_of", "partOf"), ("based_on", "basedOn")):
        if name in request:
            named = {"reference": request[name]}
            task[element] = named if element == "focus" else [named]
    if "due" in request:
        task["restriction"] = {"period": {"end": request["due"]}}
    return task


def _form(item: Item, questionnaire: Any) -> Resource:
    """`form: <url>`: a form answered by the patient."""
    form: Resource = {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "questionnaire": str(questionnaire),
        "subject": PATIENT,
        "authored": item["at"],
    }
    return form | ({"basedOn": [{"reference": item["based_on"]}]} if "based_on" in item else {})


def _died(item: Item, value: Any) -> Resource:
    return {"resourceType": "Patient", "id": "p", "deceasedDateTime": item["at"]}


_BUILDERS: dict[str, Callable[[Item, Any], Resource]] = {
    "stay": _stay,
    **{word: _message(medium) for word, medium in _MEDIA.items()},
    "visit": _visit,
    "procedure": _procedure,
    "summary": _summary,
    "condition": _condition,
    "lab": _lab,
    "report": _report,
    "appointment": _appointment,
    "message": _message_from_patient,
    "note": _staff_note,
    "request": _request,
    "form": _form,
    "died": _died,
    **laboratory.BUILDERS,
}
