"""Medicines arrive by FHIR writes; the worker's round finds what the tables say, as DetectedIssues (ME-09, ME-12)."""

from typing import Any

import pytest

from careloop.access.model import Principal, PrincipalKind, Role, Tenant, system_principal
from careloop.db import Transaction
from careloop.errors import Conflict, Rejected
from careloop.flows import alert_burden, medicine_safety, writing
from careloop.flows.app import App
from careloop.record import Write

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
RULE = "urn:careloop:interaction"


def statement(key: str, text: str, status: str = "active", **more: Any) -> dict[str, Any]:
    """What a patient takes."""
    return {
        "resourceType": "MedicationStatement",
        "id": key,
        "status": status,
        "medicationCodeableConcept": {"text": text},
        "subject": {"reference": "Patient/p"},
        **more,
    }


def order(key: str, code: str, status: str = "active") -> dict[str, Any]:
    """An order by the RxNorm code of an ingredient."""
    return {
        "resourceType": "MedicationRequest",
        "id": key,
        "status": status,
        "intent": "order",
        "medicationCodeableConcept": {"coding": [{"system": RXNORM, "code": code}]},
        "subject": {"reference": "Patient/p"},
    }


PATIENT = {"resourceType": "Patient", "id": "p", "birthDate": "1960-01-01", "gender": "female"}


@pytest.fixture
def system(tenant: Tenant) -> Principal:
    """The test as an actor."""
    return system_principal(tenant.id, "test")


def put(app: App, tx: Transaction, principal: Principal, *resources: dict[str, Any]) -> None:
    """Written through the one door."""
    writing.write(
        app,
        tx,
        principal,
        [Write(method="update", resource_type=one["resourceType"], id=one["id"], resource=one) for one in resources],
    )


