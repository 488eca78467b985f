"""Facts of the Microsoft converter's bundles stand in what we read from the same documents (issue 3: 90 %)."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.facts import Dialect, score
from tools.ccda_facts import compare_folder, dialect_of, resources_from

from careloop.catalog import read_yaml
from careloop.fhir.validation import Validator
from careloop.intake.ccda import CcdaContent

pytestmark = pytest.mark.shared

EXCLUSIONS: dict[str, list[dict[str, Any]]] = read_yaml(
    Path(__file__).with_name("exclusions.yaml").read_text(encoding="utf-8")
)["msft"]
TYPES = {"not-ours", "suite-fault", "not-yet", "other-dialect", "r5-only"}


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    return shared / "data" / "interchange" / "ccda" / "msft"


def test_every_exclusion_has_a_type_and_a_reason() -> None:
    for entry in (one for some in EXCLUSIONS.values() for one in some):
        assert entry["type"] in TYPES
        assert len(entry["reason"]) > 30


def test_nine_of_ten_expected_facts_are_found(folder: Path, content: CcdaContent) -> None:
    report = compare_folder(folder, content, dialect_of(content))
    assert len(report.scores) == 11
    assert report.share >= 0.97, "\n".join(line for one in report.scores for line in one.lines())
    assert all(one.share >= 0.9 for one in report.scores)


def test_nine_of_ten_facts_are_found_without_any_exclusion(folder: Path, content: CcdaContent) -> None:
    plain = Dialect(systems=dialect_of(content).systems)
    assert compare_folder(folder, content, plain).share >= 0.9


def test_each_exclusion_is_needed(folder: Path, content: CcdaContent) -> None:
    whole = dialect_of(content)
    missed = missing(folder, content, whole)
    for name in ("aliases", "left_out", "types", "values"):
        assert name in {one.name for one in fields(Dialect)}
        entries = getattr(whole, name)
        for key in entries:
            without = replace(whole, **{name: {other: value for other, value in entries.items() if other != key}})
            assert missing(folder, content, without) > missed, f"{name} {key} is not needed any more"


def missing(folder: Path, content: CcdaContent, dialect: Dialect) -> int:
    report = compare_folder(folder, content, dialect)
    return report.total - report.found


def test_a_fact_counts_only_in_the_matching_resource_and_element() -> None:
    """The comparison can fail: the same fact in another element, resource or type is not found."""
    pulse = {"resourceType": "Observation", "id": "1", "status": "final", "valueQuantity": {"value": 72}}
    weight = {"resourceType": "Observation", "id": "2", "status": "final", "valueQuantity": {"value": 80}}
    assert score("same", [pulse, weight], [weight, pulse], Dialect()).share == 1
    swapped = [{**pulse, "valueQuantity": {"value": 80}}]
    assert score("value", [pulse], swapped, Dialect()).found == 1
    elsewhere = [{**pulse, "component": [{"valueQuantity": {"value": 72}}], "valueQuantity": {"value": 1}}]
    assert score("element", [pulse], elsewhere, Dialect()).found == 1
    assert score("type", [pulse], [{**pulse, "resourceType": "Condition"}], Dialect()).found == 0


def test_every_resource_is_valid(folder: Path, content: CcdaContent) -> None:
    validator = Validator.load()
    for path in sorted(one for one in folder.iterdir() if one.is_file()):
        for resource in resources_from(path.read_bytes(), content):
            faults = [one for one in validator.validate(resource) if one.at != "DocumentReference.content"]
            assert not faults, (path.name, faults[:3])
