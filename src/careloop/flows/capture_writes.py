"""The FHIR resources that one entry of the capture box writes. Pure: values in, resources out."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from careloop.engagement.capture import Doubt, Reading, canonical_of
from careloop.fhir.ids import new_id
from careloop.fhir.ucum import SYSTEM as UCUM
from careloop.flows.minutes_ledger import ACTIVITY

Json = dict[str, Any]

NOTE = {"system": "http://loinc.org", "code": "34109-9", "display": "Note"}
OPEN = "urn:careloop:open"
CANONICAL = "urn:careloop:canonical"
CONFIRMED = "urn:careloop:confirmed"
TEAM_TASK = "team-task"
_VITAL = "http://terminology.hl7.org/CodeSystem/observation-category"
_MODE = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"
_SIXTH = Decimal("0.000001")


@dataclass(frozen=True, kw_only=True)
class Desk:
    """For whom, by whom and when an entry is written. `by` is empty for whoever is no practitioner."""

    patient_id: str
    by: str
    now: datetime
    zone: ZoneInfo

    @property
    def stamp(self) -> str:
        """Now, in the practice's zone, to the second."""
        return self.now.astimezone(self.zone).isoformat(timespec="seconds")

    @property
    def patient(self) -> Json:
        """The subject."""
        return {"reference": f"Patient/{self.patient_id}"}

    @property
    def author(self) -> list[Json]:
        """Who said it, as far as that is a practitioner."""
        return [{"reference": self.by}] if self.by else []


def note_of(desk: Desk, text: str) -> Json:
    """A note, as a clinical document."""
    data = b64encode(text.encode()).decode()
    return {
        "resourceType": "DocumentReference",
        "id": new_id(),
        "status": "current",
        "docStatus": "final",
        "type": {"coding": [NOTE], "text": "Note"},
        "category": [{"coding": [{"system": "urn:careloop:document", "code": "note"}], "text": "Note"}],
        "subject": desk.patient,
        "date": desk.stamp,
        **({"author": desk.author} if desk.by else {}),
        "description": " ".join(text.split())[:200],
        "content": [{"attachment": {"contentType": "text/plain; charset=utf-8", "data": data}}],
    }


def minutes_of(desk: Desk, minutes: Decimal, text: str) -> Json:
    """Time that went into a patient without a contact."""
    start = desk.now - timedelta(seconds=int(minutes * 60))
    return {
        "resourceType": "Observation",
        "id": new_id(),
        "status": "final",
        "code": ACTIVITY,
        "subject": desk.patient,
        "effectivePeriod": {"start": start.astimezone(desk.zone).isoformat(timespec="seconds"), "end": desk.stamp},
        **({"performer": desk.author} if desk.by else {}),
        "valueQuantity": {"value": minutes, "unit": "min", "system": UCUM, "code": "min"},
        "note": [{"text": text}],
    }


def reading_of(desk: Desk, reading: Reading, confirmed: Sequence[Doubt]) -> Json:
    """A measured value with its unit as typed and the canonical value beside it (MO-07); what was doubted says who
    confirmed it (MO-03)."""
    measure = reading.measure
    quantities = [
        _quantity(value, reading.unit.unit, reading.unit.code, number, measure.canonical)
        for value, number in zip(reading.values, canonical_of(reading), strict=True)
    ]
    resource: Json = {
        "resourceType": "Observation",
        "id": new_id(),
        "status": "final",
        "category": [{"coding": [{"system": _VITAL, "code": "vital-signs", "display": "Vital Signs"}]}],
        "code": {"coding": [vars(measure.code)], "text": measure.title},
        "subject": desk.patient,
        "effectiveDateTime": desk.stamp,
        **({"performer": desk.author} if desk.by else {}),
    }
    if confirmed:
        says = "; ".join(f"{one.says} [{one.rule}]" for one in confirmed)
        resource["extension"] = [{"url": CONFIRMED, "valueString": f"Asked again and confirmed: {says}"}]
    if not measure.parts:
        return {**resource, "valueQuantity": quantities[0]}
    parts = zip(measure.parts, quantities, strict=True)
    return {
        **resource,
        "component": [{"code": {"coding": [vars(part.code)]}, "valueQuantity": each} for part, each in parts],
    }


def _quantity(value: Decimal, unit: str, code: str, number: Decimal, canonical: str) -> Json:
    kept = number if number.as_tuple().exponent >= -8 else number.quantize(_SIXTH, ROUND_HALF_EVEN)  # type: ignore[operator]
    same = {"value": kept.normalize() + 0, "unit": canonical, "system": UCUM, "code": canonical}
    extension = [] if code == canonical else [{"url": CANONICAL, "valueQuantity": same}]
    found: Json = {"value": value, "unit": unit, "system": UCUM, "code": code}
    return {"extension": extension, **found} if extension else found


def task_of(desk: Desk, text: str, due: datetime | None, owner: str) -> Json:
    """Something to be done: a Task that opens its loop. `owner` is empty where routing decides."""
    task: Json = {
        "resourceType": "Task",
        "id": new_id(),
        "status": "requested",
        "intent": "order",
        "code": {"coding": [{"system": OPEN, "code": TEAM_TASK}], "text": text},
        "description": text,
        "for": desk.patient,
        "authoredOn": desk.stamp,
        "lastModified": desk.stamp,
        **({"requester": {"reference": desk.by}} if desk.by else {}),
    }
    if owner:
        task["owner"] = {"reference": owner}
    if due:
        task["restriction"] = {"period": {"end": due.astimezone(desk.zone).isoformat(timespec="seconds")}}
    return task


def matter_of(desk: Desk, pathway: str, text: str) -> Json:
    """A matter that begins: a Task that opens a loop of this pathway."""
    return {**task_of(desk, text, None, ""), "code": {"coding": [{"system": OPEN, "code": pathway}], "text": text}}


def message_of(desk: Desk, text: str) -> Json:
    """Words for the patient, with the messages that they read."""
    return {
        "resourceType": "Communication",
        "id": new_id(),
        "status": "completed",
        "category": [{"coding": [{"system": "urn:careloop:communication", "code": "outreach"}]}],
        "medium": [{"coding": [{"system": _MODE, "code": "ONLINEWRIT"}]}],
        "subject": desk.patient,
        "recipient": [desk.patient],
        "sent": desk.stamp,
        "payload": [{"contentString": text}],
        **({"sender": desk.author[0]} if desk.by else {}),
    }


def team_message_of(desk: Desk, text: str, task: Json, owner: str) -> Json:
    """Words for a member of the team, about the Task by which they answer."""
    return {
        "resourceType": "Communication",
        "id": new_id(),
        "status": "completed",
        "category": [{"coding": [{"system": "urn:careloop:communication", "code": "team"}], "text": "Team"}],
        "subject": desk.patient,
        "about": [{"reference": f"Task/{task['id']}"}],
        "recipient": [{"reference": owner}],
        "sent": desk.stamp,
        "payload": [{"contentString": text}],
        **({"sender": desk.author[0]} if desk.by else {}),
    }


def goal_of(desk: Desk, text: str) -> Json:
    """A goal in the patient's words."""
    return {
        "resourceType": "Goal",
        "id": new_id(),
        "lifecycleStatus": "proposed",
        "description": {"text": text},
        "subject": desk.patient,
        "startDate": desk.now.astimezone(desk.zone).date().isoformat(),
        "statusDate": desk.now.astimezone(desk.zone).date().isoformat(),
        "expressedBy": desk.patient,
    }


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """The last second of a day (interface.md §4: a deadline that is a date)."""
    return datetime.combine(day, time(23, 59, 59), zone)
