"""Criteria answered without the database say what a search would."""

from datetime import UTC

import pytest

from careloop.errors import Rejected
from careloop.fhir.searchparameters import SearchDefinitions
from careloop.record.indexing import Indexer
from careloop.subscriptions import Entries
from careloop.subscriptions.topics import read_criteria

DEFINITIONS = SearchDefinitions.load()
OBSERVATION = {
    "resourceType": "Observation",
    "id": "o1",
    "meta": {"lastUpdated": "2026-11-23T15:00:00.000Z", "versionId": "1"},
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "2345-7"}]},
    "subject": {"reference": "Patient/p1"},
    "effectiveDateTime": "2026-11-23T06:30:00Z",
    "valueQuantity": {"value": 1.5, "unit": "g/L", "system": "http://unitsofmeasure.org", "code": "g/L"},
}
PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "meta": {"lastUpdated": "2026-11-23T15:00:00.000Z", "versionId": "1"},
    "name": [{"family": "Rivera", "given": ["José"]}],
    "birthDate": "1951-04-15",
}


def satisfies(resource, *pairs):
    clauses = read_criteria(resource["resourceType"], pairs, DEFINITIONS, at="criteria")
    return Entries(Indexer(DEFINITIONS), 1, UTC, resource).satisfy(clauses)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("code", "http://loinc.org|2345-7", True),
        ("code", "2345-7", True),
        ("code", "1-1,2345-7", True),
        ("code", "http://loinc.org|1-1", False),
        ("status:not", "final", False),
        ("status:not", "amended", True),
        ("patient", "Patient/p1", True),
        ("patient", "p2", False),
        ("date", "2026-11-23", True),
        ("date", "ge2026-11-24", False),
        ("date", "lt2026-11-24", True),
        ("value-quantity", "gt1", True),
        ("value-quantity", "1500|http://unitsofmeasure.org|mg/L", True),
        ("value-quantity", "lt1400|http://unitsofmeasure.org|mg/L", False),
        ("value-quantity", "1.5||g/L", True),
        ("value-quantity", "1.5||mg/L", False),
        ("performer:missing", "true", True),
        ("code:missing", "true", False),
        ("_id", "o1,o2", True),
        ("_id", "o3", False),
        ("_lastUpdated", "ge2026-11-23", True),
        ("_lastUpdated", "lt2026-11-23", False),
        ("code-value-quantity", "http://loinc.org|2345-7$gt1", True),
        ("code-value-quantity", "http://loinc.org|2345-7$gt2", False),
    ],
)
def test_one_criterion_on_a_result(name, value, expected):
    assert satisfies(OBSERVATION, (name, value)) is expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("name", "riv", True),
        ("name", "vera", False),
        ("name:contains", "vera", True),
        ("given", "jose", True),
        ("family:exact", "Rivera", True),
        ("family:exact", "rivera", False),
        ("birthdate", "1951", True),
    ],
)
def test_one_criterion_on_a_person(name, value, expected):
    assert satisfies(PATIENT, (name, value)) is expected


def test_every_criterion_must_hold():
    assert satisfies(OBSERVATION, ("code", "2345-7"), ("patient", "p1"))
    assert not satisfies(OBSERVATION, ("code", "2345-7"), ("patient", "p2"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("patient.name", "x"),
        ("_has:Provenance:target:agent", "Practitioner/1"),
        ("code:in", "http://example.org/vs"),
        ("code:text", "glucose"),
        ("_sort", "date"),
        ("_count", "1"),
        ("_include", "Observation:patient"),
        ("nothing", "x"),
    ],
)
def test_what_needs_other_resources_or_shapes_a_result_is_refused(name, value):
    with pytest.raises(Rejected):
        satisfies(OBSERVATION, (name, value))
