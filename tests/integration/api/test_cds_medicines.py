"""CDS Hooks order-select and order-sign about medicines: what is dangerous is a card with its source."""

from typing import Any

import pytest
from tests.integration.api.test_cds import Ehr, ehr  # noqa: F401 - the fixture of the same services

from careloop.flows import medicine_safety

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
SELECT, SIGN = "/cds-services/careloop-order-select", "/cds-services/careloop-order-sign"


def medicine(key: str, text: str, **more: Any) -> dict[str, Any]:
    """A drafted or standing order."""
    return {
        "resourceType": "MedicationRequest", "id": key, "status": "draft", "intent": "order",
        "medicationCodeableConcept": {"text": text}, "subject": {"reference": "Patient/ours"}, **more,
    }  # fmt: skip


def asked(system: Ehr, hook: str, drafts: list[dict[str, Any]], selections: list[str]) -> list[dict[str, Any]]:
    """The cards about some drafts."""
    context = {
        "userId": "Practitioner/1", "patientId": "their-id", "selections": selections,
        "draftOrders": {"resourceType": "Bundle", "entry": [{"resource": one} for one in drafts]},
    }  # fmt: skip
    path = SELECT if hook == "order-select" else SIGN
    answer = system.ask(path, system.request(hook, context))
    assert answer.status_code == 200
    return answer.json()["cards"]


@pytest.fixture
def taking(ehr: Ehr) -> Ehr:  # noqa: F811
    """The patient takes sertraline and simvastatin."""
    ehr.write(
        medicine("sertraline", "Sertraline 50 mg tablet", status="active"),
        medicine("simvastatin", "Simvastatin 40 mg tablet", status="active"),
    )
    return ehr


def test_a_contraindicated_draft_is_a_critical_card_with_its_source(taking: Ehr):
    for hook, path in (("order-select", SELECT), ("order-sign", SIGN)):
        assert path
        [card] = asked(taking, hook, [medicine("new", "Linezolid 600 mg tablet")], ["MedicationRequest/new"])
        assert card["indicator"] == "critical"
        assert "serotonin syndrome" in card["summary"]
        assert "ONC04" in card["source"]["label"]
        assert "Not reviewed by a pharmacist yet" in card["detail"]


def test_moderate_findings_and_what_was_not_selected_never_interrupt(taking: Ehr):
    assert asked(taking, "order-select", [medicine("new", "Amlodipine 5 mg tablet")], ["MedicationRequest/new"]) == []
    assert asked(taking, "order-select", [medicine("new", "Linezolid 600 mg tablet")], []) == []


def test_what_cannot_be_checked_is_said(taking: Ehr):
    [card] = asked(taking, "order-select", [medicine("new", "Foobarol 5 mg tablet")], ["MedicationRequest/new"])
    assert card["indicator"] == "info"
    assert "Foobarol" in card["summary"]


def test_what_was_decided_is_not_said_again(taking: Ehr, app, tenant):
    draft = medicine("new", "Tramadol 50 mg tablet")
    assert asked(taking, "order-sign", [draft], [])
    taking.write({**draft, "status": "active"})
    medicine_safety.catch_up(app, tenant)
    with app.database.transaction(tenant.id) as tx:
        for one in medicine_safety.findings_of(app, tx, "ours"):
            if "SV37" in one.rules:
                medicine_safety.override(app, tx, taking.who, one.id, "one week, watched")
    assert [card for card in asked(taking, "order-sign", [draft], []) if "SV37" in card["source"]["label"]] == []


@pytest.mark.parametrize(
    "odd", [{"dosageInstruction": "x"}, {"dosageInstruction": [{"timing": {"repeat": {"dayOfWeek": 3}}}]}]
)
def test_drafts_of_any_shape_are_answered(taking: Ehr, odd: dict[str, Any]):
    assert asked(taking, "order-sign", [{**medicine("new", "Linezolid 600 mg tablet"), **odd}], [])
