"""Plans of other sources beside ours: recognised, taken over with what they cite, and put to a clinician where they
say something else."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from careloop.careplans.content import planning_of, recognition_of
from careloop.careplans.model import Interval, Plan, Settled
from careloop.careplans.others import OtherPlan, OtherStep, interval_of, other_goal, other_plan
from careloop.careplans.resources import care_plan_of, goal_of, plan_from
from careloop.careplans.rules.lifecycle import carried, digest, state_of, uncited
from careloop.careplans.rules.merging import merge
from careloop.careplans.rules.recognising import advice_of, does_of
from careloop.careplans.rules.taking import beside, held_against, outside_advice, taken
from careloop.catalog import CONTENT, load_catalog


@pytest.fixture(scope="module")
def planning():
    return planning_of(load_catalog(product=CONTENT))


@pytest.fixture(scope="module")
def known():
    return recognition_of(load_catalog(product=CONTENT))


def ours(planning, *names):
    return carried(Plan(id="p", patient_id="x", began=date(2026, 1, 1)), merge(planning, names))


def theirs(*steps, goals=(), name="o"):
    return OtherPlan(
        id=name,
        title="Heart plan",
        source="Hill Cardiology",
        status="active",
        on="2026-01-05",
        steps=steps,
        goals=goals,
    )


def saying(text, **more):
    return OtherStep(title=text, **more)


def said(known, planning, text):
    return {
        one.subject: (one.at_least, one.at_most, one.choose) for one in advice_of(known, planning, theirs(saying(text)))
    }


@pytest.mark.parametrize(
    ("text", "subject", "expected"),
    [
        ("Fluid restriction 1500 mL/day", "fluid", (None, Decimal("1.5"), None)),
        ("Limit fluids to 1,500 ml a day", "fluid", (None, Decimal("1.5"), None)),
        ("Drink at least 2 L of water", "fluid", (Decimal(2), None, None)),
        ("No more than 2 L fluid", "fluid", (None, Decimal(2), None)),
        ("Fluid between 1 and 2 L", "fluid", (Decimal(1), Decimal(2), None)),
        ("BP goal <130/80 mmHg", "systolic", (None, Decimal(130), None)),
        ("Systolic 120-150", "systolic", (Decimal(120), Decimal(150), None)),
        ("Keep A1c below 8 %", "a1c", (None, Decimal(8), None)),
        ("Sodium less than 2000 mg", "salt", (None, Decimal(2), None)),
        ("Avoid NSAIDs", "nsaid", (None, None, "avoid")),
        ("Ibuprofen 400 mg as needed", "nsaid", (None, None, "may")),
        ("Limitar líquidos a 1,5 litros al día", "fluid", (None, Decimal("1.5"), None)),
        ("Beber al menos 2 litros de agua", "fluid", (Decimal(2), None, None)),
        ("No más de 2 L de líquido", "fluid", (None, Decimal(2), None)),
        ("Presión arterial menos de 130/80", "systolic", (None, Decimal(130), None)),
        ("Evite el ibuprofeno", "nsaid", (None, None, "avoid")),
        ("Sin alcohol", "alcohol", (None, None, "avoid")),
        ("Bed rest for 2 weeks", "exercise", (None, None, "avoid")),
        ("No alcohol", "alcohol", (None, None, "avoid")),
    ],
)
def test_advice_is_read_from_words(known, planning, text, subject, expected):
    assert said(known, planning, text)[subject] == expected


@pytest.mark.parametrize(
    "text",
    ["Check blood pressure 2 times a day", "A1c every 3 months", "Drink more", "Fluid 5 mL", "Alcohol use assessment",
     "Fluid at least 1 L and at most", "Measure blood pressure in 100 days", "Low salt diet"],
)  # fmt: skip
def test_what_is_not_understood_is_not_guessed(known, planning, text):
    assert {name for name in said(known, planning, text) if name != "exercise"} == set()


def test_a_goal_with_a_measure_is_read_by_its_numbers(known, planning):
    goal = other_goal({
        "id": "g", "description": {"text": "Better sugar"},
        "target": [{"measure": {"coding": [{"system": "http://loinc.org", "code": "4548-4"}]},
                    "detailQuantity": {"value": Decimal("8.0"), "unit": "%"}}],
    })  # fmt: skip
    [found] = advice_of(known, planning, theirs(goals=(goal,)))
    assert (found.subject, found.at_most, found.at_least) == ("a1c", Decimal("8.0"), None)


def test_steps_are_recognised_by_code_before_words(known):
    assert does_of(known, saying("Lab work", codes=("http://loinc.org|4548-4",))) == "lab/a1c"
    assert does_of(known, saying("HbA1c test")) == "lab/a1c"
    assert (
        does_of(known, saying("Anything", codes=("urn:careloop:plan-step|visit.primary-care",))) == "visit/primary-care"
    )
    assert does_of(known, saying("Weight loss counselling")) == ""


def test_another_plan_of_either_form_is_read():
    request = {
        "resourceType": "ServiceRequest", "id": "s", "status": "active",
        "code": {"coding": [{"system": "http://loinc.org", "code": "4548-4", "display": "A1c"}]},
        "occurrenceTiming": {"repeat": {"frequency": 1, "period": 6, "periodUnit": "mo"}},
        "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/resource-pertainsToGoal",
                       "valueReference": {"reference": "Goal/g"}}],
    }  # fmt: skip
    plan = {
        "resourceType": "CarePlan", "id": "c", "status": "active", "created": "2026-01-05T10:00:00Z",
        "author": {"reference": "Organization/h"}, "goal": [{"reference": "Goal/g"}, {"reference": "Goal/gone"}],
        "activity": [
            {"reference": {"reference": "ServiceRequest/s"}},
            {"detail": {"status": "in-progress", "code": {"text": "Walk"}, "performer": [{"reference": "Patient/x"}],
                        "scheduledTiming": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}}}},
            {"detail": {"status": "cancelled", "code": {"text": "Old"}}},
            {"reference": {"reference": "Task/unknown"}},
        ],
    }  # fmt: skip
    goal = {"resourceType": "Goal", "id": "g", "lifecycleStatus": "active", "description": {"text": "Sugar"}}
    found = {"ServiceRequest/s": request, "Goal/g": goal, "Organization/h": {"name": "Hill Cardiology"}}
    read = other_plan(plan, found, "")
    assert read.ref == "Hill Cardiology, 5 Jan 2026" and [one.title for one in read.goals] == ["Sugar"]
    first, second = read.steps
    assert (first.title, first.every, first.goals) == ("A1c", Interval(6, "month"), ("g",))
    assert (second.times, second.by_patient) == (2, True)
    assert other_plan({**plan, "author": None}, {}, "A document").source == "A document"
    assert interval_of({}, {"occurrenceDateTime": "2026-02-01"}) == (Interval(0), 1)
    assert interval_of({}, {}) == (None, 1)


def test_taking_brings_the_goals_and_doubles_nothing(known, planning):
    goal = other_goal({"id": "g", "description": {"text": "No night in hospital"}})
    other = theirs(
        saying("A1c", codes=("http://loinc.org|4548-4",), every=Interval(3, "month"), goals=("g",)),
        saying("Cardiac rehabilitation", every=Interval(1, "week")),
        goals=(goal,),
    )
    plan = ours(planning, "diabetes")
    found = beside(known, planning, plan, other)
    assert [(one.ours is not None, one.differs) for one in found.steps] == [(True, False), (False, False)]
    after = taken(known, planning, plan, other, {0, 1}, ())
    a1c = next(one for one in after.activities if one.does == "lab/a1c")
    rehab = next(one for one in after.activities if one.title == "Cardiac rehabilitation")
    assert "from/o" in a1c.sources and "from/g" in a1c.goals and "diabetes/a1c" in a1c.sources
    assert rehab.owner == "coordinator" and rehab.goals == ("from/o",)
    assert list(uncited(after)) == [] and len(after.activities) == len(plan.activities) + 1
    assert not beside(known, planning, after, other).is_new
    assert taken(known, planning, after, other, {0, 1}, {"g"}) == after
    again = carried(after, merge(planning, ["heart-failure"]))
    kept = {one.title: one for one in again.activities}
    assert kept["A1c"].sources == ("from/o",) and kept["A1c"].goals == ("from/g",)
    assert {"from/o", "from/g"} <= {one.key for one in again.goals}


def test_what_another_plan_says_differently_waits_for_a_clinician(known, planning):
    plan = ours(planning, "heart-failure", "diabetes")
    other = theirs(
        saying("Fluid restriction 1.5 L a day"), saying("A1c", every=Interval(6, "month")), saying("Weigh", times=2)
    )
    outside = outside_advice(known, planning, plan, [other])
    held = held_against(planning, plan, outside, ())
    conflicts = {one.subject: one for one in held.open_conflicts}
    assert set(conflicts) == {"fluid", "timing/lab/a1c"}
    assert [side.ref for side in conflicts["fluid"].sides] == ["Our plan", "Hill Cardiology, 5 Jan 2026"]
    assert "fluid" not in {one.subject for one in held.advice} and digest(held) != digest(plan)
    word = Settled(subject="fluid", plan="from/o", by="Practitioner/1", on="2026-01-06", why="Cardiology knows")
    settled = held_against(planning, held, outside, [word])
    [fluid] = [one for one in settled.advice if one.subject == "fluid"]
    assert fluid.at_most == Decimal("1.5") and [one.subject for one in settled.open_conflicts] == ["timing/lab/a1c"]
    assert held_against(planning, settled, outside, settled.settled) == settled
    other_number = outside_advice(known, planning, plan, [theirs(saying("Fluid restriction 1 L a day"))])
    changed = held_against(planning, settled, other_number, settled.settled)
    assert [one.subject for one in changed.open_conflicts] == ["fluid"]
    alone = held_against(planning, settled, (), settled.settled)
    assert digest(alone) == digest(plan) and alone.conflicts == ()


def test_plans_that_agree_or_hold_no_longer_raise_nothing(known, planning):
    plan = ours(planning, "heart-failure")
    same = theirs(saying("Drink at most 2 L a day"), saying("Weigh", every=Interval(1, "day")))
    over = replace(theirs(saying("Fluid restriction 1 L a day")), status="completed")
    assert held_against(planning, plan, outside_advice(known, planning, plan, [same, over]), ()).conflicts == ()


def test_what_was_taken_and_held_against_is_written_and_read_back(known, planning):
    other = theirs(saying("Fluid restriction 1.5 L a day"), saying("Cardiac rehabilitation"))
    plan = taken(known, planning, ours(planning, "heart-failure"), other, {1}, ())
    plan = held_against(planning, plan, outside_advice(known, planning, plan, [other]), ())
    ids = {one.key: f"g{number}" for number, one in enumerate(plan.goals)}
    written = care_plan_of(plan, state_of(plan, date(2026, 1, 1)), "Practitioner/1", ids)
    goals = {f"Goal/{ids[one.key]}": goal_of(one, ids[one.key], plan, date(2026, 1, 1)) for one in plan.goals}
    assert plan_from(written, goals) == plan
