"""Proportion of days covered: the laws of section 3 for any fills."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from careloop.medications.model import Unknown
from careloop.medications.rules.covered import (
    Covered,
    Fill,
    Measure,
    Period,
    covered_through,
    days_covered,
    proportion_of_days_covered,
)

MEASURE = Measure(threshold=Decimal("0.80"), least_days=91, least_fills=2)
YEAR = Period(first=date(2026, 1, 1), last=date(2026, 12, 31))
fills = st.lists(
    st.builds(
        Fill,
        ingredient=st.sampled_from(["lisinopril", "losartan"]),
        day=st.integers(0, 364).map(lambda step: YEAR.first + timedelta(days=step)),
        days=st.integers(1, 120),
    ),
    max_size=8,
)


@given(fills)
@settings(max_examples=80, deadline=None)
def test_the_order_of_fills_does_not_matter(some):
    assert proportion_of_days_covered(some, YEAR, MEASURE) == proportion_of_days_covered(some[::-1], YEAR, MEASURE)


@given(fills)
@settings(max_examples=80, deadline=None)
def test_covered_days_are_within_the_period_and_never_more_than_supplied(some):
    found = proportion_of_days_covered(some, YEAR, MEASURE)
    if isinstance(found, Covered):
        assert 0 <= found.covered <= found.days <= YEAR.days
        assert found.covered <= sum(one.days for one in some)
        assert found.days == (YEAR.last - min(one.day for one in some)).days + 1


@given(fills, st.integers(0, 364))
@settings(max_examples=80, deadline=None)
def test_one_more_fill_never_covers_less(some, step):
    more = [*some, Fill(ingredient="lisinopril", day=YEAR.first + timedelta(days=step), days=30)]
    assert days_covered(some) <= days_covered(more)


@given(fills)
@settings(max_examples=40, deadline=None)
def test_supply_of_one_ingredient_is_used_up_day_by_day(some):
    mine = [one for one in some if one.ingredient == "lisinopril"]
    assert len(days_covered(mine)) == sum(one.days for one in mine)


def test_eighty_percent_is_not_rounded():
    assert Covered(covered=80, days=100, index=YEAR.first, fills=2, threshold=MEASURE.threshold).is_adherent
    below = Covered(covered=7999, days=10000, index=YEAR.first, fills=2, threshold=MEASURE.threshold)
    assert not below.is_adherent
    assert below.share == Decimal("0.7999")


def test_two_fills_on_one_day_are_one_date():
    some = [
        Fill(ingredient="lisinopril", day=YEAR.first, days=90),
        Fill(ingredient="losartan", day=YEAR.first, days=90),
    ]
    assert isinstance(proportion_of_days_covered(some, YEAR, MEASURE), Unknown)


def test_a_stay_for_the_whole_period_is_no_measure():
    some = [Fill(ingredient="lisinopril", day=YEAR.first + timedelta(days=each), days=90) for each in (0, 90)]
    assert isinstance(proportion_of_days_covered(some, YEAR, MEASURE, [YEAR]), Unknown)


def test_supply_lasts_longer_by_the_days_away():
    some = [Fill(ingredient="lisinopril", day=date(2026, 1, 1), days=30)]
    assert covered_through(some) == date(2026, 1, 30)
    assert covered_through(some, [date(2026, 1, 10), date(2026, 1, 11)]) == date(2026, 2, 1)
    assert covered_through([]) is None
