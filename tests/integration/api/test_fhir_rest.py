"""The finer points of the FHIR REST interface: HEAD, media types, Binary, histories at a time, many writers."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from litestar.testing import TestClient

from careloop.cli.asgi import create_asgi

PATIENT = {"resourceType": "Patient", "id": "p", "name": [{"family": "Shaw"}]}
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture
def patient(client):
    assert client("PUT", "/Patient/p", PATIENT).status_code == 201
    return client


@pytest.mark.parametrize("path", ["/Patient/p", "/Patient?name=shaw", "/Patient/p/_history", "/Patient/p/_history/1"])
def test_head_is_get_without_its_body(patient, path):
    got, head = patient("GET", path), patient("HEAD", path)
    assert head.status_code == 200
    assert head.content == b""
    assert {"etag", "last-modified"} & got.headers.keys() == {"etag", "last-modified"} & head.headers.keys()
    assert head.headers["content-type"] == got.headers["content-type"]
    assert patient("HEAD", "/Patient/nobody").status_code == 404


@pytest.mark.parametrize(
    ("query", "accept", "answered"),
    [
        ("", None, "application/fhir+json"),
        ("", "application/json", "application/json"),
        ("", "application/fhir+json; fhirVersion=4.0", "application/fhir+json; fhirversion=4.0"),
        ("", "text/html, application/xhtml+xml, */*;q=0.8", "application/fhir+json"),
        ("", "application/fhir+xml;q=0.9, application/json;q=0.1", "application/json"),
        ("?_format=json", "application/fhir+xml", "application/fhir+json"),
        ("?_format=application/fhir%2Bjson", "text/html", "application/fhir+json"),
        ("?_format=application/fhir+json", "text/html", "application/fhir+json"),
        ("?_format=application/json", None, "application/json"),
        ("?_format=xml", None, None),
        ("?_format=text/turtle", None, None),
        ("", "application/fhir+xml", None),
        ("", "application/fhir+json;fhirVersion=5.0", None),
        ("", "application/fhir+json;q=0", None),
    ],
)
def test_the_answer_is_in_a_form_that_the_client_takes_or_there_is_none(patient, query, accept, answered):
    answer = patient("GET", f"/Patient/p{query}", **({"accept": accept} if accept else {}))
    if answered is None:
        assert answer.status_code == 406
        assert answer.json()["resourceType"] == "OperationOutcome"
    else:
        assert answer.status_code == 200
        assert answer.headers["content-type"].lower().startswith(answered)


def test_content_of_another_release_is_refused(patient):
    body = json.dumps(PATIENT)
    assert patient("PUT", "/Patient/p", body, content_type="application/fhir+json; fhirVersion=5.0").status_code == 415
    assert patient("PUT", "/Patient/p", body, content_type="application/fhir+json; fhirVersion=4.0").status_code == 200
    assert patient("PUT", "/Patient/p", body, content_type="application/json").status_code == 200


def test_pretty_is_for_people_and_changes_no_digit(client):
    text = (
        '{"resourceType":"Observation","id":"o","status":"final","code":{"text":"w"},"valueQuantity":{"value":1.50e3}}'
    )
    client("PUT", "/Observation/o", text)
    pretty = client("GET", "/Observation/o?_pretty=true")
    assert '\n  "status": "final"' in pretty.text
    assert "1.50e3" in pretty.text
    assert pretty.json() == client("GET", "/Observation/o").json()


@pytest.mark.parametrize("number", ["1e3", "1.0E-5", "0.00000010", "72.50", "-0.0", "1.10"])
def test_decimals_come_back_as_they_went_in(client, number):
    body = '{"resourceType":"Observation","id":"o","status":"final","code":{"text":"w"},"valueQuantity":{"value":%s}}'
    assert client("PUT", "/Observation/o", body % number).status_code in (200, 201)
    for answer in (client("GET", "/Observation/o"), client("GET", "/Observation?_id=o")):
        assert f'"value":{number}}}' in answer.text
    assert (
        client("PUT", "/Observation/o", body % number).headers["etag"]
        == client("GET", "/Observation/o").headers["etag"]
    )


def test_the_same_content_in_another_order_is_no_change(client):
    one = '{"resourceType":"Patient","id":"p","active":true,"name":[{"family":"A","given":["B"]}]}'
    other = '{"name":[{"given":["B"],"family":"A"}],"id":"p","active":true,"resourceType":"Patient"}'
    client("PUT", "/Patient/p", one)
    assert client("PUT", "/Patient/p", other).headers["etag"] == 'W/"1"'
    assert client("PUT", "/Patient/p", other.replace('"B"', '"C"')).headers["etag"] == 'W/"2"'


def test_a_read_tells_whether_anything_changed(patient):
    read = patient("GET", "/Patient/p")
    etag, modified = read.headers["etag"], read.headers["last-modified"]
    assert patient("GET", "/Patient/p", if_none_match=etag).status_code == 304
    assert patient("GET", "/Patient/p", if_none_match=f'W/"9", {etag}').status_code == 304
    assert patient("GET", "/Patient/p", if_none_match='W/"9"').status_code == 200
    assert patient("GET", "/Patient/p", if_modified_since=modified).status_code == 304
    assert patient("GET", "/Patient/p", if_modified_since="Mon, 01 Jan 2001 00:00:00 GMT").status_code == 200
    assert patient("GET", "/Patient/p", if_modified_since="soon").status_code == 200
    # RFC 9110: with both, the ETag counts.
    assert patient("GET", "/Patient/p", if_none_match='W/"9"', if_modified_since=modified).status_code == 200


@pytest.mark.parametrize(
    ("prefer", "minimal"),
    [("return=minimal", True), ("respond-async, return=minimal", True), ("return=minimal; x=1", True),
     ("respond-async", False), ("return=everything", False), ("return=representation", False)],
)  # fmt: skip
def test_preferences_that_are_not_known_are_ignored(patient, prefer, minimal):
    answer = patient("PUT", "/Patient/p", {**PATIENT, "active": True}, prefer=prefer)
    assert answer.status_code == 200
    assert (answer.content == b"") is minimal


def test_part_of_a_resource_says_that_it_is_a_part(patient):
    for query in ("_summary=true", "_summary=text", "_summary=data", "_elements=name"):
        part = patient("GET", f"/Patient/p?{query}").json()
        assert "SUBSETTED" in [tag["code"] for tag in part["meta"]["tag"]], query
        [entry] = patient("GET", f"/Patient?_id=p&{query}").json()["entry"]
        assert entry["resource"] == part
    assert "SUBSETTED" not in patient("GET", "/Patient/p?_summary=false").text
    assert "name" not in patient("GET", "/Patient/p?_elements=gender").json()


def test_a_binary_is_kept_and_given_as_it_is(client):
    made = client("POST", "/Binary", PNG, content_type="image/png", x_security_context="Patient/p")
    assert made.status_code == 201
    identity = made.json()["id"]
    assert made.json()["securityContext"] == {"reference": "Patient/p"}
    raw = client("GET", f"/Binary/{identity}", accept="image/png")
    assert (raw.content, raw.headers["content-type"]) == (PNG, "image/png")
    assert raw.headers["x-content-type-options"] == "nosniff"
    assert raw.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in raw.headers["content-security-policy"]
    assert raw.headers["etag"] == 'W/"1"'
    assert client("GET", f"/Binary/{identity}", accept="image/*").content == PNG
    for accept in ("application/fhir+json", "*/*", "application/fhir+json, image/png;q=0.5"):
        resource = client("GET", f"/Binary/{identity}", accept=accept).json()
        assert base64.b64decode(resource["data"]) == PNG
    assert client("GET", f"/Binary/{identity}?_format=json", accept="image/png").json()["resourceType"] == "Binary"
    assert client("GET", f"/Binary/{identity}", accept="application/pdf").status_code == 406
    assert client("PUT", f"/Binary/{identity}", PNG + b"!", content_type="image/png").headers["etag"] == 'W/"2"'
    assert client("GET", f"/Binary/{identity}", accept="image/png").content == PNG + b"!"
    assert client("GET", f"/Binary/{identity}/_history/1", accept="image/png").content == PNG


def test_a_binary_that_could_do_harm_in_a_browser_is_a_lump_of_bytes(client):
    page = b"<script>alert(1)</script>"
    identity = client("POST", "/Binary", page, content_type="text/html; charset=utf-8").json()["id"]
    raw = client("GET", f"/Binary/{identity}", accept="text/html")
    assert raw.content == page
    assert raw.headers["content-type"] == "application/octet-stream"
    assert client("POST", "/Binary", b"", content_type="text/html").status_code == 400
    assert client("POST", "/Patient", page, content_type="text/html").status_code == 415


def test_a_history_can_be_asked_for_a_time(client, clock):
    client("PUT", "/Patient/p", PATIENT)
    clock.move_by(minutes=10)
    client("PUT", "/Patient/p", {**PATIENT, "active": True})
    client("PUT", "/Basic/b", {"resourceType": "Basic", "id": "b", "code": {"text": "x"}})
    clock.move_by(minutes=10)
    client("DELETE", "/Patient/p")

    def versions(path: str) -> list[str]:
        return [entry["response"]["etag"] for entry in client("GET", path).json().get("entry", ())]

    between = "2026-11-23T15:05:00Z"
    for path in ("/Patient/p/_history", "/Patient/_history", "/_history"):
        assert versions(f"{path}?_at={between}") == ['W/"1"'], path
        assert versions(f"{path}?_at=2026-11-23T15:25:00Z")[0] == 'W/"3"' or path == "/_history"
        assert versions(f"{path}?_at=2026-11-22") == []
    assert versions("/Patient/p/_history?_at=2026-11-23") == ['W/"3"', 'W/"2"', 'W/"1"']
    assert versions("/Patient/p/_history?_since=2026-11-23T15:10:00Z") == ['W/"3"', 'W/"2"']
    assert versions("/Patient/p/_history?_since=2026-11-23T15:10:00Z&_count=1") == ['W/"3"']
    for wrong in ("_since=2026-11-23", "_at=soon", "_count=x", "name=shaw", "_cursor=x"):
        assert client("GET", f"/Patient/p/_history?{wrong}").status_code == 400, wrong


def test_a_history_bundle_says_how_each_version_came(client):
    client("PUT", "/Patient/p", PATIENT)
    made = client("POST", "/Patient", {"resourceType": "Patient"}).json()["id"]
    client("DELETE", "/Patient/p")
    client("PUT", "/Patient/p", PATIENT)
    history = client("GET", "/Patient/p/_history").json()
    assert history["type"] == "history"
    told = [(entry["request"]["method"], entry["response"]["status"][:3]) for entry in history["entry"]]
    assert told == [("PUT", "201"), ("DELETE", "204"), ("PUT", "201")]
    assert "resource" not in history["entry"][1]
    assert all(entry["fullUrl"].endswith("/fhir/Patient/p") for entry in history["entry"])
    assert all(entry["response"]["lastModified"] for entry in history["entry"])
    [first] = client("GET", f"/Patient/{made}/_history").json()["entry"]
    assert first["request"] == {"method": "POST", "url": "Patient"}


def test_a_patch_that_empties_a_list_leaves_none(patient):
    patch = [{"op": "remove", "path": "/name/0"}, {"op": "add", "path": "/active", "value": True}]
    answer = patient("PATCH", "/Patient/p", patch, content_type="application/json-patch+json")
    assert answer.status_code == 200
    assert "name" not in answer.json()


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"if_match": 'W/"1"'}, 200), ({"if_match": 'W/"2"'}, 412), ({}, 200)],
)  # fmt: skip
def test_conditional_forms_keep_to_the_version(patient, headers, status):
    changed = {"resourceType": "Patient", "name": [{"family": "Shaw"}], "active": True}
    assert patient("PUT", "/Patient?name=shaw", changed, **headers).status_code == status
    patch = [{"op": "add", "path": "/gender", "value": "female"}]
    current = patient("GET", "/Patient/p").headers["etag"]
    kind = {"content_type": "application/json-patch+json"}
    assert patient("PATCH", "/Patient?name=shaw", patch, if_match='W/"77"', **kind).status_code == 412
    assert patient("PATCH", "/Patient?name=shaw", patch, if_match=current, **kind).status_code == 200
    assert patient("DELETE", "/Patient?name=shaw", if_match='W/"77"').status_code == 412
    assert patient("DELETE", "/Patient?name=shaw").status_code == 204
    assert patient("DELETE", "/Patient?name=shaw", if_match='W/"1"').status_code == 412


def test_eight_writers_with_25_increments_each_make_200(client):
    """Each reads, adds one, and writes with If-Match; whoever was too late tries again (security.md section 2)."""
    counter = {"resourceType": "Basic", "id": "n", "code": {"text": "0"}}
    client("PUT", "/Basic/n", counter)

    def work(_: int) -> None:
        done = 0
        while done < 25:
            read = client("GET", "/Basic/n")
            count = int(read.json()["code"]["text"]) + 1
            answer = client("PUT", "/Basic/n", {**counter, "code": {"text": str(count)}}, if_match=read.headers["etag"])
            assert answer.status_code in (200, 412)
            done += answer.status_code == 200

    with ThreadPoolExecutor(8) as writers:
        list(writers.map(work, range(8)))
    final = client("GET", "/Basic/n")
    assert final.json()["code"]["text"] == "200"
    assert final.headers["etag"] == 'W/"201"'


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/fhir/nonsense/1/2/3/4/5"), ("PUT", "/fhir/Patient/1/_history"), ("DELETE", "/fhir/Patient/_search")],
)
def test_without_a_credential_nobody_learns_which_routes_there_are(app, method, path):
    with TestClient(create_asgi(app)) as web:
        answer = web.request(method, path)
        assert answer.status_code == 401
        assert "www-authenticate" in answer.headers
        assert web.request("DELETE", "/fhir/metadata").status_code == 405
