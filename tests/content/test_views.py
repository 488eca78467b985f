"""The shipped views: rows of resources as the product writes them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from careloop.catalog import load_catalog
from careloop.fhir.viewdefinition import View, compile_view
from careloop.loops.tasks import moment

VIEWS = {name: compile_view(document) for name, document in load_catalog().documents("views").items()}
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


def rows(name: str, resource: Mapping[str, Any]) -> list[dict[str, Any]]:
    view: View = VIEWS[name]
    titles = [column.name for column in view.columns]
    return [
        {key: value for key, value in zip(titles, row, strict=True) if value is not None} for row in view.rows(resource)
    ]


@pytest.mark.parametrize("name", sorted(VIEWS))
def test_a_view_says_what_each_column_is(name: str) -> None:
    assert VIEWS[name].name == name
    assert all(column.type for column in VIEWS[name].columns)
    assert VIEWS[name].columns[0].name == "id"


def test_a_patient_is_one_row_with_the_official_name() -> None:
    person = {
        "resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1950-03", "deceasedBoolean": False,
        "name": [{"family": "Nick"}, {"use": "official", "family": "Quimby", "given": ["Ada", "B."]}],
        "telecom": [{"system": "email", "value": "a@b"}, {"system": "phone", "value": "555"}],
        "address": [{"line": ["1 Main", "Apt 2"], "city": "Troy", "postalCode": "12180"}],
        "communication": [{"language": {"coding": [{"code": "en"}]}},
                          {"language": {"coding": [{"code": "es"}]}, "preferred": True}],
        "identifier": [{"type": {"coding": [{"code": "MR"}]}, "system": "urn:x", "value": "77"}],
    }  # fmt: skip
    assert rows("patient_demographics", person) == [{
        "id": "p", "family": "Quimby", "given": "Ada B.", "gender": "female", "birth_date": "1950-03",
        "is_deceased": False, "phone": "555", "email": "a@b", "line": "1 Main, Apt 2", "city": "Troy",
        "postal_code": "12180", "language": "es", "mrn": "77",
    }]  # fmt: skip
    (dead,) = rows("patient_demographics", {"resourceType": "Patient", "id": "d", "deceasedDateTime": "2020"})
    assert dead == {"id": "d", "is_deceased": True, "deceased_at": "2020"}


def test_a_blood_pressure_has_a_row_for_itself_and_each_component() -> None:
    def component(code: str, value: int) -> dict[str, Any]:
        return {"code": {"coding": [{"system": "http://loinc.org", "code": code}]}, "valueQuantity": {"value": value}}

    found = rows("observations", {
        "resourceType": "Observation", "id": "o", "status": "final", "subject": {"reference": "Patient/p"},
        "effectivePeriod": {"start": "2024-05-01"}, "code": {"text": "BP"},
        "component": [component("8480-6", 120), component("8462-4", 80)],
    })  # fmt: skip
    assert [(row["is_component"], row.get("code"), row.get("value_number")) for row in found] == [
        (False, None, None), (True, "8480-6", 120), (True, "8462-4", 80),
    ]  # fmt: skip
    assert {(row["patient_id"], row["effective"]) for row in found} == {("p", "2024-05-01")}
    assert rows("observations", {"resourceType": "Observation", "id": "o", "status": "entered-in-error"}) == []


def test_a_condition_has_a_row_for_each_code() -> None:
    codings = [{"system": "urn:a", "code": "1"}, {"system": "urn:b", "code": "2"}]
    condition = {"resourceType": "Condition", "id": "c", "code": {"coding": codings}, "onsetDateTime": "2019"}
    assert [(row["code"], row["onset"]) for row in rows("conditions", condition)] == [("1", "2019"), ("2", "2019")]
    assert rows("conditions", {"resourceType": "Condition", "id": "c", "code": {"text": "pain"}}) == [
        {"id": "c", "text": "pain"}
    ]


def test_a_loop_is_a_row_and_a_step_is_none() -> None:
    deadline = moment(NOW, ZoneInfo("America/New_York"))
    loop = {
        "resourceType": "Task", "id": "l", "status": "in-progress", "intent": "order", "description": "After the stay",
        "identifier": [{"system": "urn:careloop:loop", "value": "L-7"}], "focus": {"reference": "Encounter/e"},
        "code": {"coding": [{"system": "urn:careloop:pathway", "code": "discharge-transition"}]},
        "businessStatus": {"coding": [{"system": "urn:careloop:clock", "code": "overdue"}]},
        "for": {"reference": "Patient/p"}, "owner": {"reference": "Practitioner/dana"},
        "restriction": {"period": {"end": deadline}},
    }  # fmt: skip
    assert rows("loops", loop) == [{
        "id": "l", "number": "L-7", "patient_id": "p", "pathway": "discharge-transition", "title": "After the stay",
        "status": "in-progress", "clock": "overdue", "owner": "Practitioner/dana", "focus": "Encounter/e",
        "deadline": deadline,
    }]  # fmt: skip
    step = {**loop, "code": {"coding": [{"system": "urn:careloop:step", "code": "visit"}]}}
    assert rows("loops", step) == []


def test_an_encounter_and_a_prescription_name_whom_they_are_of() -> None:
    encounter = {
        "resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": "IMP"},
        "subject": {"reference": "Patient/p"}, "period": {"start": "2024-05-01", "end": "2024-05-04"},
        "participant": [{"individual": {"reference": "Practitioner/d"}}],
        "hospitalization": {"dischargeDisposition": {"coding": [{"code": "01"}]}},
    }  # fmt: skip
    assert rows("encounters", encounter) == [{
        "id": "e", "patient_id": "p", "status": "finished", "class": "IMP", "started": "2024-05-01",
        "ended": "2024-05-04", "discharge_disposition": "01", "practitioner_id": "d",
    }]  # fmt: skip
    prescription = {
        "resourceType": "MedicationRequest", "id": "m", "status": "active", "intent": "order",
        "medicationReference": {"reference": "Medication/7", "display": "Aspirin"},
        "subject": {"reference": "https://x.example/fhir/Patient/p"}, "dosageInstruction": [{"text": "1 daily"}],
    }  # fmt: skip
    assert rows("medications", prescription) == [{
        "id": "m", "patient_id": "p", "status": "active", "intent": "order", "display": "Aspirin", "medication_id": "7",
        "dosage": "1 daily",
    }]  # fmt: skip
