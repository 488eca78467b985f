"""Every form of link in a transaction, and every kind of read in a bundle (FHIR R4 bundle and http)."""

import base64
import json

import pytest

A, B = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", "urn:oid:1.2.3.4"
PATCH = "application/json-patch+json"
THERE = "https://elsewhere.example/fhir"


def entry(method: str, url: str, resource: object = None, full_url: str | None = None, **more: object):
    said = {"request": {"method": method, "url": url, **more}}
    return said | ({"resource": resource} if resource else {}) | ({"fullUrl": full_url} if full_url else {})


def bundle(kind: str, *entries: object):
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def basic(**more: object):
    return {"resourceType": "Basic", "code": {"text": "x"}, **more}


def send(client, kind: str, *entries: object, **headers: str):
    answer = client("POST", "/", bundle(kind, *entries), **headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["entry"]


def place(answer) -> str:
    return answer["response"]["location"].split("/_history")[0]


@pytest.mark.parametrize("full_url", [A, B, f"{THERE}/Patient/7"])
def test_a_link_to_an_entry_becomes_a_link_to_what_it_made(client, full_url):
    subject = {"reference": full_url}
    made = send(
        client, "transaction",
        entry("POST", "Basic", basic(subject=subject), "urn:uuid:6f1c8d1e-58c5-4b0a-9a6c-8f3f2a1d7c40"),
        entry("POST", "Patient", {"resourceType": "Patient"}, full_url),
    )  # fmt: skip
    patient = place(made[1])
    assert client("GET", f"/{place(made[0])}").json()["subject"]["reference"] == patient


def test_a_relative_link_means_the_server_of_its_own_entry(client):
    other = "https://third.example/fhir"
    made = send(
        client, "transaction",
        entry("POST", "Patient", {"resourceType": "Patient", "active": True}, f"{THERE}/Patient/1"),
        entry("POST", "Patient", {"resourceType": "Patient", "active": False}, f"{other}/Patient/1"),
        entry("POST", "Basic", basic(subject={"reference": "Patient/1"}), f"{THERE}/Basic/1"),
        entry("POST", "Basic", basic(subject={"reference": "Patient/1"}), f"{other}/Basic/1"),
    )  # fmt: skip
    subjects = [client("GET", f"/{place(one)}").json()["subject"]["reference"] for one in made[2:]]
    assert subjects == [place(made[0]), place(made[1])]


def test_links_to_versions_addresses_and_images_are_changed_and_other_texts_are_not(client):
    picture = f"{THERE}/Binary/9"
    document = {
        "resourceType": "DocumentReference", "status": "current",
        "content": [{"attachment": {"url": picture, "contentType": "image/png"}}],
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": A}],
        "subject": {"reference": f"{A}/_history/4", "identifier": {"system": "urn:mrn", "value": "7"}},
        "author": [{"identifier": {"system": "urn:npi", "value": "9"}}, {"reference": "#who"}],
        "contained": [{"resourceType": "Practitioner", "id": "who"}],
        "text": {
            "status": "generated",
            "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><img src="{picture}"/><a href="{A}">{A}</a></div>',
        },
    }  # fmt: skip
    made = send(
        client, "transaction",
        entry("POST", "DocumentReference", document, f"{THERE}/DocumentReference/1"),
        entry("POST", "Patient", {"resourceType": "Patient", "meta": {"versionId": "4"}}, A),
        entry("POST", "Binary", {"resourceType": "Binary", "contentType": "image/png", "data": "AA=="}, picture),
    )  # fmt: skip
    patient, binary = place(made[1]), place(made[2])
    stored = client("GET", f"/{place(made[0])}").json()
    assert stored["subject"]["reference"] == f"{patient}/_history/1"
    assert stored["subject"]["identifier"]["value"] == "7"
    assert stored["content"][0]["attachment"]["url"] == binary
    assert stored["identifier"][0]["value"] == A
    assert stored["author"] == document["author"]
    assert f'<img src="{binary}"/><a href="{patient}">{A}</a>' in stored["text"]["div"]


def test_an_absolute_link_to_this_server_is_found(client):
    client("PUT", "/Patient/p", {"resourceType": "Patient"})
    made = send(
        client,
        "transaction",
        entry("POST", "Basic", basic(subject={"reference": "http://testserver.local/fhir/Patient/p"})),
    )
    assert client("GET", f"/{place(made[0])}").status_code == 200
    put = send(client, "transaction", entry("PUT", "http://testserver.local/fhir/Basic/b", {**basic(), "id": "b"}))
    assert put[0]["response"]["status"] == "201 Created"


def test_conditional_references_and_creates_share_what_exists(client):
    doctor = {"resourceType": "Practitioner", "id": "dr", "identifier": [{"system": "urn:npi", "value": "9"}]}
    client("PUT", "/Practitioner/dr", doctor)
    made = send(
        client, "transaction",
        entry("POST", "Practitioner", {**doctor, "id": "x"}, A, ifNoneExist="identifier=urn:npi|9"),
        entry("POST", "Basic", basic(author={"reference": A})),
        entry("POST", "Basic", basic(author={"reference": "Practitioner?identifier=urn:npi|9"})),
    )  # fmt: skip
    assert made[0]["response"]["status"] == "200 OK"
    assert {client("GET", f"/{place(one)}").json()["author"]["reference"] for one in made[1:]} == {"Practitioner/dr"}
    lost = bundle(
        "transaction", entry("POST", "Basic", basic(author={"reference": "Practitioner?identifier=urn:npi|8"}))
    )
    assert client("POST", "/", lost).status_code == 422


def test_deletes_come_first_reads_last_whatever_the_order(client):
    client("PUT", "/Basic/old", {**basic(), "id": "old"})
    patch = base64.b64encode(json.dumps([{"op": "add", "path": "/created", "value": "2026-01-01"}]).encode()).decode()
    client("PUT", "/Basic/patched", {**basic(), "id": "patched"})
    made = send(
        client, "transaction",
        entry("GET", "Basic/new"),
        entry("HEAD", "Basic/new"),
        entry("GET", "Basic/patched"),
        entry("PATCH", "Basic/patched", {"resourceType": "Binary", "contentType": PATCH, "data": patch}),
        entry("PUT", "Basic/new", {**basic(), "id": "new"}),
        entry("GET", "Basic?_id=old,new"),
        entry("DELETE", "Basic/old"),
    )  # fmt: skip
    assert [one["response"]["status"][:3] for one in made] == ["200", "200", "200", "200", "201", "200", "204"]
    assert made[0]["resource"]["id"] == "new"
    assert "resource" not in made[1]
    assert made[2]["resource"]["created"] == "2026-01-01"
    assert [one["resource"]["id"] for one in made[5]["resource"]["entry"]] == ["new"]


def test_every_kind_of_read_in_a_batch(client):
    client("PUT", "/Basic/b", {**basic(), "id": "b"})
    client("PUT", "/Basic/b", {**basic(created="2026-01-01"), "id": "b"})
    reads = ("Basic/b", "Basic/b/_history/1", "Basic/b/_history", "Basic/_history", "_history", "Basic?code=x", "Basic")
    answers = send(client, "batch", *(entry("GET", url) for url in reads))
    assert [one["response"]["status"] for one in answers] == ["200 OK"] * len(reads)
    kinds = [one["resource"].get("type", one["resource"]["resourceType"]) for one in answers]
    assert kinds == ["Basic", "Basic", "history", "history", "history", "searchset", "searchset"]
    assert "created" not in answers[1]["resource"]
    told = send(
        client, "batch",
        entry("GET", "Basic/b", ifNoneMatch='W/"2"'), entry("GET", "Basic/b", ifNoneMatch='W/"1"'),
        entry("GET", "Basic/b", ifModifiedSince="2030-01-01T00:00:00Z"),
        entry("GET", "Basic/b", ifModifiedSince="2001-01-01T00:00:00Z"),
        entry("GET", "Basic/nobody"), entry("GET", "Nonsense/1"), entry("GET", "Basic/_search"),
        entry("GET", "Basic/b/$x"),
    )  # fmt: skip
    assert [one["response"]["status"][:3] for one in told] == ["304", "200", "304", "200", "404", "404", "422", "422"]
    assert all("outcome" in one["response"] for one in told[4:])


@pytest.mark.parametrize(
    ("prefer", "has"),
    [("return=representation", "resource"), ("return=OperationOutcome", "outcome"), ("return=minimal", "")],
)
@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_answers_hold_what_the_client_prefers(client, kind, prefer, has):
    [made] = send(client, kind, entry("POST", "Basic", basic()), prefer=prefer)
    assert ("resource" in made) is (has == "resource")
    assert ("outcome" in made["response"]) is (has == "outcome")


@pytest.mark.parametrize(
    "entries",
    [
        [entry("PUT", "Basic/b", {**basic(), "id": "b"}), entry("DELETE", "Basic/b")],
        [entry("POST", "Basic", basic(), A), entry("POST", "Patient", {"resourceType": "Patient"}, A)],
        [entry("POST", "Basic", basic(), ifNoneExist="code=x"), entry("POST", "Basic", basic(), ifNoneExist="code=x")],
        [entry("PUT", "Basic?code=x", basic()), entry("PUT", "Basic?code=x", basic())],
    ],
)
def test_what_names_one_resource_twice_is_refused_whole(client, entries):
    answer = client("POST", "/", bundle("transaction", *entries))
    assert answer.status_code == 422
    assert answer.json()["issue"][0]["code"] == "duplicate"
    assert client("GET", "/Basic?_summary=count").json()["total"] == 0


def test_versions_are_minded_in_every_entry(client):
    client("PUT", "/Basic/b", {**basic(), "id": "b"})
    patch = {"resourceType": "Binary", "contentType": PATCH, "data": "W10="}
    for method, body in (("PUT", {**basic(created="2026-01-01"), "id": "b"}), ("DELETE", None), ("PATCH", patch)):
        one = entry(method, "Basic/b", body, ifMatch='W/"7"')
        assert send(client, "batch", one)[0]["response"]["status"].startswith("412"), method
        assert client("POST", "/", bundle("transaction", one)).status_code == 412, method
    only_new = entry("PUT", "Basic/b", {**basic(), "id": "b"}, ifNoneMatch="*")
    assert send(client, "batch", only_new)[0]["response"]["status"].startswith("412")
    assert client("GET", "/Basic/b").headers["etag"] == 'W/"1"'


def test_operations_are_entries_of_a_batch_too(client):
    client("PUT", "/Patient/p", {"resourceType": "Patient", "id": "p"})
    client("PUT", "/Basic/b", basic(id="b", subject={"reference": "Patient/p"}))
    tag = {"name": "meta", "valueMeta": {"tag": [{"system": "urn:t", "code": "a"}]}}
    parameters = {"resourceType": "Parameters", "parameter": [tag]}
    answers = send(
        client, "batch",
        entry("GET", "Patient/p/$everything?_type=Basic"),
        entry("POST", "Patient/$validate", {"resourceType": "Patient", "gender": "x"}),
        entry("POST", "Patient/p/$meta-add", parameters),
        entry("GET", "Patient/p/$meta-add"),
        entry("GET", "Patient/p/$nonsense"),
        entry("GET", "Patient/nobody/$everything"),
        entry("GET", "$export"),
        entry("GET", "Patient/p"),
    )  # fmt: skip
    told = [one["response"]["status"][:3] for one in answers]
    assert told[:6] == ["200", "200", "200", "422", "422", "404"]
    assert told[6][0] == "4"
    assert [one["resource"]["id"] for one in answers[0]["resource"]["entry"]] == ["b"]
    assert answers[1]["resource"]["issue"][0]["severity"] == "error"
    assert answers[7]["resource"]["meta"]["tag"][0]["code"] == "a"
    whole = bundle("transaction", entry("GET", "Patient/p/$everything"))
    assert client("POST", "/", whole).status_code == 422
