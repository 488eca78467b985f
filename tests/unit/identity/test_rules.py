"""Which numbers count, which people are alike, and who must stay apart."""

from decimal import Decimal

import pytest

from careloop.identity.likeness import shipped_likeness
from careloop.identity.model import Address, Ceiling, Demographics, Grade, Identifier, Verdict
from careloop.identity.rules import (
    clean,
    demographics_of,
    identifiers_of,
    joins,
    skeleton,
    splits,
)
from careloop.identity.rules.folding import sound
from careloop.identity.rules.merged import as_prior, as_survivor, released, restored
from careloop.identity.rules.rewriting import redirected, reference_paths

LIKENESS = shipped_likeness()
REVIEW_POINTS = LIKENESS.review
compare, may_reach_review, blocking_keys = LIKENESS.compare, LIKENESS.may_reach_review, LIKENESS.keys
search_score = LIKENESS.score

HOME = Address(line="12 Elm Street", city="Springfield", postal_code="01101")


def person(**changes: object) -> Demographics:
    """Ana Rivera, with changes."""
    known: dict[str, object] = {
        "family": "Rivera",
        "given": ("Ana", "Maria"),
        "birth_date": "1951-04-15",
        "sex": "female",
        "phones": ("+1 413 555 0101",),
        "addresses": (HOME,),
    }
    return Demographics(**{**known, **changes})


def test_an_identifier_is_compared_after_nfc_and_trimming_with_its_case():
    assert clean(" e\u0301A1 ") == "\u00e9A1"
    assert clean("ab1") != clean("AB1")


@pytest.mark.parametrize("other", ["1OO234", "1O0234", "100\u200b234", "\u202e100234", "100 234", "l00234"])
def test_a_look_alike_has_the_same_skeleton_but_is_another_value(other: str):
    assert skeleton(other) == skeleton("100234")
    assert clean(other) != "100234"


def test_cyrillic_letters_look_like_latin_ones():
    assert skeleton("МR-А1") == skeleton("MR-A1")


@pytest.mark.parametrize("kind", ["SS", "DL", "PPN", "MB", "AN", "VN"])
def test_a_number_that_families_share_or_that_numbers_a_visit_never_joins(kind: str):
    assert not joins(Identifier(system="urn:x", value="1", type=kind))


@pytest.mark.parametrize("kind", ["MR", "PI", "PT", None])
def test_a_record_number_joins(kind: str | None):
    assert joins(Identifier(system="urn:x", value="1", type=kind))


def test_a_social_security_number_is_weak_by_its_system_too():
    ssn = Identifier(system="http://hl7.org/fhir/sid/us-ssn", value="999-12-3456")
    assert splits([ssn]) == ([], [ssn])


@pytest.mark.parametrize(
    ("value", "kind"),
    [("UNKNOWN", "MR"), ("n/a", None), ("-", "MR"), ("999-99-9999", "SS"), ("000-00-0000", "SS")],
)
def test_what_a_desk_writes_when_it_has_no_number_names_nobody(value: str, kind: str | None):
    number = Identifier(system="urn:x", value=value, type=kind)
    assert not joins(number)
    assert splits([number]) == ([], [])


@pytest.mark.parametrize("value", ["1", "100234", "1111", "123456789", "A0000"])
def test_a_short_or_plain_number_is_a_number(value: str):
    assert joins(Identifier(system="urn:x", value=value, type="MR"))


def test_a_number_without_a_system_names_nobody():
    assert not joins(Identifier(system="", value="1", type="MR"))


def test_comparison_is_symmetric_and_the_same_person_is_certain():
    left, right = person(), person(given=("Anna",), phones=())
    assert compare(left, right).points == compare(right, left).points
    assert compare(person(), person()).grade is Grade.CERTAIN


@pytest.mark.parametrize(
    "changes",
    [
        {"birth_date": "1951-04-51", "phones": ()},
        {"birth_date": "1951-04-16"},
        {"birth_date": "1915-04-15", "given": ("Ana",)},
        {"family": "Rivera-Lopez"},
        {"family": "Ríverá", "addresses": ()},
        {"family": "Smith"},
        {"given": ("A",)},
        {"family": "Ana", "given": ("Rivera",)},
    ],
)
def test_one_slip_still_brings_the_pair_to_a_person(changes: dict[str, object]):
    assert compare(person(), person(**changes)).points >= REVIEW_POINTS


@pytest.mark.parametrize(
    "changes",
    [
        {"given": ("Luz",)},
        {"birth_date": "1975-09-02"},
        {"birth_date": "1975-09-02", "suffix": "Jr"},
        {"suffix": "Jr."},
        {"family": "Rivera Jr", "phones": ("4135550101",)},
    ],
    ids=["twin", "parent and child", "junior by date", "junior by suffix", "junior in the family name"],
)
def test_twins_and_juniors_stay_below_review_although_the_household_agrees(changes: dict[str, object]):
    assert compare(person(suffix="Sr"), person(**changes)).points < REVIEW_POINTS


