"""A plan goes to FHIR and comes back as it was; what is written is valid R4."""

from dataclasses import replace
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from careloop.careplans.content import planning_of
from careloop.careplans.model import Agreement, Interval, Party, Plan, Settled
from careloop.careplans.resources import care_plan_of, goal_of, is_of_library, is_shared, plan_from
from careloop.careplans.rules.lifecycle import carried, digest, state_of
from careloop.careplans.rules.merging import merge
from careloop.catalog import load_catalog
from careloop.fhir.ids import derived_id
from careloop.fhir.validation import Validator

PLANNING = planning_of(load_catalog())
VALIDATOR = Validator.load()
DAY = date(2026, 11, 23)
WORD = Settled(subject="systolic", plan="falls-frailty", by="Practitioner/1", on="2026-11-23", why="Fell twice")


def plan_of(names: list[str]) -> Plan:
    empty = Plan(id="6f1c8d1e-58c5-4b0a-9a6c-8f3f2a1d7c40", patient_id="p1", began=DAY)
    plan = carried(empty, merge(PLANNING, names, [WORD]))
    first = replace(plan.activities[0], every=Interval(2, "week"), owner="nurse", changed="too often for her")
    last = replace(plan.activities[-1], stopped="did not help")
    yes = Agreement(party=Party.PATIENT, by="Patient/p1", name="Rosa", on=DAY, digest=digest(plan), how="by phone")
    return replace(plan, activities=(first, *plan.activities[1:-1], last), agreements=(yes,), review_by=DAY)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from(sorted(PLANNING.templates)), min_size=1, max_size=4, unique=True))
def test_there_and_back_is_the_same_plan(names) -> None:
    plan = plan_of(names)
    ids = {one.key: derived_id("goal", one.key) for one in plan.goals}
    resource = care_plan_of(plan, state_of(plan, DAY), "Practitioner/1", ids)
    goals = [goal_of(one, ids[one.key], plan, DAY) for one in plan.goals]
    assert plan_from(resource, {f"Goal/{one['id']}": one for one in goals}) == plan
    assert is_shared(resource) and all(map(is_of_library, goals))
    for one in (resource, *goals):
        assert VALIDATOR.validate(one) == []
