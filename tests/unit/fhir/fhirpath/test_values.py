"""Dates, times and quantities: precision, offsets, units."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careloop.errors import Rejected
from careloop.fhir.fhirpath import quantities, temporal
from careloop.fhir.fhirpath.quantities import Quantity
from careloop.fhir.fhirpath.temporal import Temporal


def date_time(text: str) -> Temporal:
    found = Temporal.parse("dateTime", text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("one", "two", "order"),
    [
        ("2024-05-01", "2024-05-02", -1),
        ("2024-05", "2024-05-02", None),
        ("2024-05", "2024-06-02", -1),
        ("2024-05-01T10:00:00Z", "2024-05-01T12:00:00+02:00", 0),
        ("2024-05-01T23:30:00-05:00", "2024-05-02T04:00:00Z", 1),
        ("2024-05-01T10:00:00", "2024-05-01T10:00:00Z", None),
        ("2024-05-01T10:00:00", "2024-05-03T10:00:00Z", -1),
        ("2024-05-01T10:00:00.0", "2024-05-01T10:00:00", 0),
    ],
)
def test_order_is_told_only_where_it_is_known(one: str, two: str, order: int | None) -> None:
    assert date_time(one).compare(date_time(two)) == order
    assert date_time(two).compare(date_time(one)) == (None if order is None else -order)


@pytest.mark.parametrize(
    "text", ["2023-02-29", "2024-13", "2024-05-01T25", "0000", "24-05", "2024-5-1", "2024-05-01T10:00+15:00"]
)
def test_what_does_not_exist_is_no_date(text: str) -> None:
    assert Temporal.parse("dateTime", text) is None


@pytest.mark.parametrize(
    ("text", "amount", "unit", "later"),
    [
        ("2024-01-31", "1", "month", "2024-02-29"),
        ("2024-02-29", "1", "year", "2025-02-28"),
        ("2024-02-28", "2", "day", "2024-03-01"),
        ("2024-03-10T01:30:00-05:00", "90", "minute", "2024-03-10T03:00:00-05:00"),
        ("2024", "24", "month", "2026"),
        ("2024", "11", "month", "2024"),
        ("2024-01", "45", "day", "2024-02"),
        ("2024-01-01T10:00:00.500", "1.25", "second", "2024-01-01T10:00:01.750"),
        ("2024-01-01", "-1", "week", "2023-12-25"),
    ],
)
def test_calendar_arithmetic(text: str, amount: str, unit: str, later: str) -> None:
    assert str(temporal.add(date_time(text), Decimal(amount), unit)) == later


def test_a_time_goes_round_and_a_date_ends_with_the_calendar() -> None:
    late = Temporal.parse("time", "23:30")
    assert late is not None and str(temporal.add(late, Decimal(45), "minute")) == "00:15"
    with pytest.raises(Rejected):
        temporal.add(date_time("9999-12-31"), Decimal(1), "day")


@given(st.datetimes(), st.integers(-500, 500))
def test_months_there_and_back_keep_the_month(moment, months: int) -> None:
    value = Temporal("date", (moment.year, moment.month))
    try:
        there = temporal.add(value, Decimal(months), "month")
    except Rejected:
        return
    assert temporal.add(there, Decimal(-months), "month") == value


@given(st.datetimes())
def test_a_value_lies_within_its_boundaries(moment) -> None:
    value = date_time(f"{moment:%Y}".rjust(4, "0") + f"-{moment:%m}")
    low, high = temporal.boundary(value, 8, low=True), temporal.boundary(value, 8, low=False)
    assert low is not None and high is not None
    assert low.compare(high) == -1 and low.parts[:2] == high.parts[:2] == value.parts
    assert str(low).endswith("-01")


def quantity(value: str, unit: str, *, calendar: bool = False) -> Quantity:
    return Quantity(Decimal(value), unit, calendar)


@pytest.mark.parametrize(
    ("one", "two", "order"),
    [
        (quantity("1", "g"), quantity("1000", "mg"), 0),
        (quantity("1", "g"), quantity("1", "kg"), -1),
        (quantity("1", "g"), quantity("1", "m"), None),
        (quantity("7", "day", calendar=True), quantity("1", "wk"), 0),
        (quantity("12", "month", calendar=True), quantity("1", "year", calendar=True), 0),
        (quantity("1", "year", calendar=True), quantity("1", "a"), None),
        (quantity("1", "nonsense"), quantity("2", "nonsense"), -1),
    ],
)
def test_quantities_compare_across_units_of_one_dimension(one: Quantity, two: Quantity, order: int | None) -> None:
    assert quantities.compare(one, two) == order


def test_a_fhir_quantity_without_a_ucum_code_is_only_like_itself() -> None:
    ours = quantities.of_fhir({"value": 5, "unit": "tabs"})
    same = quantities.of_fhir({"value": Decimal("5.0"), "unit": "tabs"})
    other = quantities.of_fhir({"value": 5, "unit": "tabs", "system": "urn:other"})
    assert ours and same and other
    assert quantities.compare(ours, same) == 0 and quantities.compare(ours, other) is None
    assert quantities.multiply(ours, same) is None
    with pytest.raises(Rejected):
        quantities.of_fhir({"value": 5, "comparator": "<"})


def test_products_and_quotients_have_units() -> None:
    area = quantities.multiply(quantity("2", "cm"), quantity("3", "m"))
    assert area and quantities.compare(area, quantity("0.06", "m2")) == 0
    speed = quantities.divide(quantity("10", "m"), quantity("4", "s"))
    assert speed and quantities.compare(speed, quantity("2.5", "m/s")) == 0
    assert quantities.divide(quantity("1", "m"), quantity("0", "s")) is None
