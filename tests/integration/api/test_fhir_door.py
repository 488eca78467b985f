"""The short way in (`api.fhir_door`) gives what the route gives: status, headers, body, audit, counts."""

import json

import pytest
from litestar.testing import TestClient
from tests.integration.api.conftest import JSON, Fhir

from careloop.api.metrics import REQUESTS
from careloop.cli.asgi import create_asgi

PATIENT = {"resourceType": "Patient", "id": "1", "name": [{"family": "Door"}]}


@pytest.fixture
def ways(app, client):
    """The same client by the short way and by the routes, and a list of what took the short way."""
    short, long = create_asgi(app), create_asgi(app, short_way=False)
    taken: list[str] = []
    answer = type(short.door).answer

    class Watched(type(short.door)):
        async def answer(self, way, scope, receive, send):
            taken.append(f"{scope['method']} {scope['path']}")
            await answer(self, way, scope, receive, send)

    short.door = Watched(app, short, short.door.unexpected)
    token = client.headers["Authorization"].removeprefix("Bearer ")
    with TestClient(short) as one, TestClient(long) as other:
        assert other.get("/fhir/Patient/none", headers=client.headers).status_code == 404  # the token is known now
        yield Fhir(one, token), Fhir(other, token), taken


def told(answer):
    """What can be compared of an answer: instants and fresh ids differ."""
    headers = {name: value for name, value in answer.headers.items() if name not in ("last-modified", "location")}
    text = answer.text
    if text:
        found = json.loads(text)
        for one in (found, *(entry["resource"] for entry in found.get("entry", ()))):
            one.get("meta", {}).pop("lastUpdated", None)
        return answer.status_code, headers, found
    return answer.status_code, headers, text


READS = [
    ("GET", "/Patient/1", {}),
    ("GET", "/Patient/none", {}),
    ("GET", "/Patient/1?_elements=name", {}),
    ("GET", "/Patient/1?_summary=count", {}),
    ("GET", "/Patient?name=door", {}),
    ("GET", "/Patient?name=door&_count=1", {}),
    ("GET", "/Patient?colour=red", {}),
    ("GET", "/Patient?colour=red", {"prefer": "handling=lenient"}),
    ("GET", "/Patient?name=%C3", {}),
    ("GET", "/Patient/1", {"if-none-match": 'W/"1"'}),
    ("GET", "/Patient/1", {"if-none-match": 'W/"9"'}),
    ("GET", "/Patient/1", {"accept": "application/fhir+json; fhirVersion=4.0"}),
    ("GET", "/Patient/1", {"accept": "text/html"}),
    ("GET", "/Patient/1", {"accept": "application/fhir+xml"}),
    ("DELETE", "/Patient/none", {}),
    ("DELETE", "/Patient/1", {"if-match": 'W/"7"'}),
    ("DELETE", "/Patient/1", {"if-match": "seven"}),
]


def test_both_ways_give_the_same(ways):
    short, long, taken = ways
    assert long("PUT", "/Patient/1", PATIENT).status_code == 201
    for method, path, headers in READS:
        taken.clear()
        assert told(short(method, path, **headers)) == told(long(method, path, **headers)), path
        assert taken == [f"{method} /fhir{path.partition('?')[0]}"]


WRITES = [
    ("PUT", "/Patient/{}", PATIENT, {}),
    ("PUT", "/Patient/{}", PATIENT, {"prefer": "return=minimal"}),
    ("PUT", "/Patient/{}", PATIENT, {"prefer": "return=OperationOutcome"}),
    ("PUT", "/Patient/{}", PATIENT, {"if-match": 'W/"4"'}),
    ("PUT", "/Patient/{}", {**PATIENT, "id": "other"}, {}),
    ("PUT", "/Patient/{}", {**PATIENT, "resourceType": "Basic"}, {}),
    ("PUT", "/Patient/{}", {**PATIENT, "colour": "red"}, {}),
    ("PUT", "/Patient/{}", "{", {}),
    ("PUT", "/Patient/{}", PATIENT, {"content-type": "text/plain"}),
    ("POST", "/Patient", {"resourceType": "Patient"}, {"if-none-exist": "identifier=urn:x|1"}),
    ("POST", "/Patient", {"resourceType": "Patient", "gender": "perhaps"}, {}),
]


