"""What a profile says of an element is asked of its values, and told at its place."""

from typing import Any

import pytest
from tests.unit.fhir.conformance.judging import judge, places, profiles

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "name": [{"family": "Shaw"}, {"given": ["A", "B"]}],
    "birthDate": "1950-01-01",
    "multipleBirthInteger": 2,
    "maritalStatus": {"coding": [{"system": "urn:s", "code": "M"}], "text": "married"},
}


def found(elements: dict[str, Any], resource: dict[str, Any] = PATIENT, severity: str = "error") -> list[str]:
    return places(judge(resource, "p", profiles(p={"base": "Patient", "elements": elements})), severity)


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"name": {"min": 2}}, []),
        ({"name": {"min": 3}}, [".name"]),
        ({"name": {"max": 1}}, [".name"]),
        ({"photo": {"min": 1}}, [".photo"]),
        ({"birthDate": {"max": 0}}, [".birthDate"]),
        ({"name.family": {"min": 1}}, [".name[1].family"]),
        ({"name.given": {"max": 1}}, [".name[1].given"]),
        ({"multipleBirth[x]": {"min": 1}}, []),
        ({"multipleBirth[x]": {"types": [{"code": "boolean"}]}}, [".multipleBirthInteger"]),
        ({"multipleBirth[x]": {"types": [{"code": "integer"}, {"code": "boolean"}]}}, []),
        ({"deceased[x]": {"min": 1}}, [".deceased[x]"]),
        ({"birthDate": {"fixed": "1950-01-01"}}, []),
        ({"birthDate": {"fixed": "1950"}}, [".birthDate"]),
        ({"maritalStatus": {"pattern": {"coding": [{"code": "M"}]}}}, []),
        ({"maritalStatus": {"pattern": {"coding": [{"code": "S"}]}}}, [".maritalStatus"]),
        ({"maritalStatus": {"fixed": {"coding": [{"code": "M"}]}}}, [".maritalStatus"]),
        ({"multipleBirthInteger": {"maxValue": 1}}, [".multipleBirthInteger"]),
        ({"multipleBirthInteger": {"minValue": 2}}, []),
        ({"maritalStatus.text": {"maxLength": 3}}, [".maritalStatus.text"]),
        ({"name": {"constraint": [["k-1", "error", "family.exists()", "words"]]}}, [".name[1]"]),
        ({"": {"constraint": [["k-2", "error", "active.exists()", "words"]]}}, [""]),
        ({"birthDate.extension": {"min": 1}}, [".birthDate.extension"]),
    ],
)
def test_each_kind_of_fact_is_asked_of_the_values(elements: dict[str, Any], expected: list[str]) -> None:
    assert found(elements) == expected


def test_an_element_that_only_says_why_it_has_no_value_is_there() -> None:
    reason = {"extension": [{"url": "http://x.org/absent", "valueCode": "unknown"}]}
    resource = {"resourceType": "Patient", "_birthDate": reason}
    assert found({"birthDate": {"min": 1}, "birthDate.extension": {"min": 1}}, resource) == []


def test_must_support_without_a_value_is_information_and_no_error() -> None:
    elements = {"photo": {"support": True}, "birthDate": {"support": True}, "contact.name": {"support": True}}
    assert found(elements) == []
    assert found(elements, severity="information") == [".photo"]


def test_an_invariant_that_cannot_be_decided_is_no_error() -> None:
    elements = {"": {"constraint": [["k-3", "error", "active = true", "words"]]}}
    assert found(elements) == []
    assert found(elements, {"resourceType": "Patient", "active": False}) == [""]


def test_the_type_of_a_references_target_is_that_of_the_profile_it_names() -> None:
    target = {"code": "Reference", "target": ["http://x.org/doctor"]}
    release = profiles(
        p={"base": "Patient", "elements": {"generalPractitioner": {"types": [target]}}},
        doctor={"base": "Practitioner", "elements": {}},
    )
    for reference, expected in (("Practitioner/1", []), ("Organization/1", [".generalPractitioner[0]"]), ("urn:a", [])):
        resource = {"resourceType": "Patient", "generalPractitioner": [{"reference": reference}]}
        assert places(judge(resource, "p", release)) == expected


def test_a_value_must_meet_the_profile_of_its_type() -> None:
    typed = {"types": [{"code": "HumanName", "profile": ["http://x.org/full"]}]}
    release = profiles(
        p={"base": "Patient", "elements": {"name": typed}},
        full={"base": "HumanName", "elements": {"family": {"min": 1}}},
    )
    assert places(judge(PATIENT, "p", release)) == [".name[1].family"]


def test_bases_are_asked_too() -> None:
    release = profiles(
        base={"base": "Patient", "elements": {"photo": {"min": 1}}},
        p={"base": "http://x.org/base", "type": "Patient", "elements": {"name": {"min": 3}}},
    )
    assert sorted(places(judge(PATIENT, "p", release))) == [".name", ".photo"]
