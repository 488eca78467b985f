"""Batch and transaction bundles over HTTP."""

import base64
import json


def bundle(kind: str, *entries: dict) -> dict:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def entry(method: str, url: str, resource: dict | None = None, full_url: str | None = None, **request) -> dict:
    made = {"request": {"method": method, "url": url, **request}}
    if resource is not None:
        made["resource"] = resource
    if full_url is not None:
        made["fullUrl"] = full_url
    return made


PATIENT = {"resourceType": "Patient", "name": [{"family": "Shaw"}], "identifier": [{"system": "urn:mrn", "value": "1"}]}
URN = "urn:uuid:3fdc72f4-a11d-4a9d-9260-a9f745779e1d"


def observation(subject: str, **more) -> dict:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": subject},
        **more,
    }


def test_a_transaction_ties_its_entries_together(client):
    practitioner = {"resourceType": "Practitioner", "identifier": [{"system": "urn:npi", "value": "9"}]}
    client("PUT", "/Practitioner/dr", practitioner)
    answer = client(
        "POST",
        "/",
        bundle(
            "transaction",
            entry("GET", "Observation?subject:identifier=x"),
            entry(
                "POST", "Observation", observation(URN, performer=[{"reference": "Practitioner?identifier=urn:npi|9"}])
            ),
            entry("POST", "Patient", PATIENT, URN),
            entry(
                "PUT",
                "Basic/b",
                {"resourceType": "Basic", "id": "b", "code": {"text": "x"}, "subject": {"reference": URN}},
            ),
        ),
    )
    assert answer.status_code == 200, answer.text
    responses = [one["response"]["status"] for one in answer.json()["entry"]]
    assert responses == ["200 OK", "201 Created", "201 Created", "201 Created"]
    patient = answer.json()["entry"][2]["response"]["location"].split("/_history")[0]
    stored = client("GET", f"/Observation?patient={patient}").json()["entry"][0]["resource"]
    assert stored["subject"]["reference"] == patient
    assert stored["performer"][0]["reference"] == "Practitioner/dr"
    assert client("GET", "/Basic/b").json()["subject"]["reference"] == patient


def test_one_bad_entry_stops_the_whole_transaction_and_is_named(client):
    answer = client(
        "POST",
        "/",
        bundle(
            "transaction",
            entry("PUT", "Patient/good", {**PATIENT, "id": "good"}),
            entry("POST", "Patient", {**PATIENT, "birthDate": "x"}),
            entry("POST", "Observation", {"resourceType": "Observation", "status": "final"}),
        ),
    )
    assert answer.status_code == 422
    places = [issue["expression"][0] for issue in answer.json()["issue"]]
    assert places == ["Bundle.entry[1].resource.birthDate", "Bundle.entry[2].resource.code"]
    assert client("GET", "/Patient/good").status_code == 404


def test_conditional_entries(client):
    client("PUT", "/Patient/p", PATIENT)
    answer = client(
        "POST",
        "/",
        bundle(
            "transaction",
            entry("POST", "Patient", PATIENT, URN, ifNoneExist="identifier=urn:mrn|1"),
            entry("POST", "Observation", observation(URN)),
            entry(
                "PUT", "Patient?identifier=urn:mrn|2", {**PATIENT, "identifier": [{"system": "urn:mrn", "value": "2"}]}
            ),
            entry("DELETE", "Patient?identifier=urn:mrn|3"),
        ),
    )
    assert answer.status_code == 200, answer.text
    statuses = [one["response"]["status"] for one in answer.json()["entry"]]
    assert statuses == ["200 OK", "201 Created", "201 Created", "204 No Content"]
    assert client("GET", "/Observation?patient=p&_summary=count").json()["total"] == 1


def test_a_stale_version_in_a_transaction_undoes_it(client):
    client("PUT", "/Patient/p", PATIENT)
    answer = client(
        "POST",
        "/",
        bundle(
            "transaction",
            entry("PUT", "Patient/p", {**PATIENT, "id": "p", "active": True}, ifMatch='W/"9"'),
            entry("PUT", "Patient/q", {**PATIENT, "id": "q"}),
        ),
    )
    assert answer.status_code == 412
    assert client("GET", "/Patient/q").status_code == 404


def test_the_same_resource_twice_is_refused(client):
    twice = [entry("PUT", "Patient/p", {**PATIENT, "id": "p"})] * 2
    assert client("POST", "/", bundle("transaction", *twice)).status_code == 422


def test_in_a_batch_each_entry_stands_for_itself(client):
    answer = client(
        "POST",
        "/",
        bundle(
            "batch",
            entry("PUT", "Patient/p", {**PATIENT, "id": "p"}),
            entry("POST", "Patient", {**PATIENT, "birthDate": "x"}),
            entry("GET", "Patient/p"),
            entry("GET", "Patient?identifier=urn:mrn|1"),
            entry("GET", "Patient/nobody"),
            {"resource": PATIENT},
            entry("DELETE", "Patient/p"),
        ),
    )
    assert answer.status_code == 200
    entries = answer.json()["entry"]
    assert [one["response"]["status"][:3] for one in entries] == ["201", "422", "200", "200", "404", "422", "204"]
    assert entries[2]["resource"]["id"] == "p"
    assert entries[3]["resource"]["total"] == 1
    assert entries[1]["response"]["outcome"]["issue"][0]["expression"] == ["Patient.birthDate"]


def test_a_patch_in_a_bundle_travels_as_a_binary(client):
    client("PUT", "/Patient/p", PATIENT)
    data = base64.b64encode(json.dumps([{"op": "add", "path": "/active", "value": True}]).encode()).decode()
    binary = {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": data}
    for kind in ("transaction", "batch"):
        answer = client("POST", "/", bundle(kind, entry("PATCH", "Patient/p", binary)))
        assert answer.json()["entry"][0]["response"]["status"] == "200 OK"
    assert client("GET", "/Patient/p").json()["active"] is True


def test_what_is_no_batch_or_transaction_is_refused(client):
    assert client("POST", "/", bundle("collection")).status_code == 422
    assert client("POST", "/", PATIENT).status_code == 400
    assert client("POST", "/", bundle("transaction", {"resource": PATIENT})).status_code == 422
