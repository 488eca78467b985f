"""Searches over HTTP that are not about one type alone."""

import pytest


@pytest.fixture
def loaded(client):
    for identity in ("a", "b"):
        client("PUT", f"/Patient/{identity}", {"resourceType": "Patient", "id": identity, "gender": "female"})
        for kind in ("Observation", "Condition"):
            body = {"resourceType": kind, "id": f"{kind}-{identity}", "subject": {"reference": f"Patient/{identity}"}}
            more = {"status": "final", "code": {"text": "x"}} if kind == "Observation" else {}
            assert client("PUT", f"/{kind}/{kind}-{identity}", {**body, **more}).status_code == 201
    return client


def found(answer) -> list[str]:
    assert answer.status_code == 200, answer.text
    entries = answer.json().get("entry", [])
    return sorted(f"{one['resource']['resourceType']}/{one['resource']['id']}" for one in entries)


def test_a_compartment_is_searched_by_type_and_whole(loaded) -> None:
    assert found(loaded("GET", "/Patient/a/Observation")) == ["Observation/Observation-a"]
    assert found(loaded("GET", "/Patient/a/Observation?status=amended")) == []
    whole = ["Condition/Condition-a", "Observation/Observation-a", "Patient/a"]
    assert found(loaded("GET", "/Patient/a/*")) == whole
    assert found(loaded("GET", "/Patient/a/*?_type=Condition,Patient")) == ["Condition/Condition-a", "Patient/a"]
    form = {"content_type": "application/x-www-form-urlencoded"}
    assert found(loaded("POST", "/Patient/a/Condition/_search", "_count=5", **form)) == ["Condition/Condition-a"]
    assert found(loaded("POST", "/Patient/a/_search", "_count=5", **form)) == whole


def test_pages_of_a_compartment_lead_on(loaded) -> None:
    page = loaded("GET", "/Patient/a/*?_count=2").json()
    [link] = [one["url"] for one in page["link"] if one["relation"] == "next"]
    rest = loaded("GET", link.partition("/fhir")[2]).json()
    assert len(page["entry"]) + len(rest["entry"]) == 3


def test_several_types_are_searched_at_the_base(loaded) -> None:
    everything = found(loaded("GET", "?_type=Observation,Condition&patient=Patient/b"))
    assert everything == ["Condition/Condition-b", "Observation/Observation-b"]
    assert loaded("GET", "?patient=Patient/b").status_code == 400
    assert loaded("GET", "?_type=Nonsense").status_code == 400


def test_no_compartment_no_answer(loaded) -> None:
    assert loaded("GET", "/Condition/Condition-a/Observation").status_code == 404
    assert loaded("GET", "/Patient/a/Nonsense").status_code == 400
    assert loaded("GET", "/Patient/a/Location").status_code == 400


def test_a_client_sees_the_types_of_its_scopes_only(loaded, connect, tenant) -> None:
    narrow = connect(tenant, "system/Condition.rs")
    assert found(narrow("GET", "/Patient/a/*")) == ["Condition/Condition-a"]
    assert narrow("GET", "/Patient/a/Observation").status_code == 403
    assert narrow("GET", "?_type=Condition,Patient").status_code == 403


def test_unknown_parameters_are_refused_or_left_aside_as_the_client_prefers(loaded) -> None:
    assert loaded("GET", "/Patient?nonsense=1").status_code == 400
    assert loaded("GET", "/Patient?nonsense=1", prefer="handling=strict").status_code == 400
    page = loaded("GET", "/Patient?nonsense=1&_id=a", prefer="handling=lenient").json()
    matches = [one for one in page["entry"] if one["search"]["mode"] == "match"]
    [told] = [one for one in page["entry"] if one["search"]["mode"] == "outcome"]
    assert [one["resource"]["id"] for one in matches] == ["a"]
    assert "nonsense" in str(told["resource"]["issue"])
