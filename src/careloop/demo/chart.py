"""The chart of a made-up person as FHIR resources: who they are, what they live with, who cares for them."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

from careloop.access.model import Role
from careloop.demo.population import Person
from careloop.demo.practice import AUTHORITY, Practice, Resource, coded, marked, person_reference
from careloop.demo.stories import LABS, Problem

_NUMBER_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
_SNOMED = "http://snomed.info/sct"
_ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
_RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
_LOINC = "http://loinc.org"
_UCUM = "http://unitsofmeasure.org"
_CONDITION = "http://terminology.hl7.org/CodeSystem/condition-"
_OBSERVATION = "http://terminology.hl7.org/CodeSystem/observation-category"
_ALLERGY = "http://terminology.hl7.org/CodeSystem/allergyintolerance-"
_RELATION = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
_ROLE = "urn:careloop:role"
_INTERPRETER = "http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired"


def chart(person: Person, practice: Practice, now: datetime) -> list[Resource]:
    """Everything that stood in the chart before anything lately happened, as of `now`."""
    chance = Random(f"{practice.slug} {person.number}")  # noqa: S311
    today = now.astimezone(practice.zone).date()
    return marked(
        [
            patient(person, practice),
            *_relative(person, practice),
            *_problems(person, practice, chance, today),
            *_medicines(person, practice, chance, today),
            *_results(person, practice, chance, today),
            *_allergy(person, practice),
            *_visits(person, practice, chance, today),
            *_goal(person, practice, chance, today),
            _care_team(person, practice),
        ]
    )


def patient(person: Person, practice: Practice) -> Resource:
    """The Patient, with the practice's record number and the hospital's."""
    town, postal_code = person.town
    code, language = person.language
    resource: Resource = {
        "resourceType": "Patient",
        "id": practice.patient_id(person.practice_number),
        "active": True,
        "identifier": [
            _number(practice.authority, person.practice_number),
            _number(f"{AUTHORITY}{person.hospital[0]}", person.hospital_number),
        ],
        "name": [{"use": "official", "family": person.family, "given": [person.given, person.middle]}],
        "telecom": [{"system": "phone", "use": "home", "value": person.phone}],
        "gender": person.sex,
        "birthDate": person.birth_date.isoformat(),
        "address": [{"line": [person.street], "city": town, "state": "MA", "postalCode": postal_code, "country": "US"}],
        "communication": [{"language": coded("urn:ietf:bcp:47", code, language), "preferred": True}],
        "generalPractitioner": [person_reference(practice.one(Role.PHYSICIAN, person.number))],
        "extension": [{"url": "urn:careloop:best-time", "valueString": person.best_time}],
    }
    if person.relative:
        given, family = person.relative.name
        contact: Resource = {"name": {"family": family, "given": [given]}}
        contact["relationship"] = [coded(_RELATION, person.relative.relation, person.relative.words)]
        resource["contact"] = [{**contact, "telecom": [{"system": "phone", "value": person.relative.phone}]}]
    if person.interpreter:
        resource["extension"].append({"url": _INTERPRETER, "valueBoolean": True})
    return resource


def _number(system: str, value: str) -> Resource:
    return {"type": coded(_NUMBER_TYPES, "MR"), "system": system, "value": value}


def _subject(person: Person, practice: Practice) -> Resource:
    return {"reference": f"Patient/{practice.patient_id(person.practice_number)}"}


def _relative(person: Person, practice: Practice) -> Iterator[Resource]:
    if person.relative is None:
        return
    given, family = person.relative.name
    yield {
        "resourceType": "RelatedPerson",
        "id": practice.id("relative", person.number),
        "active": True,
        "patient": _subject(person, practice),
        "relationship": [coded(_RELATION, person.relative.relation, person.relative.words)],
        "name": [{"family": family, "given": [given]}],
        "telecom": [{"system": "phone", "value": person.relative.phone}],
    }


def _problems(person: Person, practice: Practice, chance: Random, today: date) -> Iterator[Resource]:
    for place, problem in enumerate(person.story.problems):
        onset = today - timedelta(days=chance.randint(200, 4000))
        yield {
            "resourceType": "Condition",
            "id": practice.id("problem", person.number, place),
            "clinicalStatus": coded(f"{_CONDITION}clinical", "active"),
            "verificationStatus": coded(f"{_CONDITION}ver-status", "confirmed"),
            "category": [coded(f"{_CONDITION}category", "problem-list-item")],
            "code": _problem_code(problem),
            "subject": _subject(person, practice),
            "onsetDateTime": onset.isoformat(),
            "recordedDate": onset.isoformat(),
        }
    for code, name, told in person.needs:
        yield {
            "resourceType": "Condition",
            "id": practice.id("need", person.number, code),
            "clinicalStatus": coded(f"{_CONDITION}clinical", "active"),
            "verificationStatus": coded(f"{_CONDITION}ver-status", "confirmed"),
            "category": [coded("http://hl7.org/fhir/us/core/CodeSystem/condition-category", "health-concern")],
            "code": coded(_ICD10, code, name),
            "subject": _subject(person, practice),
            "recordedDate": (today - timedelta(days=chance.randint(20, 400))).isoformat(),
            "note": [{"text": told}],
        }


def _problem_code(problem: Problem) -> Resource:
    codings = [
        {"system": _SNOMED, "code": problem.snomed, "display": problem.name},
        {"system": _ICD10, "code": problem.icd10, "display": problem.name},
    ]
    return {"coding": codings, "text": problem.name}


def _medicines(person: Person, practice: Practice, chance: Random, today: date) -> Iterator[Resource]:
    for place, medicine in enumerate(person.story.medicines):
        yield {
            "resourceType": "MedicationRequest",
            "id": practice.id("medicine", person.number, place),
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": coded(_RXNORM, medicine.rxnorm, medicine.name),
            "subject": _subject(person, practice),
            "authoredOn": (today - timedelta(days=chance.randint(30, 700))).isoformat(),
            "requester": person_reference(practice.one(Role.PHYSICIAN, person.number)),
            "dosageInstruction": [{"text": medicine.dosage}],
        }


def _results(person: Person, practice: Practice, chance: Random, today: date) -> Iterator[Resource]:
    bends = {code: (low, high) for code, low, high in person.story.bends}
    for round_ in range(2):
        day = today - timedelta(days=chance.randint(65, 120) + 150 * round_)
        for code, name, unit, low, high, places in LABS:
            if (code in ("4548-4", "30934-4") or round_) and code not in bends:
                continue
            bottom, top = bends.get(code, (low, high))
            yield result(person, practice, (code, name, unit), chance.uniform(bottom, top), places,
                         practice.at(day, 9, 20))  # fmt: skip


def result(
    person: Person, practice: Practice, lab: tuple[str, str, str], value: float, places: int, at: datetime
) -> Resource:
    """A final laboratory result."""
    code, name, unit = lab
    return {
        "resourceType": "Observation",
        "id": practice.id("result", person.number, code, at.isoformat()),
        "status": "final",
        "category": [coded(_OBSERVATION, "laboratory")],
        "code": coded(_LOINC, code, name),
        "subject": _subject(person, practice),
        "effectiveDateTime": at.isoformat(),
        "issued": (at + timedelta(hours=5)).isoformat(),
        "valueQuantity": {
            "value": round(Decimal(str(value)), places), "unit": unit, "system": _UCUM, "code": unit,
        },
    }  # fmt: skip


def _allergy(person: Person, practice: Practice) -> Iterator[Resource]:
    allergy: Resource = {
        "resourceType": "AllergyIntolerance",
        "id": practice.id("allergy", person.number),
        "clinicalStatus": coded(f"{_ALLERGY}clinical", "active"),
        "verificationStatus": coded(f"{_ALLERGY}verification", "confirmed"),
        "patient": _subject(person, practice),
    }
    if person.allergy is None:
        yield {**allergy, "code": coded(_SNOMED, "716186003", "No known allergy")}
        return
    code, name, reaction = person.allergy
    yield {**allergy, "code": coded(_RXNORM, code, name), "reaction": [{"manifestation": [{"text": reaction}]}]}


def _visits(person: Person, practice: Practice, chance: Random, today: date) -> Iterator[Resource]:
    for place in range(chance.randint(1, 3)):
        start = practice.at(today - timedelta(days=chance.randint(60, 500)), chance.randint(8, 15), 30)
        yield visit(person, practice, f"office-{place}", start)


def visit(person: Person, practice: Practice, key: str, start: datetime, *, home: bool = False) -> Resource:
    """A finished office visit with the person's physician, or a home visit by a nurse."""
    who = practice.one(Role.NURSE if home else Role.PHYSICIAN, person.number)
    return {
        "resourceType": "Encounter",
        "id": practice.id("visit", person.number, key),
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HH" if home else "AMB"},
        "subject": _subject(person, practice),
        "participant": [{"individual": person_reference(who)}],
        "period": {"start": start.isoformat(), "end": (start + timedelta(minutes=35)).isoformat()},
    }


def _goal(person: Person, practice: Practice, chance: Random, today: date) -> Iterator[Resource]:
    if person.goal:
        yield {
            "resourceType": "Goal",
            "id": practice.id("goal", person.number),
            "lifecycleStatus": "active",
            "description": {"text": person.goal},
            "subject": _subject(person, practice),
            "startDate": (today - timedelta(days=chance.randint(10, 200))).isoformat(),
            "expressedBy": _subject(person, practice),
        }


def _care_team(person: Person, practice: Practice) -> Resource:
    team = [(Role.COORDINATOR, person.number), (Role.PHYSICIAN, person.number), (Role.NURSE, person.number)]
    members = [
        {"role": [coded(_ROLE, role.value)], "member": person_reference(practice.one(role, number))}
        for role, number in team
    ]
    return {
        "resourceType": "CareTeam",
        "id": practice.id("care-team", person.number),
        "status": "active",
        "name": "Care team",
        "subject": _subject(person, practice),
        "participant": members,
    }
