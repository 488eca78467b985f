"""How often, from typed words; nothing where they say nothing or two things."""

import pytest

from careloop.careplans.model import Interval
from careloop.careplans.rules.wording import interval_in


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Weigh every morning", Interval(1, "day")),
        ("Nurse calls each week", Interval(1, "week")),
        ("A1c every 3 months", Interval(3, "month")),
        ("Walk every other day", Interval(2, "day")),
        ("Visit every two weeks", Interval(2, "week")),
        ("Foot check, yearly", Interval(1, "year")),
        ("Shingles vaccine once", Interval(0)),
        ("Weigh daily, every morning", Interval(1, "day")),
        ("Weigh daily and call weekly", None),
        ("Everyday shoes", None),
        ("Walk to church", None),
    ],
)
def test_how_often(text: str, expected: Interval | None) -> None:
    assert interval_in(text) == expected
