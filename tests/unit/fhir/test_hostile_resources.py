"""Whatever is put into a resource, checking and indexing it ends with an answer, never with a crash."""

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from careloop.errors import Rejected
from careloop.fhir import definitions as tables
from careloop.fhir.jsons import decode, encode
from careloop.fhir.references import references, rewrite
from careloop.fhir.searchparameters import SearchDefinitions
from careloop.fhir.validation import Validator

NAMES = sorted({name for node in tables.load().nodes for element in tables.load().elements(node).values()
                for name in element.json_names()})  # fmt: skip
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(["2024-02-30", "2024-05-01T10:00:00Z", "Patient/1", "urn:uuid:x", "#a", "http://x|1", "final"]),
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=20,
)
TYPES = st.sampled_from(["Patient", "Observation", "Encounter", "Task", "Bundle", "AllergyIntolerance", "Claim"])


@settings(max_examples=300, deadline=None)
@given(TYPES, st.dictionaries(st.sampled_from(NAMES), TREES, max_size=8))
def test_any_tree_gets_an_answer(resource_type: str, content: dict[str, Any]) -> None:
    resource = {**content, "resourceType": resource_type}
    before = copy.deepcopy(resource)
    faults = Validator.load().validate(resource)
    assert all(fault.at.startswith(resource_type) and fault.expected for fault in faults)
    try:
        SearchDefinitions.load().extract(resource, 1)
    except Rejected:
        assert faults, "a valid resource can be indexed"
    assert resource == before


@settings(max_examples=100, deadline=None)
@given(TREES)
def test_any_value_as_a_whole_resource_gets_an_answer(value: Any) -> None:
    faults = Validator.load().validate(value)
    assert faults, "a random value is no resource"
    assert all(fault.at and fault.expected for fault in faults)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.text(max_size=5), TREES, max_size=5))
def test_rewriting_nothing_changes_nothing_and_json_comes_back(value: dict[str, Any]) -> None:
    before = copy.deepcopy(value)
    assert rewrite(value, {}) == 0
    assert value == before
    assert all(isinstance(one, str) for one in references(value))
    assert decode(encode(value)) == value
