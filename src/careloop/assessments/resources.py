"""What follows from a form as FHIR resources: scores, answers, proposals, requests, goals, pages. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from careloop.assessments.model import Action, Answer, Does, Instrument, Item, Need, Score
from careloop.assessments.questionnaires import LOINC, coding_of, system_of

Json = dict[str, Any]
SCORE, BAND, OPEN = "urn:careloop:score", "urn:careloop:band", "urn:careloop:open"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
VIOLENCE = {
    "system": ACT_CODE,
    "code": "SDV",
    "display": "sexual assault, abuse, or domestic violence information sensitivity",
}
"""The label of what is never shown to proxies or in portal summaries (AS-09)."""
SDOH = "http://hl7.org/fhir/us/sdoh-clinicalcare/CodeSystem/SDOHCC-CodeSystemTemporaryCodes"
PROPOSED = "urn:careloop:proposed-code"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
_PATHWAYS = {Does.SAFETY: "safety-concern", Does.FOLLOW_UP: "assessment-follow-up", Does.ASK: "screening-due"}


@dataclass(frozen=True, kw_only=True)
class Form:
    """The form that things follow from: whose, which version of it, when answered, by whom, how (AS-01)."""

    reference: str
    versioned: str
    patient: str
    at: datetime
    zone: tzinfo
    language: str = ""
    author: Mapping[str, Any] | None = None
    mode: str = ""
    amended: bool = False
    labels: Sequence[Mapping[str, str]] = ()


def score_observation(id_: str, form: Form, instrument: Instrument, score: Score, members: Sequence[str]) -> Json:
    """The total as an Observation; without a total it says why there is none (AS-01, AS-03)."""
    made = _observation(id_, form, _score_code(instrument), private=instrument.score_private, labels=instrument.labels)
    made["method"] = {"text": _method(instrument, score)}
    if instrument.method == "none" and score.positive is not None:
        made["valueCodeableConcept"] = {"text": "Positive" if score.positive else "Negative"}
    elif score.total is None:
        made["dataAbsentReason"] = {
            "coding": [{"system": _ABSENT, "code": "not-performed"}],
            "text": f"Incomplete: {score.answered} of {score.asked} answered"
            if score.missing
            else "No total is defined",
        }
    else:
        unit = instrument.unit
        made["valueQuantity"] = {
            "value": score.total, "unit": "score" if unit == "{score}" else unit,
            "system": "http://unitsofmeasure.org", "code": unit,
        }  # fmt: skip
    if told := _interpretation(score):
        made["interpretation"] = told
    if members:
        made["hasMember"] = [{"reference": one} for one in members]
    parts = [
        {"code": {"text": title}, "valueQuantity": {"value": mean, "system": "http://unitsofmeasure.org", "code": "1"}}
        for _, title, mean in score.subscales
        if mean is not None
    ]
    return {**made, "component": parts} if parts else made


def item_observation(id_: str, form: Form, item: Item, answer: Answer) -> Json:
    """One answer by its LOINC code."""
    made = _observation(
        id_, form, {"coding": [{"system": LOINC, "code": item.loinc}], "text": item.label}, private=item.private
    )
    chosen = [coding_of(one) for one in item.choices if one.code in answer.codes]
    if chosen and item.many:
        made["component"] = [
            {"code": made["code"], "valueCodeableConcept": {"coding": [one], "text": one["display"]}} for one in chosen
        ]
    elif chosen:
        made["valueCodeableConcept"] = {"coding": chosen, "text": chosen[0]["display"]}
    elif answer.number is not None:
        made["valueQuantity"] = {"value": answer.number}
    elif answer.codes:
        made["valueCodeableConcept"] = {"coding": [{"system": system_of(one), "code": one} for one in answer.codes]}
    else:
        made["valueString"] = answer.text
    return made


def request(id_: str, form: Form, action: Action, due: datetime | None, *, title: str = "") -> Json:
    """The Task that opens the loop of an action, with why and by when (AS-04)."""
    made = _task(id_, form, _PATHWAYS[action.does], title or action.says, due, action.rule, private=action.private)
    made["priority"] = action.priority
    if action.ask:
        made["input"] = [{"type": {"text": "instrument"}, "valueString": action.ask}]
    return made


def need_request(id_: str, form: Form, need: Need, due: datetime | None, *, declined: bool) -> Json:
    """The Task that opens the `social-need` loop; where the patient said no it is rejected and says so (AS-08)."""
    made = _task(id_, form, "social-need", need.task, due, "AS-08", private=need.private)
    made["description"] = need.title
    if declined:
        reason = {"system": "urn:careloop:reason", "code": "patient-declined"}
        made |= {"status": "rejected", "statusReason": {"coding": [reason], "text": "The patient said no to help"}}
    return made


def condition_proposal(id_: str, form: Form, need: Need, evidence: Sequence[str]) -> Json:
    """A need as an unconfirmed Condition: a clinician chooses one of the proposed codes, or none (AS-08)."""
    codings = [{"system": "http://snomed.info/sct", "code": need.snomed}] if need.snomed else []
    categories = [
        _coded("http://terminology.hl7.org/CodeSystem/condition-category", "health-concern"),
        _coded("http://hl7.org/fhir/us/core/CodeSystem/us-core-category", "sdoh"),
        *([_coded(SDOH, need.category)] if need.category else []),
    ]
    return {
        "resourceType": "Condition",
        "id": id_,
        **_meta(form, need.private),
        "extension": [
            {"url": PROPOSED, "valueCoding": {"system": ICD10, "code": code}} for code in need.icd10
        ],
        "clinicalStatus": _coded("http://terminology.hl7.org/CodeSystem/condition-clinical", "active"),
        "verificationStatus": _coded("http://terminology.hl7.org/CodeSystem/condition-ver-status", "unconfirmed"),
        "category": categories,
        "code": {**({"coding": codings} if codings else {}), "text": need.title},
        "subject": {"reference": form.patient},
        "recordedDate": stamp(form.at, form.zone),
        "evidence": [{"detail": [{"reference": one} for one in (*evidence, form.reference)]}],
    }  # fmt: skip


def consent(id_: str, form: Form, needs: Sequence[str]) -> Json:
    """The patient allows that these needs are shared with those who may help (AS-08)."""
    return {
        "resourceType": "Consent",
        "id": id_,
        "status": "active",
        "scope": _coded("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy"),
        "category": [_coded("http://loinc.org", "59284-0")],
        "patient": {"reference": form.patient},
        "dateTime": stamp(form.at, form.zone),
        "sourceReference": {"reference": form.reference},
        "policyRule": {"text": f"Share with groups that can help: {', '.join(needs)}"},
        "provision": {"type": "permit"},
    }


def goal(id_: str, form: Form, words: str) -> Json:
    """What matters to the patient in their own words."""
    return {
        "resourceType": "Goal",
        "id": id_,
        "lifecycleStatus": "proposed",
        "description": {"text": words},
        "subject": {"reference": form.patient},
        "startDate": form.at.astimezone(form.zone).date().isoformat(),
        "expressedBy": {"reference": form.patient},
    }


def page(id_: str, form: Form, *, about: str, to: Sequence[str], now: datetime, says: str, private: bool) -> Json:
    """Somebody is called at once (AS-05). `received` is set when they take it."""
    return {
        "resourceType": "Communication",
        "id": id_,
        **_meta(form, private),
        "status": "in-progress",
        "priority": "stat",
        "category": [_coded("urn:careloop:communication", "page")],
        "subject": {"reference": form.patient},
        "about": [{"reference": about}],
        "sent": stamp(now, form.zone),
        "recipient": [{"reference": one} for one in to],
        "payload": [{"contentString": says}],
    }


def provenance(id_: str, form: Form, targets: Sequence[str], instruments: Sequence[Instrument]) -> Json:
    """Says of what was made from a form: from which version of it, by which version of the rules (AS-01, AS-02)."""
    who: Json = dict(form.author) if form.author else {"display": "Careloop"}
    rules = ", ".join(f"{one.short} {one.version}" for one in instruments) or "Careloop"
    return {
        "resourceType": "Provenance",
        "id": id_,
        "target": [{"reference": one} for one in targets],
        "occurredDateTime": stamp(form.at, form.zone),
        "recorded": stamp(form.at, form.zone),
        "activity": {"text": f"Scored by {rules}"},
        "agent": [
            {"type": {"coding": [{"code": "author"}]}, "who": who},
            {"type": {"coding": [{"code": "assembler"}]}, "who": {"display": "Careloop assessments"}},
        ],
        "entity": [{"role": "source", "what": {"reference": form.versioned}}],
    }  # fmt: skip


def stamp(at: datetime, zone: tzinfo) -> str:
    """An instant to the second with the offset of the zone."""
    return at.astimezone(zone).replace(microsecond=0).isoformat()


def _observation(id_: str, form: Form, code: Json, *, private: bool, labels: Sequence[Mapping[str, str]] = ()) -> Json:
    made: Json = {
        "resourceType": "Observation",
        "id": id_,
        **_meta(form, private, labels),
        "status": "amended" if form.amended else "final",
        "category": [_coded(_CATEGORY, "survey")],
        "code": code,
        "subject": {"reference": form.patient},
        "effectiveDateTime": stamp(form.at, form.zone),
        "issued": stamp(form.at, form.zone),
        "derivedFrom": [{"reference": form.reference}],
    }
    if form.mode:
        made["extension"] = [{"url": "urn:careloop:mode", "valueCode": form.mode}]
    if form.language:
        made["language"] = form.language
    if form.author:
        made["performer"] = [dict(form.author)]
    return made


def _task(id_: str, form: Form, pathway: str, says: str, due: datetime | None, rule: str, *, private: bool) -> Json:
    made: Json = {
        "resourceType": "Task",
        "id": id_,
        **_meta(form, private),
        "status": "requested",
        "intent": "order",
        "priority": "routine",
        "code": {"coding": [{"system": OPEN, "code": pathway}], "text": says},
        "description": says,
        "focus": {"reference": form.reference},
        "for": {"reference": form.patient},
        "authoredOn": stamp(form.at, form.zone),
        "reasonCode": {"text": f"{says} ({rule})"},
    }
    if due is not None:
        made["restriction"] = {"period": {"end": stamp(due, form.zone)}}
    return made


def _meta(form: Form, private: bool, labels: Sequence[Mapping[str, str]] = ()) -> Json:
    found = [dict(one) for one in (*labels, *([VIOLENCE] if private else []))]
    inherited = [dict(one) for one in form.labels if one.get("code") != VIOLENCE["code"]]
    every = [*found, *(one for one in inherited if one not in found)]
    return {"meta": {"security": every}} if every else {}


def _score_code(instrument: Instrument) -> Json:
    words = f"{instrument.score_title or instrument.short} total"
    own = {"system": SCORE, "code": instrument.id}
    coded = [{"system": LOINC, "code": instrument.total_code}] if instrument.total_code else []
    return {"coding": [*coded, own], "text": words}


def _method(instrument: Instrument, score: Score) -> str:
    how = "prorated" if score.prorated else score.state
    reviewed = "" if instrument.reviewed else ", not reviewed"
    return f"{instrument.short} {instrument.version}, {how}{reviewed}"


def _interpretation(score: Score) -> list[Json]:
    told: list[Json] = []
    if score.positive is not None:
        code = "POS" if score.positive else "NEG"
        told.append(
            {
                "coding": [{"system": _INTERPRETATION, "code": code}],
                "text": "Positive" if score.positive else "Negative",
            }
        )
    if score.band:
        told.append({"coding": [{"system": BAND, "code": score.band.replace(" ", "-")}], "text": score.band})
    if score.review:
        told.append({"text": "A person looks first: all points are from one item"})
    if score.severe:
        told.append({"text": score.severe})
    return told


def _coded(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}
