"""What fits into a day, what slips and why; nothing is ever left out."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from careloop.loops.rules.day import DayItem, DayRule, plan_day

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
TOMORROW = datetime(2026, 11, 24, 5, tzinfo=UTC)


def item(number, *, minutes=20, points=50, hours=2, patient=None, safety=False, waiting=False, call=True):
    return DayItem(
        loop_id=f"l{number}", patient_id=patient or f"p{number}", minutes=minutes, points=points,
        due=NOW + timedelta(hours=hours), safety=safety, waiting=waiting, call=call,
    )  # fmt: skip


def rules(items, minutes):
    return [one.rule.value for one in plan_day(items, minutes, TOMORROW).planned]


def test_what_is_due_today_is_taken_in_the_order_of_the_list_while_minutes_last():
    plan = plan_day([item(1), item(2), item(3)], 45, TOMORROW)
    assert [one.rule for one in plan.planned] == [DayRule.IN_ORDER, DayRule.IN_ORDER, DayRule.NO_MINUTES]
    assert ([one.item.loop_id for one in plan.slips], plan.used) == (["l3"], 40)
    assert [one.until_then for one in plan.fits] == [20, 40]


def test_a_short_task_takes_what_a_long_one_left():
    assert rules([item(1, minutes=30), item(2, minutes=30), item(3, minutes=10)], 45) == [
        "in-order", "no-minutes", "in-order",
    ]  # fmt: skip


def test_safety_is_in_the_plan_though_no_minutes_are_left():
    plan = plan_day([item(1, safety=True, minutes=60), item(2)], 30, TOMORROW)
    assert [one.rule.value for one in plan.planned] == ["safety", "no-minutes"]
    assert plan.used == 60


def test_loops_of_one_patient_that_a_call_proves_are_one_call():
    plan = plan_day([item(1, patient="p"), item(2), item(3, patient="p", hours=200)], 40, TOMORROW)
    assert [one.rule.value for one in plan.planned] == ["in-order", "in-order", "same-call"]
    assert (plan.used, plan.planned[2].with_loop) == (40, "l1")


def test_minutes_that_are_left_go_where_they_are_worth_most():
    later = [item(1, hours=90, points=30, minutes=30), item(2, hours=90, points=20, minutes=10)]
    assert rules(later, 30) == ["not-due", "best-use"]
    assert rules(later, 40) == ["best-use", "best-use"]


def test_what_waits_for_others_takes_no_minutes():
    assert rules([item(1, waiting=True), item(2)], 20) == ["waiting", "in-order"]


items = st.lists(
    st.builds(
        DayItem, loop_id=st.uuids().map(str), patient_id=st.sampled_from("abcdef"), minutes=st.integers(1, 90),
        points=st.integers(0, 110), due=st.integers(-100, 200).map(lambda hours: NOW + timedelta(hours=hours)),
        safety=st.booleans(), waiting=st.booleans(), call=st.booleans(),
    ),
    max_size=25, unique_by=lambda one: one.loop_id,
)  # fmt: skip


@given(items, st.integers(0, 600))
def test_every_loop_is_in_the_plan_once_in_the_order_of_the_list(found, minutes):
    plan = plan_day(found, minutes, TOMORROW)
    assert [one.item for one in plan.planned] == found
    assert len(plan.fits) + len(plan.slips) + len(plan.later) == len(found)
    assert plan == plan_day(found, minutes, TOMORROW)


@given(items, st.integers(0, 600))
def test_minutes_are_kept_but_for_safety_and_nothing_slips_that_would_have_fitted(found, minutes):
    plan = plan_day(found, minutes, TOMORROW)
    safety = sum(one.minutes for one in plan.planned if one.rule == DayRule.SAFETY)
    assert plan.used == sum(one.minutes for one in plan.fits)
    assert plan.used <= max(minutes, safety)
    assert all(one.fits for one in plan.planned if one.item.safety)
    left = minutes - sum(one.minutes for one in plan.fits if one.rule in (DayRule.SAFETY, DayRule.IN_ORDER))
    assert all(one.item.minutes > left for one in plan.slips)