def arrive(app: App, tenant: Tenant, principal: Principal, *resources: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The resources are written and the worker has caught up; the patient's DetectedIssues by rule or by what is not
    checked."""
    with app.database.transaction(tenant.id) as tx:
        put(app, tx, principal, *resources)
    medicine_safety.catch_up(app, tenant)
    return issues(app, tenant)


def issues(app: App, tenant: Tenant) -> dict[str, dict[str, Any]]:
    """The DetectedIssues of the patient by the ids of their rules, else by their code."""
    with app.database.transaction(tenant.id) as tx:
        found = [one.resource for one in app.record.of_patient(tx, "p", ["DetectedIssue"])]
    by_rule = {name["value"]: one for one in found for name in one.get("identifier", ()) if name["system"] == RULE}
    codes = {one["code"]["coding"][0]["code"]: one for one in found if one["code"]["text"] == "Not checked"}
    return {**codes, **by_rule}


def test_a_contraindicated_pair_is_an_issue_with_both_orders_and_goes_when_one_stops(
    app: App, tenant: Tenant, system: Principal
):
    found = arrive(app, tenant, system, PATIENT, order("sertraline", "36437"), order("linezolid", "190376"))
    issue = found["ONC04"]
    assert issue["status"] == "preliminary"
    assert issue["severity"] == "high"
    assert sorted(one["reference"] for one in issue["implicated"]) == [
        "MedicationRequest/linezolid",
        "MedicationRequest/sertraline",
    ]
    assert "serotonin syndrome" in issue["detail"]
    assert "Not reviewed by a pharmacist yet" in issue["detail"]
    # Sertraline needs no washout against an MAOI that is no longer taken, but linezolid still counts for 14 days.
    after = arrive(app, tenant, system, order("sertraline", "36437", "entered-in-error"))
    assert after["ONC04"]["status"] == "cancelled"


def test_nobody_is_alerted_about_somebody_who_has_died(app: App, tenant: Tenant, system: Principal):
    arrive(app, tenant, system, PATIENT, order("sertraline", "36437"), order("linezolid", "190376"))
    after = arrive(app, tenant, system, {**PATIENT, "deceasedBoolean": True})
    assert {one["status"] for one in after.values()} == {"cancelled"}


def test_a_medicine_that_nobody_knows_is_said_never_dropped(app: App, tenant: Tenant, system: Principal):
    found = arrive(app, tenant, system, PATIENT, statement("odd", "Foobarol 5 mg tablet"))
    issue = found["not-checked"]
    assert issue["implicated"] == [{"reference": "MedicationStatement/odd"}]
    assert {"system": "urn:careloop:not-checked", "code": "not-checked"} in issue["code"]["coding"]


def test_the_same_record_again_writes_nothing(app: App, tenant: Tenant, system: Principal):
    arrive(app, tenant, system, PATIENT, order("warfarin", "11289"), statement("ibuprofen", "Ibuprofen 400 mg tablet"))
    with app.database.transaction(tenant.id) as tx:
        assert medicine_safety.review(app, tx, ["p"]).written == 0


def test_an_override_is_remembered_until_a_dose_changes(app: App, tenant: Tenant, system: Principal, prescriber):
    warfarin = statement("warfarin", "Warfarin 5 mg tablet", dosage=[{"text": "1 tablet daily"}])
    aspirin = statement("aspirin", "Aspirin 81 mg tablet", dosage=[{"text": "1 tablet daily"}])
    arrive(app, tenant, system, PATIENT, warfarin, aspirin)
    with app.database.transaction(tenant.id) as tx:
        one = next(each for each in medicine_safety.findings_of(app, tx, "p") if "SV04" in each.rules)
        with pytest.raises(Rejected):
            medicine_safety.override(app, tx, prescriber, one.id, " ")
        medicine_safety.override(app, tx, prescriber, one.id, "stent last month, cardiology asked for both")
        with pytest.raises(Conflict):
            medicine_safety.override(app, tx, prescriber, one.id, "again")
    mitigation = arrive(app, tenant, system, PATIENT)["SV04"]["mitigation"]
    assert mitigation[0]["action"]["text"] == "stent last month, cardiology asked for both"
    renewed = statement("aspirin2", "Aspirin 81 mg tablet", dosage=[{"text": "1 tablet daily"}])
    assert "mitigation" in arrive(app, tenant, system, renewed)["SV04"]
    more = statement("aspirin2", "Aspirin 325 mg tablet", dosage=[{"text": "1 tablet daily"}])
    assert "mitigation" not in arrive(app, tenant, system, more)["SV04"]


def test_a_client_that_writes_a_mitigation_overrides(app: App, tenant: Tenant, system: Principal):
    found = arrive(app, tenant, system, PATIENT, order("warfarin", "11289"), order("aspirin", "1191"))
    issue = {name: value for name, value in found["SV04"].items() if name != "meta"}
    issue["mitigation"] = [{"action": {"text": "both intended"}}]
    kept = arrive(app, tenant, system, issue)["SV04"]
    assert kept["mitigation"][0]["action"]["text"] == "both intended"
    with app.database.transaction(tenant.id) as tx:
        states = {one.state for one in medicine_safety.findings_of(app, tx, "p") if "SV04" in one.rules}
    assert states == {"overridden"}


def test_a_lab_that_arrives_changes_what_is_said(app: App, tenant: Tenant, system: Principal):
    metformin = statement("metformin", "Metformin 1000 mg tablet", dosage=[{"text": "1 tablet twice a day"}])
    assert "not-checked" in arrive(app, tenant, system, PATIENT, metformin)
    egfr = {
        "resourceType": "Observation",
        "id": "egfr",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "98979-8"}]},
        "subject": {"reference": "Patient/p"},
        "effectiveDateTime": "2026-11-20",
        "valueQuantity": {"value": 29, "unit": "mL/min/1.73m2"},
    }
    found = arrive(app, tenant, system, egfr)
    assert found["RF01"]["status"] == "preliminary"
    assert found["not-checked"]["status"] == "cancelled"


def test_a_history_without_active_medicines_is_not_checked_at_all(app: App, tenant: Tenant, system: Principal):
    found = arrive(
        app, tenant, system, PATIENT, order("old", "36437", "stopped"), order("older", "190376", "completed")
    )
    assert found == {}


@pytest.fixture
def prescriber(tenant: Tenant) -> Principal:
    """A physician of the practice."""
    return Principal(
        id="dr",
        kind=PrincipalKind.USER,
        tenant_id=tenant.id,
        name="Dr. Test",
        roles=frozenset({Role.PHYSICIAN}),
        purpose="TREAT",
    )


def test_the_burden_counts_what_fired_and_was_overridden_and_a_preview_writes_nothing(
    app: App, tenant: Tenant, system: Principal, prescriber
):
    arrive(app, tenant, system, PATIENT, order("warfarin", "11289"), order("aspirin", "1191"))
    with app.database.transaction(tenant.id) as tx:
        one = next(each for each in medicine_safety.findings_of(app, tx, "p") if "SV04" in each.rules)
        medicine_safety.override(app, tx, prescriber, one.id, "both intended")
    found = {each.rule: each for each in alert_burden.report(app, prescriber, tenant).rules}
    assert (found["SV04"].fired, found["SV04"].overridden, found["SV04"].per_100_medicines) == (1, 1, 50.0)
    seen = alert_burden.preview(app, prescriber, tenant, {"SV04": "off"})
    assert seen.medicines == 2
    assert seen.before["major"] == seen.after.get("major", 0) + 1
    with pytest.raises(Rejected):
        alert_burden.preview(app, prescriber, tenant, {"SV999": "off"})
