"""SMART v2 scopes are read strictly and never grant more than was registered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careloop.access.scopes import granted, parse_scope, parse_scopes
from careloop.errors import Rejected

LETTERS = st.lists(st.sampled_from("cruds"), min_size=1, unique=True).map(
    lambda chosen: "".join(letter for letter in "cruds" if letter in chosen)
)
SCOPES = st.builds("system/{}.{}".format, st.sampled_from(["*", "Patient", "Task", "Observation"]), LETTERS)


@pytest.mark.parametrize(
    "text",
    [
        "system/*.cruds",
        "system/Patient.r",
        "system/*.rs",
        "patient/*.rs",
        "user/Task.cruds",
        "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory",
    ],
)
def test_a_scope_reads_back_as_it_was_written(text):
    assert str(parse_scope(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "system/*.sr",
        "system/*.",
        "system/*.read",
        "clinician/*.rs",
        "system/Observation.rs?category=lab",
        "patient/Observation.rs?code=http://loinc.org|2345-7",
        "patient/*.rs?category=http://x|laboratory",
        "patient/Encounter.rs?category=http://x|laboratory",
        "patient/Observation.rs?category=http://x|a,http://x|b",
        "patient/*.read",
        "openid",
        "system/*.rsx",
        "system/patient.r",
        "",
        "system/*.rs\n",
    ],
)
def test_what_this_server_does_not_enforce_it_does_not_grant(text):
    assert parse_scope(text) is None


def test_registering_an_unknown_scope_is_refused():
    with pytest.raises(Rejected):
        parse_scopes("system/*.rs launch")
    with pytest.raises(Rejected):
        parse_scopes("  ")


def test_asking_for_nothing_gives_what_is_registered():
    assert granted(["system/*.rs"], None) == ("system/*.rs",)


def test_asking_for_more_gives_what_is_registered():
    assert granted(["system/*.rs"], "system/*.cruds") == ("system/*.rs",)


def test_asking_for_one_type_gives_that_type_only():
    assert granted(["system/*.cruds"], "system/Patient.r") == ("system/Patient.r",)


def test_asking_only_for_what_is_not_registered_gives_nothing():
    assert granted(["system/Patient.rs"], "system/Task.rs") == ()


@given(st.lists(SCOPES, min_size=1, max_size=4), st.lists(SCOPES, min_size=1, max_size=4))
def test_a_grant_is_within_what_was_registered_and_what_was_asked(registered, asked):
    for text in granted(registered, " ".join(asked)):
        scope = parse_scope(text)
        for letter in scope.letters:
            for bound in (registered, asked):
                assert any(parse_scope(one).covers(letter, scope.resource_type) for one in bound)
