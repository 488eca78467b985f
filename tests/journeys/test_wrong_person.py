"""A result or an order that was filed with the wrong person, and what puts it right: each matter has one loop, of one
patient, after every step of it."""

from typing import Any

import pytest
from tests.journeys.practice import Practice

from careloop.flows import verifying

LABORATORY = [
    {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}
]
POTASSIUM = {"coding": [{"system": "http://loinc.org", "code": "2823-3"}]}


@pytest.fixture
def practice(app) -> Practice:
    found = Practice.open(app)
    found.move_to("2026-06-01 09:00")
    return found


def order(patient: str) -> dict[str, Any]:
    return {
        "resourceType": "ServiceRequest",
        "id": "o",
        "status": "active",
        "intent": "order",
        "category": LABORATORY,
        "code": POTASSIUM,
        "subject": {"reference": f"Patient/{patient}"},
        "authoredOn": "2026-06-01T08:00:00-04:00",
    }


def result(patient: str) -> dict[str, Any]:
    return {
        "resourceType": "DiagnosticReport",
        "id": "r",
        "status": "final",
        "category": LABORATORY,
        "code": POTASSIUM,
        "subject": {"reference": f"Patient/{patient}"},
        "basedOn": [{"reference": "ServiceRequest/o"}],
        "effectiveDateTime": "2026-06-01T08:30:00-04:00",
        "issued": "2026-06-01T08:40:00-04:00",
    }


def open_about(practice: Practice, patient: str) -> list[str]:
    """What the open loops of a patient are about; everything is as it must be."""
    assert not verifying.verify_tenant(practice.app, practice.tenant)
    return [loop.state.focus for loop in practice.loops(patient, pathway="test-result") if loop.state.status.is_open]


def test_a_result_that_goes_to_its_right_patient_takes_no_order_of_another_along(practice: Practice) -> None:
    """A client that corrected this was refused: "each resource at most once in one set of writes"."""
    ana, bea = practice.patient(), practice.patient()
    practice.write(order(ana), result(ana))
    assert open_about(practice, ana) == ["ServiceRequest/o"]
    practice.write(result(bea))
    assert (open_about(practice, ana), open_about(practice, bea)) == (["ServiceRequest/o"], ["DiagnosticReport/r"])
    practice.write(order(bea))
    assert (open_about(practice, ana), open_about(practice, bea)) == ([], ["ServiceRequest/o"])
    practice.write(order(ana))
    assert (open_about(practice, ana), open_about(practice, bea)) == (["ServiceRequest/o"], ["DiagnosticReport/r"])
    practice.delete("DiagnosticReport", "r")
    assert (open_about(practice, ana), open_about(practice, bea)) == (["ServiceRequest/o"], [])


def test_an_order_that_comes_late_and_is_of_another_patient_leaves_the_result_with_a_loop_of_its_own(
    practice: Practice,
) -> None:
    ana, bea = practice.patient(), practice.patient()
    practice.write(result(bea))
    assert open_about(practice, bea) == ["ServiceRequest/o"]
    practice.write(order(ana))
    assert (open_about(practice, ana), open_about(practice, bea)) == (["ServiceRequest/o"], ["DiagnosticReport/r"])
