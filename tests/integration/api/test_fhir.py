"""The FHIR base as a client meets it, over HTTP with a real token."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

PATIENT = {"resourceType": "Patient", "name": [{"family": "Shaw"}], "identifier": [{"system": "urn:mrn", "value": "1"}]}


def test_metadata_needs_no_credential_and_everything_else_does(http):
    found = http.get("/fhir/metadata").json()
    assert found["fhirVersion"] == "4.0.1"
    assert len(found["rest"][0]["resource"]) > 140
    denied = http.get("/fhir/Patient/1")
    assert denied.status_code == 401
    assert denied.json()["resourceType"] == "OperationOutcome"
    assert "WWW-Authenticate" in denied.headers


def test_the_life_of_a_resource(client):
    made = client("POST", "/Patient", PATIENT)
    assert made.status_code == 201
    identity = made.json()["id"]
    assert made.headers["location"].endswith(f"/fhir/Patient/{identity}/_history/1")
    assert made.headers["etag"] == 'W/"1"'

    read = client("GET", f"/Patient/{identity}")
    assert (read.status_code, read.json()["name"]) == (200, PATIENT["name"])
    assert client("GET", f"/Patient/{identity}", if_none_match='W/"1"').status_code == 304
    assert read.headers["content-type"].startswith("application/fhir+json")

    changed = {**read.json(), "active": True}
    assert client("PUT", f"/Patient/{identity}", changed, if_match='W/"7"').status_code == 412
    updated = client("PUT", f"/Patient/{identity}", changed, if_match='W/"1"')
    assert (updated.status_code, updated.headers["etag"]) == (200, 'W/"2"')
    assert client("PUT", f"/Patient/{identity}", changed).headers["etag"] == 'W/"2"'

    assert client("GET", f"/Patient/{identity}/_history/1").json().get("active") is None
    history = client("GET", f"/Patient/{identity}/_history").json()
    assert [entry["request"]["method"] for entry in history["entry"]] == ["PUT", "POST"]

    assert client("DELETE", f"/Patient/{identity}").status_code == 204
    assert client("GET", f"/Patient/{identity}").status_code == 410
    assert client("GET", f"/Patient/{identity}/_history/3").status_code == 410
    back = client("PUT", f"/Patient/{identity}", changed)
    assert (back.status_code, back.headers["etag"]) == (201, 'W/"4"')
    assert client("GET", "/Patient/nobody").status_code == 404
    assert client("DELETE", "/Patient/nobody").status_code == 204


def test_exact_decimals_and_unknown_extensions_survive(client):
    text = (
        '{"resourceType":"Observation","id":"o","status":"final","code":{"text":"w"},'
        '"valueQuantity":{"value":72.50,"extension":[{"url":"urn:x","valueDecimal":1.0E2}]}}'
    )
    assert client("PUT", "/Observation/o", text).status_code == 201
    assert '"value":72.50' in client("GET", "/Observation/o").text


def test_faults_name_their_path(client):
    answer = client("POST", "/Patient", {**PATIENT, "birthDate": "2024-13-01", "gender": "x", "nonsense": 1})
    assert answer.status_code == 422
    places = {issue["expression"][0] for issue in answer.json()["issue"]}
    assert {"Patient.birthDate", "Patient.gender", "Patient.nonsense"} <= places


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("POST", "/Patient", "not json", {}, 400),
        ("POST", "/Patient", "[]", {}, 400),
        ("POST", "/Patient", {"resourceType": "Observation"}, {}, 400),
        ("POST", "/Nonsense", {"resourceType": "Nonsense"}, {}, 404),
        ("PUT", "/Patient/a", {**PATIENT, "id": "b"}, {}, 400),
        ("GET", "/Patient?nonsense=1", None, {}, 400),
        ("GET", "/Patient?birthdate=yesterday", None, {}, 400),
        ("GET", "/Patient?_format=xml", None, {}, 406),
        ("GET", "/Patient", None, {"accept": "application/fhir+xml"}, 406),
        ("POST", "/Patient", "<Patient/>", {"content_type": "application/fhir+xml"}, 415),
        ("PUT", "/AuditEvent/a", {"resourceType": "AuditEvent"}, {}, 405),
        ("DELETE", "/AuditEvent/a", None, {}, 405),
    ],
)
def test_what_cannot_be_done_gets_an_honest_answer(client, method, path, body, headers, status):
    answer = client(method, path, body, **headers)
    assert answer.status_code == status
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_a_foreign_id_and_a_missing_id_look_the_same(connect, client, other_tenant):
    client("PUT", "/Patient/here", PATIENT)
    stranger = connect(other_tenant)
    foreign, missing = stranger("GET", "/Patient/here"), stranger("GET", "/Patient/nowhere")
    assert foreign.status_code == missing.status_code == 404
    assert foreign.content == missing.content
    assert stranger("GET", "/Patient").json()["total"] == 0


def test_scopes_decide(connect, tenant, client):
    client("PUT", "/Patient/p", PATIENT)
    reader = connect(tenant, "system/Patient.rs")
    assert reader("GET", "/Patient/p").status_code == 200
    assert reader("PUT", "/Patient/p", {**PATIENT, "active": True}).status_code == 403
    assert reader("GET", "/Observation").status_code == 403
    assert reader("GET", "/_history").status_code == 403


def test_conditional_create_update_patch_and_delete(client):
    condition = {"if_none_exist": "identifier=urn:mrn|1"}
    first = client("POST", "/Patient", PATIENT, **condition)
    again = client("POST", "/Patient", PATIENT, **condition)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]

    updated = client("PUT", "/Patient?identifier=urn:mrn|1", {**PATIENT, "active": True})
    assert (updated.status_code, updated.json()["id"]) == (200, first.json()["id"])
    assert client("PUT", "/Patient?identifier=urn:mrn|2", PATIENT).status_code == 201
    assert client("PUT", "/Patient?identifier=urn:mrn|1", {**PATIENT, "active": False}).status_code == 412

    body = json.dumps([{"op": "replace", "path": "/active", "value": False}])
    patch = {"content_type": "application/json-patch+json"}
    assert client("PATCH", f"/Patient?_id={first.json()['id']}", body, **patch).json()["active"] is False
    assert client("PATCH", "/Patient?identifier=urn:mrn|9", body, **patch).status_code == 404
    assert client("DELETE", "/Patient?identifier=urn:mrn|9").status_code == 204
    assert client("DELETE", "/Patient?identifier=urn:mrn|1").status_code == 412
    assert client("DELETE", f"/Patient?_id={first.json()['id']}").status_code == 204
    assert client("GET", f"/Patient/{first.json()['id']}").status_code == 410


def test_sixteen_conditional_creates_at_once_make_one_resource(client):
    with ThreadPoolExecutor(16) as threads:
        answers = list(
            threads.map(lambda _: client("POST", "/Organization", {"resourceType": "Organization", "name": "A",
                "identifier": [{"system": "urn:o", "value": "7"}]}, if_none_exist="identifier=urn:o|7"), range(16))
        )  # fmt: skip
    assert sorted(one.status_code for one in answers) == [200] * 15 + [201]
    assert len({one.json()["id"] for one in answers}) == 1


def test_a_json_patch_changes_what_it_says_or_nothing(client):
    client("PUT", "/Patient/p", PATIENT)
    kind = {"content_type": "application/json-patch+json"}
    good = json.dumps([{"op": "test", "path": "/name/0/family", "value": "Shaw"},
                       {"op": "add", "path": "/name/0/given", "value": ["Amy"]}])  # fmt: skip
    assert client("PATCH", "/Patient/p", good, **kind).json()["name"] == [{"family": "Shaw", "given": ["Amy"]}]
    bad = json.dumps([{"op": "remove", "path": "/name"}, {"op": "test", "path": "/active", "value": True}])
    assert client("PATCH", "/Patient/p", bad, **kind).status_code == 422
    assert client("GET", "/Patient/p").headers["etag"] == 'W/"2"'


def test_searching_by_address_and_by_form_with_next_links(client):
    for number in range(5):
        client("PUT", f"/Patient/p{number}", {**PATIENT, "gender": "female"})
    page = client("GET", "/Patient?gender=female&_count=2&_total=accurate").json()
    assert (page["type"], page["total"], len(page["entry"])) == ("searchset", 5, 2)
    assert page["entry"][0]["search"]["mode"] == "match"
    seen = []
    while True:
        seen += [entry["resource"]["id"] for entry in page["entry"]]
        following = [link["url"] for link in page["link"] if link["relation"] == "next"]
        if not following:
            break
        page = client("GET", following[0].split("/fhir", 1)[1]).json()
    assert seen == [f"p{number}" for number in range(5)]
    form = client.http.post(
        "/fhir/Patient/_search", data={"gender": "female", "_summary": "count"}, headers=client.headers
    )
    assert (form.json()["total"], form.json().get("entry")) == (5, None)


def test_parts_of_resources_are_marked_as_parts(client):
    client(
        "PUT",
        "/Patient/p",
        {
            **PATIENT,
            "birthDate": "1950-01-01",
            "text": {"status": "empty", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'},
        },
    )
    part = client("GET", "/Patient?_elements=birthDate").json()["entry"][0]["resource"]
    assert set(part) == {"resourceType", "id", "meta", "birthDate"}
    assert part["meta"]["tag"][0]["code"] == "SUBSETTED"
    assert "text" not in client("GET", "/Patient/p?_summary=data").json()
    assert set(client("GET", "/Patient/p?_summary=text").json()) == {"resourceType", "id", "meta", "text"}


def test_prefer_decides_what_a_write_answers(client):
    assert client("PUT", "/Patient/p", PATIENT, prefer="return=minimal").content == b""
    outcome = client("PUT", "/Patient/p", PATIENT, prefer="return=OperationOutcome").json()
    assert outcome["resourceType"] == "OperationOutcome"


def test_a_reference_to_nobody_is_accepted_with_a_warning(client):
    body = {"resourceType": "Basic", "code": {"text": "x"}, "subject": {"reference": "Patient/nobody"}}
    answer = client("PUT", "/Basic/b", body, prefer="return=OperationOutcome")
    assert answer.status_code == 201
    assert answer.json()["issue"][0]["severity"] == "warning"


def test_histories_of_a_type_and_of_everything(client):
    client("PUT", "/Patient/p", PATIENT)
    client("PUT", "/Basic/b", {"resourceType": "Basic", "code": {"text": "x"}})
    client("DELETE", "/Basic/b")
    everything = client("GET", "/_history?_count=2").json()
    assert [entry["request"]["method"] for entry in everything["entry"]] == ["DELETE", "PUT"]
    [following] = [link["url"] for link in everything["link"] if link["relation"] == "next"]
    rest = client("GET", following.split("/fhir", 1)[1]).json()
    assert [entry["fullUrl"].rsplit("/", 2)[1] for entry in rest["entry"]] == ["Patient"]
    assert len(client("GET", "/Patient/_history").json()["entry"]) == 1


def test_the_audit_trail_is_read_and_searched_like_any_type(client):
    client("PUT", "/Patient/p", PATIENT)
    client("GET", "/Patient/p")
    page = client("GET", "/AuditEvent?patient=Patient/p").json()
    assert {entry["resource"]["action"] for entry in page["entry"]} == {"C", "R"}
    identity = page["entry"][0]["resource"]["id"]
    assert client("GET", f"/AuditEvent/{identity}").json()["resourceType"] == "AuditEvent"
