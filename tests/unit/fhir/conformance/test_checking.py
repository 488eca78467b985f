"""The whole check: declared and given profiles, contained resources, entries, targets, and what cannot be judged."""

from typing import Any

import pytest

from careloop.errors import Fault
from careloop.fhir.conformance.checking import MAX_FAULTS
from careloop.fhir.validation import Validator

US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "identifier": [{"system": "urn:mrn", "value": "1"}],
    "name": [{"family": "Shaw"}],
    "gender": "female",
}


def check(resource: dict[str, Any], *profiles: str, **more: Any) -> list[Fault]:
    return Validator.load().check(resource, profiles=profiles, **more)


def errors(resource: dict[str, Any], *profiles: str, **more: Any) -> list[str]:
    return [fault.at for fault in check(resource, *profiles, **more) if fault.severity == "error"]


def test_a_declared_profile_is_asked_for_and_a_given_one_too() -> None:
    nameless = {key: value for key, value in PATIENT.items() if key != "name"}
    assert errors(nameless) == []
    assert errors(nameless, f"{US_CORE}patient") == ["Patient.name"]
    assert errors({**nameless, "meta": {"profile": [f"{US_CORE}patient|3.1.0"]}}) == ["Patient.name"]


def test_an_unknown_profile_is_a_warning_at_its_place() -> None:
    [fault] = [one for one in check({**PATIENT, "meta": {"profile": ["urn:p"]}}) if one.severity != "information"]
    assert (fault.at, fault.severity, fault.code) == ("Patient.meta.profile[0]", "warning", "not-found")
    assert "urn:p" in fault.expected


def test_a_profile_of_another_type_is_an_error() -> None:
    assert errors(PATIENT, f"{US_CORE}practitioner") == ["Patient"]


def test_errors_come_first_and_nothing_is_told_twice() -> None:
    found = check({**PATIENT, "telecom": [{"value": "5"}]}, f"{US_CORE}patient", f"{US_CORE}patient|9.0.0")
    ranks = [("error", "warning", "information").index(fault.severity) for fault in found]
    assert ranks == sorted(ranks)
    assert len(found) == len(set(found))


def test_a_fault_that_hides_what_is_meant_is_told_alone() -> None:
    assert errors({**PATIENT, "name": "Shaw", "telecom": [{"value": "5"}]}) == ["Patient.name"]
    assert errors({**PATIENT, "gender": "some", "telecom": [{"value": "5"}]}) == [
        "Patient.gender",
        "Patient.telecom[0]",
    ]


def test_invariants_can_be_left_out() -> None:
    broken = {**PATIENT, "telecom": [{"value": "5"}]}
    assert errors(broken) == ["Patient.telecom[0]"]
    assert errors(broken, invariants=False) == []


def test_contained_resources_and_their_links() -> None:
    organization = {"resourceType": "Organization", "id": "o", "name": "Clinic"}
    linked = {**PATIENT, "contained": [organization], "managingOrganization": {"reference": "#o"}}
    assert errors(linked) == []
    assert errors({**linked, "managingOrganization": {"reference": "#x"}}) == [
        "Patient",
        "Patient.managingOrganization",
    ]
    assert errors({**linked, "contained": [{"resourceType": "Organization", "id": "o"}]}) == ["Patient.contained[0]"]
    wrong = {**linked, "contained": [{"resourceType": "Location", "id": "o"}]}
    assert errors(wrong) == ["Patient.managingOrganization"]


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ({"reference": "Organization/1"}, []),
        ({"reference": "https://x.org/fhir/Organization/1/_history/2"}, []),
        ({"reference": "Organization?identifier=a"}, []),
        ({"reference": "urn:uuid:5c3a1d2e-0000-4000-8000-000000000000"}, []),
        ({"display": "somewhere"}, []),
        ({"reference": "Patient/1"}, ["Patient.managingOrganization"]),
        ({"reference": "https://x.org/fhir/Patient/1"}, ["Patient.managingOrganization"]),
        ({"type": "Patient", "identifier": {"value": "1"}}, ["Patient.managingOrganization"]),
    ],
)
def test_the_type_of_a_target_is_checked_where_it_can_be_told(reference: dict[str, Any], expected: list[str]) -> None:
    assert errors({**PATIENT, "managingOrganization": reference}) == expected


def test_entries_are_judged_by_themselves_and_see_one_another() -> None:
    entries = [
        {"fullUrl": "urn:uuid:a", "resource": {**PATIENT, "managingOrganization": {"reference": "urn:uuid:b"}}},
        {
            "fullUrl": "urn:uuid:b",
            "resource": {"resourceType": "Location", "meta": {"profile": [f"{US_CORE}location"]}},
        },
    ]
    found = errors({"resourceType": "Bundle", "type": "collection", "entry": entries})
    assert found == ["Bundle.entry[0].resource.managingOrganization", "Bundle.entry[1].resource.name"]


def test_an_extension_is_judged_by_its_own_definition() -> None:
    race = f"{US_CORE}race"
    text = {"url": "text", "valueString": "White"}
    assert errors({**PATIENT, "extension": [{"url": race, "extension": [text]}]}) == []
    assert errors({**PATIENT, "extension": [{"url": race, "extension": [{"url": "text", "valueCode": "w"}]}]}) != []
    assert errors({**PATIENT, "extension": [{"url": race, "valueString": "x"}]}) != []
    assert errors({**PATIENT, "extension": [{"url": "http://example.org/own", "valueString": "x"}]}) == []


def test_a_simple_quantity_has_no_comparator() -> None:
    dose = {"doseAndRate": [{"doseQuantity": {"value": 1, "comparator": "<"}}]}
    request = {
        "resourceType": "MedicationRequest", "status": "active", "intent": "order",
        "medicationCodeableConcept": {"text": "x"}, "subject": {"reference": "Patient/1"}, "dosageInstruction": [dose],
    }  # fmt: skip
    at = "MedicationRequest.dosageInstruction[0].doseAndRate[0].doseQuantity"
    assert at in {fault[: len(at)] for fault in errors(request)}


def test_a_flood_of_faults_is_cut_and_judged_in_time() -> None:
    flood = {**PATIENT, "telecom": [{"value": "5"}] * 20_000}
    assert len(check(flood)) <= MAX_FAULTS
    contained = [{"resourceType": "Organization", "id": f"o{number}", "name": "x"} for number in range(3_000)]
    links = [{"reference": f"#o{number}"} for number in range(3_000)]
    assert errors({**PATIENT, "contained": contained, "generalPractitioner": links}) == []


def test_a_fault_never_repeats_a_value() -> None:
    secret = "Zebra-9999"
    resource = {**PATIENT, "telecom": [{"value": secret}], "managingOrganization": {"reference": f"Patient/{secret}"}}
    assert all(secret not in fault.expected + fault.at for fault in check(resource, f"{US_CORE}patient"))
