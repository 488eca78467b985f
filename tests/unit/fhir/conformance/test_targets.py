"""What a reference is taken to lead to."""

import pytest

from careloop.fhir import definitions as tables
from careloop.fhir.conformance.scope import Scope
from careloop.fhir.conformance.targets import named_type

ROOT = {"resourceType": "Patient", "contained": [{"resourceType": "Location", "id": "l"}]}


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ({"reference": "Group/1"}, "Group"),
        ({"reference": "#l"}, "Location"),
        ({"reference": "#"}, "Patient"),
        ({"reference": "#nobody"}, None),
        ({"reference": "https://x.org/NoType/1"}, None),
        ({"reference": "urn:uuid:a", "type": "Device"}, "Device"),
        ({"type": "http://example.org/Own"}, None),
        ({}, None),
    ],
)
def test_the_type_is_that_of_the_target_or_of_the_address_or_as_said(reference, expected) -> None:
    scope = Scope(resource=ROOT, root=ROOT).alone(ROOT)
    assert named_type(reference, scope, tables.load().resources) == expected
