"""The examples of the C-CDA guide, wrapped where they are fragments: each is read, and what comes of it is valid."""

from pathlib import Path

import pytest
from tools.ccda_facts.comparing import ZONE
from tools.ccda_facts.guide import wrapped

from careloop.errors import Rejected
from careloop.fhir.validation import Validator
from careloop.intake.ccda import CcdaContent, read, settle

pytestmark = pytest.mark.shared

REFUSED = {
    "Basic Occupation Observation Example.xml": "not well-formed as published",
    "Diagnosis Reference Example.xml": "a document element without a person in it",
    "Entry Reference Example.xml": "a document element without a person in it",
    "Health Concerns Link to Problems Section(C-CDA2.1).xml": "a document element without a person in it",
    "Person Name Formatting (C-CDA R2.1).xml": "a patient role without an identifier",
}


def test_every_example_is_read_and_gives_valid_resources(shared: Path, content: CcdaContent) -> None:
    validator = Validator.load()
    refused = set()
    paths = sorted((shared / "data" / "interchange" / "ccda" / "hl7-guide-examples").rglob("*.xml"))
    assert len(paths) == 223
    for path in paths:
        try:
            result = read(wrapped(path.read_bytes()), content, ZONE)
        except Rejected:
            refused.add(path.name)
            continue
        for resource in settle(result, 1, "p"):
            faults = [one for one in validator.validate(resource) if one.at != "DocumentReference.content"]
            assert faults == [], path.name
    assert refused == set(REFUSED)
