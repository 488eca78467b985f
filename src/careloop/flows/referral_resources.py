"""The FHIR resources that a referral is written as. Pure: values in, resources out."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from careloop.loops.rules.referrals import words
from careloop.loops.rules.referrals.clocks import Authorization
from careloop.loops.rules.referrals.content import Priority, State
from careloop.loops.rules.referrals.states import STATE
from careloop.loops.rules.referrals.story import Story
from careloop.record import Write

Json = dict[str, Any]

CONSULT_NOTE = {"system": "http://loinc.org", "code": "11488-4", "display": "Consult note"}
VISIT = timedelta(minutes=30)
"""How long a visit is put down for where the clinic only names its beginning."""


@dataclass(frozen=True, kw_only=True)
class NewReferral:
    """What a person says about a new referral. A list that is None was not asked; an empty one means none."""

    patient_id: str
    service: str
    question: str
    reason: str = ""
    service_codes: tuple[tuple[str, str], ...] = ()
    reason_codes: tuple[str, ...] = ()
    reason_references: tuple[str, ...] = ()
    priority: str = "routine"
    role: str = "consult"
    clinic: str = ""
    clinic_name: str = ""
    requester: str = ""
    results: tuple[str, ...] | None = None
    medications: tuple[str, ...] | None = None
    allergies: tuple[str, ...] | None = None
    insurance: str = ""
    coverages: tuple[str, ...] = ()
    authorization: Authorization | None = None
    red_flag_reason: str = ""
    more_questions: tuple[str, ...] = field(default=())


@dataclass(frozen=True, kw_only=True)
class Moment:
    """When and where something is done, and by whom."""

    now: datetime
    zone: ZoneInfo
    by: str

    def stamp(self, at: datetime | None = None) -> str:
        """An instant in the practice's zone, to the second."""
        return (at or self.now).astimezone(self.zone).isoformat(timespec="seconds")


def request_of(new: NewReferral, request_id: str, priority: Priority, by: date, moment: Moment) -> Json:
    """The ServiceRequest of a referral that is not sent yet."""
    extension: list[Json] = [{"url": words.PRIORITY, "valueCode": priority.id}]
    extension += [{"url": words.NONE, "valueCode": name} for name in _nothing(new)]
    extension += [{"url": words.INSURANCE, "valueString": new.insurance}] if new.insurance else []
    extension += [{"url": words.OVERRIDE, "valueString": new.red_flag_reason}] if new.red_flag_reason else []
    extension += [authorization(new.authorization)] if new.authorization else []
    named = [*(new.results or ()), *(new.medications or ()), *(new.allergies or ())]
    resource: Json = {
        "resourceType": "ServiceRequest",
        "id": request_id,
        "extension": extension,
        "status": "draft",
        "intent": "order",
        "category": [{"coding": [words.REFERRAL]}],
        "priority": priority.fhir,
        "code": {
            **(
                {"coding": [{"system": system, "code": code} for system, code in new.service_codes]}
                if new.service_codes
                else {}
            ),
            "text": new.service,
        },
        "orderDetail": [{"coding": [{"system": words.ROLE, "code": new.role}]}] if new.role else [],
        "subject": {"reference": f"Patient/{new.patient_id}"},
        "occurrencePeriod": {"end": by.isoformat()},
        "authoredOn": moment.stamp(),
        "requester": {"reference": new.requester or moment.by},
        "performer": [clinic(new.clinic, new.clinic_name)] if new.clinic or new.clinic_name else [],
        "reasonCode": _reasons(new),
        "reasonReference": [{"reference": one} for one in new.reason_references],
        "insurance": [{"reference": one} for one in new.coverages],
        "supportingInfo": [{"reference": one} for one in named],
        "note": [{"text": text} for text in (new.question, *new.more_questions) if text.strip()],
    }
    return {name: value for name, value in resource.items() if value not in ([], {})}


def _nothing(new: NewReferral) -> list[str]:
    """The lists of which somebody said that there is nothing."""
    return [name for name in ("results", "medications", "allergies") if getattr(new, name) == ()]


def _reasons(new: NewReferral) -> list[Json]:
    coded = [{"system": system, "code": code} for system, _, code in (one.rpartition("|") for one in new.reason_codes)]
    reason: Json = {**({"coding": coded} if coded else {}), **({"text": new.reason} if new.reason else {})}
    return [reason] if reason else []


def authorization(given: Authorization) -> Json:
    """The payer's approval as an extension (RF-11)."""
    parts: list[Json] = [{"url": "needed", "valueBoolean": given.needed}]
    parts += [{"url": "number", "valueString": given.number}] if given.number else []
    parts += [{"url": "expires", "valueDate": given.expires.isoformat()}] if given.expires else []
    parts += [{"url": "visits", "valuePositiveInt": given.visits}] if given.visits else []
    parts += [{"url": "used", "valueUnsignedInt": given.visits_used}] if given.visits_used else []
    return {"url": words.AUTHORIZATION, "extension": parts}


def clinic(reference: str, name: str) -> Json:
    """Who is asked, by resource where there is one, and by name."""
    return {**({"reference": reference} if reference else {}), **({"display": name} if name else {})}


