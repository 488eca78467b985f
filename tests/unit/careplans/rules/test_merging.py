"""Laws of merging plans, and the cases of features 12: one draw for three plans, conflicts with both sides, burden."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careloop.careplans.content import planning_of
from careloop.careplans.model import Interval, Settled
from careloop.careplans.rules.burden import burden
from careloop.careplans.rules.merging import merge
from careloop.catalog import load_catalog

PLANNING = planning_of(load_catalog())
SOME = st.lists(st.sampled_from(sorted(PLANNING.templates)), min_size=1, max_size=6)


def work(names):
    merged = merge(PLANNING, names)
    return burden(PLANNING, merged.activities, merged.batches)


@given(SOME, st.randoms())
def test_order_and_repetition_do_not_matter(names, chance) -> None:
    other = [*names, names[0]]
    chance.shuffle(other)
    assert merge(PLANNING, other) == merge(PLANNING, names)


@given(SOME)
def test_nothing_is_lost_and_nothing_is_there_twice(names) -> None:
    merged = merge(PLANNING, names)
    wanted = sorted(one.key for name in set(names) for one in PLANNING.templates[name].interventions)
    assert sorted(key for one in merged.activities for key in one.sources) == wanted
    does = [one.does for one in merged.activities]
    assert len(does) == len(set(does))
    for one in merged.activities:
        for key in one.sources:
            plan, _, _ = key.partition("/")
            [asked] = [each for each in PLANNING.templates[plan].interventions if each.key == key]
            assert asked.every.once or (not one.every.once and one.every.days <= asked.every.days)
            assert asked.goal in one.goals and one.minutes >= asked.minutes


@given(SOME)
def test_together_never_costs_more_than_apart(names) -> None:
    apart = [work([name]) for name in set(names)]
    together = work(names)
    assert together.hours <= sum(one.hours for one in apart) + Decimal("0.1") * len(apart)
    assert together.trips <= sum(one.trips for one in apart) + Decimal("0.1") * len(apart)


@given(SOME)
def test_what_cannot_both_hold_is_raised_and_nothing_else_is_asked_of_the_patient(names) -> None:
    merged = merge(PLANNING, names)
    undecided = {one.subject for one in merged.open_conflicts}
    assert not undecided & {one.subject for one in merged.advice}
    said = {one.subject for name in set(names) for one in PLANNING.templates[name].advice}
    assert said == undecided | {one.subject for one in merged.advice}
    for one in merged.conflicts:
        assert len({side.plan for side in one.sides}) > 1 and all(side.ref for side in one.sides)


def test_one_blood_draw_serves_three_plans() -> None:
    merged = merge(PLANNING, ["heart-failure", "diabetes", "hypertension", "ckd"])
    [draw] = merged.batches
    assert draw.every == Interval(3, "month")
    assert dict(draw.each) == {"lab/potassium-creatinine": 1, "lab/a1c": 1, "lab/albumin-creatinine": 2}
    [potassium] = [one for one in merged.activities if one.does == "lab/potassium-creatinine"]
    assert {key.split("/")[0] for key in potassium.sources} == {"heart-failure", "hypertension", "ckd"}


def test_blood_pressure_targets_of_three_plans_go_to_a_clinician() -> None:
    merged = merge(PLANNING, ["hypertension", "ckd", "falls-frailty"])
    assert {one.subject for one in merged.open_conflicts} == {"systolic", "protein"}
    word = Settled(subject="systolic", plan="falls-frailty", by="Practitioner/1", on="2026-11-23", why="Fell twice")
    decided = merge(PLANNING, ["hypertension", "ckd", "falls-frailty"], [word])
    assert {one.subject for one in decided.open_conflicts} == {"protein"}
    [kept] = [one for one in decided.advice if one.subject == "systolic"]
    assert (kept.at_least, kept.at_most, kept.plans) == (Decimal(120), Decimal(150), ("falls-frailty",))
    gone = merge(PLANNING, ["hypertension", "ckd"], [word])
    assert [one.settled for one in gone.conflicts] == [None]


@pytest.mark.parametrize(
    ("plans", "subjects"),
    [
        (["heart-failure", "hypertension"], set()),
        (["heart-failure", "pregnancy"], {"fluid"}),
        (["heart-failure", "pain-opioid"], {"nsaid"}),
        (["diabetes", "falls-frailty"], {"a1c"}),
        (["copd", "social-needs", "advance-care-planning"], set()),
    ],
)
def test_conflicts_of_pairs(plans, subjects) -> None:
    assert {one.subject for one in merge(PLANNING, plans).conflicts} == subjects


def test_tighter_of_two_limits_is_kept() -> None:
    merged = merge(PLANNING, ["heart-failure", "hypertension"])
    [salt] = [one for one in merged.advice if one.subject == "salt"]
    assert salt.at_most == Decimal("2.3") and salt.plans == ("heart-failure", "hypertension")


def test_burden_is_counted_in_hours_a_month() -> None:
    found = work(["hypertension"])
    by_title = {one.title: one for one in found.parts}
    assert by_title["Measure blood pressure at home, morning and evening"].minutes == Decimal("304.375")
    assert by_title["Visit about blood pressure"].minutes.quantize(Decimal("0.01")) == Decimal("23.33")
    assert found.hours == Decimal("5.5")
