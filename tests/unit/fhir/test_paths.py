"""Search expressions become walks that know the JSON they read."""

import pytest

from careloop.errors import Rejected
from careloop.fhir import definitions as tables
from careloop.fhir.paths import Step, Walk, walks


def found(expression: str, resource_type: str) -> list[Walk]:
    return walks(expression, resource_type, tables.load())


def field(name: str) -> Step:
    return Step("field", name)


EACH = Step("each")


def test_a_path_reads_properties_and_array_entries() -> None:
    assert found("Patient.name.given", "Patient") == [
        Walk("Patient", (field("name"), EACH, field("given"), EACH), "string")
    ]


@pytest.mark.parametrize("cast", ["(Observation.value as Quantity)", "Observation.value.as(Quantity)",
                                  "Observation.value.ofType(Quantity)"])  # fmt: skip
def test_a_cast_reads_one_type_of_a_choice(cast: str) -> None:
    assert found(cast, "Observation") == [Walk("Observation", (field("valueQuantity"),), "Quantity")]


def test_steps_may_follow_a_cast() -> None:
    assert found("(Observation.value as CodeableConcept).text", "Observation") == [
        Walk("Observation", (field("valueCodeableConcept"), field("text")), "string")
    ]


def test_a_choice_without_a_cast_reads_every_type() -> None:
    leaves = [walk.leaf for walk in found("Group.characteristic.value", "Group")]
    assert leaves == ["CodeableConcept", "boolean", "Quantity", "Range", "Reference"]


def test_a_union_gives_the_walks_of_the_type_that_is_asked() -> None:
    expression = "AllergyIntolerance.code | Observation.code | (Observation.value as CodeableConcept)"
    assert [walk.steps for walk in found(expression, "Observation")] == [
        (field("code"),), (field("valueCodeableConcept"),)]  # fmt: skip


def test_a_reference_knows_what_it_may_refer_to() -> None:
    assert found("Observation.subject", "Observation")[0].targets == ("Patient", "Group", "Device", "Location")
    narrowed = found("Observation.subject.where(resolve() is Patient)", "Observation")[0]
    assert narrowed.targets == ("Patient",)
    assert narrowed.steps[-1] == Step("is", value="Patient")


def test_conditions_stay_in_the_walk() -> None:
    assert Step("equals", "system", "phone") in found("Patient.telecom.where(system='phone')", "Patient")[0].steps
    assert found("Patient.deceased.exists() and Patient.deceased != false", "Patient")[0].leaf == "boolean"
    assert Step("index", value="0") in found("Bundle.entry[0].resource", "Bundle")[0].steps


def test_an_extension_is_read_by_its_address_and_value_type() -> None:
    walk = next(one for one in found("Patient.extension('urn:x')", "Patient") if one.leaf == "code")
    assert walk.steps == (Step("extension", "valueCode", "urn:x"),)


@pytest.mark.parametrize("expression", ["Patient.nickname", "Patient.name.first()", "Patient.name.where(use)",
                                        "Patient.name; import os", "Patient.name.family.surname"])  # fmt: skip
def test_what_is_not_covered_is_refused(expression: str) -> None:
    with pytest.raises(Rejected):
        found(expression, "Patient")
