"""The order of the worklist (ui.md §7.1)."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from careloop.catalog import load_catalog
from careloop.loops.rules.rank import rank_days, read_weights, timed_parts

ZONE = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
WEIGHTS = read_weights(load_catalog().document("worklist", "rank"))


def points(due, *, outside=True, waiting=False, opened=NOW, now=NOW):
    parts = timed_parts(
        outside=outside, due=due, opened=opened, waiting=waiting, days=rank_days(now, ZONE), weights=WEIGHTS
    )
    return sum(part.points for part in parts)


@pytest.mark.parametrize(("due", "expected"), [
    (NOW - timedelta(seconds=1), 50),
    (NOW + timedelta(seconds=1), 40),
    (datetime(2026, 11, 23, 23, 59, 59, tzinfo=ZONE), 40),
    (datetime(2026, 11, 24, 0, 0, tzinfo=ZONE), 20),
    (datetime(2026, 11, 24, 23, 59, 59, tzinfo=ZONE), 20),
    (datetime(2026, 11, 25, 0, 0, tzinfo=ZONE), 0),
])  # fmt: skip
def test_a_clock_from_outside_gives_50_late_40_today_20_tomorrow(due, expected):
    assert points(due) == expected


@pytest.mark.parametrize(("days", "expected"), [(0, 20), (1, 22), (4, 28), (5, 30), (50, 30)])
def test_our_own_target_gives_20_and_2_a_day_up_to_30_when_late(days, expected):
    assert points(NOW - timedelta(days=days, minutes=1), outside=False) == expected


def test_our_own_target_gives_10_on_its_day_and_nothing_before():
    assert points(NOW + timedelta(hours=1), outside=False) == 10
    assert points(NOW + timedelta(days=1), outside=False) == 0


@pytest.mark.parametrize(("days", "expected"), [(0, 0), (1, 1), (10, 10), (40, 10)])
def test_each_day_open_gives_a_point_up_to_ten_so_that_nothing_sinks(days, expected):
    assert points(NOW + timedelta(days=9), opened=NOW - timedelta(days=days)) == expected


def test_what_waits_for_others_has_no_clock_points():
    assert points(NOW - timedelta(days=3), waiting=True) == 0


def test_days_end_at_midnight_also_when_clocks_change():
    days = rank_days(datetime(2026, 3, 8, 6, 30, tzinfo=UTC), ZONE)
    assert days.tomorrow - datetime(2026, 3, 8, 5, 0, tzinfo=UTC) == timedelta(hours=23)
