"""JSON comes back as it went in."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careloop.errors import Rejected
from careloop.fhir.jsons import decode, decode_strictly, encode, encode_sorted


@pytest.mark.parametrize(
    "number",
    ["72.50", "0.10", "1.0", "100", "-0.00", "1E+2", "3.14159265358979323846264338", "1e3", "1.0E-5", "0.0000001",
     "-1.50e+02", "0.0000000", "10.0000001", "123456789012345678901234567890"],
)  # fmt: skip
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


@given(
    st.from_regex(r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})([eE][-+]?[0-9]{1,2})?", fullmatch=True)
    | st.from_regex(r"-?(0|[1-9][0-9]{0,20})[eE][-+]?[0-9]{1,2}", fullmatch=True)
)
def test_every_way_to_write_a_decimal_comes_back_as_it_was_written(text: str) -> None:
    found = decode(f'{{"value":{text}}}')
    assert found["value"] == Decimal(text)
    assert encode(found).decode() == f'{{"value":{text}}}'


@pytest.mark.parametrize("text", ["1e999999999", "1e99999999999999999999", "0." + "1" * 300, "1e-201"])
def test_a_number_that_is_a_trap_is_refused(text: str) -> None:
    with pytest.raises(Rejected):
        decode(f'{{"value":{text}}}')


def test_the_order_of_properties_makes_no_difference_where_content_is_compared() -> None:
    one, other = '{"a":{"c":1e3,"b":[1,2]},"d":1.0}', '{"d":1.0,"a":{"b":[1,2],"c":1e3}}'
    assert encode_sorted(decode(one)) == encode_sorted(decode(other))
    assert encode_sorted(decode(one)) != encode_sorted(decode(other.replace("1.0", "1.00")))


@pytest.mark.parametrize("text", ['{"a":1,"a":2}', '{"a":[{"b" : 1, "b": 2}]}', '{"a":{"b":{},"c":1,"b":[]}}'])
def test_a_name_that_stands_twice_is_refused_where_a_client_writes(text: str) -> None:
    with pytest.raises(Rejected) as refused:
        decode_strictly(text.encode())
    assert refused.value.at == "body"


@pytest.mark.parametrize(
    "text", ['{"a" : [{"b":1},{"b":2}]}', '{"a":"\\u003a \\":","b":1e3}', '{"a": 12345678901234567890}']
)
def test_names_that_stand_once_in_each_object_are_taken_however_they_are_written(text: str) -> None:
    assert decode_strictly(text.encode()) == decode(text)
