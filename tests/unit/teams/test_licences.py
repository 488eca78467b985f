"""Work above and below a licence: by the highest licence of who did it, in minutes, never counted twice."""

import pytest

from careloop.teams.licences import ABOVE, BELOW, Done, use_of

LEVELS = {"community-health-worker": 1, "coordinator": 2, "nurse": 3, "physician": 4}


def done(asked: str, *roles: str, steps: int = 2, minutes: int = 10) -> Done:
    return Done(
        pathway="ed-visit", step_id="contact", asked=asked, roles=frozenset(roles), steps=steps, minutes=minutes
    )


@pytest.mark.parametrize(
    ("asked", "roles", "way"),
    [
        ("coordinator", ("nurse",), BELOW),
        ("coordinator", ("coordinator", "nurse"), BELOW),
        ("nurse", ("coordinator",), ABOVE),
        ("physician", ("nurse",), ABOVE),
        ("coordinator", ("physician",), BELOW),
    ],
)
def test_work_is_above_or_below_the_highest_licence_of_who_did_it(asked, roles, way) -> None:
    (line,) = use_of([done(asked, *roles)], LEVELS).lines
    assert (line.way, line.steps, line.minutes) == (way, 2, 20)


def test_work_at_its_licence_is_no_line_and_unknown_roles_count_nowhere() -> None:
    found = use_of([done("nurse", "nurse"), done("nurse", "biller"), done("lead", "nurse")], LEVELS)
    assert (found.steps, found.fitting, list(found.lines)) == (2, 2, [])


def test_the_same_work_of_several_people_is_one_line_and_the_longest_stands_first() -> None:
    found = use_of([done("coordinator", "nurse"), done("coordinator", "nurse"), done("nurse", "coordinator")], LEVELS)
    assert [(line.way, line.steps) for line in found.lines] == [(BELOW, 4), (ABOVE, 2)]
    assert (found.minutes(BELOW), found.minutes(ABOVE), found.steps, found.fitting) == (40, 20, 6, 0)
