"""Values are told apart by every kind of discriminator, counted, ordered, and closed where the profile says so."""

from typing import Any

import pytest
from tests.unit.fhir.conformance.judging import judge, places, profiles

LAB = {"coding": [{"system": "urn:c", "code": "lab"}]}
VITAL = {"coding": [{"system": "urn:c", "code": "vital"}], "text": "Vital signs"}
OTHER = {"coding": [{"system": "urn:c", "code": "other"}]}


def observation(*categories: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "category": [*categories], **more}


def sliced(rules: str = "open", ordered: bool = False) -> dict[str, Any]:
    return {
        "category": {"slicing": {"by": [["pattern", "$this"]], "rules": rules, "ordered": ordered}},
        "category:lab": {"min": 1, "max": 1, "pattern": LAB},
        "category:vital": {"pattern": VITAL, "max": 1},
    }


def found(elements: dict[str, Any], resource: dict[str, Any], severity: str = "error", **others: Any) -> list[str]:
    release = profiles(p={"base": "Observation", "elements": elements}, **others)
    return places(judge(resource, "p", release), severity)


@pytest.mark.parametrize(
    ("categories", "expected"),
    [
        ([LAB], []),
        ([OTHER, LAB, VITAL], []),
        ([VITAL], [".category:lab"]),
        ([LAB, LAB], [".category:lab"]),
        ([LAB, VITAL, VITAL], [".category:vital"]),
    ],
)
def test_values_of_a_slice_are_counted(categories: list[dict[str, Any]], expected: list[str]) -> None:
    assert found(sliced(), observation(*categories)) == expected


def test_closed_slicing_takes_no_other_value() -> None:
    assert found(sliced("closed"), observation(LAB, OTHER)) == [".category[1]"]


def test_other_values_come_last_where_slicing_is_open_at_its_end() -> None:
    assert found(sliced("openAtEnd"), observation(LAB, VITAL, OTHER)) == []
    assert found(sliced("openAtEnd"), observation(LAB, OTHER, VITAL)) == [".category[2]"]


def test_slices_come_in_their_order_where_they_have_one() -> None:
    assert found(sliced(ordered=True), observation(LAB, OTHER, VITAL)) == []
    assert found(sliced(ordered=True), observation(VITAL, LAB)) == [".category[1]"]
    assert found(sliced(), observation(VITAL, LAB)) == []


def test_what_a_slice_says_is_asked_of_its_values_alone() -> None:
    elements = {**sliced(), "category:lab.text": {"min": 1}}
    assert found(elements, observation(OTHER, LAB)) == [".category[1].text"]


def test_by_a_fixed_value_deeper_inside() -> None:
    elements = {
        "component": {"slicing": {"by": [["value", "code.coding.code"]], "rules": "open", "ordered": False}},
        "component:a": {"min": 1},
        "component:a.code.coding:A": {"min": 1},
        "component:a.code.coding:A.code": {"min": 1, "fixed": "a"},
    }
    assert found(elements, observation(component=[{"code": {"coding": [{"code": "z"}, {"code": "a"}]}}])) == []
    assert found(elements, observation(component=[{"code": {"coding": [{"code": "b"}]}}])) == [".component:a"]


def test_by_existence() -> None:
    elements = {
        "component": {"slicing": {"by": [["exists", "value"]], "rules": "closed", "ordered": False}},
        "component:with": {"max": 1},
        "component:with.value[x]": {"min": 1},
        "component:without": {"max": 1},
        "component:without.value[x]": {"max": 0},
    }
    code = {"text": "x"}
    assert found(elements, observation(component=[{"code": code, "valueString": "v"}, {"code": code}])) == []
    assert found(elements, observation(component=[{"code": code}, {"code": code}])) == [".component:without"]


def test_by_type() -> None:
    elements = {"value[x]:valueQuantity": {"types": [{"code": "Quantity"}]}, "valueQuantity.unit": {"min": 1}}
    assert found(elements, observation(valueQuantity={"value": 1})) == [".valueQuantity.unit"]
    assert found(elements, observation(valueString="x")) == []


def test_extensions_are_told_apart_by_their_address() -> None:
    typed = {"min": 1, "types": [{"code": "Extension", "profile": ["http://x.org/race"]}]}
    race = {"base": "Extension", "elements": {"url": {"fixed": "http://x.org/race"}, "value[x]": {"min": 1}}}
    right, wrong = {"url": "http://x.org/race", "valueCode": "a"}, {"url": "http://x.org/other", "valueCode": "a"}
    assert found({"extension:race": typed}, observation(extension=[wrong, right]), race=race) == []
    assert found({"extension:race": typed}, observation(extension=[wrong]), race=race) == [".extension:race"]
    bare = {"url": "http://x.org/race", "extension": [{"url": "x", "valueCode": "a"}]}
    assert found({"extension:race": typed}, observation(extension=[bare]), race=race) == [".extension[0].value[x]"]


def test_by_profile_of_what_a_reference_leads_to() -> None:
    elements = {
        "performer": {"slicing": {"by": [["profile", "resolve()"]], "rules": "open", "ordered": False}},
        "performer:named": {"max": 1, "types": [{"code": "Reference", "target": ["http://x.org/named"]}]},
    }
    named = {"base": "Practitioner", "elements": {"name": {"min": 1}}}
    contained = [
        {"resourceType": "Practitioner", "id": "a", "name": [{"text": "A"}]},
        {"resourceType": "Practitioner", "id": "b", "name": [{"text": "B"}]},
        {"resourceType": "Practitioner", "id": "c"},
    ]
    one = observation(contained=contained, performer=[{"reference": "#a"}, {"reference": "#c"}])
    two = observation(contained=contained, performer=[{"reference": "#a"}, {"reference": "#b"}])
    assert found(elements, one, named=named) == []
    assert found(elements, two, named=named) == [".performer:named"]


def test_by_type_of_what_a_reference_leads_to() -> None:
    elements = {
        "performer": {"slicing": {"by": [["type", "resolve()"]], "rules": "closed", "ordered": False}},
        "performer:person": {"max": 1, "types": [{"code": "Practitioner"}]},
    }
    outside = observation(performer=[{"reference": "Practitioner/1"}, {"reference": "Organization/1"}])
    assert found(elements, outside) == []


def test_nothing_is_demanded_of_a_slice_whose_values_cannot_be_known() -> None:
    elements = {
        "category": {"slicing": {"by": [["value", "$this"]], "rules": "closed", "ordered": False}},
        "category:x": {"min": 1, "binding": ["required", "http://x.org/ValueSet/nobody-knows"]},
    }
    assert found(elements, observation(OTHER)) == []
