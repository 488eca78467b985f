"""What is usual for a feed, and when it is missed."""

from datetime import timedelta

from careloop.intake.feeds import habit

SPAN = timedelta(hours=2)


def came(*counts: tuple[int, int], began: bool = True) -> dict[int, tuple[int, bool]]:
    return {days: (count, began) for days, count in counts}


def test_a_feed_that_spoke_in_the_same_hours_of_the_last_weeks_is_missed() -> None:
    found = habit(SPAN, came((1, 0), (7, 12), (14, 8), (21, 9), (28, 11)))
    assert found.is_missed
    assert found.days == (7, 14, 21, 28)
    assert found.usual == timedelta(minutes=12)


def test_one_quiet_week_is_enough_to_say_nothing() -> None:
    assert not habit(SPAN, came((7, 12), (14, 3), (21, 9))).is_missed


def test_with_less_than_two_weeks_the_last_days_count() -> None:
    found = habit(SPAN, came((1, 5), (2, 6), (3, 4), (7, 9)) | came((14, 0), began=False))
    assert found.is_missed
    assert found.days == (1, 2, 3, 7)


def test_with_too_little_history_nothing_is_said() -> None:
    assert not habit(SPAN, came((1, 50), (2, 50))).is_missed
    assert habit(SPAN, {}).usual is None


def test_what_was_before_the_feed_spoke_at_all_does_not_count() -> None:
    assert not habit(SPAN, came((7, 0), (14, 0), (21, 0), began=False)).is_missed