def fulfilment_of(request: Json, task_id: str, moment: Moment) -> Json:
    """The fulfilment Task of a referral that is not sent yet: the questions are its input."""
    reference = {"reference": f"ServiceRequest/{request['id']}"}
    task: Json = {
        "resourceType": "Task",
        "id": task_id,
        "status": "draft",
        "businessStatus": business_status("draft", "draft"),
        "intent": "order",
        "code": {"coding": [words.FULFIL], "text": f"Referral: {words.text_of(request.get('code'))}"},
        "basedOn": [reference],
        "focus": reference,
        "for": request["subject"],
        "authoredOn": request.get("authoredOn", moment.stamp()),
        "lastModified": moment.stamp(),
        "input": [
            {"id": f"question-{number}", "type": part("question"), "valueString": note["text"]}
            for number, note in enumerate((one for one in request.get("note", ()) if one.get("text")), start=1)
        ],
    }
    task |= {name: request[name] for name in ("priority", "requester") if name in request}
    if request.get("occurrencePeriod"):
        task["restriction"] = {"period": request["occurrencePeriod"]}
    if not task["input"]:
        del task["input"]
    if request.get("performer"):
        task["owner"] = request["performer"][0]
    return task


def part(code: str) -> Json:
    """The type of an input or output of the fulfilment Task."""
    return {"coding": [{"system": words.PARTS, "code": code}], "text": code}


def business_status(state: str, says: str) -> Json:
    """Our state, as FHIR clients read it."""
    return {"coding": [{"system": STATE, "code": state}], "text": says}


def moved(task: Mapping[str, Any], states: Sequence[State], moment: Moment, why: str = "") -> Json:
    """The Task in the last of these states, with each state that it passed."""
    goal = states[-1]
    reached = [_reached(state, moment, why if state is goal else "") for state in states]
    resource: Json = {
        **task,
        "extension": [*task.get("extension", ()), *reached],
        "status": goal.task_status,
        "businessStatus": business_status(goal.id, goal.says),
        "lastModified": moment.stamp(),
    }
    resource.pop("statusReason", None)
    if why:
        resource["statusReason"] = {"text": why}
    if goal.ended or goal.id == "report-received":
        start = (task.get("executionPeriod") or {}).get("start") or moment.stamp()
        ended = (task.get("executionPeriod") or {}).get("end") if goal.id == "closed" else None
        resource["executionPeriod"] = {"start": start, "end": ended or moment.stamp()}
    elif goal.id == "sent":
        resource["executionPeriod"] = {"start": moment.stamp()}
    return resource


def _reached(state: State, moment: Moment, why: str) -> Json:
    parts: list[Json] = [
        {"url": "state", "valueCode": state.id},
        {"url": "at", "valueDateTime": moment.stamp()},
        {"url": "by", "valueReference": {"reference": moment.by}},
    ]
    parts += [{"url": "why", "valueString": why}] if why else []
    return {"url": words.REACHED, "extension": parts}


def appointment_of(story: Story, appointment_id: str, start: datetime, status: str, moment: Moment) -> Json:
    """The visit at the clinic."""
    with_whom = clinic(story.clinic, story.clinic_name) or {"display": "The clinic"}
    return {
        "resourceType": "Appointment",
        "id": appointment_id,
        "status": status,
        "description": f"{story.service}, {story.clinic_name}".strip(", "),
        "start": moment.stamp(start),
        "end": moment.stamp(start + VISIT),
        "created": moment.stamp(),
        "basedOn": [{"reference": f"ServiceRequest/{story.id}"}],
        "participant": [
            {"actor": {"reference": f"Patient/{story.patient_id}"}, "status": "accepted"},
            {"actor": with_whom, "status": "accepted"},
        ],
    }


def note_of(story: Story, document_id: str, text: str, moment: Moment) -> Json:
    """A consultant's report that was told in words, as a document of the patient."""
    return {
        "resourceType": "DocumentReference",
        "id": document_id,
        "status": "current",
        "type": {"coding": [CONSULT_NOTE], "text": "Consult note"},
        "subject": {"reference": f"Patient/{story.patient_id}"},
        "date": moment.stamp(),
        "author": [clinic(story.clinic, story.clinic_name) or {"display": "The clinic"}],
        "description": f"{story.service}: report",
        "content": [
            {"attachment": {"contentType": "text/plain; charset=utf-8", "data": b64encode(text.encode()).decode()}}
        ],
        "context": {"related": [{"reference": f"ServiceRequest/{story.id}"}]},
    }


def work_task(story: Story, task_id: str, *, code: str, says: str, owner: str, due: datetime, moment: Moment) -> Json:
    """Something that somebody of ours has to do for a referral, with its owner and its deadline."""
    return {
        "resourceType": "Task",
        "id": task_id,
        "status": "requested",
        "intent": "order",
        "priority": story.priority.fhir,
        "code": {"coding": [{"system": words.WORK, "code": code}], "text": says},
        "description": says,
        "basedOn": [{"reference": f"ServiceRequest/{story.id}"}],
        "for": {"reference": f"Patient/{story.patient_id}"},
        "authoredOn": moment.stamp(),
        "lastModified": moment.stamp(),
        "requester": {"reference": moment.by},
        "owner": {"reference": owner},
        "restriction": {"period": {"end": moment.stamp(due)}},
    }


def message_of(
    story: Story, message_id: str, *, category: str, medium: str, to: Json, text: str, moment: Moment
) -> Json:
    """A message about a referral that was sent now."""
    return {
        "resourceType": "Communication",
        "id": message_id,
        "status": "completed",
        "category": [{"coding": [{"system": "urn:careloop:communication", "code": category}]}],
        "medium": [
            {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode", "code": medium}]}
        ],
        "subject": {"reference": f"Patient/{story.patient_id}"},
        "basedOn": [{"reference": f"ServiceRequest/{story.id}"}],
        "about": [{"reference": f"ServiceRequest/{story.id}"}],
        "sent": moment.stamp(),
        "recipient": [to],
        "sender": {"reference": moment.by},
        "payload": [{"contentString": text}],
    }


def put(resource: Json) -> Write:
    """The write that makes the record say so."""
    return Write(method="update", resource_type=resource["resourceType"], id=resource["id"], resource=resource)