def test_twins_with_names_alike_stay_apart_when_either_says_multiple_birth():
    assert compare(person(given=("Mara",)), person(given=("Mary",))).points >= REVIEW_POINTS
    assert compare(person(given=("Mara",), is_twin=True), person(given=("Mary",))).points < REVIEW_POINTS


def test_the_cheap_look_passes_exactly_the_pairs_that_no_rule_keeps_below_review():
    changes = (
        {}, {"given": ("Luis",)}, {"given": ("Rivera",), "family": "Ana"}, {"given": ("A",)}, {"given": ()},
        {"birth_date": "1951-04-14"}, {"birth_date": "1988-01-02"}, {"birth_date": "1951"}, {"suffix": "Jr"},
        {"family": "Rivera Sr."}, {"is_twin": True}, {"weak": (Identifier(system="urn:ssn", value="1"),)},
        {"weak": (Identifier(system="urn:ssn", value="1"),), "given": ("Luis",)},
    )  # fmt: skip
    people = [person(**one) for one in changes]
    told = {
        (may_reach_review(one, two), compare(one, two).ceiling is not Ceiling.APART) for one in people for two in people
    }
    assert told == {(True, True), (False, False)}


def test_missing_fields_say_nothing():
    compared = compare(person(), Demographics(family="Rivera"))
    assert {line.field for line in compared.fields} == {"family"}
    assert all(line.verdict is not Verdict.UNKNOWN for line in compared.fields)


def test_people_who_share_no_key_are_never_compared():
    stranger = Demographics(family="Okafor", given=("Ben",), birth_date="1990-01-02")
    assert not blocking_keys(person()) & blocking_keys(stranger)
    assert blocking_keys(person()) & blocking_keys(person(family="Smith"))
    assert blocking_keys(person()) & blocking_keys(person(birth_date="1951-04-16"))
    assert not blocking_keys(Demographics())


@pytest.mark.parametrize(
    ("name", "code"),
    [("washington", "w252"), ("lee", "l000"), ("gutierrez", "g362"), ("pfister", "p236"), ("ashcraft", "a261")],
)
def test_soundex_agrees_with_the_national_archives_examples(name: str, code: str):
    assert sound(name) == code


def test_the_review_line_is_a_half_in_a_search_answer():
    assert search_score(REVIEW_POINTS) == Decimal("0.5")
    assert search_score(Decimal(40)) > Decimal("0.99")


def test_a_patient_resource_is_read_with_its_current_name():
    patient = {
        "resourceType": "Patient",
        "identifier": [
            {"system": "urn:a", "value": " 7 ", "type": {"coding": [
                {"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]}},
            {"value": "no system"},
        ],
        "name": [{"use": "maiden", "family": "Old"}, {"family": "Rivera", "given": ["Ana"], "suffix": ["Jr"]}],
        "birthDate": "1951",
        "telecom": [{"system": "phone", "value": "1"}, {"system": "email", "value": "a@b"}],
        "multipleBirthInteger": 2,
    }  # fmt: skip
    found = demographics_of(patient)
    assert (found.family, found.given, found.suffix, found.birth_date) == ("Rivera", ("Ana",), "Jr", "1951")
    assert (found.phones, found.emails, found.is_twin, found.birth_order) == (("1",), ("a@b",), True, 2)
    assert identifiers_of(patient) == [Identifier(system="urn:a", value=" 7 ", type="MR")]


def test_moving_a_resource_and_moving_it_back_is_the_identity():
    task = {"for": {"reference": "Patient/b"}, "input": [{"value": {"reference": "Patient/b"}}], "x": "Patient/b"}
    moved = redirected(task, "Patient/b", "Patient/a")
    assert reference_paths(moved, "Patient/a") == ["/for/reference", "/input/0/value/reference"]
    assert moved["x"] == "Patient/b"
    assert redirected(moved, "Patient/a", "Patient/b") == task


def test_a_resource_that_named_both_goes_back_only_where_it_was_moved():
    both = {"subject": {"reference": "Patient/b"}, "other": {"reference": "Patient/a"}}
    paths = reference_paths(both, "Patient/b")
    moved = redirected(both, "Patient/b", "Patient/a")
    assert redirected(moved, "Patient/a", "Patient/b", paths) == both


def test_merged_patients_link_to_each_other_and_part_again():
    survivor = {"resourceType": "Patient", "id": "a", "identifier": [{"system": "s", "value": "1"}]}
    prior = {"resourceType": "Patient", "id": "b", "identifier": [{"system": "s", "value": "2", "use": "usual"}]}
    merged, gone = as_survivor(survivor, prior), as_prior(prior, "a")
    assert gone["active"] is False
    assert merged["identifier"][1] == {"system": "s", "value": "2", "use": "old"}
    assert as_survivor(merged, prior) == merged
    assert released(merged, ["b"], {("s", "2")}) == survivor
    assert restored(gone, "a", None) == prior
