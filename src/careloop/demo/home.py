"""Readings from home of made-up people: who takes part, three weeks of calm numbers, and one story of a weight gain."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from careloop.access.model import Role
from careloop.demo.population import Person
from careloop.demo.practice import Practice, Resource, coded, marked, person_reference

_LOINC, _UCUM = "http://loinc.org", "http://unitsofmeasure.org"
_PROGRAMME, _CONDITION = "urn:careloop:programme", "urn:careloop:monitoring"
_DAYS = 21
_STORIES = {"heart-failure": "heart-failure", "copd": "copd", "diabetes": "diabetes"}
_ONE_IN, _GAINS_ONE_IN = 3, 12
_TREND = (0.0, 0.3, 0.9, 1.5, 2.4)
"""How much heavier, in kg, on the last mornings of the story."""


def home(person: Person, practice: Practice, now: datetime) -> list[Resource]:
    """Enrolment and readings of those who take part: one in three of the stories that are watched; of those with heart
    failure one in four gains weight."""
    condition = _STORIES.get(person.story.key)
    if condition is None or person.number % _ONE_IN:
        return []
    chance = Random(f"home {practice.slug} {person.number}")  # noqa: S311
    gains = condition == "heart-failure" and person.number % _GAINS_ONE_IN == 0
    return marked(
        [
            _enrolled(person, practice, condition, now),
            *_readings(person, practice, condition, now, chance, gains),
            *_answers(person, practice, condition, now),
        ]
    )


def _enrolled(person: Person, practice: Practice, condition: str, now: datetime) -> Resource:
    start = _stamp(now - timedelta(days=_DAYS), practice)
    return {
        "resourceType": "EpisodeOfCare",
        "id": practice.id("home", person.number),
        "status": "active",
        "statusHistory": [{"status": "active", "period": {"start": start}}],
        "type": [coded(_PROGRAMME, "home-monitoring", "Readings from home"), coded(_CONDITION, condition, condition)],
        "patient": {"reference": f"Patient/{practice.patient_id(person.practice_number)}"},
        "period": {"start": start},
        "careManager": person_reference(practice.one(Role.NURSE, person.number)),
        "extension": [
            {"url": "urn:careloop:monitoring-told", "valueDateTime": start},
            {"url": "urn:careloop:monitoring-rhythm", "valueCode": "daily"},
        ],
    }


def _answers(person: Person, practice: Practice, condition: str, now: datetime) -> Iterator[Resource]:
    """How they felt yesterday and today: as usual, one in two better than that today."""
    for back, choice in ((1, "same"), (0, "better" if person.number % 2 else "same")):
        at = now - timedelta(days=back, minutes=20)
        me = {"reference": f"Patient/{practice.patient_id(person.practice_number)}"}
        yield {
            "resourceType": "QuestionnaireResponse",
            "id": practice.id("home", person.number, f"answer{back}"),
            "questionnaire": f"urn:careloop:check-in:{condition}",
            "status": "completed",
            "subject": me,
            "source": me,
            "authored": _stamp(at, practice),
            "item": [{"linkId": f"{condition}.usual", "answer": [{"valueCoding": {"code": choice}}]}],
        }


def _readings(
    person: Person, practice: Practice, condition: str, now: datetime, chance: Random, gains: bool
) -> Iterator[Resource]:
    weight, oxygen, sugar = chance.uniform(68, 96), chance.choice((94, 95, 96)), chance.uniform(105, 135)
    for back in range(_DAYS - 1, -1, -1):
        at = _morning(now, practice, back, chance)
        if condition == "heart-failure":
            more = _TREND[len(_TREND) - 1 - back] if gains and back < len(_TREND) else chance.uniform(-0.2, 0.2)
            yield _one(person, practice, f"w{back}", at, ("29463-7", "Weight", round(weight + more, 1), "kg", "kg"))
            yield _pressure(person, practice, back, at, chance)
        elif condition == "copd":
            value = oxygen + chance.choice((-1, 0, 0, 1))
            yield _one(person, practice, f"o{back}", at, ("59408-5", "Oxygen", value, "%", "%"))
        else:
            value = round(sugar + chance.uniform(-15, 20))
            yield _one(person, practice, f"g{back}", at, ("2339-0", "Blood sugar", value, "mg/dL", "mg/dL"))


def _pressure(person: Person, practice: Practice, back: int, at: str, chance: Random) -> Resource:
    whole = _one(person, practice, f"b{back}", at, ("85354-9", "Blood pressure", 0, "mmHg", "mm[Hg]"))
    del whole["valueQuantity"]
    values = (("8480-6", chance.randint(112, 136)), ("8462-4", chance.randint(66, 84)))
    whole["component"] = [
        {"code": coded(_LOINC, code, code), "valueQuantity": _quantity(value, "mmHg", "mm[Hg]")}
        for code, value in values
    ]
    return whole


def _one(person: Person, practice: Practice, key: str, at: str, told: tuple[str, str, float, str, str]) -> Resource:
    code, name, value, unit, ucum = told
    return {
        "resourceType": "Observation",
        "id": practice.id("home", person.number, key),
        "status": "final",
        "category": [coded("http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs", "Vital signs")],
        "code": coded(_LOINC, code, name),
        "subject": {"reference": f"Patient/{practice.patient_id(person.practice_number)}"},
        "effectiveDateTime": at,
        "device": {"display": f"{name} device at home"},
        "valueQuantity": _quantity(value, unit, ucum),
    }


def _quantity(value: float, unit: str, code: str) -> Resource:
    return {"value": value, "unit": unit, "system": _UCUM, "code": code}


def _morning(now: datetime, practice: Practice, back: int, chance: Random) -> str:
    """About seven in the morning of that day; today not after now."""
    local = now.astimezone(practice.zone) - timedelta(days=back)
    at = local.replace(hour=7, minute=chance.randint(0, 40), second=0, microsecond=0)
    return _stamp(min(at, now - timedelta(minutes=20)), practice)


def _stamp(at: datetime, practice: Practice) -> str:
    return at.astimezone(practice.zone).isoformat(timespec="seconds")
