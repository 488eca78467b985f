"""A plan is current only while all three agreed to its very wording and its review is not due (features 13)."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from careloop.careplans.content import planning_of
from careloop.careplans.model import Activity, Agreement, Interval, Party, Plan, PlanState, Settled
from careloop.careplans.rules.diffing import changes
from careloop.careplans.rules.lifecycle import agree, carried, state_of, uncited
from careloop.careplans.rules.merging import merge
from careloop.catalog import load_catalog
from careloop.errors import Rejected

PLANNING = planning_of(load_catalog())
DAY = date(2026, 11, 23)
EMPTY = Plan(id="p", patient_id="1", began=DAY)
HEART = carried(EMPTY, merge(PLANNING, ["heart-failure"]))


def yes(party: Party, on: date = DAY) -> Agreement:
    return Agreement(party=party, by="Practitioner/1", name="Dana", on=on, digest="")


def all_agree(plan: Plan) -> Plan:
    for party in Party:
        plan = agree(plan, yes(party))
    return plan


def test_three_yes_make_it_current_until_the_review() -> None:
    plan = HEART
    for party in Party:
        assert state_of(plan, DAY) is PlanState.DRAFT
        plan = agree(plan, yes(party))
    assert state_of(plan, DAY) is PlanState.CURRENT
    assert plan.review_by == DAY + timedelta(days=90)
    assert state_of(plan, DAY + timedelta(days=90)) is PlanState.CURRENT
    assert state_of(plan, DAY + timedelta(days=91)) is PlanState.STALE
    assert state_of(replace(plan, ended=True), DAY) is PlanState.ENDED


def test_any_change_takes_the_mark_away_and_taking_it_back_gives_it_again() -> None:
    plan = all_agree(HEART)
    wider = carried(plan, merge(PLANNING, ["heart-failure", "copd"]))
    assert state_of(wider, DAY) is PlanState.CHANGED
    assert state_of(carried(wider, merge(PLANNING, ["heart-failure"])), DAY) is PlanState.CURRENT
    assert state_of(agree(wider, yes(Party.PATIENT)), DAY) is PlanState.CHANGED


def test_nobody_agrees_to_a_conflict() -> None:
    both = carried(EMPTY, merge(PLANNING, ["hypertension", "falls-frailty"]))
    with pytest.raises(Rejected) as caught:
        agree(both, yes(Party.LEAD))
    assert "upper blood pressure number" in caught.value.message
    word = Settled(subject="systolic", plan="falls-frailty", by="Practitioner/1", on="2026-11-23")
    settled = carried(both, merge(PLANNING, both.templates, [word]))
    assert state_of(all_agree(settled), DAY) is PlanState.CURRENT


def test_what_people_changed_stopped_or_added_survives_a_new_plan() -> None:
    own = Activity(
        does="own/garden", title="Work in the garden", patient="I garden.", every=Interval(1, "week"), minutes=60,
        owner="patient", goals=(HEART.goals[0].key,),
    )  # fmt: skip
    first, second = HEART.activities[0], HEART.activities[1]
    mine = replace(
        HEART,
        activities=(
            replace(first, every=Interval(2, "day"), changed="her wish"),
            replace(second, stopped="no use"),
            *HEART.activities[2:],
            own,
        ),
    )
    wider = carried(mine, merge(PLANNING, ["heart-failure", "diabetes"]))
    found = {one.does: one for one in wider.activities}
    assert found[first.does].every == Interval(2, "day") and found[second.does].stopped == "no use"
    assert found["own/garden"] == own and not list(uncited(wider))


def test_the_difference_is_said_in_plain_words() -> None:
    draw = next(one for one in HEART.activities if one.does == "lab/potassium-creatinine")
    rest = tuple(one for one in HEART.activities if one.does not in (draw.does, "habit/salt"))
    salt = next(one for one in HEART.activities if one.does == "habit/salt")
    after = replace(
        HEART,
        activities=(*rest, replace(draw, every=Interval(1, "month"), owner="nurse"), replace(salt, stopped="eats out")),
    )
    said = [(one.what, one.says) for one in changes(HEART, after)]
    assert said == [
        ("changed", "Potassium and creatinine: each month (was every 3 months), by the nurse (was the physician)"),
        ("stopped", "Eat less salt: eats out"),
    ]
    assert changes(HEART, HEART) == ()
    assert {one.what for one in changes(HEART, EMPTY)} == {"gone"}
    assert {one.what for one in changes(EMPTY, HEART)} == {"added"}
