"""Entries become resources: what is unknown is not false, what is negated is not there, what is faulty is named."""

from typing import Any

import pytest
from tests.unit.intake.ccda.document import HEAD, PENICILLIN, allergy, document, problem, section

from careloop.catalog import CONTENT, load_catalog
from careloop.errors import Rejected
from careloop.intake.ccda import CcdaContent, load_ccda, read, settle

ASTHMA = '<value xsi:type="CD" code="195967001" codeSystem="2.16.840.1.113883.6.96" displayName="Asthma"/>'
ALLERGIES, PROBLEMS = "48765-2", "11450-4"


@pytest.fixture(scope="session")
def content() -> CcdaContent:
    return load_ccda(load_catalog(product=CONTENT).documents("ccda"))


def resources(raw: bytes, content: CcdaContent, kind: str) -> list[dict[str, Any]]:
    settled = settle(read(raw, content, "America/New_York"), 1, "ann")
    return [one for one in settled if one["resourceType"] == kind]


def code_of(resource: dict[str, Any], element: str) -> str:
    return str(resource[element]["coding"][0]["code"])


def test_an_allergy_names_its_substance_and_its_kind(content: CcdaContent) -> None:
    (one,) = resources(document(section(ALLERGIES, allergy(agent=PENICILLIN))), content, "AllergyIntolerance")
    assert code_of(one, "code") == "7982"
    assert (one["type"], one["category"], one["onsetDateTime"]) == ("allergy", ["medication"], "2020-01-02")
    assert code_of(one, "clinicalStatus") == "active"
    assert one["patient"] == {"reference": "Patient/ann"}


def test_no_known_allergy_is_said_and_no_allergy_is_made_up(content: CcdaContent) -> None:
    (one,) = resources(document(section(ALLERGIES, allergy(negated=True))), content, "AllergyIntolerance")
    assert code_of(one, "code") == "409137002"
    assert code_of(one, "verificationStatus") == "confirmed"


def test_a_negated_allergy_to_one_substance_is_refuted(content: CcdaContent) -> None:
    raw = document(section(ALLERGIES, allergy(agent=PENICILLIN, negated=True)))
    (one,) = resources(raw, content, "AllergyIntolerance")
    assert (code_of(one, "code"), code_of(one, "verificationStatus")) == ("7982", "refuted")


def test_a_problem_with_an_end_is_resolved_and_keeps_its_precision(content: CcdaContent) -> None:
    (one,) = resources(document(section(PROBLEMS, problem(ASTHMA, high='<high value="2021"/>'))), content, "Condition")
    assert (one["onsetDateTime"], one["abatementDateTime"]) == ("2020-01", "2021")
    assert code_of(one, "clinicalStatus") == "resolved"
    assert one["category"][0]["coding"][0]["code"] == "problem-list-item"


def test_no_known_problem_is_no_problem(content: CcdaContent) -> None:
    none = '<value xsi:type="CD" code="55607006" codeSystem="2.16.840.1.113883.6.96"/>'
    (one,) = resources(document(section(PROBLEMS, problem(none, negated=True))), content, "Condition")
    assert code_of(one, "code") == "160245001"


def test_a_null_value_makes_no_condition(content: CcdaContent) -> None:
    raw = document(section(PROBLEMS, problem('<value xsi:type="CD" nullFlavor="UNK"/>')))
    assert resources(raw, content, "Condition") == []


def test_translations_are_codings_and_words_come_from_the_narrative(content: CcdaContent) -> None:
    value = (
        '<value xsi:type="CD" nullFlavor="OTH"><originalText><reference value="#w1"/></originalText>'
        '<translation code="J45.909" codeSystem="2.16.840.1.113883.6.90"/></value>'
    )
    text = '<text><content ID="w1">Asthma,  mild</content></text>'
    (one,) = resources(document(section(PROBLEMS, problem(value), text=text)), content, "Condition")
    assert one["code"] == {
        "coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "J45.909"}],
        "text": "Asthma, mild",
    }


def test_two_things_under_one_identifier_stay_two_and_the_same_thing_is_one(content: CcdaContent) -> None:
    other = ASTHMA.replace("195967001", "38341003")
    raw = document(section(PROBLEMS, problem(ASTHMA), problem(other), problem(ASTHMA)))
    first = {one["id"] for one in resources(raw, content, "Condition")}
    assert len(first) == 2
    again = document(section(PROBLEMS, problem(other), problem(ASTHMA)))
    assert {one["id"] for one in resources(again, content, "Condition")} == first


