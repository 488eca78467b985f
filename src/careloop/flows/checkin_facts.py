"""What the record knows that decides what a check-in asks: earlier answers, scores, lists, contradictions.

One query for a patient; texts are looked at before they are decoded, so that a long chart costs little.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from careloop.assessments.model import About, Answer, Content, Instrument, Said
from careloop.assessments.reading import read_response
from careloop.assessments.resources import SCORE
from careloop.assessments.rules.planning import Facts, Fresh, Known
from careloop.db import Transaction
from careloop.flows import people
from careloop.flows.app import App
from careloop.flows.assessing import born_of
from careloop.flows.timeline import text_of
from careloop.longitudinal import store as contradictions
from careloop.record import Stored

Json = Mapping[str, Any]
TYPES = (
    "QuestionnaireResponse", "Observation", "Goal", "Condition", "AllergyIntolerance", "MedicationStatement",
    "MedicationRequest",
)  # fmt: skip
_SMOKING = "72166-2"
_MOST = 12


@dataclass(frozen=True, kw_only=True)
class Total:
    """One score as it stands in the record. `total` is None where none could be computed."""

    id: str
    instrument: str
    version: str
    at: datetime
    total: float | None
    words: str
    positive: str
    by: str
    mode: str
    private: bool
    source: str


@dataclass(frozen=True, kw_only=True)
class Knowledge:
    """`facts` for the rules; `have` are the lines that stand in the record, by linkId; `totals` newest first."""

    facts: Facts
    have: Mapping[str, tuple[str, ...]]
    totals: tuple[Total, ...]
    responses: tuple[Json, ...]


def knowledge_of(
    app: App, tx: Transaction, content: Content, patient: Json, now: datetime, *, without: str = ""
) -> Knowledge:
    """Everything known of a patient. `without` is the id of the check-in that is being answered."""
    patient_id = str(patient["id"])
    found: dict[str, list[Stored]] = {}
    for one in app.record.of_patient(tx, patient_id, TYPES):
        found.setdefault(one.resource_type, []).append(one)
    responses = tuple(one.resource for one in found.get("QuestionnaireResponse", ()) if one.id != without)
    totals = tuple(totals_of(found.get("Observation", ())))
    have = _lists(found, patient)
    facts = Facts(
        about=About(sex=str(patient.get("gender", "other")), born=born_of(patient)),
        now=now,
        known=_known(responses, content, found),
        scores=_newest(totals, content),
        contradictions=frozenset(one.rule for one in contradictions.of_patient(tx, patient_id) if one.state == "open"),
    )
    links = {
        f"{section.id}/{item.id}": have[item.known]
        for checkin in content.checkins.values()
        for section in checkin.sections
        for item in section.items
        if item.known and have.get(item.known)
    }
    return Knowledge(facts=facts, have=links, totals=totals, responses=responses)


def totals_of(observations: Sequence[Stored]) -> list[Total]:
    """The scores among these, newest first."""
    found = [total for one in observations if f'"{SCORE}"' in one.text for total in _totals(one)]
    return sorted(found, key=lambda one: one.at, reverse=True)


def _totals(stored: Stored) -> Iterator[Total]:
    resource = stored.resource
    codes = [one["code"] for one in resource["code"].get("coding", ()) if one.get("system") == SCORE]
    if not codes or resource.get("status") == "entered-in-error" or "effectiveDateTime" not in resource:
        return
    words = [str(one.get("text", "")) for one in resource.get("interpretation", ())]
    value = (resource.get("valueQuantity") or {}).get("value")
    method = str((resource.get("method") or {}).get("text", ""))
    performer: Json = next(iter(resource.get("performer", ())), {})
    marks = {one.get("url"): one.get("valueCode", "") for one in resource.get("extension", ())}
    yield Total(
        id=stored.id,
        instrument=codes[0],
        version=method,
        at=datetime.fromisoformat(resource["effectiveDateTime"]),
        total=None if value is None else float(value),
        words=", ".join(one for one in words if one and one not in ("Positive", "Negative")),
        positive=next((one for one in words if one in ("Positive", "Negative")), ""),
        by=str(performer.get("display") or ""),
        mode=str(marks.get("urn:careloop:mode", "")),
        private=any(one.get("code") == "SDV" for one in resource.get("meta", {}).get("security", ())),
        source=next((str(one.get("reference", "")) for one in resource.get("derivedFrom", ())), ""),
    )


def score_words(total: Total, instrument: Instrument | None) -> str:
    """`18, moderately severe`; what is not there is not made up."""
    number = "" if total.total is None else f"{total.total:g}"
    if instrument is not None and number and instrument.unit == "%":
        number += " %"
    parts = [number or ("" if total.positive else "Incomplete"), total.words or total.positive.lower()]
    return ", ".join(one for one in parts if one)


def _newest(totals: Sequence[Total], content: Content) -> dict[str, Fresh]:
    newest: dict[str, Fresh] = {}
    for one in totals:
        is_result = one.total is not None or one.positive
        if is_result:
            words = score_words(one, content.instruments.get(one.instrument))
            newest.setdefault(one.instrument, Fresh(instrument=one.instrument, at=one.at, words=words, by=one.by))
    return newest


def _known(responses: Sequence[Json], content: Content, found: Mapping[str, Sequence[Stored]]) -> dict[str, Known]:
    """The answers to each question of earlier forms, newest first, and what the record says itself."""
    said: dict[str, list[Said]] = {}
    for response in responses:
        if response.get("status") in ("completed", "amended", "in-progress"):
            for link, one in read_response(response, content).said.items():
                said.setdefault(link, []).append(one)
    goals = [_goal(one.resource) for one in found.get("Goal", ())]
    said.setdefault("matters/matters-most", []).extend(one for one in goals if one is not None)
    return {link: Known(said=tuple(sorted(ones, key=lambda one: one.at, reverse=True))) for link, ones in said.items()}


def _goal(goal: Json) -> Said | None:
    words, start = text_of(goal.get("description")), str(goal.get("startDate", ""))
    by = (goal.get("expressedBy") or {}).get("display") or "goal on record"
    if not words or len(start) != 10 or goal.get("lifecycleStatus") in ("entered-in-error", "rejected", "cancelled"):
        return None
    at = datetime.fromisoformat(f"{start}T12:00:00+00:00")
    return Said(answer=Answer(text=words), words=words, by=str(by), at=at, source=f"Goal/{goal.get('id', '')}")


def _lists(found: Mapping[str, Sequence[Stored]], patient: Json) -> dict[str, tuple[str, ...]]:
    """The lines of each list that the record has."""
    medicines = [*found.get("MedicationStatement", ()), *found.get("MedicationRequest", ())]
    smoking = [one.resource for one in found.get("Observation", ()) if f'"{_SMOKING}"' in one.text]
    language = people.language_of(patient)
    return {
        "problems": _lines(found.get("Condition", ()), "code", _is_active),
        "allergies": _lines(found.get("AllergyIntolerance", ()), "code", _is_active),
        "medicines": _lines(medicines, "medicationCodeableConcept", lambda one: one.get("status") == "active"),
        "language": (language,) if language else (),
        "smoking": tuple(text_of(one.get("valueCodeableConcept")) for one in smoking[:1]),
        "goal": (),
    }


def _lines(stored: Sequence[Stored], name: str, is_on: Any) -> tuple[str, ...]:
    words = (text_of(one.resource.get(name)) for one in stored if is_on(one.resource))
    return tuple(dict.fromkeys(word for word in words if word))[:_MOST]


def _is_active(resource: Json) -> bool:
    status = {one.get("code") for one in (resource.get("clinicalStatus") or {}).get("coding", ())}
    verified = {one.get("code") for one in (resource.get("verificationStatus") or {}).get("coding", ())}
    return bool(status & {"active", "recurrence", "relapse"}) and not verified & {
        "unconfirmed",
        "entered-in-error",
        "refuted",
    }
