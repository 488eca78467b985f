"""Orders, statements and fills as medicines; free text best effort, and unknown where nobody can know."""

from datetime import date
from typing import Any

import pytest

from careloop.catalog import load_catalog
from careloop.medications import Origin, Release, Route, Status, Unknown, daily_dose, drugs_of, read_medicine

DRUGS = drugs_of(load_catalog())
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"


def statement(text: str, how: str = "", **more: Any) -> dict[str, Any]:
    """A statement in free text."""
    dosage = {"dosage": [{"text": how}]} if how else {}
    return {"resourceType": "MedicationStatement", "id": "m", "status": "active",
            "medicationCodeableConcept": {"text": text}, **dosage, **more}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "ingredients", "strengths", "route", "release"),
    [
        ("Lisinopril 10 MG Oral Tablet", ["lisinopril"], ["10 mg"], "oral", "unknown"),
        ("24 HR metoprolol 100 MG Extended Release Oral Tablet", ["metoprolol"], ["100 mg"], "oral", "extended"),
        ("Toprol-XL 50 mg", ["metoprolol"], ["50 mg"], "unknown", "extended"),
        ("Lopressor 25 mg tablet", ["metoprolol"], ["25 mg"], "oral", "immediate"),
        ("Acetaminophen 325 MG / HYDROcodone Bitartrate 7.5 MG Oral Tablet",
         ["acetaminophen", "hydrocodone"], ["325 mg", "7.5 mg"], "oral", "unknown"),
        ("Lisinopril/HCTZ 20/12.5 mg tablet",
         ["lisinopril", "hydrochlorothiazide"], ["20 mg", "12.5 mg"], "oral", "unknown"),
        ("amoxicillin 250 mg/5 mL oral suspension", ["amoxicillin"], ["250 mg/5 mL"], "oral", "unknown"),
        ("ibuprofen gel", ["ibuprofen"], ["None"], "topical", "unknown"),
        ("Timolol eye drops", ["timolol"], ["None"], "ophthalmic", "unknown"),
        ("Insulin glargine 100 units/mL", ["insulin glargine"], ["100 unit/1 mL"], "unknown", "unknown"),
        ("Foobarol 5 mg tablet", ["foobarol"], ["5 mg"], "oral", "unknown"),
    ],
)  # fmt: skip
def test_a_name_says_ingredients_strengths_route_and_release(text, ingredients, strengths, route, release):
    found = read_medicine(statement(text), DRUGS)
    assert [one.name for one in found.ingredients] == ingredients
    assert [str(one) for one in found.strengths] == strengths
    assert (found.route, found.release) == (Route(route), Release(release))
    assert found.is_matched is ("foobarol" not in ingredients)


@pytest.mark.parametrize(
    ("text", "how", "daily"),
    [
        ("Lisinopril 10 mg tablet", "1 tablet every morning", "10 mg"),
        ("Furosemide 40 mg tablet", "1/2 tablet twice a day", "40 mg"),
        ("Furosemide 40 mg tablet", "20 mg BID", "40 mg"),
        ("Metformin 1000 mg tablet", "Take 1 tablet (1,000 mg) by mouth two times a day with meals", "2000 mg"),
        ("Acetaminophen 500 mg tablet", "one to two tablets every 4-6 hours as needed", "6000 mg"),
        ("Amoxicillin 250 mg/5 mL oral suspension", "5 mL three times daily", "750 mg"),
        ("Insulin glargine 100 units/mL", "18 units at bedtime", "18 unit"),
        ("Levothyroxine 75 mcg tablet", "one tablet by mouth every day", "0.075 mg"),
    ],
)
def test_the_daily_dose_is_dose_by_takes_and_a_range_is_its_maximum(text, how, daily):
    found = read_medicine(statement(text, how), DRUGS)
    assert str(daily_dose(found, found.ingredients[0].key)) == daily


@pytest.mark.parametrize(
    ("text", "how"),
    [
        ("Methotrexate 2.5 mg tablet", "15 mg every Monday"),
        ("Alendronate 70 mg tablet", "1 tablet once a week"),
        ("Albuterol 90 mcg inhaler", "2 puffs when short of breath"),
        ("Metoprolol 25 mg", "1 tablet in the morning and 2 tablets at bedtime"),
        ("Lisinopril tablet", "1 tablet daily"),
        ("Lisinopril 10 mg tablet", ""),
    ],
)
def test_what_is_not_a_daily_dose_or_not_stated_is_unknown(text, how):
    found = read_medicine(statement(text, how), DRUGS)
    assert isinstance(daily_dose(found, found.ingredients[0].key), Unknown)


def test_structured_dosage_wins_over_text_and_intervals_are_counted():
    timing = {"repeat": {"frequency": 1, "period": 4, "periodMax": 6, "periodUnit": "h"}}
    dose = [{"doseRange": {"low": {"value": 1}, "high": {"value": 2}}}]
    line = {"timing": timing, "doseAndRate": dose, "asNeededBoolean": True, "text": "as told",
            "route": {"coding": [{"system": "http://snomed.info/sct", "code": "26643006"}]}}  # fmt: skip
    found = read_medicine(statement("Ibuprofen 400 mg", dosage=[line]), DRUGS)
    assert str(daily_dose(found, "ibuprofen")) == "4800 mg"
    assert found.as_needed
    assert found.route is Route.ORAL


def test_a_code_that_means_something_else_than_the_name_is_a_doubt():
    concept = {"text": "Warfarin 5 mg", "coding": [{"system": RXNORM, "code": "36437"}]}
    found = read_medicine(statement("", medicationCodeableConcept=concept), DRUGS)
    assert found.doubt
    assert not found.is_matched


def test_a_code_without_words_is_known_by_the_table_of_products():
    found = read_medicine(
        statement("", medicationCodeableConcept={"coding": [{"system": RXNORM, "code": "314076"}]}), DRUGS
    )
    assert [one.name for one in found.ingredients] == ["lisinopril"]
    assert found.text == "lisinopril"


def test_contained_and_referenced_medications_are_read():
    medication = {
        "resourceType": "Medication", "id": "x", "form": {"text": "oral tablet"},
        "ingredient": [{"itemCodeableConcept": {"text": "warfarin"},
                        "strength": {"numerator": {"value": 5, "code": "mg"}, "denominator": {"value": 1}}}],
    }  # fmt: skip
    inside = statement("", medicationReference={"reference": "#x"}, contained=[medication])
    outside = statement("", medicationReference={"reference": "Medication/x"})
    for resource in (inside, outside):
        del resource["medicationCodeableConcept"]
        found = read_medicine(resource, DRUGS, resolve={"Medication/x": medication}.get)
        assert [str(one) for one in found.strengths] == ["5 mg"]
        assert found.form == "tablet"


def test_status_period_and_source_are_what_was_stated():
    told = statement("Aspirin 81 mg", effectivePeriod={"start": "2026-05", "end": "2026-06"}, status="stopped",
                     informationSource={"reference": "Patient/p"})  # fmt: skip
    found = read_medicine(told, DRUGS)
    assert (found.status, found.origin) == (Status.STOPPED, Origin.PATIENT)
    assert (found.start, found.end) == (date(2026, 5, 1), date(2026, 6, 30))
    assert not found.may_be_taken_on(date(2026, 7, 1))
    assert read_medicine(statement("Aspirin", status="no such status"), DRUGS).status is Status.UNKNOWN
