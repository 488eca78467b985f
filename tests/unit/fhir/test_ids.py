"""Identities are fresh, or the same for the same parts."""

from careloop.fhir.ids import derived_id, new_id
from careloop.fhir.primitives import is_id


def test_new_ids_are_valid_and_differ() -> None:
    assert is_id(new_id())
    assert new_id() != new_id()


def test_derived_ids_depend_on_every_part_and_its_place() -> None:
    assert derived_id(1, "encounter", "a", "b") == derived_id(1, "encounter", "a", "b")
    assert derived_id(1, "encounter", "a", "b") != derived_id(1, "encounter", "ab", "")
    assert derived_id(1, "encounter", "a") != derived_id(2, "encounter", "a")
    assert is_id(derived_id(1, "encounter", "a"))
