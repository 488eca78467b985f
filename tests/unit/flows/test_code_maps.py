"""The official v2-to-FHIR maps answer `$translate` too."""

from careloop.catalog import load_catalog
from careloop.flows.code_maps import concept_maps, product_terminology
from careloop.terminology import Question

V2 = "http://terminology.hl7.org/CodeSystem/v2-"


def test_a_code_of_a_v2_table_is_translated_to_every_element_it_goes_to() -> None:
    known = product_terminology(load_catalog())
    found = known.translate(Question(code="M", system=V2 + "0190"))
    assert ("http://hl7.org/fhir/address-type", "postal", "relatedto") in {
        (one.system, one.code, one.equivalence) for one in found
    }
    sex = known.translate(
        Question(code="F", system=V2 + "0001", target_system="http://hl7.org/fhir/administrative-gender")
    )
    assert {one.code for one in sex} == {"female"}
    assert {one.source for one in sex} >= {"urn:careloop:hl7v2-map:administrativesex"}


def test_what_the_guide_leaves_open_has_no_match() -> None:
    known = product_terminology(load_catalog())
    criticality = "http://hl7.org/fhir/allergy-intolerance-criticality"
    assert known.translate(Question(code="MO", system=V2 + "0128", target_system=criticality)) == []


def test_each_map_has_an_address_of_its_own() -> None:
    maps = concept_maps(load_catalog())
    assert len({one["url"] for one in maps}) == len(maps) > 70
