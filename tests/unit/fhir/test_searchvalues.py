"""Search values are cut, unescaped and read by their type."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careloop.errors import Rejected
from careloop.fhir import searchvalues
from careloop.fhir.model import SearchParameter
from careloop.fhir.prefixes import Comparison
from careloop.fhir.searchvalues import Reading

READING = Reading(zone=UTC, now=datetime(2026, 1, 1, tzinfo=UTC), base="https://here/fhir")
CODED = SearchParameter(name="code", type="token", kinds=frozenset(("CodeableConcept",)))
STATUS = SearchParameter(name="status", type="token", kinds=frozenset(("code",)))
MIXED = SearchParameter(name="value", type="token", kinds=frozenset(("code", "Coding")))
SUBJECT = SearchParameter(name="subject", type="reference", targets=("Patient", "Group"))


def test_commas_part_values_unless_escaped() -> None:
    assert searchvalues.values("code", r"a,b\,c,d\\,e") == ["a", r"b\,c", r"d\\", "e"]
    assert searchvalues.plain(r"b\,c\|d\$e\\f\g") == r"b,c|d$e\f\g"


@given(st.lists(st.text(min_size=1), min_size=1, max_size=5))
def test_escaping_then_reading_gives_the_same_values(texts: list[str]) -> None:
    escaped = [one.replace("\\", "\\\\").replace(",", "\\,").replace("|", "\\|").replace("$", "\\$") for one in texts]
    assert [searchvalues.plain(one) for one in searchvalues.values("x", ",".join(escaped))] == texts


@pytest.mark.parametrize("text", ["", "a,", ",a", "a,,b", "x" * 5000, ",".join("x" * 1001)])
def test_empty_too_many_or_too_long_values_are_refused(text: str) -> None:
    with pytest.raises(Rejected) as refused:
        searchvalues.values("code", text)
    assert refused.value.at == "code"


@pytest.mark.parametrize(
    ("text", "parameter", "texts"),
    [
        ("a", CODED, ("a",)),
        ("s|a", CODED, ("s|a",)),
        ("|a", CODED, ("|a",)),
        ("s|", CODED, ("s|",)),
        (r"s|a\|b", CODED, ("s|a|b",)),
        ("s|final", STATUS, ("final",)),
        ("s|x", MIXED, ("s|x", "x")),
    ],
)
def test_a_token_is_read_with_its_system(text: str, parameter: SearchParameter, texts: tuple[str, ...]) -> None:
    assert searchvalues.token_texts("code", text, parameter) == texts


@pytest.mark.parametrize("text", ["|", "a|b|c"])
def test_a_token_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(Rejected):
        searchvalues.token_texts("code", text, CODED)


@pytest.mark.parametrize(
    ("text", "named", "texts"),
    [
        ("Patient/1", None, ("Patient/1",)),
        ("Patient/1/_history/2", None, ("Patient/1",)),
        ("1", None, ("Patient/1", "Group/1")),
        ("1", "Group", ("Group/1",)),
        ("https://here/fhir/Patient/1", None, ("Patient/1",)),
        ("https://there/fhir/Patient/1", None, ("https://there/fhir/Patient/1",)),
        ("urn:uuid:1", None, ("urn:uuid:1",)),
    ],
)
def test_a_reference_is_read_in_every_form(text: str, named: str | None, texts: tuple[str, ...]) -> None:
    assert searchvalues.reference_texts(text, SUBJECT, named, READING) == texts


def test_a_date_has_its_prefix_and_precision() -> None:
    assert searchvalues.date_alternatives("date", "gt2024-05", READING) == (
        (Comparison("high", ">", datetime(2024, 6, 1, tzinfo=UTC)),),
    )
    lost_plus = searchvalues.date_alternatives("date", "lt2024-05-01T10:00:00 02:00", READING)
    assert lost_plus == ((Comparison("low", "<", datetime(2024, 5, 1, 8, tzinfo=UTC)),),)


@pytest.mark.parametrize("text", ["2024-13", "xx2024", "ge", "yesterday"])
def test_a_date_that_is_none_is_refused_at_its_parameter(text: str) -> None:
    with pytest.raises(Rejected) as refused:
        searchvalues.date_alternatives("birthdate", text, READING)
    assert refused.value.at == "birthdate"


def test_a_quantity_has_a_number_and_perhaps_a_unit() -> None:
    assert searchvalues.quantity_value("v", "ge5.4|http://u|mg").unit == "http://u|mg"
    assert searchvalues.quantity_value("v", "5.4||mg").code == "mg"
    found = searchvalues.quantity_value("v", "ge5.4")
    assert (found.unit, found.code) == (None, None)
    assert found.alternatives == ((Comparison("value", ">=", Decimal("5.4")),),)


@pytest.mark.parametrize("text", ["five", "5|mg", "5|a|", "1e9999", "--5", "0x10", "٥", "5" * 40])
def test_a_quantity_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(Rejected):
        searchvalues.quantity_value("value-quantity", text)
