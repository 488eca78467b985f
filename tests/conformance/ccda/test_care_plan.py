"""Our care plan as a C-CDA Care Plan: the constraints are kept, another installation reads the same plan."""

import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from tools.ccda_facts.comparing import ZONE
from tools.ccda_schematron import load

from careloop.careplans.content import planning_of, recognition_of
from careloop.careplans.exchange import steps_of
from careloop.careplans.model import Plan
from careloop.careplans.others import OtherPlan, other_plan
from careloop.careplans.resources import care_plan_of, goal_of
from careloop.careplans.rules.lifecycle import carried, state_of
from careloop.careplans.rules.merging import merge
from careloop.careplans.rules.taking import beside, held_against, outside_advice, taken
from careloop.catalog import CONTENT, load_catalog
from careloop.fhir.xmls import parse_xml
from careloop.intake.ccda import CcdaContent, check_document, read, settle
from careloop.intake.ccda.writing import STEPS, Request, write_document

SCHEMATRON = os.environ.get("CARELOOP_CCDA_SCHEMATRON")
CATALOG = load_catalog(product=CONTENT)
PLANNING, KNOWN = planning_of(CATALOG), recognition_of(CATALOG)
DAY = date(2026, 11, 22)
A1C = {
    "resourceType": "Observation", "id": "a1c", "status": "final", "effectiveDateTime": "2026-11-01",
    "code": {"coding": [{"system": "http://loinc.org", "code": "4548-4", "display": "A1c"}]},
    "category": [{"coding": [{"code": "laboratory"}]}],
    "valueQuantity": {"value": 7.9, "unit": "%", "system": "http://unitsofmeasure.org", "code": "%"},
}  # fmt: skip
CONDITION = {
    "resourceType": "Condition", "id": "dm", "onsetDateTime": "2020-01-01",
    "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical",
                                   "code": "active"}]},
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "44054006", "display": "Diabetes type 2"}]},
}  # fmt: skip


def our_plan() -> Plan:
    plan = carried(Plan(id="p1", patient_id="p", began=DAY), merge(PLANNING, ["diabetes", "heart-failure", "copd"]))
    return held_against(PLANNING, plan, (), ())


def document(plan: Plan, content: CcdaContent) -> bytes:
    ids = {goal.key: f"goal-{number}" for number, goal in enumerate(plan.goals)}
    goals: dict[str, Any] = {f"Goal/{ids[one.key]}": goal_of(one, ids[one.key], plan, DAY) for one in plan.goals}
    resource = care_plan_of(plan, state_of(plan, DAY), "Practitioner/1", ids)
    record = {
        "Condition": [CONDITION], "Observation": [A1C], "Goal": list(goals.values()), STEPS: steps_of(resource, goals)
    }  # fmt: skip
    return write_document(
        Request(
            kind="care-plan",
            patient={"resourceType": "Patient", "id": "p", "name": [{"family": "Doe", "given": ["Jo"]}]},
            organization={"resourceType": "Organization", "id": "o", "name": "Riverbend"},
            record=record,
            at=datetime(2026, 11, 22, tzinfo=UTC),
            resolve=goals.get,
        ),
        content,
    )


def read_plan(raw: bytes, content: CcdaContent) -> tuple[OtherPlan, list[dict[str, Any]]]:
    resources = settle(read(raw, content, ZONE), 1, "p")
    found = {f"{one['resourceType']}/{one['id']}": one for one in resources}
    [plan] = [one for one in resources if one["resourceType"] == "CarePlan"]
    return other_plan(plan, found, ""), resources


def test_another_installation_reads_the_same_plan(content: CcdaContent) -> None:
    ours = our_plan()
    theirs, resources = read_plan(document(ours, content), content)
    assert theirs.source == "Riverbend" and theirs.on == "2026-11-22" and theirs.holds
    assert [one.title for one in theirs.goals] == [one.title for one in ours.goals]
    empty = Plan(id="other", patient_id="p", began=DAY)
    got = taken(KNOWN, PLANNING, empty, theirs, range(len(theirs.steps)), {one.id for one in theirs.goals})
    said = {one.does: (one.title, one.patient, one.every, one.minutes, one.owner, one.loinc) for one in ours.running}
    assert {
        one.does: (one.title, one.patient, one.every, one.minutes, one.owner, one.loinc) for one in got.running
    } == said
    assert {(one.subject, one.says, one.patient, one.at_least, one.at_most, one.choose) for one in got.advice} == {
        (one.subject, one.says, one.patient, one.at_least, one.at_most, one.choose) for one in ours.advice
    }
    titles = {one.key: one.title for one in (*ours.goals, *got.goals)}
    cited = {one.does: {titles[key] for key in one.goals} for one in ours.running}
    assert {one.does: {titles[key] for key in one.goals} for one in got.running} == cited
    kinds = {one["resourceType"] for one in resources}
    assert {"Condition", "Observation", "Goal", "ServiceRequest", "CarePlan"} <= kinds


def test_our_own_document_beside_our_plan_brings_nothing_new_and_contradicts_nothing(content: CcdaContent) -> None:
    ours = our_plan()
    theirs, _ = read_plan(document(ours, content), content)
    assert not beside(KNOWN, PLANNING, ours, theirs).is_new
    assert held_against(PLANNING, ours, outside_advice(KNOWN, PLANNING, ours, [theirs]), ()) == ours


def test_the_constraints_are_kept(content: CcdaContent) -> None:
    faults = [
        one for one in check_document(parse_xml(document(our_plan(), content)), content) if one.severity == "error"
    ]
    assert [(one.at, one.expected) for one in faults] == []


@pytest.mark.skipif(
    SCHEMATRON is None, reason="CARELOOP_CCDA_SCHEMATRON names no schematron (docs/conformance/ccda.md)"
)
def test_the_schematron_of_hl7_accepts_it(content: CcdaContent) -> None:
    assert list(load(Path(str(SCHEMATRON))).broken(document(our_plan(), content))) == []


@pytest.mark.shared
def test_the_care_plan_of_the_guide_is_a_plan_with_goals_and_steps(shared: Path, content: CcdaContent) -> None:
    path = shared / "data/interchange/ccda/hl7-guide-examples/Documents/Care Plan/Care_Plan.xml"
    theirs, resources = read_plan(path.read_bytes(), content)
    assert [one.title for one in theirs.steps] == [
        "Elevation of head of bed", "Oxygen administration by nasal cannula",
        "Oxygen saturation [Pure mass fraction] in Capillary blood by Oximetry",
    ]  # fmt: skip
    assert len(theirs.goals) == 1 and {goal for step in theirs.steps for goal in step.goals} == {theirs.goals[0].id}
    [plan] = [one for one in resources if one["resourceType"] == "CarePlan"]
    assert len(plan["addresses"]) > 1
