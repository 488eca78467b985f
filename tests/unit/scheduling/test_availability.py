"""Hours by the clock on the wall, on every day of the year, also when clocks change."""

import itertools
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from careloop.scheduling.model import WeekHours, Window
from careloop.scheduling.rules.availability import bookable, instant_of, joined, pieces, windows_of, without

NEW_YORK = ZoneInfo("America/New_York")
ZONES = [NEW_YORK, ZoneInfo("Europe/Vienna"), ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Asia/Kathmandu")]
EVERY_DAY = [WeekHours(day, time(0, 0), time(23, 30)) for day in range(7)]


def hours(opens, closes, day):
    return [WeekHours(day.weekday(), opens, closes)]


def test_an_ordinary_day_in_two_parts_is_two_windows():
    day = date(2026, 11, 24)
    found = windows_of(day, [*hours(time(8), time(12), day), *hours(time(13), time(17), day)], NEW_YORK, ())
    assert [(one.start.hour, one.end.hour) for one in found] == [(13, 17), (18, 22)]


def test_a_holiday_has_no_hours():
    day = date(2026, 11, 26)
    assert windows_of(day, EVERY_DAY, NEW_YORK, {day}) == []


def test_the_same_hours_on_the_wall_before_and_after_the_clocks_change():
    for day in (date(2026, 3, 7), date(2026, 3, 9), date(2026, 10, 31), date(2026, 11, 2)):
        (window,) = windows_of(day, hours(time(8), time(17), day), NEW_YORK, ())
        assert (window.start.astimezone(NEW_YORK).time(), window.length) == (time(8), timedelta(hours=9))


def test_hours_over_the_night_the_clocks_go_forward_are_an_hour_shorter():
    day = date(2026, 3, 8)
    (window,) = windows_of(day, hours(time(1), time(5), day), NEW_YORK, ())
    assert window.length == timedelta(hours=3)
    assert windows_of(day, hours(time(2, 10), time(2, 50), day), NEW_YORK, ()) == []
    (late,) = windows_of(day, hours(time(2, 30), time(4), day), NEW_YORK, ())
    assert late.start == datetime(2026, 3, 8, 7, 0, tzinfo=UTC)


def test_hours_over_the_night_the_clocks_go_back_are_an_hour_longer():
    day = date(2026, 11, 1)
    (window,) = windows_of(day, hours(time(1), time(5), day), NEW_YORK, ())
    assert window.length == timedelta(hours=5)
    assert instant_of(day, time(1, 30), NEW_YORK, last=False) == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert instant_of(day, time(1, 30), NEW_YORK, last=True) == datetime(2026, 11, 1, 6, 30, tzinfo=UTC)


spans = st.tuples(st.integers(0, 300), st.integers(1, 120)).map(
    lambda one: Window(
        datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=one[0]),
        datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=one[0] + one[1]),
    )
)


def minutes_in(windows):
    return {
        window.start + timedelta(minutes=count)
        for window in windows
        for count in range(int(window.length / timedelta(minutes=1)))
    }


@given(st.lists(spans, max_size=8), st.lists(spans, max_size=8))
def test_free_time_is_every_minute_that_is_open_and_not_taken(windows, taken):
    left = without(joined(windows), taken)
    assert minutes_in(left) == minutes_in(windows) - minutes_in(taken)
    assert all(one.end < other.start for one, other in itertools.pairwise(left))


@given(st.lists(spans, max_size=8), st.lists(spans, max_size=8), st.integers(5, 60), st.sampled_from([5, 10, 15, 30]))
def test_what_can_be_booked_lies_in_free_time_and_begins_at_a_full_step(windows, taken, minutes, step):
    free = without(joined(windows), taken)
    for one in bookable(free, minutes, step, datetime(2026, 1, 1, 0, 7, tzinfo=UTC)):
        assert minutes_in([one]) <= minutes_in(free)
        assert one.length == timedelta(minutes=minutes) and one.start.minute % step == 0
        assert one.start >= datetime(2026, 1, 1, 0, 7, tzinfo=UTC)


@given(
    st.dates(date(2020, 1, 1), date(2035, 12, 31)),
    st.sampled_from(ZONES),
    st.integers(0, 1300),
    st.integers(1, 139),
    st.sampled_from([15, 30, 45]),
)
def test_on_any_day_in_any_zone_slots_do_not_overlap_and_begin_within_the_hours_on_the_wall(day, zone, at, long, size):
    opens, closes = divmod(at, 60), divmod(at + long, 60)
    found = windows_of(day, hours(time(*opens), time(*closes), day), zone, ())
    slots = pieces(found, size)
    assert all(one.end <= other.start for one, other in itertools.pairwise(slots))
    for slot in slots:
        local = slot.start.astimezone(zone)
        assert local.date() == day
        assert time(*opens) <= local.time() < time(*closes)
    assert all(window.length >= timedelta(0) for window in found)
