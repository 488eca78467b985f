"""What our intake makes of one message, without a database: the resources that this message alone comes to."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from careloop import intake
from careloop.fhir.ids import derived_id
from careloop.intake import AdtMessage, Feed, Mappings, Person, StayEvent, Visit
from careloop.intake.facts import of_patient

Json = dict[str, Any]
CONTENT = Path(__file__).parents[2] / "src" / "careloop" / "content" / "mappings"
TENANT = 1
RECEIVED = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
_LATER = datetime(9000, 1, 1, tzinfo=UTC)
"""Samples may be dated in the future; their stays are folded as if that had come."""


def load() -> Mappings:
    """The mapping content of this checkout."""
    return intake.load_mappings(_documents("hl7v2"), _documents("hl7v2-tables"))


def _documents(kind: str) -> dict[str, Json]:
    """The mapping files of a kind alone, so that a fault in other content does not stand in the way."""
    files = sorted((CONTENT / kind).rglob("*.yaml"))
    return {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in files}


def resources_of(raw: bytes, mappings: Mappings, zone: str = "UTC") -> list[Json]:
    """Everything that this message alone would have in the record. `Rejected` where intake refuses it."""
    feed = Feed(id=None, kind="hl7v2", zone=zone, any_sender=True)
    message = intake.understand(intake.read(raw), mappings, feed, TENANT, RECEIVED)
    found: list[Json] = []
    for number, person in enumerate(message.people):
        found += _of_person(message, person, f"patient-{number}", mappings, zone)
    found += message.made.values()
    targets = [f"{one['resourceType']}/{one['id']}" for one in found]
    return [*found, intake.provenance(message, TENANT, 1, targets, RECEIVED)]


def _of_person(message: AdtMessage, person: Person, patient_id: str, mappings: Mappings, zone: str) -> list[Json]:
    patient, _ = intake.joined_patient(None, person.patient, {}, message.at.instant, patient_id)
    keys = [derived_id(TENANT, "encounter", visit.system, visit.value) for visit in person.visits]
    stays = [_stay(message, visit, patient_id, zone) for visit in person.visits]
    encounters = []
    for key, stay in zip(keys, stays, strict=True):
        if stay is not None:
            resource = intake.encounter(stay, key, mappings.tables)
            told = intake.diagnoses([], person, TENANT, key)
            encounters.append({**resource, **({"diagnosis": told} if told else {})})
    return [
        patient,
        *encounters,
        *intake.relatives(person, TENANT, patient_id),
        *intake.clinical(person, TENANT, patient_id, keys[0] if keys else None),
        *(of_patient(one, patient_id) for one in person.facts),
    ]


def _stay(message: AdtMessage, visit: Visit, patient_id: str, zone: str) -> intake.Stay | None:
    event = StayEvent(
        id=1, code=message.envelope.event, effect=message.effect, at=message.at.instant, recorded=message.recorded,
        patient_id=patient_id, prior_patient_id=None, content=visit.content,
    )  # fmt: skip
    return intake.fold([event], _LATER, zone)
