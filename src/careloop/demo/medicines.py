"""Medicine lists of a made-up person who came home: the hospital's, what they tell, what the pharmacy handed out.

They differ in known ways: one dose changed, one medicine new, one left out without a reason, one bought over the
counter. So there is something to compare.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from careloop.demo.population import Person
from careloop.demo.practice import Practice, Resource, coded, marked
from careloop.demo.stories import Medicine

_RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
_CATEGORY = "http://terminology.hl7.org/CodeSystem/medicationrequest-category"
_HOME = frozenset({"just-home", "to-call", "late-call", "tried", "called", "visit-booked", "summary-missing"})
_TOLD = frozenset({"to-call", "tried", "called", "visit-booked", "summary-missing"})
_CHANGED = {
    "Furosemide 40 mg tablet": ("1 tablet twice a day", "Swollen legs"),
    "Metoprolol succinate 50 mg 24-hour tablet": ("2 tablets a day", "Fast pulse in hospital"),
    "Lisinopril 10 mg tablet": ("2 tablets every morning", "Blood pressure was high"),
    "Metformin 500 mg tablet": ("2 tablets twice a day with food", "Sugar was high"),
    "Amlodipine 5 mg tablet": ("2 tablets a day", "Blood pressure was high"),
    "Atorvastatin 20 mg tablet": ("2 tablets at night", "Cholesterol"),
}
_NEW = Medicine(rxnorm="", name="Pantoprazole 40 mg tablet", dosage="1 tablet a day")
_BOUGHT = Medicine(rxnorm="", name="Ibuprofen 400 mg tablet", dosage="1 tablet as needed")
_SUPPLY_DAYS = 30


def medicines(person: Person, practice: Practice, now: datetime) -> list[Resource]:
    """The lists of a person who came home lately; nothing for all others."""
    if person.stage not in _HOME or len(person.story.medicines) < 2:
        return []
    found = list(_hospital(person, practice, now))
    found += _fills(person, practice, now)
    if person.stage in _TOLD:
        found += _told(person, practice, now)
    return marked(found)


def _hospital(person: Person, practice: Practice, now: datetime) -> Iterator[Resource]:
    """The discharge list: the first dose that can change has changed, the last medicine is left out."""
    day = (now - timedelta(days=3)).astimezone(practice.zone).date()
    changed = next((one.name for one in person.story.medicines if one.name in _CHANGED), "")
    for place, medicine in enumerate((*person.story.medicines[:-1], _NEW)):
        how, why = _CHANGED[medicine.name] if medicine.name == changed else (medicine.dosage, "")
        yield {
            "resourceType": "MedicationRequest",
            "id": practice.id("discharge-medicine", person.number, place),
            "status": "active",
            "intent": "order",
            "category": [coded(_CATEGORY, "discharge")],
            "medicationCodeableConcept": _concept(medicine),
            "subject": _subject(person, practice),
            "authoredOn": day.isoformat(),
            "dosageInstruction": [{"text": how}],
            **({"reasonCode": [{"text": why}]} if why else {}),
        }


def _fills(person: Person, practice: Practice, now: datetime) -> Iterator[Resource]:
    for place, medicine in enumerate(person.story.medicines):
        handed = now - timedelta(days=12 + person.number % 15)
        yield {
            "resourceType": "MedicationDispense",
            "id": practice.id("fill", person.number, place),
            "status": "completed",
            "medicationCodeableConcept": _concept(medicine),
            "subject": _subject(person, practice),
            "performer": [{"actor": {"display": "Corner Pharmacy"}}],
            "daysSupply": {"value": _SUPPLY_DAYS, "unit": "days", "system": "http://unitsofmeasure.org", "code": "d"},
            "whenHandedOver": handed.astimezone(practice.zone).replace(second=0, microsecond=0).isoformat(),
            "dosageInstruction": [{"text": medicine.dosage}],
        }


def _told(person: Person, practice: Practice, now: datetime) -> Iterator[Resource]:
    """As the person says at the phone: all as before, and what they bought themselves."""
    said = (now - timedelta(hours=20)).astimezone(practice.zone).replace(second=0, microsecond=0)
    for place, medicine in enumerate((*person.story.medicines, _BOUGHT)):
        yield {
            "resourceType": "MedicationStatement",
            "id": practice.id("told-medicine", person.number, place),
            "status": "active",
            "medicationCodeableConcept": _concept(medicine),
            "subject": _subject(person, practice),
            "informationSource": _subject(person, practice),
            "dateAsserted": said.isoformat(),
            "dosage": [{"text": medicine.dosage}],
        }


def _concept(medicine: Medicine) -> Resource:
    return coded(_RXNORM, medicine.rxnorm, medicine.name) if medicine.rxnorm else {"text": medicine.name}


def _subject(person: Person, practice: Practice) -> Resource:
    return {"reference": f"Patient/{practice.patient_id(person.practice_number)}"}
