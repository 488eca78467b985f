"""The tool that compiles official definitions writes facts, each once, in an order that does not change."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from tools.compile_definitions import compile_all, expand

PROFILE = "http://hl7.org/fhir/StructureDefinition/"
DEFINITIONS: list[dict[str, Any]] = [
    {"resourceType": "StructureDefinition", "type": "Thing", "kind": "resource", "abstract": False,
     "baseDefinition": f"{PROFILE}DomainResource", "snapshot": {"element": [
         {"path": "Thing"},
         {"path": "Thing.text", "min": 0, "max": "1", "base": {"path": "DomainResource.text"},
          "type": [{"code": "Narrative"}]},
         {"path": "Thing.status", "min": 1, "max": "1", "isSummary": True, "type": [{"code": "code"}],
          "binding": {"strength": "required", "valueSet": "http://hl7.org/fhir/ValueSet/state|4.0.1"}},
         {"path": "Thing.unit", "min": 0, "max": "1", "type": [{"code": "code"}],
          "binding": {"strength": "required", "valueSet": "http://hl7.org/fhir/ValueSet/units"}},
         {"path": "Thing.part", "min": 0, "max": "*", "type": [{"code": "BackboneElement"}]},
         {"path": "Thing.part.of", "min": 0, "max": "1",
          "type": [{"code": "Reference", "targetProfile": [f"{PROFILE}Thing", f"{PROFILE}Group"]}]},
         {"path": "Thing.part.part", "min": 0, "max": "*", "contentReference": "#Thing.part"},
     ]}},
    {"resourceType": "StructureDefinition", "type": "Thing", "kind": "resource", "abstract": False,
     "derivation": "constraint", "snapshot": {"element": []}},
    {"resourceType": "ValueSet", "url": "http://hl7.org/fhir/ValueSet/state",
     "compose": {"include": [{"system": "urn:s"}]}},
    {"resourceType": "ValueSet", "url": "http://hl7.org/fhir/ValueSet/units",
     "compose": {"include": [{"system": "http://unitsofmeasure.org"}]}},
    {"resourceType": "CodeSystem", "url": "urn:s", "content": "complete",
     "concept": [{"code": "on", "concept": [{"code": "half-on"}]}, {"code": "off"}]},
    {"resourceType": "CompartmentDefinition", "id": "patient", "code": "Patient",
     "resource": [{"code": "Thing", "param": ["patient"]}, {"code": "Other"}]},
    {"resourceType": "SearchParameter", "id": "Thing-status", "code": "status", "type": "token", "base": ["Thing"],
     "expression": "Thing.status", "description": "prose that stays away"},
]  # fmt: skip


@pytest.fixture
def compiled(tmp_path: Path) -> Path:
    source = tmp_path / "definitions.ndjson.gz"
    source.write_bytes(gzip.compress("\n".join(map(json.dumps, DEFINITIONS)).encode()))
    compile_all(source, tmp_path / "content")
    return tmp_path / "content"


def test_elements_become_one_line_each(compiled: Path) -> None:
    structures = json.loads((compiled / "definitions" / "structures.json").read_text())
    assert structures["resources"] == ["Thing"]
    assert structures["nodes"] == {
        "Thing": {"base": "DomainResource", "elements": {
            "status": "1..1 code =state s", "unit": "0..1 code", "part": "0..* @Thing.part"}},
        "Thing.part": {"base": "BackboneElement", "elements": {
            "of": "0..1 Reference(Thing|Group)", "part": "0..* @Thing.part"}},
    }  # fmt: skip


def test_only_codes_that_can_be_listed_are_listed(compiled: Path) -> None:
    value_sets = json.loads((compiled / "definitions" / "valuesets.json").read_text())["valuesets"]
    assert value_sets == {"state": {"urn:s": ["half-on", "off", "on"]}}


@pytest.mark.parametrize("compose", [{"include": [{"system": "urn:s", "filter": []}]}, {"include": [], "exclude": []}])
def test_a_value_set_by_rule_is_not_listed(compose: dict[str, Any]) -> None:
    assert expand("urn:v", {"urn:v": {"compose": compose}}, {}) is None


def test_compartments_and_search_parameters_keep_facts_only(compiled: Path) -> None:
    compartments = json.loads((compiled / "definitions" / "compartments.json").read_text())["compartments"]
    assert compartments == {"Patient": {"Thing": ["patient"]}}
    text = (compiled / "searchparameters" / "r4-core.json").read_text()
    facts = {"id": "Thing-status", "code": "status", "type": "token", "base": ["Thing"], "expression": "Thing.status"}
    assert json.loads(text)["parameters"] == [facts]
    assert "prose" not in text
