"""The reader of FHIR XML: what it makes is the JSON that HL7 publishes beside it."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.fhirxml import read, read_file

pytestmark = pytest.mark.shared

SAME = ("patient-example", "questionnaire-example", "condition-example", "observation-example-20minute-apgar-score")
"""Examples that are published in both forms with the same content, narrative apart."""


def without_text(resource: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in resource.items() if name != "text"}


def test_xml_and_json_of_an_example_are_the_same(shared: Path) -> None:
    folder = shared / "data/conformance/fhir-test-cases/r4"
    compared = 0
    for path in sorted(folder.rglob("*.xml")):
        twin = folder / "examples" / f"{path.stem}.json"
        if path.stem in SAME and twin.exists():
            theirs = json.loads(twin.read_bytes(), parse_float=Decimal)
            assert without_text(read_file(path)) == without_text(theirs), path.name
            compared += 1
    assert compared >= 3


def test_what_json_keeps_beside_primitives_is_kept() -> None:
    text = b"""<Patient xmlns="http://hl7.org/fhir"><id value="p"/><!-- no --><active value="true"/>
      <name><given value="Ada"/><given><extension url="urn:x"><valueInteger value="7"/></extension></given></name>
      <birthDate id="b" value="1974"/><multipleBirthInteger value="2"/>
      <contained><Organization><name value="In"/></Organization></contained></Patient>"""
    assert read(text) == {
        "resourceType": "Patient", "id": "p", "active": True,
        "name": [{"given": ["Ada", None], "_given": [None, {"extension": [{"url": "urn:x", "valueInteger": 7}]}]}],
        "birthDate": "1974", "_birthDate": {"id": "b"}, "multipleBirthInteger": 2,
        "contained": [{"resourceType": "Organization", "name": "In"}],
    }  # fmt: skip
