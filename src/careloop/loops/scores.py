"""Scores of a stay as Observations (interface.md §4). Pure."""

from datetime import tzinfo
from typing import Any

from careloop.fhir.ids import derived_id
from careloop.loops.model import Score, ScorePart, StayScore
from careloop.loops.tasks import moment

SCORE = "urn:careloop:score"
_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
_DERIVED_FROM = frozenset(
    {"Observation", "QuestionnaireResponse", "DocumentReference", "ImagingStudy", "Media", "MolecularSequence"}
)
"""What R4 lets `Observation.derivedFrom` name; other sources go into the extension `urn:careloop:derived-from`."""


def score_observations(tenant_id: int, patient_id: str, found: StayScore, zone: tzinfo) -> list[dict[str, Any]]:
    """One Observation for each score of the stay; what cannot be computed says why and in which range it lies."""
    return [_observation(tenant_id, patient_id, found, score, zone) for score in found.scores]


def _observation(tenant_id: int, patient_id: str, found: StayScore, score: Score, zone: tzinfo) -> dict[str, Any]:
    resource: dict[str, Any] = {
        "resourceType": "Observation",
        "id": derived_id(tenant_id, "score", score.model, found.focus),
        "status": "final",
        "code": {"coding": [{"system": SCORE, "code": score.model}], "text": f"{score.model.upper()} score"},
        "subject": {"reference": f"Patient/{patient_id}"},
        "encounter": {"reference": found.focus},
        "effectiveDateTime": moment(found.at, zone),
        "method": {"text": f"{score.model} {score.version}"},
        "component": [_component(part) for part in score.parts],
        "referenceRange": [{"low": {"value": score.high_from}, "text": f"high from {score.high_from}"}],
    }
    return {**resource, **_value(score), **_sources(score)}


def _value(score: Score) -> dict[str, Any]:
    if score.value is None:
        return {"dataAbsentReason": {"coding": [{"system": _ABSENT, "code": "unknown"}], "text": score.unknown}}
    value: dict[str, Any] = {"valueInteger": score.value}
    return {**value, "interpretation": [{"text": score.band}]} if score.band else value


def _component(part: ScorePart) -> dict[str, Any]:
    code = {"coding": [{"system": SCORE, "code": part.item}], "text": part.says}
    if part.is_known:
        return {"code": code, "valueInteger": part.low}
    return {"code": code, "dataAbsentReason": {"coding": [{"system": _ABSENT, "code": "unknown"}], "text": part.says}}


def _sources(score: Score) -> dict[str, Any]:
    derived = [source for source in score.sources if source.split("/")[0] in _DERIVED_FROM]
    others = [source for source in score.sources if source.split("/")[0] not in _DERIVED_FROM]
    found: dict[str, Any] = {}
    if derived:
        found["derivedFrom"] = [{"reference": source} for source in derived]
    if others:
        found["extension"] = [
            {"url": "urn:careloop:derived-from", "valueReference": {"reference": source}} for source in others
        ]
    return found
