"""Times in the words of the screen."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from careloop.loops.model import ClockState
from careloop.web import words

ZONE = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 24, 10, 42, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("due", "says"),
    [
        (NOW - timedelta(minutes=32), "Late by 32 min"),
        (NOW - timedelta(days=2, hours=1), "Late by 2 days"),
        (NOW, "Late by 1 min"),
        (NOW + timedelta(minutes=4), "4 min left"),
        (NOW + timedelta(hours=6, minutes=18), "6 h 18 min left"),
        (NOW + timedelta(hours=7), "7 h left"),
        (NOW + timedelta(hours=23, minutes=59), "23 h left"),
        (NOW + timedelta(hours=24), "1 day left"),
        (NOW + timedelta(days=3), "3 days left"),
    ],
)
def test_a_clock_says_how_late_or_how_much_is_left(due: datetime, says: str) -> None:
    state = ClockState.OVERDUE if due <= NOW else ClockState.ON_TIME
    assert words.left_words(due, state, NOW, ZONE) == says


def test_the_board_counts_hours_until_72_and_then_days() -> None:
    def board(hours: int) -> str:
        return words.left_words(
            NOW + timedelta(hours=hours), ClockState.ON_TIME, NOW, ZONE, hours_until=timedelta(hours=72)
        )

    assert board(71) == "71 h left"
    assert board(72) == "3 days left"


def test_waiting_names_the_day_of_the_next_look() -> None:
    assert words.left_words(NOW + timedelta(days=1), ClockState.WAITING, NOW, ZONE) == "Check tomorrow"
    assert words.left_words(NOW + timedelta(days=10), ClockState.WAITING, NOW, ZONE) == "Check in 10 days"


def test_a_deadline_at_the_end_of_a_day_names_the_day_only() -> None:
    assert words.due_words(datetime(2026, 11, 27, 23, 59, 59, tzinfo=ZONE), NOW, ZONE) == "Fri 27 Nov"
    assert words.due_words(datetime(2026, 11, 24, 23, 59, 59, tzinfo=ZONE), NOW, ZONE) == "end of today"
    assert words.due_words(datetime(2026, 11, 24, 17, 0, tzinfo=ZONE), NOW, ZONE) == "today 5:00 pm"


def test_the_month_is_always_a_word_and_another_year_is_said() -> None:
    assert words.born_words(date(1955, 2, 14)) == "14 Feb 1955"
    assert words.day_name(date(2027, 1, 5), NOW.date()) == "Tue 5 Jan 2027"


def test_times_are_told_in_the_zone_of_the_practice() -> None:
    assert words.clock_time(datetime(2026, 11, 24, 0, 5, tzinfo=UTC), ZONE) == "7:05 pm"
    assert words.clock_time(datetime(2026, 11, 24, 17, 0, tzinfo=UTC), ZONE) == "12:00 pm"


@pytest.mark.parametrize(
    ("name", "letters"), [("Dana Whitfield, RN", "DW"), ("Osei", "O"), ("Ana Maria de Souza", "AS"), ("", "")]
)
def test_initials_are_of_the_first_and_last_word(name: str, letters: str) -> None:
    assert words.initials(name) == letters
