"""HL7v2 messages and FHIR evidence for tests. Invented people; shapes after `../shared/domain/adt-samples.hl7.txt`."""

import itertools
import os
import uuid
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("America/New_York")
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
MODE = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"
SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
Json = dict[str, Any]
_control = itertools.count(1)


def at(text: str) -> datetime:
    """`2026-03-06 16:30` in New York."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def iso(text: str) -> str:
    """The same as FHIR writes it."""
    return at(text).isoformat()


def stamp(text: str) -> str:
    """The same as HL7v2 writes it, with its offset."""
    return at(text).strftime("%Y%m%d%H%M%S%z")


def new_control_id() -> str:
    """One that was never used."""
    return f"C{os.getpid()}-{next(_control)}"


def adt(
    event: str,
    when: str,
    *,
    mrn: str,
    visit: str = "",
    recorded: str | None = None,
    control_id: str | None = None,
    kind: str = "I",
    facility: str = "STMARY",
    family: str = "EXAMPLE",
    given: str = "ANA",
    born: str = "19510415",
    sex: str = "F",
    place: str = "",
    disposition: str = "",
    admission_type: str = "E",
    admit: str = "",
    discharge: str = "",
    service: str = "MED",
    prior: str = "",
    more: tuple[str, ...] = (),
) -> str:
    """An ADT message of an event that occurred `when` and was written down then or at `recorded`."""
    pv1 = [""] * 46
    pv1[0], pv1[1], pv1[2], pv1[3], pv1[4] = "PV1", "1", kind, place or f"4W^401^A^{facility}", admission_type
    pv1[7], pv1[10], pv1[19], pv1[36] = "1234^SMITH^JO", service, visit, disposition
    pv1[44], pv1[45] = admit and stamp(admit), discharge and stamp(discharge)
    written = stamp(recorded or when)
    lines = [
        f"MSH|^~\\&|ADT|{facility}|CARELOOP|PRACTICE|{written}||ADT^{event}|{control_id or new_control_id()}|P|2.5.1",
        f"EVN|{event}|{written}||||{stamp(when)}",
        f"PID|1||{mrn}^^^{facility}^MR||{family}^{given}^M||{born}|{sex}|||12 ELM ST^^SPRINGFIELD^MA^01101",
        *([f"MRG|{prior}^^^{facility}^MR"] if prior else []),
        *([] if event in ("A28", "A31", "A40") else ["|".join(pv1).rstrip("|")]),
        *more,
    ]
    return "\r".join(lines) + "\r"


def new_id() -> str:
    """A client's own id for a resource."""
    return str(uuid.uuid4())


def concept(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def patient(number: str, *, facility: str = "STMARY", **more: Any) -> Json:
    """Somebody whom the hospital calls by that number."""
    return {
        "resourceType": "Patient", "id": new_id(), "gender": "female", "birthDate": "1951-04-15",
        "identifier": [{"system": f"urn:careloop:authority:{facility}", "value": number}],
        "name": [{"use": "official", "family": "EXAMPLE", "given": ["ANA", number]}],
        **more,
    }  # fmt: skip


def outreach(person: str, when: str, *, outcome: str | None = None, medium: str = "PHONE", **more: Any) -> Json:
    """A contact with the patient; with an `outcome` (no-answer, left-message, ...) only an attempt."""
    resource: Json = {
        "resourceType": "Communication", "id": new_id(), "status": "not-done" if outcome else "completed",
        "category": [concept("urn:careloop:communication", "outreach")], "medium": [concept(MODE, medium)],
        "subject": {"reference": f"Patient/{person}"}, "recipient": [{"reference": f"Patient/{person}"}],
        "sent": iso(when), **more,
    }  # fmt: skip
    if outcome:
        resource["statusReason"] = concept("urn:careloop:contact-outcome", outcome)
    return resource


def reconciliation(person: str, when: str, **more: Any) -> Json:
    """Medicines were compared."""
    return {
        "resourceType": "Procedure", "id": new_id(), "status": "completed", "code": concept(SNOMED, "430193006"),
        "subject": {"reference": f"Patient/{person}"}, "performedDateTime": iso(when), **more,
    }  # fmt: skip


def visit(
    person: str, when: str, practitioner: str, *, code: str = "AMB", level: str | None = None, **more: Any
) -> Json:
    """A finished visit of half an hour; `level` is the level of medical decision making."""
    resource: Json = {
        "resourceType": "Encounter", "id": new_id(), "status": "finished", "class": {"system": ACT, "code": code},
        "subject": {"reference": f"Patient/{person}"}, "period": {"start": iso(when), "end": iso(when)},
        "participant": [{"individual": {"reference": practitioner}}], **more,
    }  # fmt: skip
    if level:
        resource["extension"] = [{"url": "urn:careloop:medical-decision-making", "valueCode": level}]
    return resource


def summary(person: str, when: str, **more: Any) -> Json:
    """The hospital's discharge summary."""
    return {
        "resourceType": "DocumentReference", "id": new_id(), "status": "current", "type": concept(LOINC, "18842-5"),
        "subject": {"reference": f"Patient/{person}"}, "date": iso(when),
        "content": [{"attachment": {"contentType": "text/plain", "title": "Discharge summary"}}], **more,
    }  # fmt: skip
