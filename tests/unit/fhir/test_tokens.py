"""Index and query make the same texts and hashes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careloop.fhir import tokens


def test_a_token_is_a_signed_64_bit_number_that_never_changes() -> None:
    assert tokens.token_hash(1, "Observation", "code", "http://loinc.org|8302-2") == 2744032455223694702


@pytest.mark.parametrize(
    "other",
    [
        (2, "Patient", "name", "x"),
        (1, "Person", "name", "x"),
        (1, "Patient", "family", "x"),
        (1, "Patient", "name", "y"),
    ],
)
def test_tenant_type_parameter_and_value_each_make_another_token(other: tuple[int, str, str, str]) -> None:
    assert tokens.token_hash(1, "Patient", "name", "x") != tokens.token_hash(*other)


@given(st.integers(1, 1000), st.text(), st.text())
def test_hashes_are_the_tokens_of_the_texts_and_the_presence(tenant_id: int, first: str, second: str) -> None:
    found = tokens.hashes(tenant_id, "Task", "code", first, second)
    assert found == (
        tokens.token_hash(tenant_id, "Task", "code", first),
        tokens.token_hash(tenant_id, "Task", "code", second),
        tokens.present_hash(tenant_id, "Task", "code"),
    )
    assert all(-(2**63) <= one < 2**63 for one in found)


@pytest.mark.parametrize(
    ("system", "code", "texts"),
    [
        ("s", "c", ("s|c", "c", "s|")),
        (None, "c", ("c", "|c")),
        ("s", None, ("s|",)),
        (None, None, ()),
        ("s", " e\u0301 ", ("s|\u00e9", "\u00e9", "s|")),
    ],
)
def test_a_coding_is_found_by_system_and_code(system: str | None, code: str | None, texts: tuple[str, ...]) -> None:
    assert tokens.coding_texts(system, code) == texts


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ("(555) 123-4567", ("(555) 123-4567", "5551234567")),
        ("5551234567", ("5551234567",)),
        ("Jane@Example.org", ("jane@example.org",)),
        ("x12", ("x12",)),
    ],
)
def test_a_telephone_number_is_found_however_it_is_written(value: str, texts: tuple[str, ...]) -> None:
    assert tokens.contact_texts(value) == texts


@pytest.mark.parametrize(
    ("text", "folded"),
    [("Éve", "eve"), ("STRASSE", "strasse"), ("Straße", "strasse"), ("  De   la\tCruz ", "de la cruz"), ("Ⅳ", "iv"),
     ("Nguyễn", "nguyen")],
)  # fmt: skip
def test_texts_are_compared_without_case_and_accents(text: str, folded: str) -> None:
    assert tokens.normal(text) == folded


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert tokens.normal(tokens.normal(text)) == tokens.normal(text)


@pytest.mark.parametrize(
    ("reference", "local", "named"),
    [
        ("Patient/1", "Patient/1", "Patient"),
        ("Patient/1/_history/3", "Patient/1", "Patient"),
        ("http://x/fhir/Patient/1", None, "Patient"),
        ("urn:uuid:1", None, None),
        ("#a", None, None),
        ("Patient", None, None),
    ],
)
def test_references_are_told_apart(reference: str, local: str | None, named: str | None) -> None:
    assert tokens.local_reference(reference) == local
    assert tokens.referenced_type(reference) == named


def test_a_canonical_is_found_with_and_without_its_version() -> None:
    assert tokens.canonical_texts("http://x|1") == ("http://x|1", "http://x")
    assert tokens.canonical_texts("http://x") == ("http://x",)
