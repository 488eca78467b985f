"""Published examples are valid, keep every element and digit, and are indexed. Exclusions are typed and explained."""

import gzip
import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import yaml

from careloop.fhir.jsons import decode, encode
from careloop.fhir.paths import Step
from careloop.fhir.references import references
from careloop.fhir.searchparameters import BY_COLUMN, SearchDefinitions, present_hash, token_hash
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


def walked(value: Any, steps: Sequence[Step]) -> list[Any]:
    """What a walk reaches, step by step and slowly: the oracle for the compiled pass."""
    found = [value]
    for step in steps:
        found = [one for here in found for one in stepped(here, step) if one is not None]
    return found


def stepped(here: Any, step: Step) -> list[Any]:
    match step.kind:
        case "field":
            return [here.get(step.name)]
        case "each":
            return list(here)
        case "index":
            return here[int(step.value) : int(step.value) + 1]
        case "equals":
            return [here] if here.get(step.name) == step.value else []
        case "is":
            named = here.get("reference", "").split("/_history/")[0].rpartition("/")[0].rpartition("/")[2]
            return [here] if step.value in (named, here.get("type")) else []
        case "not-false":
            return [True] if here is not False else []
    extensions = [one for one in here.get("extension", ()) if one["url"] == step.value]
    return [one.get(step.name) for one in extensions] if step.kind == "extension" else extensions and [here]


def test_published_examples_are_indexed_by_every_parameter_that_has_a_value(shared: Path) -> None:
    definitions = SearchDefinitions.load()
    compared = 0
    for name, text in examples(shared):
        resource = decode(text)
        kind = resource["resourceType"]
        tokens = set(definitions.extract(resource, 1).tokens)
        for parameter in definitions.of(kind).values():
            if parameter.name in BY_COLUMN or parameter.name == "deceased":
                continue
            values = [value for walk in parameter.walks for value in walked(resource, walk.steps)]
            assert (present_hash(1, kind, parameter.name) in tokens) == bool(values), (name, parameter.name)
            compared += 1
    assert compared > 10_000


def test_every_us_core_search_parameter_is_offered(shared: Path) -> None:
    definitions = SearchDefinitions.load()
    asked = set()
    for path in sorted((shared / "data" / "conformance" / "us-core-inferno-metadata").glob("*.yml")):
        for group in yaml.safe_load(path.read_text())[":groups"]:
            asked |= {(group[":resource"], name) for search in group[":searches"] for name in search[":names"]}
    assert len(asked) > 100
    assert [(kind, name) for kind, name in sorted(asked) if name not in definitions.of(kind)] == []


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
