"""Fills arrive; PDC, missing refills and disagreements are in the record and in the section of the patient page."""

from datetime import timedelta
from typing import Any

import pytest
from tests.integration.flows.test_medicine_safety import PATIENT, put, statement

from careloop.access.model import Principal, Tenant, system_principal
from careloop.flows import adherence, medicine_safety
from careloop.flows.app import App


def fill(key: str, text: str, day: str, days: int) -> dict[str, Any]:
    """What a pharmacy handed over."""
    return {
        "resourceType": "MedicationDispense", "id": key, "status": "completed",
        "medicationCodeableConcept": {"text": text}, "subject": {"reference": "Patient/p"}, "whenHandedOver": day,
        "daysSupply": {"value": days, "code": "d", "system": "http://unitsofmeasure.org"},
    }  # fmt: skip


LISINOPRIL = [
    fill("f1", "Lisinopril 10 mg tablet", "2026-01-10", 90),
    fill("f2", "Lisinopril 10 mg tablet", "2026-04-05", 90),
    fill("f3", "Lisinopril 10 mg tablet", "2026-07-15", 90),
]


@pytest.fixture
def system(tenant: Tenant) -> Principal:
    """The test as an actor."""
    return system_principal(tenant.id, "test")


def arrive(app: App, tenant: Tenant, principal: Principal, *resources: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Written, and the worker has caught up; observations and issues by the text of their code."""
    with app.database.transaction(tenant.id) as tx:
        put(app, tx, principal, *resources)
    medicine_safety.catch_up(app, tenant)
    with app.database.transaction(tenant.id) as tx:
        found = app.record.of_patient(tx, "p", ["Observation", "DetectedIssue"])
    return {one.resource["code"]["text"]: one.resource for one in found}


def test_pdc_is_an_observation_with_its_fills_and_a_missing_refill_an_issue(
    app: App, tenant: Tenant, system: Principal
):
    found = arrive(app, tenant, system, PATIENT, statement("takes", "Lisinopril 10 mg tablet"), *LISINOPRIL)
    pdc = next(one for text, one in found.items() if text.startswith("PDC"))
    assert pdc["code"]["coding"] == [{"system": "urn:careloop:score", "code": "pdc-ras-antagonists"}]
    # 10 January to 23 November: 318 days; covered to 8 July and from 15 July to 12 October: 180 + 90.
    assert (pdc["valueRatio"]["numerator"]["value"], pdc["valueRatio"]["denominator"]["value"]) == (270, 318)
    assert [one["reference"] for one in pdc["partOf"]] == [f"MedicationDispense/f{number}" for number in (1, 2, 3)]
    gap = found["Refill missing: lisinopril"]
    assert gap["status"] == "preliminary"
    assert "12 Oct 2026" in gap["detail"]
    with app.database.transaction(tenant.id) as tx:
        section = adherence.section_of(app, tx, system, "p")
    assert "staff or another list says: takes it" in section.disagreements[0]
    assert section.supplies[0].tone == "warning"
    after = arrive(app, tenant, system, fill("f4", "Lisinopril 10 mg tablet", "2026-11-20", 90))
    assert after["Refill missing: lisinopril"]["status"] == "cancelled"


def test_time_alone_brings_the_gap(app: App, tenant: Tenant, system: Principal, clock):
    warfarin = fill("w", "Warfarin 5 mg tablet", "2026-11-01", 30)
    found = arrive(app, tenant, system, PATIENT, statement("takes", "Warfarin 5 mg tablet"), warfarin)
    assert "Refill missing: warfarin" not in found
    clock.move_to(clock.now() + timedelta(days=13))
    assert "Refill missing: warfarin" not in arrive(app, tenant, system)
    clock.move_to(clock.now() + timedelta(days=1))
    medicine_safety.go_on(app, tenant)
    gap = arrive(app, tenant, system)["Refill missing: warfarin"]
    assert gap["severity"] == "high"
