"""What fits into somebody's days, and what slips."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from careloop.teams.planning import Piece, days_of, share_out, slipping

ZONE = ZoneInfo("America/New_York")
MONDAY = date(2026, 6, 8)


def piece(key, days, minutes, **more):
    due = MONDAY + timedelta(days=days)
    return Piece(key=key, title=key, patient_id="p", due=due, minutes=minutes, **more)


def week(minutes=100):
    return days_of({}, MONDAY, 7, usual=minutes, percent=65)


def test_without_hours_on_record_the_usual_minutes_from_monday_to_friday():
    assert list(week().values()) == [100, 100, 100, 100, 100, 0, 0]


def test_hours_on_record_count_with_their_share_and_not_on_holidays_or_days_away():
    away = [(datetime(2026, 6, 10, tzinfo=ZONE), datetime(2026, 6, 11, tzinfo=ZONE))]
    days = days_of({0: 200, 2: 200, 4: 200}, MONDAY, 5, holidays=[date(2026, 6, 12)], away=away, usual=1, percent=50)
    assert list(days.values()) == [100, 0, 0, 0, 0]


def test_what_cannot_be_done_by_its_day_slips_with_the_day_on_which_it_would_be_done():
    [slip] = slipping(week(), [piece("a", 0, 80), piece("b", 0, 40), piece("c", 2, 100)])
    assert (slip.piece.key, slip.done) == ("b", MONDAY + timedelta(days=1))


def test_what_is_late_already_is_no_slip_but_takes_its_minutes():
    assert [slip.piece.key for slip in slipping(week(), [piece("late", -3, 90), piece("a", 0, 20)])] == ["a"]


def test_more_work_goes_to_who_has_least():
    shares = share_out([piece(str(number), 1, 10) for number in range(4)], {"a": 25, "b": 0})
    assert {owner: len(mine) for owner, mine in shares.items()} == {"a": 1, "b": 3}


pieces = st.lists(st.builds(piece, st.uuids().map(str), st.integers(-3, 6), st.integers(1, 90)), max_size=12)


@given(before=pieces, more=pieces)
def test_more_work_never_makes_fewer_pieces_slip(before, more):
    assert len(slipping(week(), [*before, *more])) >= len(slipping(week(), before))


@given(work=pieces, loads=st.dictionaries(st.sampled_from("abcd"), st.integers(0, 500), min_size=1))
def test_all_that_is_shared_out_is_somebodys_once(work, loads):
    shares = share_out(work, loads)
    assert sorted(one.key for mine in shares.values() for one in mine) == sorted(one.key for one in work)
