"""Laws of the contact budget, whatever was sent before and whatever hour it is."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from careloop.catalog import load_catalog
from careloop.engagement.contacts import rules
from careloop.engagement.contacts.content import budget_of
from careloop.engagement.contacts.model import Choice, Contact, Wish

NOW = datetime(2026, 3, 10, 15, tzinfo=UTC)
ZONES = [ZoneInfo(name) for name in ("America/New_York", "Pacific/Honolulu", "Asia/Kolkata")]


@pytest.fixture(scope="module")
def budget():
    return budget_of(load_catalog())


minutes = st.integers(-60 * 24 * 30, 0)
contacts = st.lists(
    st.builds(
        lambda ago, medium, answered, number: Contact(
            reference=f"Communication/{number}", at=NOW + timedelta(minutes=ago), medium=medium, answered=answered
        ),
        minutes,
        st.sampled_from(["PHONE", "SMSWRIT", "MAILWRIT", "ONLINEWRIT"]),
        st.booleans(),
        st.integers(0, 10**6),
    ),
    max_size=12,
)
moments = st.integers(0, 60 * 48).map(lambda ahead: NOW + timedelta(minutes=ahead))
media = st.sampled_from(["PHONE", "SMSWRIT", "EMAILWRIT", "ONLINEWRIT", "MAILWRIT", "VIDEOCONF"])
choices = st.frozensets(media, max_size=4).map(lambda refused: Choice(refused=refused))
zones = st.sampled_from(ZONES)


@settings(max_examples=150)
@given(made=contacts, now=moments, medium=media, choice=choices, zone=zones, promised=st.booleans())
def test_safety_is_never_put_off(budget, made, now, medium, choice, zone, promised):
    found = rules.verdict(Wish(medium=medium, safety=True, promised=promised), made, choice, budget, now, zone)
    assert found.allowed
    assert found.not_before is None


@settings(max_examples=150)
@given(made=contacts, now=moments, medium=media, choice=choices, zone=zones)
def test_a_promised_call_back_is_never_put_off(budget, made, now, medium, choice, zone):
    assert rules.verdict(Wish(medium=medium, promised=True), made, choice, budget, now, zone).allowed


@settings(max_examples=150)
@given(made=contacts, now=moments, medium=media, choice=choices, zone=zones, hours=st.integers(0, 400))
def test_nothing_is_put_off_past_its_deadline_and_what_waits_may_go_then(
    budget, made, now, medium, choice, zone, hours
):
    wish = Wish(medium=medium, deadline=now + timedelta(hours=hours))
    found = rules.verdict(wish, made, choice, budget, now, zone)
    assert found.allowed == (found.not_before is None)
    if found.not_before is not None:
        assert now < found.not_before <= wish.deadline
        assert rules.verdict(wish, made, choice, budget, found.not_before, zone).allowed


@settings(max_examples=150)
@given(made=contacts, now=moments, medium=media, choice=choices, zone=zones)
def test_without_a_reason_there_are_never_more_than_the_budget_in_any_window(budget, made, now, medium, choice, zone):
    found = rules.verdict(Wish(medium=medium), made, choice, budget, now, zone)
    assert found.allowed <= (found.spent < budget.most)
    if found.allowed and found.medium in budget.quiet_media:
        assert not rules.is_quiet(now, budget, zone)


@given(medium=media, choice=choices)
def test_a_refused_way_is_used_only_where_every_way_is_refused(budget, medium, choice):
    used = rules.way_for(medium, choice, budget)
    assert used not in choice.refused or used == "MAILWRIT"
    assert used == medium or medium in choice.refused
