"""Hierarchies, words, validation, translation, and what stands on top of what."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.terminology.conftest import COLOURS, every, filtered, listed, value_set

from careloop.errors import NotFound, Rejected
from careloop.terminology import Coding, Manner, Overlay, Overlays, Packed, Question, Wanted, read_concept_map

ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


def test_below_and_above_are_each_others_mirror(knowing):
    known = knowing()
    assert known.below("urn:colours", "red") == {"red", "crimson", "purple"}
    assert known.above("urn:colours", "purple") == {"purple", "red", "blue", "warm"}
    codes = known.code_system("urn:colours").concepts
    for one in codes:
        for other in codes:
            assert (other in known.below("urn:colours", one)) is (one in known.above("urn:colours", other))
    assert known.below("http://loinc.org", "1-8") == {"1-8"}
    assert known.knows_hierarchy("urn:colours") and not known.knows_hierarchy("http://loinc.org")


def test_a_hierarchy_that_turns_in_a_circle_ends(product):
    circle = {"resourceType": "CodeSystem", "url": "urn:c", "content": "complete", "concept": [
        {"code": "a", "property": [{"code": "parent", "valueCode": "b"}]},
        {"code": "b", "property": [{"code": "parent", "valueCode": "a"}]}]}  # fmt: skip
    assert product.with_resources([], [circle]).below("urn:c", "a") == {"a", "b"}


def test_parts_do_not_make_a_kind(product):
    parts = {**COLOURS, "url": "urn:parts", "hierarchyMeaning": "part-of"}
    assert product.with_resources([], [parts]).below("urn:parts", "warm") == {"warm"}


def test_deep_nesting_is_no_danger(product):
    concept: dict = {"code": "c5000"}
    for number in range(4999, -1, -1):
        concept = {"code": f"c{number}", "concept": [concept]}
    deep = {"resourceType": "CodeSystem", "url": "urn:deep", "content": "complete", "concept": [concept]}
    assert len(product.with_resources([], [deep]).below("urn:deep", "c0")) == 5001


@pytest.mark.parametrize(
    ("coding", "manner", "result"),
    [
        (Coding(code="red", system="urn:colours"), Manner(), True),
        (Coding(code="red", system="urn:colours", display="RED "), Manner(), True),
        (Coding(code="crimson", system="urn:colours", display="purpurrot"), Manner(), True),
        (Coding(code="red", system="urn:colours", display="Blue"), Manner(), False),
        (Coding(code="warm", system="urn:colours"), Manner(), True),
        (Coding(code="warm", system="urn:colours"), Manner(abstract=False), False),
        (Coding(code="green", system="urn:colours"), Manner(), False),
        (Coding(code="red", system="urn:colours", version="9"), Manner(), None),
        (Coding(code="1-8", system="http://loinc.org"), Manner(), None),
        (Coding(code="mg", system="http://unitsofmeasure.org"), Manner(), True),
        (Coding(code="mgs", system="http://unitsofmeasure.org"), Manner(), False),
        (Coding(code="square", system="urn:shapes"), Manner(), None),
    ],
)
def test_a_code_is_judged(knowing, coding, manner, result):
    found = knowing().validate(coding, None, manner)
    assert found.result is result
    assert bool(found.missing) is (result is None)
    assert bool(found.message) or result is not False


def test_a_judgement_that_lacks_something_names_it(knowing):
    known = knowing(value_set("urn:x", every("http://loinc.org"), every("http://snomed.info/sct")))
    found = known.validate(Coding(code="1", system="http://snomed.info/sct"), "urn:x")
    assert found.result is None
    assert [one.sentence() for one in found.missing] == ["CodeSystem http://snomed.info/sct is not loaded here"]
    with pytest.raises(NotFound, match="urn:nobody"):
        known.validate(Coding(code="1"), "urn:nobody")
    with pytest.raises(Rejected):
        known.validate(Coding(code="1"))


def test_one_good_coding_is_enough_and_an_unknown_one_keeps_the_question_open(knowing):
    known = knowing(value_set("urn:x", listed("red"), every("http://loinc.org")))
    red, blue, lab = (Coding(code=code, system=system) for code, system in (
        ("red", "urn:colours"), ("blue", "urn:colours"), ("1-8", "http://loinc.org")))  # fmt: skip
    assert known.validate_any([blue, lab, red], "urn:x").result is True
    assert known.validate_any([blue, lab], "urn:x").result is None
    assert known.validate_any([blue], "urn:x").result is False
    assert known.validate_any([], "urn:x").result is False


def test_an_expansion_is_cut_into_pages_that_join_without_a_gap(knowing):
    known = knowing(value_set("urn:x", every()))
    whole = [one.code for one in known.expand("urn:x").members]
    pages = [known.expand("urn:x", Wanted(offset=start, count=3)).members for start in (0, 3, 6, 9)]
    assert [one.code for page in pages for one in page] == whole
    assert known.expand("urn:x", Wanted(text="re cri")).total == 1
    assert known.expand("urn:x", Wanted(text="purpur")).total == 1
    assert known.expand("urn:x", Wanted(for_choosing=True)).total == len(whole) - 1
    assert known.expand("urn:x", Wanted(without_systems=("urn:colours",))).total == 0


def test_too_many_codes_for_one_answer_are_refused_unless_paged(product):
    many = {"resourceType": "CodeSystem", "url": "urn:many", "content": "complete",
            "concept": [{"code": str(number)} for number in range(10_001)]}  # fmt: skip
    known = product.with_resources([], [many])
    with pytest.raises(Rejected) as refused:
        known.expand("urn:many?vs")
    assert refused.value.issue_code == "too-costly"
    assert known.expand("urn:many?vs", Wanted(count=10)).total == 10_001


MAP = {
    "resourceType": "ConceptMap", "url": "urn:map", "sourceCanonical": "urn:colours:all|1", "targetUri": "urn:t",
    "group": [
        {"source": "urn:colours", "target": "urn:t", "unmapped": {"mode": "fixed", "code": "other"}, "element": [
            {"code": "red", "target": [
                {"code": "R", "equivalence": "equivalent"}, {"code": "W", "equivalence": "wider"}]},
            {"code": "blue", "target": [{"equivalence": "unmatched"}]}]},
        {"source": "urn:shapes", "target": "urn:t", "unmapped": {"mode": "provided"}, "element": []},
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (Question(code="red", system="urn:colours"), [("R", "equivalent"), ("W", "wider")]),
        (Question(code="blue", system="urn:colours"), [(None, "unmatched")]),
        (Question(code="green", system="urn:colours"), [("other", "inexact")]),
        (Question(code="Circle", system="urn:shapes"), [("Circle", "equal")]),
        (Question(code="red", system="urn:colours", target_system="urn:other"), []),
        (Question(code="red", system="urn:colours", source="urn:colours:all", target="urn:t"),
         [("R", "equivalent"), ("W", "wider")]),
        (Question(code="red", system="urn:colours", source="urn:other"), []),
        (Question(code="W", system="urn:t", reverse=True), [("red", "narrower")]),
        (Question(code="R", system="urn:t", reverse=True, source="urn:t"), [("red", "equivalent")]),
    ],
)  # fmt: skip
def test_a_map_is_followed_in_both_directions(knowing, question, expected):
    known = knowing()
    assert [(one.code, one.equivalence) for one in known.translate(question, read_concept_map(MAP))] == expected


def test_what_a_tenant_puts_on_top_is_found_first_and_leaves_the_product_as_it_was(product):
    gender = "http://hl7.org/fhir/ValueSet/administrative-gender"
    before = product.members(gender)
    own = product.with_resources([value_set(gender, listed("red"))], [COLOURS], [MAP])
    assert own.members(gender) == {("urn:colours", "red")}
    assert own.contains("urn:colours:all", "urn:colours", "mauve") is True
    assert own.translate(Question(code="red", system="urn:colours"))[0].source == "urn:map"
    assert own.translate(Question(code="home", system="http://hl7.org/fhir/address-use"))
    assert product.members(gender) == before and product.value_set("urn:colours:all") is None
    assert own.members(f"{gender}|4.0.1") == before


def test_versions_of_one_address_are_told_apart(product):
    old = value_set("urn:v", listed("red")) | {"version": "1"}
    new = value_set("urn:v", listed("blue")) | {"version": "2"}
    known = product.with_resources([old, new])
    assert known.members("urn:v") == known.members("urn:v|2") == {("urn:colours", "blue")}
    assert known.members("urn:v|1") == {("urn:colours", "red")}
    assert known.members("urn:v|3") is None


def test_an_overlay_is_made_once_and_again_only_after_a_change(product):
    overlays: Overlays = Overlays()
    made: list[Overlay | None] = []
    stamps = iter("aab" + "a" * 101)

    def make(before: Overlay | None) -> Overlay:
        made.append(before)
        return Overlay(next(stamps), product.with_resources([]), {})

    first = overlays.get(1, "a", make)
    assert overlays.get(1, "a", make) is first and overlays.get(2, "a", make) is not first
    assert overlays.get(1, "b", make) is not first
    assert len(made) == 3
    assert [before and before.terminology for before in made] == [None, None, first]
    for tenant in range(100, 200):
        overlays.get(tenant, "a", make)
    assert overlays.get(1, "b", make) is not first and len(made) == 104


OPERATORS = ("is-a", "descendent-of", "is-not-a", "=", "in", "regex", "exists", "generalizes", "unheard-of")


@given(
    st.sampled_from(OPERATORS),
    st.sampled_from(["concept", "hue", "parent", "status"]),
    st.sampled_from(["red", "warm", "0", "true", ".*"]),
)
def test_asking_for_one_code_and_listing_all_agree(product, op, name, value):
    known = product.with_resources([value_set("urn:x", filtered(name, op, value))], [COLOURS])
    members = known.members("urn:x")
    for code in known.code_system("urn:colours").concepts:
        answer = known.contains("urn:x", "urn:colours", code)
        assert answer is (None if members is None else ("urn:colours", code) in members)


def test_what_is_known_of_a_code_of_the_product(product):
    system, concept = product.lookup(ACT_CODE, "IMP")
    assert (system.version, concept.display) == ("2018-08-12", "inpatient encounter")
    assert product.display(ACT_CODE, "IMP") == "inpatient encounter"
    assert product.display("http://loinc.org", "4548-4") is None
    assert product.subsumes(ACT_CODE, "_ActEncounterCode", "IMP") == "subsumes"
    with pytest.raises(NotFound):
        product.lookup(ACT_CODE, "no such code")


def test_no_words_of_licensed_systems_ship(product):
    for url in ("http://snomed.info/sct", "http://loinc.org", "http://www.ama-assn.org/go/cpt"):
        assert product.code_system(url) is None
    licensed = ("http://snomed.info/sct", "http://loinc.org")
    practices = product.expand("http://hl7.org/fhir/ValueSet/c80-practice-codes").members
    assert {one.system for one in practices} <= set(licensed)
    assert all(one.display is None for one in practices)
    assert all(not one.designations for one in practices)


def test_packed_resources_are_the_same(product):
    packed = [
        Packed.of(one, json.dumps(one)) for one in (COLOURS, value_set("urn:x", filtered("concept", "is-a", "red")))
    ]
    known = product.with_resources(packed[1:], packed[:1])
    plain = product.with_resources([value_set("urn:x", filtered("concept", "is-a", "red"))], [COLOURS])
    for url in ("urn:x", "urn:colours:all", "urn:colours?vs"):
        assert known.members(url) == plain.members(url) is not None
