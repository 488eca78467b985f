"""Which profile an address means."""

from tests.unit.fhir.conformance.judging import profiles

from careloop.fhir import definitions as tables
from careloop.fhir.conformance.profiles import Profiles, load

US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient"


def test_without_a_version_the_newest_is_meant_and_a_version_names_one() -> None:
    known = load(tables.load())
    versions = {suffix: known.find(US_CORE + suffix) for suffix in ("", "|3.1.0", "|9.0.0", "|6.1.0")}
    found = {suffix: profile and profile.version for suffix, profile in versions.items()}
    assert found == {"": "9.0.0", "|3.1.0": "3.1.0", "|9.0.0": "9.0.0", "|6.1.0": None}


def test_a_profile_is_built_on_profiles_of_its_own_release() -> None:
    old = profiles("1.0", base={"base": "Patient", "elements": {"name": {"min": 1}}},
                   child={"base": "http://x.org/base", "type": "Patient", "elements": {}})  # fmt: skip
    new = profiles("2.0", base={"base": "Patient", "elements": {"photo": {"min": 1}}})
    known = Profiles(tables.load(), [old, new])
    child = known.find("http://x.org/child")
    assert child is not None
    assert list(known.shape(child).children) == ["name"]


def test_types_are_known_by_their_own_address_and_by_profiles() -> None:
    known = load(tables.load())
    assert known.type_of(US_CORE) == "Patient"
    assert known.type_of("http://hl7.org/fhir/StructureDefinition/Group") == "Group"
    assert known.type_of("Group") == "Group"
    assert known.type_of("http://example.org/who-knows") is None