def test_both_ways_write_the_same(ways):
    short, long, taken = ways
    for number, (method, path, body, headers) in enumerate(WRITES):
        taken.clear()
        answers = []
        for client, identity in ((short, f"short{number}"), (long, f"long{number}")):
            own = {**body, "id": identity} if isinstance(body, dict) and body.get("id") == "1" else body
            status, kept, found = told(client(method, path.format(identity), own, **headers))
            text = json.dumps(found).replace(identity, "it")
            answers.append((status, {**kept, "content-length": len(text)}, _without_id(text)))
        assert answers[0] == answers[1], (method, body, headers)
        assert len(taken) == 1


def _without_id(text):
    found = json.loads(text)
    if isinstance(found, dict) and found.get("resourceType") == "Patient":
        found.pop("id", None)
    return found


ROUTES = [
    ("HEAD", "/Patient/1", None, {}),
    ("PATCH", "/Patient/1", [], {"content-type": "application/json-patch+json"}),
    ("GET", "/Patient/1?_format=json", None, {}),
    ("GET", "/Patient/1?_pretty=true", None, {}),
    ("GET", "/Patient/1/_history", None, {}),
    ("GET", "/Patient/$match", None, {}),
    ("GET", "/Patient/_history", None, {}),
    ("GET", "/Basics/1", None, {}),
    ("GET", "/Binary/1", None, {}),
    ("GET", "/AuditEvent", None, {}),
    ("GET", "/Patient/1", None, {"Authorization": "Basic eDp5"}),
    ("GET", "/Patient/1", None, {"Authorization": "Bearer clt_1.unknown"}),
    ("GET", "/Patient/1", None, {"host": "a b"}),
]


def test_what_is_not_plain_takes_its_route(ways):
    short, long, taken = ways
    long("PUT", "/Patient/1", PATIENT)
    for method, path, body, headers in ROUTES:
        one, other = short(method, path, body, **headers), long(method, path, body, **headers)
        assert (one.status_code, taken) == (other.status_code, []), path


def test_a_denial_is_audited_and_a_request_counted(app, tenant, connect, ways):
    short, _, taken = ways
    reader = connect(tenant, "system/Patient.r")
    told_to = Fhir(short.http, reader.headers["Authorization"].removeprefix("Bearer "))
    labels = {"method": "DELETE", "route": "/fhir/{resource_type}/{resource_id}", "status": "403"}
    before = REQUESTS.labels(**labels)._value.get()
    for _ in range(2):  # the first looks the token up and takes the route
        assert told_to("DELETE", "/Patient/1").status_code == 403
    assert taken == ["DELETE /fhir/Patient/1"]
    assert REQUESTS.labels(**labels)._value.get() == before + 2
    with app.database.transaction(tenant.id) as tx:
        denied = tx.value("select count(*) from audit_event where outcome = '8' and resource_type = 'Patient'")
    assert denied == 2


def test_a_fault_of_ours_is_worded_without_its_words(ways, monkeypatch):
    short, _, _ = ways

    async def broken(*_):
        raise RuntimeError("the secret")

    from careloop.api import fhir_door

    monkeypatch.setitem(fhir_door._WAYS, ("GET", True), (broken, "/fhir/{resource_type}/{resource_id}"))
    answer = short("GET", "/Patient/1")
    assert answer.status_code == 500
    assert "secret" not in answer.text and "id" in answer.json()


def test_too_large_a_body_is_refused_by_its_route(app, ways):
    short, _, taken = ways
    answer = short(
        "PUT", "/Patient/1", b" " * (app.settings.max_body_bytes + 1), **{"content-type": JSON["content-type"]}
    )
    assert (answer.status_code, taken) == (413, [])
