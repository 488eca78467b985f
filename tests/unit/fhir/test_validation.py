"""Every kind of fault in a resource is found at its place, and nothing of the value is repeated."""

import copy
import time
from decimal import Decimal
from typing import Any

import pytest

from careloop.fhir.validation import MAX_FAULTS, Validator

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p1",
    "meta": {"lastUpdated": "2024-05-01T10:00:00.123Z", "profile": ["http://example.org/p"]},
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'},
    "contained": [{"resourceType": "Organization", "id": "o", "name": "Clinic"}],
    "extension": [{"url": "urn:x", "extension": [{"url": "a", "valueCoding": {"code": "x"}}]}],
    "identifier": [{"system": "urn:mrn", "value": "123"}],
    "active": True,
    "name": [{"family": "Doe", "given": ["Jane", None], "_given": [None, {"id": "g2"}]}],
    "telecom": [{"system": "phone", "value": "555", "rank": 1}],
    "gender": "female",
    "birthDate": "1980-02-29",
    "_birthDate": {"extension": [{"url": "urn:time", "valueDateTime": "1980-02-29T01:02:03Z"}]},
    "maritalStatus": {"coding": [{"system": "urn:m", "code": "M"}]},
    "multipleBirthInteger": 2,
    "contact": [{"gender": "male", "organization": {"reference": "Organization/1"}}],
    "communication": [{"language": {"text": "English"}}],
    "managingOrganization": {"reference": "#o"},
    "link": [{"other": {"reference": "Patient/2"}, "type": "seealso"}],
}
OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"text": "Glucose"},
    "effectiveDateTime": "2024-05",
    "issued": "2024-05-01T10:00:00Z",
    "valueQuantity": {"value": Decimal("5.40"), "unit": "mmol/L"},
    "component": [{"code": {"text": "x"}, "valueString": "y", "referenceRange": [{"low": {"value": 1}}]}],
}
ATTACHED: dict[str, Any] = {
    "resourceType": "DocumentReference",
    "status": "current",
    "content": [{"attachment": {"contentType": "text/plain", "data": "aGVsbG8=", "size": 5, "url": "http://x/y"}}],
}
ALLERGY: dict[str, Any] = {
    "resourceType": "AllergyIntolerance",
    "clinicalStatus": {
        "coding": [{"system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active"}]
    },
    "patient": {"reference": "Patient/1"},
}
TIMED: dict[str, Any] = {
    "resourceType": "HealthcareService",
    "availableTime": [{"availableStartTime": "08:30:00"}],
    "endpoint": [{"reference": "http://other.org/fhir/Endpoint/1"}],
}
BUNDLE: dict[str, Any] = {
    "resourceType": "Bundle",
    "type": "transaction",
    "entry": [
        {"fullUrl": "urn:uuid:018f428e-34f6-4707-8009-5ad742f901e7", "resource": PATIENT,
         "request": {"method": "PUT", "url": "Patient/p1"}}
    ],
}  # fmt: skip

SECRET = "Zebulon"


