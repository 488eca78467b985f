"""The compiled tables say what the official definitions say."""

import pytest

from careloop.fhir import definitions as tables
from careloop.fhir.definitions import Definitions, parse_element


@pytest.fixture
def definitions() -> Definitions:
    return tables.load()


def test_the_committed_tables_have_no_fault() -> None:
    assert tables.check() == []


def test_a_fault_in_the_tables_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    structures = {"version": "x", "primitives": ["string"], "resources": [], "nodes": {
        "Thing": {"base": "", "elements": {"a": "0..1 Nothing", "b": "0..1 string =no-such-set"}}}}  # fmt: skip
    monkeypatch.setattr(tables, "load", lambda: Definitions(structures, {}, {}))
    assert [fault.at.rpartition(":")[2] for fault in tables.check()] == ["Thing.a", "Thing.b"]


def test_all_146_resource_types_of_r4_are_known(definitions: Definitions) -> None:
    assert definitions.version == "4.0.1"
    assert len(definitions.resources) == 146
    assert {"Patient", "Task", "Encounter"} <= definitions.resources


def test_inherited_elements_come_with_own_ones(definitions: Definitions) -> None:
    names = list(definitions.elements("Patient.contact"))
    assert names[:3] == ["id", "extension", "modifierExtension"]
    assert {"relationship", "telecom", "gender"} <= set(names)


def test_a_line_of_the_table_states_one_element() -> None:
    element = parse_element("subject[x]", "1..* CodeableConcept,Reference(Patient|Group) =some-set s")
    assert (element.minimum, element.repeats, element.in_summary, element.binding) == (1, True, True, "some-set")
    assert element.targets == {"Reference": ("Patient", "Group")}
    assert element.json_names() == {"subjectCodeableConcept": "CodeableConcept", "subjectReference": "Reference"}


def test_codes_come_with_their_system(definitions: Definitions) -> None:
    assert definitions.codes("administrative-gender") == {
        "http://hl7.org/fhir/administrative-gender": ["female", "male", "other", "unknown"]
    }
    assert definitions.binding_url("administrative-gender") == "http://hl7.org/fhir/ValueSet/administrative-gender"


def test_the_patient_compartment_is_that_of_r4(definitions: Definitions) -> None:
    assert definitions.compartments["Patient"]["AllergyIntolerance"] == ["patient", "recorder", "asserter"]
