"""Every published example keeps R4's invariants and the profiles that it declares, or stands in exclusions.yaml."""

from pathlib import Path

import pytest
import yaml
from tests.conformance.validation.examples import examples, us_core_examples

from careloop.errors import Fault
from careloop.fhir.conformance import Checker
from careloop.fhir.validation import Validator
from careloop.terminology import Terminology

pytestmark = pytest.mark.shared

TYPES = ("not-ours", "suite-fault", "not-yet", "other-dialect", "r5-only")
_FILE = yaml.safe_load(Path(__file__).with_name("exclusions.yaml").read_text())
EXCLUSIONS = [*_FILE["examples"], *_FILE["with-terminology"]]
EXCLUDED = {entry["example"]: entry["faults"] for entry in _FILE["examples"]}
EXCLUDED_WITH_TERMINOLOGY = EXCLUDED | {entry["example"]: entry["faults"] for entry in _FILE["with-terminology"]}
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


def errors_of(found: dict[str, list[Fault]]) -> dict[str, list[str]]:
    """Where the errors are, by example."""
    errors = {name: [one.at for one in faults if one.severity == "error"] for name, faults in found.items()}
    return {name: places for name, places in errors.items() if places}


def test_published_examples_have_no_error_but_those_that_are_excluded(found: dict[str, list[Fault]]) -> None:
    assert errors_of(found) == EXCLUDED
    assert len(found) >= 480
    assert 1 - len(EXCLUDED) / len(found) >= 0.97


def test_asked_of_the_terminology_their_codes_are_right_too(shared: Path) -> None:
    validator, terminology = Validator.load(), Terminology.load()
    found = {name: validator.check(resource, terminology=terminology) for name, resource in examples(shared)}
    assert errors_of(found) == EXCLUDED_WITH_TERMINOLOGY
    warned = [one.at for faults in found.values() for one in faults if one.severity == "warning"]
    assert 100 < len(warned) < 400


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
