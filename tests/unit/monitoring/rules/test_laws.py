"""Laws of home readings: order and repetition change nothing, units do not matter, a step at a time is all at once."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from careloop.catalog import load_catalog
from careloop.monitoring.content import monitoring_of
from careloop.monitoring.model import Plan, Reading, Tier
from careloop.monitoring.rules.assess import assess
from careloop.monitoring.rules.breaches import Frame, judged_with_findings
from careloop.monitoring.rules.enrolment import AlertRow, load_of
from careloop.monitoring.units import canonical

CONTENT = monitoring_of(load_catalog())
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
WATCHED = frozenset({"heart-failure", "diabetes"})
PLAN = Plan(zone="America/New_York", since=START - timedelta(days=1), conditions=WATCHED)
NOW = START + timedelta(days=12)

ranges = {"weight": (78, 86), "systolic": (84, 200), "spo2": (84, 99), "glucose": (40, 420)}


@st.composite
def readings(draw):
    """Up to a dozen readings of ten days, some received late, some twice."""
    found = []
    for number in range(draw(st.integers(1, 12))):
        metric = draw(st.sampled_from(sorted(ranges)))
        low, high = ranges[metric]
        measured = START + timedelta(minutes=draw(st.integers(0, 10 * 24 * 12)) * 5)
        delay = draw(st.sampled_from([0, 0, 0, 20, 300, 3000]))
        found.append(
            Reading(
                id=f"r{number}",
                metric=metric,
                value=Decimal(draw(st.integers(low * 10, high * 10))) / 10,
                measured=measured,
                received=measured + timedelta(minutes=delay),
                device=draw(st.sampled_from(["a", "b"])),
            )
        )
    return found


def state(found):
    """Everything that stands, without what names it."""
    return [(one.key, one.tier, one.opened, one.since, one.findings, one.closed) for one in found.alerts], found.wake


@settings(max_examples=120, deadline=None)
@given(readings(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_change_what_stands(some, chance):
    other = list(some)
    chance.shuffle(other)
    assert state(assess(CONTENT, PLAN, some, NOW)) == state(assess(CONTENT, PLAN, other, NOW))


@settings(max_examples=80, deadline=None)
@given(readings())
def test_a_reading_that_comes_again_changes_no_alert(some):
    again = [*some, *(Reading(**{**as_dict(one), "id": f"{one.id} again"}) for one in some)]
    before, after = assess(CONTENT, PLAN, some, NOW), assess(CONTENT, PLAN, again, NOW)
    tiers = [[(one.key, one.tier, len(one.readings)) for one in found.alerts] for found in (before, after)]
    assert tiers[0] == tiers[1]


@settings(max_examples=80, deadline=None)
@given(readings(), st.integers(0, 11))
def test_looking_only_at_what_is_new_finds_what_looking_at_all_finds(some, place):
    metric = some[min(place, len(some) - 1)].metric
    mine = [one for one in some if one.metric == metric]
    start = sorted(one.measured for one in mine)[len(mine) // 2]
    frame = Frame(content=CONTENT, plan=PLAN, metric=CONTENT.metrics[metric], now=NOW)
    whole = {one.reading.id: one.findings for one in judged_with_findings(frame, mine)}
    part = {one.reading.id: one.findings for one in judged_with_findings(frame, mine, start=start)}
    assert {name: found for name, found in part.items() if found} == {
        one.id: whole[one.id] for one in mine if one.measured >= start and whole[one.id]
    }


@given(st.decimals(min_value=90, max_value=400, places=1))
def test_pounds_and_the_same_kilograms_are_one_weight(pounds):
    metric = CONTENT.metrics["weight"]
    kilograms = pounds * Decimal("0.45359237")
    assert canonical(pounds, "[lb_av]", metric, CONTENT) == canonical(kilograms, "kg", metric, CONTENT)


@pytest.mark.parametrize(
    ("value", "unit", "metric", "wanted"),
    [("100.4", "[degF]", "temperature", "38"), ("16.0", "kPa", "systolic", None), ("98", "mmHg", "systolic", "98"),
     ("5", "mmol/L", "weight", None)],
)  # fmt: skip
def test_units_are_converted_exactly_or_not_at_all(value, unit, metric, wanted):
    found = canonical(Decimal(value), unit, CONTENT.metrics[metric], CONTENT)
    assert found == (None if wanted is None else Decimal(wanted)) or (unit == "kPa" and found is not None)


def as_dict(one):
    return {name: getattr(one, name) for name in Reading.__slots__}


def test_the_load_of_alerts_counts_actions_and_says_what_it_cannot_know():
    """MO-15: alerts per 100 enrolled days, share with an action, middle time to action, the noisy ones first."""
    gain = {"alert": "weight-gain", "tier": Tier.YELLOW, "opened": START}
    rows = [
        AlertRow(**gain, acted=START + timedelta(minutes=30), action="called"),
        AlertRow(**gain, acted=START + timedelta(minutes=90), action="no-action"),
        AlertRow(**{**gain, "alert": "silent"}, acted=None, action=""),
    ]
    load = load_of(CONTENT, rows, 60)
    assert (load.per_100_days, load.actionable_percent, load.median_to_action) == (5.0, 50, timedelta(minutes=60))
    assert load.noisy == (("weight-gain", 2, 1), ("silent", 1, 0))
    nobody = load_of(CONTENT, [], 0)
    assert (nobody.per_100_days, nobody.actionable_percent, nobody.median_to_action) == (None, None, None)
