"""Other systems find the shared plan by the search names of FHIR R4 and US Core (interface.md §3 and §4)."""

from datetime import date
from typing import Any

import msgspec
import pytest

from careloop.careplans.content import planning_of
from careloop.careplans.model import Plan
from careloop.careplans.resources import care_plan_of, goal_of
from careloop.careplans.rules.lifecycle import carried, state_of
from careloop.careplans.rules.merging import merge
from careloop.catalog import load_catalog

ENCODER = msgspec.json.Encoder(decimal_format="number")
DAY = date(2026, 11, 23)


@pytest.fixture
def plan(client: Any) -> dict[str, Any]:
    whole = carried(Plan(id="plan-1", patient_id="p", began=DAY), merge(planning_of(load_catalog()), ["heart-failure"]))
    ids = {one.key: f"goal-{number}" for number, one in enumerate(whole.goals)}
    resource = care_plan_of(whole, state_of(whole, DAY), "Practitioner/1", ids)
    goals = [goal_of(one, ids[one.key], whole, DAY) for one in whole.goals]
    for one in ({"resourceType": "Patient", "id": "p"}, *goals, resource):
        assert client("PUT", f"/{one['resourceType']}/{one['id']}", ENCODER.encode(one)).status_code == 201, one
    return resource


@pytest.mark.parametrize(
    "search",
    [
        "patient=p",
        "patient=p&category=http://hl7.org/fhir/us/core/CodeSystem/careplan-category|assess-plan",
        "patient=p&category=assess-plan&status=draft",
        "patient=p&category=assess-plan&date=ge2026-11-01",
        "subject=Patient/p&intent=plan",
        "goal=Goal/goal-0",
        "patient=p&activity-code=urn:careloop:plan-step|monitor.weight",
        "patient=p&activity-code=http://loinc.org|29463-7",
    ],
)
def test_the_plan_is_found(client: Any, plan: dict[str, Any], search: str) -> None:
    answer = client("GET", f"/CarePlan?{search}")
    assert [one["resource"]["id"] for one in answer.json().get("entry", ())] == ["plan-1"], answer.text


def test_it_comes_with_its_goals_and_goals_are_found_alone(client: Any, plan: dict[str, Any]) -> None:
    found = client("GET", "/CarePlan?patient=p&_include=CarePlan:goal").json()["entry"]
    assert {one["search"]["mode"] for one in found} == {"match", "include"}
    assert len(found) == 1 + len(plan["goal"])
    goals = client("GET", "/Goal?patient=p&lifecycle-status=proposed,planned,accepted,active").json()["entry"]
    assert len(goals) == len(plan["goal"])
    assert client("GET", "/CarePlan?patient=p&status=revoked").json().get("entry", []) == []
