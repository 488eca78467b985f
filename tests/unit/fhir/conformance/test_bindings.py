"""Codes outside a value set are errors or warnings as the binding's strength says; what nobody knows is neither."""

from typing import Any

import pytest
from tests.unit.fhir.conformance.judging import judge, places, profiles

SET = "http://x.org/ValueSet/s"
GENDERS = "http://hl7.org/fhir/ValueSet/administrative-gender"
GENDER_SYSTEM = "http://hl7.org/fhir/administrative-gender"


class Knows:
    """Terms of one value set."""

    def contains(self, value_set_url: str, system: str | None, code: str) -> bool | None:
        if value_set_url != SET:
            return None
        return None if system == "urn:unknown" else (system, code) == ("urn:s", "in")


def concept(*codes: tuple[str, str], **more: Any) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code} for system, code in codes], **more}


def found(strength: str, status: dict[str, Any], url: str = SET) -> list[tuple[str, str]]:
    release = profiles(p={"base": "Patient", "elements": {"maritalStatus": {"binding": [strength, url]}}})
    problems = judge({"resourceType": "Patient", "maritalStatus": status}, "p", release, terms=Knows())
    return [(one[0], one[1]) for one in problems]


@pytest.mark.parametrize(
    ("status", "severity"),
    [
        (concept(("urn:s", "in")), None),
        (concept(("urn:s", "out"), ("urn:s", "in")), None),
        (concept(("urn:s", "out")), "error"),
        (concept(("urn:unknown", "x")), None),
        (concept(("urn:s", "out"), extension=[{"url": "urn:x", "valueCode": "unknown"}]), None),
        ({"text": "somehow"}, "error"),
    ],
)
def test_a_required_binding(status: dict[str, Any], severity: str | None) -> None:
    assert found("required", status) == ([] if severity is None else [(".maritalStatus", severity)])


def test_an_extensible_binding_warns_and_leaves_text_alone() -> None:
    assert found("extensible", concept(("urn:s", "out"))) == [(".maritalStatus", "warning")]
    assert found("extensible", {"text": "somehow"}) == []


def test_the_widest_value_set_of_a_weak_binding_binds() -> None:
    assert found("max", concept(("urn:s", "out"))) == [(".maritalStatus", "error")]


def test_a_value_set_that_nobody_knows_says_nothing() -> None:
    assert found("required", concept(("urn:s", "out")), "http://x.org/ValueSet/other") == []


def test_listed_codes_need_nobody_to_know_them() -> None:
    assert found("required", concept((GENDER_SYSTEM, "female")), GENDERS) == []
    assert found("required", concept((GENDER_SYSTEM, "none")), GENDERS) == [(".maritalStatus", "error")]


def test_a_plain_code_is_asked_for_without_a_system() -> None:
    release = profiles(p={"base": "Patient", "elements": {"gender": {"binding": ["required", GENDERS]}}})
    assert places(judge({"resourceType": "Patient", "gender": "male"}, "p", release)) == []
    assert places(judge({"resourceType": "Patient", "gender": "none"}, "p", release)) == [".gender"]
