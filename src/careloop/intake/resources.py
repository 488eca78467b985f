"""What a message says beside the person and the stay, as resources with their ids: relatives, allergies, diagnoses, and
the Provenance that ties all of it to the message. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from careloop.fhir.ids import derived_id
from careloop.intake.adt import AdtMessage, Person
from careloop.intake.datatypes import Json, clean_code, uri_part
from careloop.intake.facts import condition_id

CONTROL_ID = "urn:careloop:control-id"
_ROLE = "http://terminology.hl7.org/CodeSystem/diagnosis-role"
_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_EVENT = "http://terminology.hl7.org/CodeSystem/v2-0003"


def relatives(person: Person, tenant_id: int, patient_id: str) -> list[Json]:
    """NK1: the same name of the same patient is the same RelatedPerson."""
    found = {}
    for one in person.related:
        name = one["name"][0] if "name" in one else {"family": str(one.get("telecom") or one.get("address"))}
        key = derived_id(tenant_id, "related-person", patient_id, name.get("family", ""), *name.get("given", []))
        found[key] = {**one, "id": key, "active": True, "patient": {"reference": f"Patient/{patient_id}"}}
    return list(found.values())


def clinical(person: Person, tenant_id: int, patient_id: str, encounter_id: str | None) -> list[Json]:
    """AL1 and DG1: the same code of the same person (for diagnoses: of the same stay) is the same resource."""
    subject = {"reference": f"Patient/{patient_id}"}
    found: dict[str, Json] = {}
    for allergy in person.allergies:
        key = derived_id(tenant_id, "allergy", patient_id, _code_key(allergy["code"]))
        found[key] = {**allergy, "id": key, "patient": subject}
    for told in person.conditions:
        key = condition_id(tenant_id, encounter_id or patient_id, told["resource"])
        found[key] = {**told["resource"], "id": key, "subject": subject, **_condition_status(told["deleted"])}
        if encounter_id:
            found[key]["encounter"] = {"reference": f"Encounter/{encounter_id}"}
    return list(found.values())


def diagnoses(before: Sequence[Json], person: Person | None, tenant_id: int, encounter_id: str) -> list[Json]:
    """`Encounter.diagnosis` after this message: what stood there, with what it says anew."""
    standing = {one["condition"]["reference"]: one for one in before if one.get("condition", {}).get("reference")}
    for told in person.conditions if person else ():
        reference = f"Condition/{condition_id(tenant_id, encounter_id, told['resource'])}"
        standing.pop(reference, None)
        if not told["deleted"]:
            standing[reference] = _diagnosis(reference, told)
    return [standing[reference] for reference in sorted(standing)]


def provenance(message: AdtMessage, tenant_id: int, inbox_id: int, targets: Sequence[str], recorded: datetime) -> Json:
    """One for each message: the versions it wrote, the control id it came under."""
    envelope = message.envelope
    sender = envelope.facility or envelope.application
    source: Json = {"identifier": {"system": f"{CONTROL_ID}:{uri_part(sender)}", "value": envelope.control_id}}
    resource: Json = {
        "resourceType": "Provenance",
        "id": derived_id(tenant_id, "provenance", inbox_id),
        "target": [{"reference": reference} for reference in dict.fromkeys(targets)],
        "occurredDateTime": message.at.text,
        "recorded": recorded.isoformat(timespec="milliseconds"),
        "activity": {
            "coding": [{"system": _EVENT, "code": clean_code(envelope.event or envelope.message_type) or "unknown"}],
            "text": _type_of(message),
        },
        "agent": [
            {
                "type": {"coding": [{"system": _PARTICIPANT, "code": "author"}]},
                "who": {"display": sender or "unknown sender"},
            }
        ],
        "entity": [{"role": "source", "what": source}],
    }
    resource["agent"] += message.beside.get("agent", ())
    resource |= {name: value for name, value in message.beside.items() if name != "agent"}
    who = next((one[name] for one in message.header for name in ("responsible", "sender") if name in one), None)
    if who:
        resource["agent"][0]["who"] = who
    if message.header:
        resource["contained"] = list(message.header)
        source["reference"] = "#header"
        resource["entity"] += [{"role": "source", "what": {"reference": f"#{one['id']}"}} for one in message.header[1:]]
    return resource


def _type_of(message: AdtMessage) -> str:
    """The type of the message as its header writes it."""
    shown = next((str(one["eventCoding"].get("display", "")) for one in message.header if "eventCoding" in one), "")
    return shown or message.envelope.message_type or "unknown"


def _diagnosis(reference: str, told: Mapping[str, Any]) -> Json:
    entry: Json = {"condition": {"reference": reference}}
    if told["use"]:
        entry["use"] = {"coding": [{"system": _ROLE, "code": told["use"]}]}
    if told["rank"].isdigit() and int(told["rank"][:4]) > 0:
        entry["rank"] = int(told["rank"][:4])
    return entry


def _condition_status(deleted: bool) -> Json:
    if deleted:
        return {"verificationStatus": {"coding": [{"system": _VERIFICATION, "code": "entered-in-error"}]}}
    return {
        "clinicalStatus": {"coding": [{"system": _CLINICAL, "code": "active"}]},
        "verificationStatus": {"coding": [{"system": _VERIFICATION, "code": "confirmed"}]},
    }


def _code_key(code: Mapping[str, Any]) -> str:
    for coding in code.get("coding", ()):
        return f"{coding.get('system', '')}|{coding.get('code', '')}"
    return str(code.get("text", ""))
