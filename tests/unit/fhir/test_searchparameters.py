"""Everything a resource can be found by is extracted, and only what can be answered is offered."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from careloop.errors import ContentError, Rejected
from careloop.fhir.searchparameters import Extracted, SearchDefinitions, check, present_hash, token_hash

TENANT = 7


@pytest.fixture(scope="module")
def definitions() -> SearchDefinitions:
    return SearchDefinitions.load()


def has(found: Extracted, resource_type: str, parameter: str, *texts: str) -> bool:
    return all(token_hash(TENANT, resource_type, parameter, text) in found.tokens for text in texts)


OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "meta": {"tag": [{"system": "urn:t", "code": "x"}], "profile": ["http://x/p|2"], "security": [{"code": "R"}]},
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}, {"code": "BP"}]},
    "subject": {"reference": "Patient/p1/_history/2"},
    "encounter": {"reference": "http://other.org/fhir/Encounter/e1"},
    "performer": [{"identifier": {"system": "urn:npi", "value": "99"}}, {"reference": "Practitioner/d1"}],
    "effectivePeriod": {"start": "2024-05-01"},
    "component": [
        {"code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]},
         "valueQuantity": {"value": Decimal("120.0"), "system": "http://unitsofmeasure.org", "code": "mm[Hg]"}},
        {"code": {"text": "pulse"}, "valueQuantity": {"value": 70, "unit": "beats"}},
    ],
}  # fmt: skip


def test_codes_are_found_by_system_and_code_alone_or_together(definitions: SearchDefinitions) -> None:
    found = definitions.extract(OBSERVATION, TENANT)
    assert has(found, "Observation", "code", "http://loinc.org|85354-9", "85354-9", "http://loinc.org|", "BP", "|BP")
    assert not has(found, "Observation", "code", "8480-6")
    assert has(found, "Observation", "combo-code", "85354-9", "8480-6")
    assert has(found, "Observation", "component-code", "8480-6")
    assert has(found, "Observation", "status", "final")


def test_metadata_is_found(definitions: SearchDefinitions) -> None:
    found = definitions.extract(OBSERVATION, TENANT)
    assert has(found, "Observation", "_tag", "urn:t|x", "x")
    assert has(found, "Observation", "_profile", "http://x/p|2", "http://x/p")
    assert has(found, "Observation", "_security", "R", "|R")


def test_references_are_found_without_their_version_and_by_identifier(definitions: SearchDefinitions) -> None:
    found = definitions.extract(OBSERVATION, TENANT)
    assert has(found, "Observation", "subject", "Patient/p1")
    assert has(found, "Observation", "patient", "Patient/p1")
    assert has(found, "Observation", "encounter", "http://other.org/fhir/Encounter/e1")
    assert has(found, "Observation", "performer:identifier", "urn:npi|99", "99")
    assert sorted(found.references) == ["Patient/p1", "Practitioner/d1"]
    assert found.patient_id == "p1"


def test_a_present_parameter_says_so(definitions: SearchDefinitions) -> None:
    found = definitions.extract(OBSERVATION, TENANT)
    assert present_hash(TENANT, "Observation", "date") in found.tokens
    assert present_hash(TENANT, "Observation", "performer") in found.tokens
    assert present_hash(TENANT, "Observation", "value-quantity") not in found.tokens


def test_tokens_of_two_tenants_have_nothing_in_common(definitions: SearchDefinitions) -> None:
    mine, theirs = definitions.extract(OBSERVATION, 1), definitions.extract(OBSERVATION, 2)
    assert not set(mine.tokens) & set(theirs.tokens)


def test_dates_are_intervals_in_the_zone_of_the_tenant(definitions: SearchDefinitions) -> None:
    found = definitions.extract({**OBSERVATION, "effectivePeriod": {"start": "2024-05-01", "end": "2024-05-02"}},
                                TENANT, ZoneInfo("America/New_York"))  # fmt: skip
    assert found.dates == [
        ("date", datetime(2024, 5, 1, 4, tzinfo=UTC), datetime(2024, 5, 3, 4, tzinfo=UTC)),
    ]


def test_quantities_keep_their_unit(definitions: SearchDefinitions) -> None:
    found = definitions.extract(OBSERVATION, TENANT).quantities
    assert ("component-value-quantity", Decimal("120.0"), "http://unitsofmeasure.org|mm[Hg]") in found
    assert ("combo-value-quantity", Decimal(70), "|beats") in found


PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p1",
    "identifier": [{"system": "urn:mrn", "value": " 12 ", "type": {"coding": [{"system": "urn:t", "code": "MR"}]}}],
    "name": [{"family": "Núñez", "given": ["Ana", "Mª"], "_given": [None, None]}],
    "telecom": [{"system": "phone", "value": "(555) 123-4567"}, {"system": "email", "value": "A@x.org"}],
    "address": [{"line": ["1 Main St"], "city": "Salem", "postalCode": "01940"}],
    "gender": "female",
    "birthDate": "1980",
    "link": [{"other": {"reference": "Patient/p2"}, "type": "seealso"}],
}


def test_names_and_addresses_are_found_by_each_part(definitions: SearchDefinitions) -> None:
    found = definitions.extract(PATIENT, TENANT)
    assert {("family", "nunez"), ("name", "nunez"), ("given", "ana"), ("address", "1 main st"),
            ("address-city", "salem")} <= set(found.strings)  # fmt: skip
    assert has(found, "Patient", "family:exact", "Núñez")


def test_identifiers_and_telephones_are_found(definitions: SearchDefinitions) -> None:
    found = definitions.extract(PATIENT, TENANT)
    assert has(found, "Patient", "identifier", "urn:mrn|12", "12")
    assert has(found, "Patient", "identifier:of-type", "urn:t|MR|12")
    assert has(found, "Patient", "phone", "5551234567")
    assert has(found, "Patient", "email", "a@x.org")
    assert not has(found, "Patient", "email", "5551234567")


@pytest.mark.parametrize(
    ("deceased", "answer"),
    [({}, "false"), ({"deceasedBoolean": False}, "false"), ({"deceasedBoolean": True}, "true"),
     ({"deceasedDateTime": "2024"}, "true")],
)  # fmt: skip
def test_a_patient_is_dead_or_not(definitions: SearchDefinitions, deceased: dict[str, Any], answer: str) -> None:
    found = definitions.extract({**PATIENT, **deceased}, TENANT)
    assert [text for text in ("true", "false") if has(found, "Patient", "deceased", text)] == [answer]


@pytest.mark.parametrize(
    ("resource", "patient_id"),
    [
        (PATIENT, "p1"),
        ({"resourceType": "Task", "for": {"reference": "Patient/a"}, "owner": {"reference": "Patient/b"}}, "a"),
        ({"resourceType": "Coverage", "payor": [{"reference": "Patient/b"}], "beneficiary": {"reference": "Patient/a"}},
         "a"),
        ({"resourceType": "Observation", "performer": [{"reference": "Patient/b"}]}, "b"),
        ({"resourceType": "Observation", "subject": {"reference": "Group/g"}}, None),
        ({"resourceType": "Device", "patient": {"reference": "Patient/a"}}, "a"),
        ({"resourceType": "Group", "member": [{"entity": {"reference": "Patient/a"}}]}, None),
        ({"resourceType": "Appointment", "participant": [{"actor": {"reference": "Practitioner/d"}},
                                                         {"actor": {"reference": "Patient/a"}}]}, "a"),
        ({"resourceType": "Organization", "name": "x"}, None),
    ],
)  # fmt: skip
def test_a_resource_belongs_to_the_patient_it_is_about(
    definitions: SearchDefinitions, resource: dict[str, Any], patient_id: str | None
) -> None:
    assert definitions.extract(resource, TENANT).patient_id == patient_id


def test_included_references_are_those_of_one_parameter(definitions: SearchDefinitions) -> None:
    assert definitions.targets(OBSERVATION, "performer") == ["Practitioner/d1"]
    assert definitions.targets(OBSERVATION, "patient") == ["Patient/p1"]
    assert definitions.targets(OBSERVATION, "code") == []
    assert definitions.targets(OBSERVATION, "nothing") == []


@pytest.mark.parametrize(
    "resource",
    [
        {"resourceType": "Patient", "name": "x"},
        {"resourceType": "Patient", "name": [7]},
        {"resourceType": "No"},
        {},
        {"resourceType": []},
    ],
)
def test_what_is_no_r4_resource_is_refused_and_not_a_crash(
    definitions: SearchDefinitions, resource: dict[str, Any]
) -> None:
    with pytest.raises(Rejected):
        definitions.extract(resource, TENANT)


def test_only_what_can_be_answered_is_offered(definitions: SearchDefinitions) -> None:
    observation = definitions.of("Observation")
    assert {"code", "date", "patient", "value-quantity", "_tag", "_id", "_lastUpdated"} <= set(observation)
    assert "code-value-quantity" in observation
    assert not {"_text", "_content"} & set(observation)
    assert definitions.left_out["Location-near"] == "needs a way of its own"
    assert definitions.of("Nothing") == {}
    assert definitions.faults() == []


def test_every_offered_parameter_compiles_for_every_type(definitions: SearchDefinitions) -> None:
    from careloop.fhir import definitions as tables

    for resource_type in tables.load().resources:
        if resource_type != "Patient":
            assert definitions.extract({"resourceType": resource_type}, TENANT).tokens == []


def write_parameter(folder: Path, **changes: Any) -> Path:
    parameter = {"resourceType": "SearchParameter", "id": "deadline", "code": "deadline", "type": "date",
                 "base": ["Task"], "expression": "Task.restriction.period", **changes}  # fmt: skip
    (folder / "deadline.json").write_text(json.dumps(parameter))
    return folder


def test_a_site_adds_a_parameter_by_one_file(tmp_path: Path) -> None:
    definitions = SearchDefinitions.load([write_parameter(tmp_path)])
    found = definitions.extract({"resourceType": "Task", "restriction": {"period": {"end": "2024-05-01"}}}, TENANT)
    assert [name for name, _, _ in found.dates] == ["deadline"]
    assert "deadline" not in SearchDefinitions.load().of("Task")


@pytest.mark.parametrize(
    "changes", [{"expression": "Task.nothing"}, {"expression": "Task.code.first()"}, {"base": ["Job"]}, {"code": None}]
)
def test_a_wrong_parameter_file_is_named(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(ContentError, match="deadline"):
        SearchDefinitions.load([write_parameter(tmp_path, **changes)])


def test_a_file_that_is_no_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(ContentError, match=r"broken\.json"):
        SearchDefinitions.load([tmp_path])
    assert [fault.expected for fault in check([tmp_path])] == ["JSON"]
    assert check() == []


RACE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race"
ETHNICITY = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-ethnicity"
ASSERTED = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate"
US_CORE: list[tuple[dict[str, Any], str, str]] = [
    ({"resourceType": "CareTeam", "participant": [{"role": [{"coding": [{"code": "nurse"}]}]}]}, "role", "nurse"),
    ({"resourceType": "Encounter", "hospitalization": {"dischargeDisposition": {"coding": [{"code": "01"}]}}},
     "discharge-disposition", "01"),
    ({"resourceType": "Goal", "description": {"coding": [{"code": "g"}]}}, "description", "g"),
    ({"resourceType": "Patient", "extension": [
        {"url": RACE, "extension": [{"url": "ombCategory", "valueCoding": {"code": "2106-3"}},
                                    {"url": "text", "valueString": "White"}]}]}, "race", "2106-3"),
    ({"resourceType": "Patient", "extension": [
        {"url": ETHNICITY, "extension": [{"url": "ombCategory", "valueCoding": {"code": "2186-5"}}]}]},
     "ethnicity", "2186-5"),
]  # fmt: skip


@pytest.mark.parametrize(("resource", "parameter", "code"), US_CORE, ids=lambda one: str(one)[:25])
def test_parameters_of_us_core_are_answered(
    definitions: SearchDefinitions, resource: dict[str, Any], parameter: str, code: str
) -> None:
    assert has(definitions.extract(resource, TENANT), resource["resourceType"], parameter, code)


def test_the_date_a_condition_was_asserted_is_found_in_its_extension(definitions: SearchDefinitions) -> None:
    condition = {"resourceType": "Condition", "extension": [{"url": ASSERTED, "valueDateTime": "2024-05-01"},
                                                            {"url": "urn:other", "valueDateTime": "2020"}]}  # fmt: skip
    assert [(name, low.year) for name, low, _ in definitions.extract(condition, TENANT).dates] == [
        ("asserted-date", 2024)]  # fmt: skip


def test_concepts_of_one_code_are_each_found_by_their_own_words_and_tenant() -> None:
    """What a concept leaves is remembered by all its texts: none is found by the words of another."""
    definitions = SearchDefinitions.load()

    def words(tenant_id: int = 1, **concept: object) -> set[str]:
        code = {"coding": [{"system": "http://loinc.org", "code": "1-8"}], **concept}
        found = definitions.extract({"resourceType": "Basic", "code": code}, tenant_id)
        assert {token for _, _, token in found.words} <= set(found.tokens)
        assert token_hash(tenant_id, "Basic", "code", "http://loinc.org|1-8") in found.tokens
        return {text for _, text, _ in found.words}

    for _ in range(2):
        assert words() == set()
        assert words(text="Weight") == {"weight"}
        assert words(text="Gewicht") == {"gewicht"}
        assert words(2, text="Weight") == {"weight"}
