"""UCUM: what a unit is in base units, and what is no unit at all."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careloop.fhir import ucum

COMMON = (
    "kg",
    "[lb_av]",
    "g/dL",
    "mmol/L",
    "mm[Hg]",
    "10*3/uL",
    "/min",
    "%",
    "kg/m2",
    "m/s2",
    "U/L",
    "ug/(24.h)",
    "[in_i]",
)
codes = st.sampled_from(COMMON)
numbers = st.decimals(min_value=-(10**6), max_value=10**6, allow_nan=False, places=4)


@pytest.mark.parametrize(
    ("value", "code", "expected"),
    [
        ("185", "[lb_av]", ("83914.58845", "g")),
        ("83.9", "kg", ("83900", "g")),
        ("37", "Cel", ("310.15", "K")),
        ("98.6", "[degF]", ("310.15", "K")),
        ("1", "mCel", ("273.151", "K")),
        ("120", "mm[Hg]", ("15998640", "g.m-1.s-2")),
        ("10", "10*3/uL", ("10000000000000", "m-3")),
        ("7", "%", ("0.07", "1")),
        ("1", "mg{creat}", ("0.001", "g")),
        ("4", "{score}", ("4", "1")),
        ("1", "[iU]/L", ("1000", "[iU].m-3")),
        ("1", "/min", ("0.01666666666666666666666666666666666666667", "s-1")),
        ("1", "m/s/s", ("1", "m.s-2")),
        ("1", "dar", ("10", "m2")),
    ],
)
def test_a_quantity_is_brought_to_base_units(value: str, code: str, expected: tuple[str, str]) -> None:
    number, name = expected
    assert ucum.canonical(Decimal(value), code) == (Decimal(number), name)


@pytest.mark.parametrize(
    "code",
    [
        "foo",
        "",
        "kgg",
        "m//s",
        "(m",
        "m)",
        "[lb_av",
        "k[lb_av]",
        "m.",
        "1e3",
        "mg ",
        "{a",
        "{a{b}}",
        "m{é}",
        "k[tb'U]",
        "m" * 300,
        "W/Cel",
    ],
)
def test_what_is_no_unit_is_not_converted(code: str) -> None:
    assert ucum.canonical(Decimal(1), code) is None
    assert not ucum.is_valid(code)


def test_units_on_a_curve_are_compared_with_themselves_alone() -> None:
    assert ucum.canonical(Decimal("7.4"), "[pH]") == (Decimal("7.4"), "[pH]")
    assert ucum.convert(Decimal(1), "[pH]", "mol/L") is None
    assert ucum.convert(Decimal(1), "[iU]", "[USP'U]") is None


def test_numbers_beyond_all_measure_are_left_alone() -> None:
    assert ucum.canonical(Decimal("1e999999"), "kg") is None
    assert ucum.canonical(Decimal("NaN"), "kg") is None
    assert ucum.canonical(Decimal(1), ".".join(["10*999"] * 20)) is None


def test_every_unit_of_the_table_is_made_of_units_of_the_table() -> None:
    assert ucum.check() == []
    assert len(ucum.load().codes) > 290


@given(numbers, codes, codes)
def test_there_and_back_gives_what_was_put_in(value: Decimal, first: str, second: str) -> None:
    there = ucum.convert(value, first, second)
    if there is not None:
        back = ucum.convert(there, second, first)
        assert back is not None and abs(back - value) <= abs(value) * Decimal("1e-38")
    else:
        assert ucum.unit_of(first).dimension != ucum.unit_of(second).dimension  # type: ignore[union-attr]


@given(numbers, codes, codes)
def test_the_canonical_value_is_multiplicative(value: Decimal, first: str, second: str) -> None:
    product = ucum.canonical(value, f"{first}.({second})")
    left, right = ucum.canonical(value, first), ucum.canonical(Decimal(1), second)
    assert product is not None and left is not None and right is not None
    assert abs(product[0] - left[0] * right[0]) <= abs(product[0]) * Decimal("1e-26")


@given(codes, st.integers(min_value=-3, max_value=3))
def test_an_exponent_is_repeated_multiplication(code: str, power: int) -> None:
    unit = ucum.unit_of(f"(({code}))")
    assert unit is not None
    repeated = ".".join([code if not code.startswith("/") else f"({code})"] * abs(power)) or "1"
    whole = ucum.unit_of(f"1/({repeated})" if power < 0 else repeated)
    assert whole is not None
    assert whole.factor == unit.factor**power


@given(st.text(max_size=30))
def test_any_text_is_a_unit_or_is_none_and_never_a_crash(text: str) -> None:
    assert isinstance(ucum.is_valid(text), bool)


@given(numbers, numbers)
def test_order_is_kept_also_by_units_with_a_zero_of_their_own(one: Decimal, other: Decimal) -> None:
    first, second = ucum.canonical(one, "[degF]"), ucum.canonical(other, "[degF]")
    assert first is not None and second is not None
    assert (one < other) == (first[0] < second[0])
