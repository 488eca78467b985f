"""Education in the record: what was sent, opened and said back, as FHIR, and read again. Pure but for one query.

Sent is a Communication (category `urn:careloop:communication|education`, reason `urn:careloop:education|<item>`),
opened its `received`, an answer a QuestionnaireResponse of `urn:careloop:education:<item>`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from careloop.access.model import Principal
from careloop.careplans.resources import is_shared, plan_from
from careloop.db import Transaction
from careloop.engagement.education import Answer, Choice, Item, Standing, Words, standing_of
from careloop.fhir.ids import new_id
from careloop.flows.app import App
from careloop.flows.timeline import instant_of
from careloop.record import Stored

ITEM, CATEGORY = "urn:careloop:education", "urn:careloop:communication"
PATHWAY = "teach-back"
_MODES = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"
Json = dict[str, Any]


def response_of(principal: Principal, patient_id: str, item: Item, words: Words, choice: Choice, now: datetime) -> Json:
    """The answer to the teach-back question, told by the patient, written down by whoever asked."""
    by_patient = principal.practitioner_id is None
    patient = {"reference": f"Patient/{patient_id}"}
    coding = {"system": f"{ITEM}:{item.id}", "code": choice.id, "display": choice.text}
    return {
        "resourceType": "QuestionnaireResponse",
        "id": new_id(),
        "questionnaire": f"{ITEM}:{item.id}|{item.version}",
        "status": "completed",
        "language": words.language,
        "subject": patient,
        "authored": now.isoformat(),
        "author": patient if by_patient else {"reference": principal.reference},
        "source": patient,
        "item": [{"linkId": "teach-back", "text": words.ask, "answer": [{"valueCoding": coding}]}],
    }


def communication_of(
    app: App, principal: Principal, patient_id: str, item: Item, words: Words, category: str, *, medium: str
) -> Json:
    """Something that was sent or taught (`education`), or said back rightly (`understood`)."""
    by_patient = principal.practitioner_id is None
    patient = {"reference": f"Patient/{patient_id}"}
    return {
        "resourceType": "Communication",
        "id": new_id(),
        "status": "completed",
        "language": words.language,
        "category": [{"coding": [{"system": CATEGORY, "code": category}]}],
        "reasonCode": [{"coding": [{"system": ITEM, "code": item.id}], "text": item.title}],
        "medium": [{"coding": [{"system": _MODES, "code": medium}]}],
        "subject": patient,
        "sent": app.clock.now().isoformat(),
        "sender": patient if by_patient else {"reference": principal.reference},
        "recipient": [{"display": "The care team"}] if by_patient else [patient],
        "payload": [{"contentString": words.title}],
    }


def task_of(patient_id: str, item: Item, choice: Choice, response: Json, now: datetime) -> Json:
    """The request that opens the loop: what the person thinks, and what to say."""
    return {
        "resourceType": "Task",
        "id": new_id(),
        "status": "requested",
        "intent": "order",
        "priority": "routine",
        "code": {
            "coding": [{"system": "urn:careloop:open", "code": PATHWAY}],
            "text": f"{item.title}: {choice.thinks}",
        },
        "description": choice.say,
        "reasonCode": {"coding": [{"system": ITEM, "code": item.id}], "text": item.title},
        "focus": {"reference": f"QuestionnaireResponse/{response['id']}"},
        "for": {"reference": f"Patient/{patient_id}"},
        "authoredOn": now.isoformat(),
        "lastModified": now.isoformat(),
    }


def items_named(concept: Any) -> list[str]:
    """Items that a concept names."""
    return [str(one.get("code")) for one in (concept or {}).get("coding", ()) if one.get("system") == ITEM]


@dataclass(frozen=True, kw_only=True)
class History:
    """What stands about a patient that education rests on."""

    stored: Sequence[Stored]

    def of(self, kind: str) -> list[Stored]:
        """Those of one type."""
        return [one for one in self.stored if one.resource_type == kind]


def history_of(app: App, tx: Transaction, patient_id: str) -> History:
    """What stands about the patient that education rests on, in one query. Not audited."""
    kinds = ("Communication", "QuestionnaireResponse", "Condition", "CarePlan", "Goal")
    return History(stored=app.record.of_patient(tx, patient_id, kinds))


def sent_of(found: History, item_id: str) -> list[Mapping[str, Any]]:
    """When this item was sent or taught."""
    return [
        one.resource
        for one in found.of("Communication")
        if one.resource.get("status") != "entered-in-error"
        and _category(one.resource) == "education"
        and any(item_id in items_named(reason) for reason in one.resource.get("reasonCode", ()))
    ]


def _category(resource: Mapping[str, Any]) -> str:
    codes = [coding for one in resource.get("category", ()) for coding in one.get("coding", ())]
    return next((str(one.get("code")) for one in codes if one.get("system") == CATEGORY), "")


def sent_items(found: History) -> list[str]:
    """Every item that was ever sent or taught."""
    names = [
        code
        for one in found.of("Communication")
        if _category(one.resource) == "education"
        for reason in one.resource.get("reasonCode", ())
        for code in items_named(reason)
    ]
    return list(dict.fromkeys(names))


def standing_in(item: Item, found: History) -> Standing:
    """How one item stands with the patient."""
    sent = sent_of(found, item.id)
    answers = []
    for one in found.of("QuestionnaireResponse"):
        if not str(one.resource.get("questionnaire", "")).startswith(f"{ITEM}:{item.id}|"):
            continue
        at = instant_of(one.resource.get("authored"))
        values = [value for each in one.resource.get("item", ()) for value in each.get("answer", ())]
        codes = [str((value.get("valueCoding") or {}).get("code", "")) for value in values]
        if at and codes and one.resource.get("status") != "entered-in-error":
            answers.append(Answer(item=item.id, choice=codes[0], at=at))
    opened = [at for one in sent if (at := instant_of(one.get("received")))]
    return standing_of(item, [at for one in sent if (at := instant_of(one.get("sent")))], opened, answers)


def problem_codes(found: History) -> list[str]:
    """Codes of the problems that stand."""
    codes = []
    for one in found.of("Condition"):
        status = (one.resource.get("clinicalStatus") or {}).get("coding", ())
        if not any(each.get("code") in ("inactive", "remission", "resolved") for each in status):
            coding = (one.resource.get("code") or {}).get("coding", ())
            codes += [f"{each.get('system')}|{each.get('code')}" for each in coding]
    return codes


def plans_of(found: History) -> list[str]:
    """Care plans that the patient has."""
    goals = {one.reference: one.resource for one in found.of("Goal")}
    mine = [one.resource for one in found.of("CarePlan") if is_shared(one.resource)]
    return [name for one in mine if one.get("status") != "completed" for name in plan_from(one, goals).templates]


def language_of(patient: Mapping[str, Any]) -> str:
    """The language to read in: the preferred one, else the only one, else English."""
    for one in patient.get("communication", ()):
        codes = [each.get("code") for each in (one.get("language") or {}).get("coding", ())]
        if codes and (one.get("preferred") or len(patient["communication"]) == 1):
            return str(codes[0])
    return "en"