def test_an_impossible_code_is_left_out_and_named(content: CcdaContent) -> None:
    raw = document(section(PROBLEMS, problem(ASTHMA.replace("195967001", "nonsense"))))
    (one,) = resources(raw, content, "Condition")
    assert one["code"] == {"text": "Asthma"}
    faults = read(raw, content, "America/New_York").faults
    assert any("value/@code" in one.at and "http://snomed.info/sct" in one.expected for one in faults)
    assert not any("nonsense" in one.expected for one in faults)


def test_an_entry_without_its_template_is_read_by_its_section_and_the_fault_is_named(content: CcdaContent) -> None:
    entry = allergy(agent=PENICILLIN).replace("2.16.840.1.113883.10.20.22.4.7", "9.9.9")
    raw = document(section(ALLERGIES, entry))
    assert len(resources(raw, content, "AllergyIntolerance")) == 1
    assert any(one.at.endswith("observation/templateId") for one in read(raw, content, "America/New_York").faults)


def test_labels_of_a_section_hold_for_its_entries_alone(content: CcdaContent) -> None:
    label = '<confidentialityCode code="R" codeSystem="2.16.840.1.113883.5.25"/>'
    raw = document(section(PROBLEMS, problem(ASTHMA), more=label), section(ALLERGIES, allergy(agent=PENICILLIN)))
    (condition,) = resources(raw, content, "Condition")
    (other,) = resources(raw, content, "AllergyIntolerance")
    assert [one["code"] for one in condition["meta"]["security"]] == ["R"]
    assert "meta" not in other


def test_the_text_of_a_section_is_kept_and_made_safe(content: CcdaContent) -> None:
    text = (
        '<text><list><item>one</item></list><linkHtml href="javascript:alert(1)">two</linkHtml>'
        '<table onclick="x"><tr><td>three</td></tr></table></text>'
    )
    (composition,) = resources(document(section("8648-8", text=text)), content, "Composition")
    div = composition["section"][0]["text"]["div"]
    assert "<ul><li>one</li></ul>" in div and "<td>three</td>" in div and "two" in div
    assert "javascript" not in div and "onclick" not in div


def test_the_header_names_person_author_and_custodian(content: CcdaContent) -> None:
    result = read(document(), content, "America/New_York")
    assert result.identifiers == [{"system": "urn:oid:1.2.3.5", "value": "77"}]
    assert (result.patient["gender"], result.patient["birthDate"]) == ("female", "1950-04-03")
    settled = {one["resourceType"]: one for one in settle(result, 1, "ann")}
    assert settled["Practitioner"]["identifier"][0]["system"] == "http://hl7.org/fhir/sid/us-npi"
    assert settled["Composition"]["custodian"]["reference"] == f"Organization/{settled['Organization']['id']}"
    assert settled["Composition"]["date"] == "2026-01-02T03:04:05-05:00"


@pytest.mark.parametrize(
    ("old", "new", "at"),
    [
        ("POCD_HD000040", "POCD", "ClinicalDocument/typeId"),
        ('<id root="1.2.3.5" extension="77"/>', "", "ClinicalDocument/recordTarget/patientRole/id"),
        (
            '<id root="1.2.3.5" extension="77"/>',
            '<id nullFlavor="UNK"/>',
            "ClinicalDocument/recordTarget/patientRole/id",
        ),
        ("recordTarget", "recordtarget", "ClinicalDocument/recordTarget"),
        ("ClinicalDocument", "Other", "document"),
    ],
)
def test_what_is_no_document_about_one_known_person_is_refused(
    content: CcdaContent, old: str, new: str, at: str
) -> None:
    with pytest.raises(Rejected) as refused:
        read(document(head=HEAD).replace(old.encode(), new.encode()), content, "America/New_York")
    assert refused.value.at == at


def test_the_root_of_a_register_alone_names_nobody(content: CcdaContent) -> None:
    """`<id root="2.16.840.1.113883.4.6"/>` is the NPI register, not a number in it."""
    raw = document(head=HEAD.replace(' extension="1234567893"', ""))
    (one,) = resources(raw, content, "Practitioner")
    assert "identifier" not in one
