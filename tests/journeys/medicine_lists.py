"""A patient home from hospital with ten medicines: six the same on both lists, four that differ."""

from typing import Any

from tests.journeys.practice import Practice

DISCHARGE = [
    {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/medicationrequest-category", "code": "discharge"}]}
]
SAME = (
    ("lisinopril 10 mg tablet", "1 tablet once a day"),
    ("atorvastatin 40 mg tablet", "1 tablet at bedtime"),
    ("metformin 500 mg tablet", "1 tablet twice a day"),
    ("aspirin 81 mg tablet", "1 tablet once a day"),
    ("levothyroxine 75 mcg tablet", "1 tablet every morning"),
    ("omeprazole 20 mg capsule", "1 capsule once a day"),
)
HOSPITAL = (
    ("furosemide 40 mg tablet", "1 tablet twice a day", "Swollen legs"),
    ("metoprolol succinate 50 mg 24-hour tablet", "1 tablet once a day", "Slow pulse in hospital (52)"),
    ("potassium chloride 10 mEq extended release tablet", "1 tablet once a day", "Potassium was 3.4"),
)
HOME = (
    ("furosemide 20 mg tablet", "1 tablet once a day"),
    ("metoprolol succinate 100 mg 24-hour tablet", "1 tablet once a day"),
    ("ibuprofen 400 mg tablet", "1 tablet as needed"),
)


def hospital(
    patient: str, key: str, name: str, how: str, *, reason: str = "", on: str = "2026-11-20"
) -> dict[str, Any]:
    """One medicine of the discharge list."""
    return {
        "resourceType": "MedicationRequest",
        "id": f"h-{key}-{patient}"[:64],
        "status": "active",
        "intent": "order",
        "category": DISCHARGE,
        "medicationCodeableConcept": {"text": name},
        "subject": {"reference": f"Patient/{patient}"},
        "authoredOn": on,
        "dosageInstruction": [{"text": how}],
        **({"reasonCode": [{"text": reason}]} if reason else {}),
    }


def at_home(patient: str, key: str, name: str, how: str, *, on: str = "2026-11-21", **more: Any) -> dict[str, Any]:
    """One medicine as the patient tells it."""
    return {
        "resourceType": "MedicationStatement",
        "id": f"p-{key}-{patient}"[:64],
        "status": "active",
        "medicationCodeableConcept": {"text": name},
        "subject": {"reference": f"Patient/{patient}"},
        "informationSource": {"reference": f"Patient/{patient}"},
        "dateAsserted": on,
        "dosage": [{"text": how}],
        **more,
    }


def ten_medicines(practice: Practice, patient: str) -> None:
    """Both lists are in the record."""
    found = []
    for place, (name, how) in enumerate(SAME):
        found += [hospital(patient, f"s{place}", name, how), at_home(patient, f"s{place}", name, how)]
    found += [hospital(patient, f"d{place}", name, how, reason=why) for place, (name, how, why) in enumerate(HOSPITAL)]
    found += [at_home(patient, f"d{place}", name, how) for place, (name, how) in enumerate(HOME)]
    practice.write(*found)
