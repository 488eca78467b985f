"""Who belongs to a value set; what cannot be said is not said."""

import pytest
from tests.unit.terminology.conftest import every, filtered, listed, value_set

from careloop.errors import Rejected
from careloop.terminology.logic import all_of, any_of, negated

ALL = {"warm", "red", "crimson", "orange", "blue", "purple", "mauve"}


@pytest.mark.parametrize(
    ("include", "expected"),
    [
        ([every()], ALL),
        ([listed("red", "green")], {"red", "green"}),
        ([filtered("concept", "is-a", "red")], {"red", "crimson", "purple"}),
        ([filtered("concept", "descendent-of", "warm")], {"red", "crimson", "orange", "purple"}),
        ([filtered("concept", "is-not-a", "warm")], {"blue", "mauve"}),
        ([filtered("concept", "generalizes", "purple")], {"purple", "red", "warm", "blue"}),
        ([filtered("hue", "=", "30")], {"orange"}),
        ([filtered("hue", "in", "0, 240")], {"red", "blue"}),
        ([filtered("hue", "not-in", "0,240")], ALL - {"red", "blue"}),
        ([filtered("hue", "exists", "true")], {"red", "orange", "blue"}),
        ([filtered("hue", "exists", "false")], {"warm", "crimson", "purple", "mauve"}),
        ([filtered("code", "regex", ".*r.*")], {"warm", "red", "crimson", "orange", "purple"}),
        ([filtered("display", "=", "Blue")], {"blue"}),
        ([filtered("parent", "=", "red")], {"crimson", "purple"}),
        ([filtered("child", "exists", "true")], {"warm", "red", "blue"}),
        ([filtered("notSelectable", "=", "true")], {"warm"}),
        ([filtered("notSelectable", "=", "false")], ALL - {"warm"}),
        ([filtered("concept", "is-a", "green")], set()),
        ([{**filtered("hue", "exists", "true"), "valueSet": ["urn:reds"]}], {"red"}),
        ([{"valueSet": ["urn:reds", "urn:colours:all"]}], {"red", "crimson", "purple"}),
        ([{"valueSet": ["urn:reds"]}, listed("blue")], {"red", "crimson", "purple", "blue"}),
    ],
)
def test_a_definition_is_followed(knowing, include, expected):
    reds = value_set("urn:reds", filtered("concept", "is-a", "red"))
    known = knowing(reds, value_set("urn:x", *include))
    assert {code for _, code in known.members("urn:x")} == expected
    for code in ALL | {"green"}:
        assert known.contains("urn:x", "urn:colours", code) is (code in expected), code
        assert known.contains("urn:x", None, code) is (code in expected), code
    assert known.contains("urn:x", "urn:other", "red") is False


def test_what_is_excluded_is_no_member(knowing):
    known = knowing(value_set("urn:x", every(), exclude=(filtered("concept", "is-a", "warm"),)))
    assert {code for _, code in known.members("urn:x")} == {"blue", "mauve"}
    assert known.contains("urn:x", "urn:colours", "red") is False


def test_codes_out_of_use_are_left_out_where_the_value_set_says_so(knowing):
    known = knowing(value_set("urn:x", every(), inactive=False), value_set("urn:y", every(), inactive=True))
    assert known.contains("urn:x", "urn:colours", "mauve") is False
    assert ("urn:colours", "mauve") not in known.members("urn:x")
    assert known.contains("urn:y", "urn:colours", "mauve") is True


def test_a_system_that_is_not_loaded_leaves_the_question_open(knowing):
    known = knowing(value_set("urn:x", every("http://loinc.org"), listed("red")),
                    value_set("urn:y", every(), exclude=({"valueSet": ["urn:nobody"]},)))  # fmt: skip
    assert known.contains("urn:x", "http://loinc.org", "4548-4") is None
    assert known.contains("urn:x", "urn:colours", "red") is True
    assert known.contains("urn:x", "urn:colours", "blue") is False
    assert known.members("urn:x") is None
    assert [one.url for one in known.missing("urn:x")] == ["http://loinc.org"]
    assert known.contains("urn:y", "urn:colours", "red") is None
    assert known.members("urn:y") is None
    assert known.contains("urn:nobody", "urn:colours", "red") is None


def test_a_fragment_says_yes_and_cannot_say_no(knowing):
    known = knowing(value_set("urn:x", every("urn:shapes")))
    assert known.contains("urn:x", "urn:shapes", "circle") is True
    assert known.contains("urn:x", "urn:shapes", "square") is None


def test_a_value_set_that_imports_itself_is_not_known(knowing):
    known = knowing(
        value_set("urn:x", {"valueSet": ["urn:y"]}), value_set("urn:y", {"valueSet": ["urn:x"]}, listed("red"))
    )
    assert known.contains("urn:x", "urn:colours", "blue") is None
    assert known.members("urn:x") is None
    assert known.contains("urn:y", "urn:colours", "red") is True


def test_the_expansion_it_came_with_decides_where_the_definition_cannot_be_followed(knowing):
    contains = [{"system": "http://loinc.org", "code": "1-8", "display": "One", "contains": [
        {"system": "http://loinc.org", "code": "2-6"}]}]  # fmt: skip
    whole = {**value_set("urn:x", every("http://loinc.org")), "expansion": {"total": 2, "contains": contains}}
    page = {**value_set("urn:y", every("http://loinc.org")), "expansion": {"total": 9, "contains": contains}}
    alone = {"resourceType": "ValueSet", "url": "urn:z", "expansion": {"contains": contains}}
    known = knowing(whole, page, alone, {"resourceType": "ValueSet", "url": "urn:empty"})
    for url in ("urn:x", "urn:z"):
        assert known.members(url) == {("http://loinc.org", "1-8"), ("http://loinc.org", "2-6")}
        assert known.contains(url, "http://loinc.org", "3-4") is False
    assert known.contains("urn:y", "http://loinc.org", "2-6") is True
    assert known.contains("urn:y", "http://loinc.org", "3-4") is None
    assert known.members("urn:y") is None
    assert known.contains("urn:empty", "http://loinc.org", "2-6") is None