def planted(resource: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with `value` at `path` (`name.0.family`); `...` as value takes the property away."""
    changed = copy.deepcopy(resource)
    *parents, last = (int(part) if part.isdigit() else part for part in path.split("."))
    node: Any = changed
    for part in parents:
        node = node[part]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return changed


@pytest.fixture(scope="module")
def validator() -> Validator:
    return Validator.load()


@pytest.mark.parametrize("resource", [PATIENT, OBSERVATION, ATTACHED, ALLERGY, TIMED, BUNDLE])
def test_a_valid_resource_has_no_fault(validator: Validator, resource: dict[str, Any]) -> None:
    assert validator.validate(resource) == []


PLANTED = [
    (PATIENT, "nickname", SECRET, "Patient.nickname", "structure"),
    (PATIENT, "name.0.surname", SECRET, "Patient.name[0].surname", "structure"),
    (PATIENT, SECRET + " 1980-01-01", "x", "Patient.?", "structure"),
    (PATIENT, "_name", [{"id": "x"}], "Patient._name", "structure"),
    (PATIENT, "name", {"family": SECRET}, "Patient.name", "structure"),
    (PATIENT, "gender", ["female"], "Patient.gender", "code-invalid"),
    (PATIENT, "gender", SECRET, "Patient.gender", "code-invalid"),
    (PATIENT, "birthDate", "1980-02-30", "Patient.birthDate", "value"),
    (PATIENT, "birthDate", "1981-02-29", "Patient.birthDate", "value"),
    (PATIENT, "birthDate", "02/29/1980", "Patient.birthDate", "value"),
    (PATIENT, "birthDate", "1980-02-29T00:00:00Z", "Patient.birthDate", "value"),
    (PATIENT, "birthDate", 1980, "Patient.birthDate", "value"),
    (PATIENT, "active", "true", "Patient.active", "value"),
    (PATIENT, "active", None, "Patient.active", "value"),
    (PATIENT, "active", 1, "Patient.active", "value"),
    (PATIENT, "id", "has space", "Patient.id", "value"),
    (PATIENT, "id", "x" * 65, "Patient.id", "value"),
    (PATIENT, "name.0.family", "", "Patient.name[0].family", "value"),
    (PATIENT, "name.0.family", "a\x00b", "Patient.name[0].family", "value"),
    (PATIENT, "name.0.family", 7, "Patient.name[0].family", "value"),
    (PATIENT, "name.0.given.0", None, "Patient.name[0].given[0]", "structure"),
    (PATIENT, "name.0.given", [], "Patient.name[0].given", "structure"),
    (PATIENT, "name.0", {}, "Patient.name[0]", "structure"),
    (PATIENT, "name.0", SECRET, "Patient.name[0]", "structure"),
    (PATIENT, "name", [], "Patient.name", "structure"),
    (PATIENT, "_birthDate", {}, "Patient._birthDate", "structure"),
    (PATIENT, "telecom.0.rank", 0, "Patient.telecom[0].rank", "value"),
    (PATIENT, "telecom.0.rank", Decimal("1.0"), "Patient.telecom[0].rank", "value"),
    (PATIENT, "telecom.0.rank", 2**31, "Patient.telecom[0].rank", "value"),
    (PATIENT, "multipleBirthBoolean", True, "Patient.multipleBirth[x]", "structure"),
    (PATIENT, "_multipleBirthBoolean", {"id": "x"}, "Patient.multipleBirth[x]", "structure"),
    (PATIENT, "multipleBirthString", "two", "Patient.multipleBirthString", "structure"),
    (PATIENT, "communication.0", {"preferred": True}, "Patient.communication[0].language", "required"),
    (PATIENT, "link.0.type", ..., "Patient.link[0].type", "required"),
    (PATIENT, "link.0.other", {"reference": "Patient 2"}, "Patient.link[0].other.reference", "value"),
    (PATIENT, "extension.0.url", ..., "Patient.extension[0].url", "required"),
    (PATIENT, "extension.0.valueUnknown", 1, "Patient.extension[0].valueUnknown", "structure"),
    (PATIENT, "extension.0.extension.0.valueInteger", 1, "Patient.extension[0].extension[0].value[x]", "structure"),
    (PATIENT, "contained.0.resourceType", "Clinic", "Patient.contained[0].resourceType", "not-supported"),
    (PATIENT, "contained.0.nam", SECRET, "Patient.contained[0].nam", "structure"),
    (PATIENT, "meta.lastUpdated", "2024-05-01", "Patient.meta.lastUpdated", "value"),
    (PATIENT, "meta.lastUpdated", "2016-12-31T23:59:60Z", "Patient.meta.lastUpdated", "value"),
    (PATIENT, "meta.profile.0", "http://a b", "Patient.meta.profile[0]", "value"),
    (PATIENT, "text.div", "<p>x</p>", "Patient.text.div", "value"),
    (PATIENT, "text.status", ..., "Patient.text.status", "required"),
    (OBSERVATION, "status", ..., "Observation.status", "required"),
    (OBSERVATION, "code", ..., "Observation.code", "required"),
    (OBSERVATION, "status", "Final", "Observation.status", "code-invalid"),
    (OBSERVATION, "effectiveDateTime", "2024-05-01T10:00:00", "Observation.effectiveDateTime", "value"),
    (OBSERVATION, "effectiveDateTime", "2024-05-01T25:00:00Z", "Observation.effectiveDateTime", "value"),
    (OBSERVATION, "valueString", "x", "Observation.value[x]", "structure"),
    (OBSERVATION, "valueQuantity.value", "5.4", "Observation.valueQuantity.value", "value"),
    (OBSERVATION, "valueQuantity.value", 5.4, "Observation.valueQuantity.value", "value"),
    (OBSERVATION, "valueQuantity.value", Decimal("NaN"), "Observation.valueQuantity.value", "value"),
    (OBSERVATION, "valueQuantity.comparator", "=", "Observation.valueQuantity.comparator", "code-invalid"),
    (OBSERVATION, "component.0.referenceRange.0.low.values", 1,
     "Observation.component[0].referenceRange[0].low.values", "structure"),
    (ATTACHED, "content", ..., "DocumentReference.content", "required"),
    (ATTACHED, "content.0.attachment.data", "%%%", "DocumentReference.content[0].attachment.data", "value"),
    (ATTACHED, "content.0.attachment.size", -1, "DocumentReference.content[0].attachment.size", "value"),
    (ATTACHED, "content.0.attachment.contentType", " text/plain",
     "DocumentReference.content[0].attachment.contentType", "value"),
    (ALLERGY, "clinicalStatus.coding.0.code", "activ", "AllergyIntolerance.clinicalStatus", "code-invalid"),
    (ALLERGY, "clinicalStatus.coding.0.system", "urn:other", "AllergyIntolerance.clinicalStatus", "code-invalid"),
    (ALLERGY, "clinicalStatus", {"text": "active"}, "AllergyIntolerance.clinicalStatus", "code-invalid"),
    (TIMED, "availableTime.0.availableStartTime", "8:30", "HealthcareService.availableTime[0].availableStartTime",
     "value"),
    (BUNDLE, "entry.0.resource.gender", "f", "Bundle.entry[0].resource.gender", "code-invalid"),
    (BUNDLE, "entry.0.resource.resourceType", ..., "Bundle.entry[0].resource.resourceType", "not-supported"),
    (BUNDLE, "entry.0.request.method", "put", "Bundle.entry[0].request.method", "code-invalid"),
]  # fmt: skip


@pytest.mark.parametrize(("resource", "path", "value", "at", "code"), PLANTED, ids=lambda one: str(one)[:30])
def test_a_planted_fault_is_named_at_its_place(
    validator: Validator, resource: dict[str, Any], path: str, value: Any, at: str, code: str
) -> None:
    found = validator.validate(planted(resource, path, value))
    assert [(fault.at, fault.code) for fault in found] == [(at, code)]
    assert found[0].severity == "error"
    assert SECRET not in found[0].expected + found[0].at


@pytest.mark.parametrize("resource", [None, [], "x", 1, {}, {"resourceType": 7}, {"resourceType": ["Patient"]},
                                      {"resourceType": "Patient2"}, {"resourceType": "DomainResource"}])  # fmt: skip
def test_what_is_no_resource_is_refused(validator: Validator, resource: Any) -> None:
    assert [fault.code for fault in validator.validate(resource)] in (["structure"], ["not-supported"])


def test_all_faults_are_told_in_one_run(validator: Validator) -> None:
    resource = planted(planted(PATIENT, "gender", "f"), "birthDate", "1980")
    resource["link"] = [{}, {"type": "x"}]
    assert [fault.at for fault in validator.validate(resource)] == [
        "Patient.gender", "Patient.link[0]", "Patient.link[1].type", "Patient.link[1].other"]  # fmt: skip


def test_an_absent_primitive_may_be_explained_by_an_extension(validator: Validator) -> None:
    reason = [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]
    resource = planted(OBSERVATION, "status", ...)
    resource["_status"] = {"extension": reason}
    assert validator.validate(resource) == []
    assert validator.validate(planted(ALLERGY, "clinicalStatus", {"extension": reason})) == []


def test_faults_are_limited_in_number(validator: Validator) -> None:
    resource = {"resourceType": "Patient", "name": [{"wrong": 1}] * (MAX_FAULTS + 5)}
    assert len(validator.validate(resource)) == MAX_FAULTS


def test_many_faults_cost_no_more_than_many_elements(validator: Validator) -> None:
    started = time.perf_counter()
    many = {f"x{number}": None for number in range(100_000)}
    assert len(validator.validate({"resourceType": "Patient", **many, "contact": [many, {}] * 2})) == MAX_FAULTS
    assert time.perf_counter() - started < 3


def test_a_fault_behind_many_explained_nulls_is_found(validator: Validator) -> None:
    given: list[Any] = [None] * (MAX_FAULTS + 50)
    name = {"given": given, "_given": [{"id": "x"}] * len(given)}
    assert validator.validate({"resourceType": "Patient", "name": [name]}) == []
    found = validator.validate({"resourceType": "Patient", "name": [{**name, "given": [*given, 7]}]})
    assert [fault.at for fault in found] == [f"Patient.name[0].given[{len(given)}]"]


def test_nesting_is_limited_and_a_bomb_costs_no_time(validator: Validator) -> None:
    inner: dict[str, Any] = {"url": "u", "valueString": "x"}
    for _ in range(400):
        inner = {"url": "u", "extension": [inner]}
    started = time.perf_counter()
    found = validator.validate({"resourceType": "Patient", "extension": [inner]})
    assert time.perf_counter() - started < 0.5
    assert [fault.code for fault in found] == ["too-long"]
    assert "at most 100" in found[0].expected


def test_nesting_up_to_the_limit_is_fine(validator: Validator) -> None:
    inner: dict[str, Any] = {"url": "u", "valueString": "x"}
    for _ in range(98):
        inner = {"url": "u", "extension": [inner]}
    assert validator.validate({"resourceType": "Patient", "extension": [inner]}) == []


def test_a_fault_below_many_levels_is_looked_for_once_a_level(validator: Validator) -> None:
    """An array whose entry was wrong was checked twice, so that 60 levels were checked 2^60 times (found by
    tests/acceptance/test_bad_input.py, "deep extensions"; the server hung)."""
    inner: dict[str, Any] = {"valueString": "no url"}
    for _ in range(60):
        inner = {"url": "urn:x", "extension": [inner]}
    assert validator.validate({"resourceType": "Patient", "extension": [inner]})
