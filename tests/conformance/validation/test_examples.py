"""Every published example keeps R4's invariants and the profiles that it declares, or stands in exclusions.yaml."""

from pathlib import Path

import pytest
import yaml
from tests.conformance.validation.examples import examples, us_core_examples

from careloop.errors import Fault
from careloop.fhir.conformance import Checker
from careloop.fhir.validation import Validator

pytestmark = pytest.mark.shared

TYPES = ("not-ours", "suite-fault", "not-yet", "other-dialect", "r5-only")
EXCLUSIONS = yaml.safe_load(Path(__file__).with_name("exclusions.yaml").read_text())["examples"]
EXCLUDED = {entry["example"]: entry["faults"] for entry in EXCLUSIONS}
ANOTHER_GUIDE = ("http://hl7.org/fhir/us/sdc/", "http://hl7.org/fhir/uv/sdc/")


@pytest.fixture(scope="module")
def found(shared: Path) -> dict[str, list[Fault]]:
    """What is found in each example."""
    validator = Validator.load()
    return {name: validator.check(resource) for name, resource in examples(shared)}


def test_every_exclusion_has_a_type_and_a_reason() -> None:
    for entry in EXCLUSIONS:
        assert entry["type"] in TYPES
        assert len(entry["reason"]) > 20


def test_published_examples_have_no_error_but_those_that_are_excluded(found: dict[str, list[Fault]]) -> None:
    errors = {
        name: [fault.at for fault in faults if fault.severity == "error"]
        for name, faults in found.items()
        if any(fault.severity == "error" for fault in faults)
    }
    assert errors == EXCLUDED
    assert len(found) >= 480
    assert 1 - len(EXCLUDED) / len(found) >= 0.97


def test_every_invariant_could_be_decided(found: dict[str, list[Fault]]) -> None:
    assert [fault for faults in found.values() for fault in faults if fault.code == "processing"] == []


def test_only_profiles_of_other_guides_are_unknown(found: dict[str, list[Fault]]) -> None:
    unknown = [fault for faults in found.values() for fault in faults if fault.code == "not-found"]
    assert unknown
    for fault in unknown:
        assert any(guide in fault.expected for guide in ANOTHER_GUIDE), fault


def test_us_core_examples_are_judged_by_their_own_profiles(shared: Path) -> None:
    checker = Checker.load()
    declared = [one.get("meta", {}).get("profile", ()) for _, one in us_core_examples(shared)]
    judged = [canonicals for canonicals in declared if any(map(checker.knows, canonicals))]
    assert len(judged) >= 110
    assert len({canonical for canonicals in judged for canonical in canonicals}) >= 35
