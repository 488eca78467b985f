"""Fixed values, patterns and limits."""

from decimal import Decimal
from typing import Any

import pytest

from careloop.fhir.conformance.profiles import MISSING
from careloop.fhir.conformance.values import equals, fits, limits


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("a", "a", True),
        ("a", "b", False),
        (1, Decimal("1.0"), True),
        (True, 1, False),
        (1, True, False),
        (True, True, True),
        ({"a": 1}, {"a": 1, "b": 2}, True),
        ({"a": 1, "b": 2}, {"a": 1}, False),
        ({"a": [{"x": 1}]}, {"a": [{"y": 1}, {"x": 1, "z": 1}]}, True),
        ({"a": [{"x": 1}, {"y": 1}]}, {"a": [{"x": 1}]}, False),
        ([1], "1", False),
    ],
)
def test_a_pattern_is_in_the_value(pattern: Any, value: Any, expected: bool) -> None:
    assert fits(pattern)(value) is expected


def test_a_fixed_value_is_the_whole_value() -> None:
    assert equals({"a": 1})({"a": 1})
    assert not equals({"a": 1})({"a": 1, "b": 2})


def test_limits_hold_between_values_of_one_kind() -> None:
    within = limits(1, MISSING, MISSING)
    assert within(Decimal("1.0")) and within("0") and not within(0)
    assert not limits(MISSING, "2020-01-01", MISSING)("2021-01-01")
