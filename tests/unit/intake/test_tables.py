"""The official v2-to-FHIR code maps as content."""

import pytest

from careloop.catalog import load_catalog
from careloop.errors import NotFound
from careloop.intake.tables import CodeMaps, Target, table_system


@pytest.fixture(scope="module")
def maps() -> CodeMaps:
    return CodeMaps.of(load_catalog().mapping("hl7v2-tables"))


def test_one_table_means_different_things_for_different_elements(maps: CodeMaps) -> None:
    assert maps.named("AddressType[Use]").target("BA") == Target(
        system="http://hl7.org/fhir/address-use", code="old", display="Old / Incorrect"
    )
    postal = maps.named("AddressType[Type]").target("M")
    assert postal is not None and postal.code == "postal"
    assert {one.name for one in maps.of_table("0190")} == {"AddressType[Use]", "AddressType[Type]"}


def test_a_code_may_leave_the_usual_system_of_its_map(maps: CodeMaps) -> None:
    married, unknown = (maps.named("MaritalStatus").target(code) for code in ("M", "U"))
    assert married is not None and married.system.endswith("/v3-MaritalStatus")
    assert unknown is not None and (unknown.system[-13:], unknown.code) == ("v3-NullFlavor", "UNK")


def test_what_the_guide_leaves_open_is_not_guessed(maps: CodeMaps) -> None:
    action = maps.named("SegmentActionCode")
    assert action.target("U") is None and "U" in action.undecided
    assert maps.named("AllergySeverity[AllergyIntolerance.criticality]").target("MO") is None
    assert action.target("no such code") is None


def test_a_country_stays_text_whatever_yaml_makes_of_it(maps: CodeMaps) -> None:
    countries = maps.named("CountryCode")
    assert countries.target("NO") or countries.target("NOR")
    assert all(isinstance(code, str) for code in countries.targets)
    assert all(
        one.system.startswith(("http", "urn:")) for every in maps.by_name.values() for one in every.targets.values()
    )


def test_a_map_that_does_not_exist_is_named(maps: CodeMaps) -> None:
    with pytest.raises(NotFound, match="no-such-map"):
        maps.named("no-such-map")


def test_a_v2_table_is_a_code_system_of_fhir() -> None:
    assert table_system("0190") == "http://terminology.hl7.org/CodeSystem/v2-0190"
