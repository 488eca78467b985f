"""What Python says of frequent invariants is what FHIRPath says, over examples and spoilt copies of them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.validation.examples import examples

from careloop.errors import Fault
from careloop.fhir import definitions as tables
from careloop.fhir.conformance import checking, handwritten, invariants
from careloop.fhir.conformance.checking import Checker

pytestmark = pytest.mark.shared

BEYOND_FHIRPATH = ("txt-1", "txt-2", "con-3", "dom-3", "ref-1", "per-1")
"""`htmlChecks()` is no function of FHIRPath; con-3 and ref-1 are read by their words (decision 0115), dom-3
counts links of every type, per-1 compares dates of different precision as far as both go."""


def _spoilt(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The resource itself, and copies in which one property is missing, at any depth."""
    yield resource
    text = json.dumps(resource, default=str)
    for path in list(_paths(resource))[:60]:
        copy = json.loads(text)
        node = copy
        for step in path[:-1]:
            node = node[step]
        del node[path[-1]]
        if node:
            yield copy


def _paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        for name, item in value.items():
            if name not in ("resourceType", "contained", "text") and not (at == () and name in ("id", "meta")):
                yield (*at, name)
                yield from _paths(item, (*at, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _paths(item, (*at, index))


def _said(faults: list[Fault]) -> set[tuple[str, str]]:
    keys = {(fault.at, fault.expected.partition(":")[0]) for fault in faults if fault.code == "invariant"}
    return {(at, key) for at, key in keys if key not in BEYOND_FHIRPATH}


def test_python_and_fhirpath_agree(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_hand = Checker(tables.load())
    by_hand.check({"resourceType": "Patient"}, (), invariants=True, terms=None)
    left = ("txt", "start", "contained.where")
    kept = {text: one for text, one in handwritten.HANDWRITTEN.items() if text.startswith(left)}
    hot = [one for _, one in examples(shared) if one["resourceType"] in ("Observation", "Condition", "Organization",
           "AllergyIntolerance", "Patient", "CarePlan", "DiagnosticReport", "DocumentReference")]  # fmt: skip
    spoilt = [copy for one in hot[::2] for copy in _spoilt(one)]
    ours = [_said(by_hand.check(one, (), invariants=True, terms=None)) for one in spoilt]
    monkeypatch.setattr(invariants, "HANDWRITTEN", kept)
    by_fhirpath = checking.Checker(tables.load())
    theirs = [_said(by_fhirpath.check(one, (), invariants=True, terms=None)) for one in spoilt]
    assert ours == theirs
    assert len({key for said in ours for _, key in said}) >= 8
    assert len(spoilt) > 1000