@pytest.mark.parametrize(
    ("url", "system", "code", "expected"),
    [
        ("urn:colours?vs", "urn:colours", "red", True),
        ("urn:colours?vs", "urn:colours", "green", False),
        ("http://loinc.org/vs", "http://loinc.org", "1-8", None),
        ("http://loinc.org/vs", "http://snomed.info/sct", "1", False),
        ("http://snomed.info/sct?fhir_vs", "http://snomed.info/sct", "73211009", None),
        ("http://snomed.info/sct?fhir_vs=isa/73211009", "http://snomed.info/sct", "73211009", None),
        ("http://snomed.info/sct?fhir_vs=isa/73211009", "urn:colours", "red", False),
        ("http://snomed.info/sct?fhir_vs=nonsense", "http://snomed.info/sct", "73211009", None),
        ("urn:unknown?vs", "urn:unknown", "a", None),
    ],
)
def test_implicit_value_sets(knowing, url, system, code, expected):
    assert knowing().contains(url, system, code) is expected


def test_a_licensed_system_that_a_tenant_loads_is_followed(product):
    snomed = {"resourceType": "CodeSystem", "url": "http://snomed.info/sct", "content": "complete", "concept": [
        {"code": "73211009", "concept": [{"code": "44054006"}]}, {"code": "1"}]}  # fmt: skip
    known = product.with_resources([], [snomed])
    url = "http://snomed.info/sct?fhir_vs=isa/73211009"
    assert known.contains(url, "http://snomed.info/sct", "44054006") is True
    assert known.contains(url, "http://snomed.info/sct", "1") is False
    assert known.below("http://snomed.info/sct", "73211009") == {"73211009", "44054006"}


@pytest.mark.parametrize(
    ("system", "good", "bad"),
    [
        ("http://unitsofmeasure.org", ["mg/dL", "10*3/uL", "{score}"], ["mgs", ""]),
        ("urn:ietf:bcp:47", ["en", "en-US", "zh-Hant-TW", "de-CH-1996", "x-own"], ["english language", "e", "en_US"]),
        (
            "urn:ietf:bcp:13",
            ["text/plain", "application/fhir+json; fhirVersion=4.0", "image/*"],
            ["text", "a/b/c", "a b/c"],
        ),
        ("urn:ietf:rfc:3986", ["urn:a:b", "http://x.y/z"], ["nothing", "http://a b"]),
    ],
)
def test_a_grammar_tells_its_codes(knowing, system, good, bad):
    known = knowing(value_set("urn:x", every(system)))
    assert [one for one in good if known.contains("urn:x", system, one) is not True] == []
    assert [one for one in bad if known.contains("urn:x", system, one) is not False] == []
    assert known.members("urn:x") is None


def test_filters_on_grammars(product):
    assert product.contains("http://hl7.org/fhir/ValueSet/all-time-units", "http://unitsofmeasure.org", "wk") is True
    assert product.contains("http://hl7.org/fhir/ValueSet/all-time-units", "http://unitsofmeasure.org", "kg") is False
    simple = "http://hl7.org/fhir/us/core/ValueSet/simple-language"
    assert product.contains(simple, "urn:ietf:bcp:47", "en-US") is True
    assert product.contains(simple, "urn:ietf:bcp:47", "en-Latn-US") is False


def test_unknown_is_never_taken_for_no():
    assert any_of((False, None)) is None and any_of((None, True)) is True and any_of(()) is False
    assert all_of((True, None)) is None and all_of((None, False)) is False and all_of(()) is True
    assert negated(None) is None and negated(True) is False


def test_value_sets_that_import_each_other_many_times_are_looked_at_once(knowing):
    chain = [value_set(f"urn:{n}", {"valueSet": [f"urn:{n + 1}", f"urn:{n + 1}"]}, {"valueSet": [f"urn:{n + 1}"]})
             for n in range(40)]  # fmt: skip
    known = knowing(*chain, value_set("urn:40", listed("red")))
    assert known.members("urn:0") == {("urn:colours", "red")}
    open_end = knowing(*chain, value_set("urn:40", every("http://loinc.org")))
    assert open_end.contains("urn:0", "http://loinc.org", "1-8") is None
    assert open_end.contains("urn:0", "urn:colours", "red") is False


def test_imports_without_end_are_refused(knowing):
    known = knowing(*(value_set(f"urn:{n}", {"valueSet": [f"urn:{n + 1}"]}) for n in range(400)))
    with pytest.raises(Rejected) as refused:
        known.members("urn:0")
    assert refused.value.issue_code == "too-costly"
    assert known.contains("urn:0", "urn:colours", "red") is None


def test_an_expression_that_cannot_be_read_leaves_the_question_open(knowing):
    known = knowing(value_set("urn:x", filtered("code", "regex", "(")))
    assert known.contains("urn:x", "urn:colours", "red") is None
    assert [one.reason for one in known.missing("urn:x")] == ["has a filter that cannot be followed here"]
