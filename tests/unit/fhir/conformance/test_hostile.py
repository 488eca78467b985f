"""Whatever is put into a resource, the check ends with an answer, and its work does not explode."""

from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from careloop.fhir.validation import Validator

MANY = 4_000
NAMES = (
    "given", "_given", "family", "system", "value", "code", "coding", "extension", "url", "reference", "start", "end",
)  # fmt: skip
TEXTS = ("x", "#a", "2020", "2020-01-01T00:00:00Z", "Patient/1", "http://x.org/a", "phone", "official")
TREES = st.recursive(
    st.sampled_from([*TEXTS, 1, True, None]),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, min_size=1, max_size=3)
    ),
    max_leaves=8,
)
PATIENT = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient"


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(["name", "telecom", "identifier", "extension", "contact", "link"]),
                       st.lists(TREES, min_size=1, max_size=2)))  # fmt: skip
def test_any_tree_gets_an_answer(content: dict[str, Any]) -> None:
    found = Validator.load().check({"resourceType": "Patient", **content}, profiles=[PATIENT, f"{PATIENT}|3.1.0"])
    assert all(fault.at.startswith("Patient") for fault in found)


def _guide(many: int) -> dict[str, Any]:
    listed = [{"reference": {"reference": "Patient/1"}, "groupingId": f"g{number}"} for number in range(many)]
    groups = [{"id": f"g{number}", "name": "x"} for number in range(many)]
    head = {"url": "urn:x", "name": "X", "status": "draft", "packageId": "x", "fhirVersion": ["4.0.1"]}
    return {"resourceType": "ImplementationGuide", **head, "definition": {"grouping": groups, "resource": listed}}


def _questionnaire(many: int) -> dict[str, Any]:
    items = [{"linkId": str(number), "type": "string"} for number in range(many)]
    return {"resourceType": "Questionnaire", "status": "draft", "item": items}


def _observation(many: int) -> dict[str, Any]:
    codings = [{"system": "urn:x", "code": str(number)} for number in range(many)]
    parts = [{"code": {"coding": [{"system": "urn:x", "code": f"a{number}"}]}} for number in range(many)]
    code = {"coding": codings}
    return {"resourceType": "Observation", "status": "final", "valueString": "x", "code": code, "component": parts}


def _bundle(many: int) -> dict[str, Any]:
    entries = [{"fullUrl": f"urn:x:{number}", "resource": {"resourceType": "Basic", "code": {"text": "x"}}}
               for number in range(many)]  # fmt: skip
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


@pytest.mark.parametrize("make", [_guide, _questionnaire, _observation, _bundle])
def test_the_work_grows_with_the_size_and_not_with_its_square(make: Any) -> None:
    validator = Validator.load()
    assert [fault for fault in validator.check(make(10)) if fault.severity == "error"] == []
    started = process_time()
    found = validator.check(make(MANY))
    assert [fault for fault in found if fault.severity == "error"] == []
    assert process_time() - started < 5
