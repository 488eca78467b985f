"""Identities are fresh, or the same for the same parts."""

from uuid import UUID, uuid5

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


def test_derived_ids_are_those_of_rfc_9562() -> None:
    space = UUID("6f1c8d1e-58c5-5b0a-9a6c-8f3f2a1d7c40")
    for number in range(500):
        assert derived_id(number, "loop", "é") == str(uuid5(space, f"{number}\x1floop\x1fé"))
