"""Search prefixes mean what R4 says, over intervals and numbers."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careloop.errors import Rejected
from careloop.fhir.dates import Interval, interval
from careloop.fhir.prefixes import (
    PREFIXES,
    approximate_dates,
    comparisons,
    matches,
    number_comparisons,
    number_interval,
)


def holds(prefix: str, resource: str, search: str) -> bool:
    low, high = interval(search, UTC)
    return matches(comparisons(prefix, low, high), *interval(resource, UTC))


@pytest.mark.parametrize(
    ("prefix", "resource", "search", "expected"),
    [
        ("eq", "2013-01-14", "2013-01-14", True),
        ("eq", "2013-01-14T10:00:00Z", "2013-01-14", True),
        ("eq", "2013-01-14", "2013-01-14T10:00:00Z", False),
        ("eq", "2013-01-15T00:00:00Z", "2013-01-14", False),
        ("ne", "2013-01-15T00:00:00Z", "2013-01-14", True),
        ("ne", "2013-01-14T10:00:00Z", "2013-01-14", False),
        ("lt", "2013-01-14T09:00:00Z", "2013-01-14T10:00:00Z", True),
        ("lt", "2013-01-14", "2013-01-14", False),
        ("gt", "2013-01-14", "2013-01-14T10:00:00Z", True),
        ("gt", "2013-01-14", "2013-01-14", False),
        ("ge", "2013-01-14", "2013-01-14", True),
        ("ge", "2013-01-13", "2013-01-14", False),
        ("le", "2013-01-14", "2013-01-14", True),
        ("le", "2013-01-15", "2013-01-14", False),
        ("sa", "2013-03-15T00:00:00Z", "2013-03-14", True),
        ("sa", "2013-03-14T23:59:59Z", "2013-03-14", False),
        ("eb", "2013-03-13", "2013-03-14", True),
        ("eb", "2013-03-14", "2013-03-14", False),
    ],
)
def test_a_prefix_compares_as_the_specification_says(prefix: str, resource: str, search: str, expected: bool) -> None:
    assert holds(prefix, resource, search) is expected


def test_an_unknown_prefix_is_refused() -> None:
    with pytest.raises(Rejected):
        comparisons("xx", datetime.min, datetime.max)
    with pytest.raises(Rejected):
        number_comparisons("xx", "1")


intervals = st.tuples(
    st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)),
    st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=400)),
).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(intervals, intervals)
def test_equal_and_not_equal_divide_everything(search: Interval, resource: Interval) -> None:
    found = {prefix: matches(comparisons(prefix, *search), *resource) for prefix in PREFIXES}
    assert found["eq"] != found["ne"]
    assert found["ge"] == (found["gt"] or found["eq"])
    assert found["le"] == (found["lt"] or found["eq"])
    assert not (found["sa"] and found["eb"])
    assert found["ap"] != (found["sa"] or found["eb"])


def test_approximately_widens_by_a_tenth_of_the_distance_from_now() -> None:
    now = datetime(2026, 1, 11, tzinfo=UTC)
    low, high = approximate_dates((datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)), now)
    assert (low, high) == (datetime(2025, 12, 31, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [("100", "99.5", "100.5"), ("100.00", "99.995", "100.005"), ("1e2", "50", "150"), ("5.4", "5.35", "5.45")],
)
def test_a_number_covers_all_that_round_to_it(text: str, low: str, high: str) -> None:
    assert number_interval(text) == (Decimal(low), Decimal(high))


@pytest.mark.parametrize(
    ("prefix", "search", "value", "expected"),
    [
        ("eq", "100", "99.5", True),
        ("eq", "100", "100.5", False),
        ("gt", "100", "100.1", True),
        ("gt", "100", "100", False),
        ("lt", "100", "99.9", True),
        ("ge", "100", "100", True),
        ("le", "100", "100.1", False),
        ("ap", "100", "110", True),
        ("ap", "100", "110.1", False),
        ("ne", "100", "100.2", False),
        ("ne", "100", "101", True),
    ],
)
def test_numbers_compare_exactly_where_a_prefix_asks(prefix: str, search: str, value: str, expected: bool) -> None:
    number = Decimal(value)
    assert matches(number_comparisons(prefix, search), number, number) is expected
