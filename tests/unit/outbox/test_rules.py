"""How long a failed delivery waits."""

from datetime import timedelta

from careloop.outbox.rules import GIVE_UP_AFTER, pause_after


def test_pauses_double_up_to_half_an_hour():
    assert [pause_after(number, 1.0).total_seconds() for number in (1, 2, 3, 4)] == [1, 2, 4, 8]
    assert pause_after(12, 1.0) == pause_after(10_000, 1.0) == timedelta(minutes=30)


def test_chance_decides_over_the_upper_half():
    assert pause_after(5, 0.0) == pause_after(5, 1.0) / 2


def test_a_target_that_never_answers_is_asked_at_least_every_half_hour_for_72_hours():
    tried, passed = 0, timedelta()
    while passed < GIVE_UP_AFTER:
        tried += 1
        passed += pause_after(tried, 1.0)
    assert 144 <= tried <= 170
