"""`$match`, `$merge` and `$unmerge` over HTTP."""

import pytest
from tests.conftest import make_tenant

ANA = {
    "resourceType": "Patient", "name": [{"family": "Rivera", "given": ["Ana"]}], "birthDate": "1951-04-15",
    "gender": "female", "telecom": [{"system": "phone", "value": "413 555 0101"}],
    "identifier": [{"system": "urn:careloop:authority:X", "value": "1"}],
}  # fmt: skip
GRADE = "http://hl7.org/fhir/StructureDefinition/match-grade"


@pytest.fixture
def two(client):
    """Ana twice, under two numbers, the second with an observation."""
    other = [{"system": "urn:careloop:authority:X", "value": "2"}]
    for body in (
        {**ANA, "id": "a"}, {**ANA, "id": "b", "identifier": other, "birthDate": "1951-04-16"},
        {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "weight"},
         "subject": {"reference": "Patient/b"}},
    ):  # fmt: skip
        assert client("PUT", f"/{body['resourceType']}/{body['id']}", body).status_code == 201
    return client


def match(client, resource, **more):
    parameters = [{"name": "resource", "resource": resource}, *({"name": key, **value} for key, value in more.items())]
    answer = client("POST", "/Patient/$match", {"resourceType": "Parameters", "parameter": parameters})
    assert answer.status_code == 200
    entries = answer.json()["entry"]
    return [(one["resource"]["id"], one["search"]["extension"][0]["valueCode"], one["search"]) for one in entries]


def merge(client, source, target, **more):
    parameters = [
        {"name": "source-patient", "valueReference": {"reference": f"Patient/{source}"}},
        {"name": "target-patient", "valueReference": {"reference": f"Patient/{target}"}},
        *({"name": key.replace("_", "-"), **value} for key, value in more.items()),
    ]
    return client("POST", "/Patient/$merge", {"resourceType": "Parameters", "parameter": parameters})


def part(answer, name):
    return next(one["resource"] for one in answer.json()["parameter"] if one["name"] == name)


def test_match_answers_best_first_with_score_and_grade(two):
    found = match(two, {key: value for key, value in ANA.items() if key != "identifier"})
    assert [(one, grade) for one, grade, _ in found] == [("a", "certain"), ("b", "probable")]
    assert [search["extension"][0]["url"] for *_, search in found] == [GRADE, GRADE]
    assert all(search["mode"] == "match" and 0.5 <= search["score"] <= 1 for *_, search in found)


def test_match_by_a_number_is_certain_and_only_certain_leaves_the_rest_out(two):
    asked = {"resourceType": "Patient", "identifier": [{"system": "urn:careloop:authority:X", "value": "2"}]}
    assert [(one, grade) for one, grade, _ in match(two, asked)] == [("b", "certain")]
    only = match(two, {**ANA, "identifier": []}, onlyCertainMatches={"valueBoolean": True})
    assert [one for one, *_ in only] == ["a"]
    assert len(match(two, {**ANA, "identifier": []}, count={"valueInteger": 1})) == 1


def test_match_takes_a_bare_patient_and_refuses_anything_else(two):
    assert two("POST", "/Patient/$match", ANA).json()["total"] == 2
    assert two("POST", "/Patient/$match", {"resourceType": "Parameters"}).status_code == 422
    assert two("POST", "/Observation/$match", ANA).status_code == 404


def test_match_finds_nobody_of_another_tenant(two, connect, database):
    assert match(connect(make_tenant(database)), ANA) == []


def test_each_person_found_is_audited(two):
    match(two, ANA)
    events = two("GET", "/AuditEvent?patient=Patient/b&action=R").json()
    assert events["entry"]


def test_a_preview_tells_what_would_move_and_changes_nothing(two):
    answer = merge(two, "b", "a", preview={"valueBoolean": True})
    texts = [issue["details"]["text"] for issue in part(answer, "outcome")["issue"]]
    assert texts[0] == "Preview only: nothing was changed"
    assert any("record number" in text for text in texts)
    assert any(text.startswith("birth date") for text in texts)
    assert two("GET", "/Observation/o").json()["subject"]["reference"] == "Patient/b"


def test_merge_moves_everything_and_unmerge_gives_it_back(two):
    answer = merge(two, "b", "a")
    assert answer.status_code == 200
    assert part(answer, "result")["id"] == "a"
    assert two("GET", "/Observation/o").json()["subject"]["reference"] == "Patient/a"
    source = [{"name": "source-patient", "valueReference": {"reference": "Patient/b"}}]
    back = two("POST", "/Patient/$unmerge", {"resourceType": "Parameters", "parameter": source})
    assert part(back, "result")["id"] == "b"
    assert two("GET", "/Observation/o").json()["subject"]["reference"] == "Patient/b"
    again = two("POST", "/Patient/$unmerge", {"resourceType": "Parameters", "parameter": source})
    assert again.status_code == 404


def test_merge_by_identifiers_with_the_result_that_the_client_wants(two):
    number = {"system": "urn:careloop:authority:X"}
    parameters = [
        {"name": "source-patient-identifier", "valueIdentifier": {**number, "value": "2"}},
        {"name": "target-patient-identifier", "valueIdentifier": {**number, "value": "1"}},
        {"name": "result-patient", "resource": {**ANA, "id": "a", "birthDate": "1951-04-16"}},
    ]
    answer = two("POST", "/Patient/$merge", {"resourceType": "Parameters", "parameter": parameters})
    result = part(answer, "result")
    assert result["birthDate"] == "1951-04-16"
    assert {one["value"] for one in result["identifier"]} == {"1", "2"}
    assert result["link"][0]["type"] == "replaces"


@pytest.mark.parametrize(("source", "target", "status"), [("a", "a", 422), ("nobody", "a", 404), ("b", "nobody", 404)])
def test_a_merge_that_means_nothing_is_refused(two, source, target, status):
    assert merge(two, source, target).status_code == status


def test_a_client_that_may_only_read_may_not_merge(two, connect, tenant):
    assert merge(connect(tenant, "system/*.rs"), "b", "a").status_code == 403
