"""JSON comes back as it went in."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careloop.errors import Rejected
from careloop.fhir.jsons import decode, encode


@pytest.mark.parametrize("number", ["72.50", "0.10", "1.0", "100", "-0.00", "1E+2", "3.14159265358979323846264338"])
def test_a_number_keeps_its_digits(number: str) -> None:
    assert encode(decode(f'{{"value":{number}}}')).decode() == f'{{"value":{number}}}'


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6))
def test_every_decimal_comes_back_equal(number: Decimal) -> None:
    assert decode(encode({"value": number}))["value"] == number


@pytest.mark.parametrize("text", ["", "[]", "1", '{"a":', '{"a":1}x', "\xff", '{"a":NaN}', "[" * 100000])
def test_what_is_not_a_json_object_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(Rejected) as refused:
        decode(text.encode("latin-1"))
    assert refused.value.at == "body"
