"""Published examples are valid, keep every element and digit, and are indexed. Exclusions are typed and explained."""

import gzip
import json
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import yaml

from careloop.fhir.jsons import decode, encode
from careloop.fhir.references import references
from careloop.fhir.searchparameters import SearchDefinitions, token_hash
from careloop.fhir.validation import Validator

pytestmark = pytest.mark.shared

FOLDERS = ("us-core", "davinci-deqm", "davinci-ra-gaps", "davinci-cdex", "davinci-alerts")
EXCLUSIONS = yaml.safe_load(Path(__file__).with_name("exclusions.yaml").read_text())["fhir-examples"]
EXCLUDED = {entry["example"] for entry in EXCLUSIONS}


def examples(shared: Path) -> Iterator[tuple[str, bytes]]:
    """Every published example with a name: R4's own, and those of the implementation guides."""
    folder = shared / "data" / "fhir-examples"
    with gzip.open(folder / "r4-official" / "resources.ndjson.gz") as lines:
        yield from ((f"r4-official:{number}", line) for number, line in enumerate(lines, 1))
    for name in FOLDERS:
        yield from ((f"{name}/{path.name}", path.read_bytes()) for path in sorted((folder / name).glob("*.json")))


def synthea(shared: Path, bundles: int | None) -> Iterator[dict[str, Any]]:
    with gzip.open(shared / "data" / "synthea-r4-617" / "bundles.ndjson.gz") as lines:
        yield from (decode(line) for line in islice(lines, bundles))


def test_every_exclusion_has_a_type_and_a_reason() -> None:
    for entry in EXCLUSIONS:
        assert entry["type"] in ("not-supported", "suite-error", "specification-unclear")
        assert entry["example"] and len(entry["reason"]) > 20


def test_published_examples_are_valid(shared: Path) -> None:
    validator = Validator.load()
    faulty = {name: faults for name, text in examples(shared) if (faults := validator.validate(decode(text)))}
    assert {name: faults[:3] for name, faults in faulty.items() if name not in EXCLUDED} == {}
    assert set(faulty) == EXCLUDED, "an excluded example passes now"


def test_published_examples_come_back_with_every_digit(shared: Path) -> None:
    for name, text in examples(shared):
        ours = json.loads(encode(decode(text)), parse_float=Decimal)
        theirs = json.loads(text, parse_float=Decimal)
        assert ours == theirs, name
        assert str(ours) == str(theirs), name


def test_published_examples_are_found_by_what_they_refer_to(shared: Path) -> None:
    definitions = SearchDefinitions.load()
    for name, text in examples(shared):
        resource = decode(text)
        found = definitions.extract(resource, 1)
        assert set(found.references) <= {one.split("/_history/")[0] for one in references(resource)}, name
        subject = resource.get("subject", {}) if isinstance(resource.get("subject", {}), dict) else {}
        if "subject" in definitions.of(resource["resourceType"]) and "/" in subject.get("reference", "#"):
            token = token_hash(1, resource["resourceType"], "subject", subject["reference"].split("/_history/")[0])
            assert token in found.tokens, name


def test_made_up_records_are_valid(shared: Path) -> None:
    validator = Validator.load()
    for bundle in synthea(shared, 60):
        assert validator.validate(bundle) == []


@pytest.mark.long
def test_all_617_made_up_records_are_valid_and_indexed(shared: Path) -> None:
    validator, definitions = Validator.load(), SearchDefinitions.load()
    resources = 0
    for bundle in synthea(shared, None):
        assert validator.validate(bundle) == []
        for entry in bundle["entry"]:
            assert definitions.extract(entry["resource"], 1).tokens or entry["resource"]["resourceType"] == "Bundle"
            resources += 1
    assert resources == 191_093
