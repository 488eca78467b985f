"""Sort values that are read from bodies."""

import pytest

from careloop.fhir.searchparameters import SearchDefinitions
from careloop.record.search.bodies import path_of


@pytest.mark.parametrize(
    ("kind", "name", "paths"),
    [
        ("Task", "status", ['$."status"']),
        ("Task", "owner", ['$."owner".reference']),
        ("Observation", "code", ['$."code".coding[*].code']),
        ("Patient", "phone", ['$."telecom"[*] ? (@."system" == "phone").value']),
        ("Observation", "patient", ['$."subject" ? (@.reference starts with "Patient/").reference']),
    ],
)
def test_a_walk_is_a_path_in_the_body(kind: str, name: str, paths: list[str]) -> None:
    assert [path_of(walk) for walk in SearchDefinitions.load().of(kind)[name].walks] == paths
