"""interface.md §3, sentence by sentence: the FHIR door, tokens, health, audit."""

import json
import uuid
from typing import Any

import httpx
import pytest
from tests.acceptance.messages import LOINC, Json, adt, concept, iso, new_id, patient
from tests.acceptance.product import Fhir, Product


def person(fhir: Fhir, **more: Any) -> Json:
    """Somebody new, stored."""
    made = patient(f"F{uuid.uuid4().hex[:12]}", **more)
    fhir.write(made)
    return made


def weight(patient_id: str, **more: Any) -> Json:
    """An Observation of a body weight."""
    return {
        "resourceType": "Observation", "id": new_id(), "status": "final", "code": concept(LOINC, "29463-7"),
        "subject": {"reference": f"Patient/{patient_id}"}, "effectiveDateTime": iso("2026-03-01 08:00"), **more,
    }  # fmt: skip


def issues(answer: httpx.Response) -> list[Json]:
    """The issues of an OperationOutcome."""
    body = answer.json()
    assert body["resourceType"] == "OperationOutcome", body
    return list(body["issue"])


def test_metadata_and_smart_configuration_are_open(product: Product) -> None:
    statement = httpx.get(f"{product.url}/fhir/metadata", timeout=30)
    assert statement.json()["fhirVersion"] == "4.0.1"
    configuration = httpx.get(f"{product.url}/fhir/.well-known/smart-configuration", timeout=30).json()
    assert configuration["token_endpoint"] == f"{product.url}/oauth/token"
    assert "private_key_jwt" in configuration["token_endpoint_auth_methods_supported"]


@pytest.mark.parametrize("path", ["Patient", "Patient/x", "Task?status=accepted", "Nothing/1"])
def test_without_a_token_nothing_is_answered(product: Product, path: str) -> None:
    assert httpx.get(f"{product.url}/fhir/{path}", timeout=30).status_code == 401


def test_a_made_up_token_is_refused(product: Product) -> None:
    assert Fhir(url=product.url, token="1.made-up").get("Patient").status_code == 401


def test_put_with_the_clients_own_id_creates(fhir: Fhir) -> None:
    made = patient("PUT1")
    answer = fhir.put(made)
    assert answer.status_code == 201
    assert answer.headers["Location"].endswith(f"/fhir/Patient/{made['id']}/_history/1")
    assert fhir.read(f"Patient/{made['id']}")["id"] == made["id"]


def test_put_after_delete_makes_a_new_version(fhir: Fhir) -> None:
    made = weight(person(fhir)["id"])
    fhir.write(made)
    assert fhir.delete(f"Observation/{made['id']}").status_code in (200, 204)
    assert fhir.get(f"Observation/{made['id']}").status_code == 410
    assert fhir.put(made).status_code in (200, 201)
    assert fhir.read(f"Observation/{made['id']}")["meta"]["versionId"] == "3"


@pytest.mark.parametrize("literal", ["72.50", "0.10", "100", "3.14000000000000012434"])
def test_decimals_come_back_as_they_went_in(fhir: Fhir, literal: str) -> None:
    made = weight(person(fhir)["id"])
    text = json.dumps({**made, "valueQuantity": {"value": "@", "unit": "kg"}}).replace('"@"', literal)
    answer = fhir.request("PUT", f"/fhir/Observation/{made['id']}", body=text)
    assert answer.status_code == 201, answer.text
    stored = fhir.get(f"Observation/{made['id']}").text.replace(" ", "")
    assert f'"value":{literal},' in stored or f'"value":{literal}}}' in stored


def test_unknown_extensions_come_back(fhir: Fhir) -> None:
    extension = [{"url": "http://somebody.example/colour", "valueCode": "blue"}]
    made = person(fhir, extension=extension, _birthDate={"extension": extension})
    stored = fhir.read(f"Patient/{made['id']}")
    assert stored["extension"] == extension
    assert stored["_birthDate"] == {"extension": extension}


def test_the_server_adds_only_version_and_time(fhir: Fhir) -> None:
    made = patient("ADDS1", meta={"tag": [{"system": "http://somebody.example", "code": "x"}], "source": "urn:y"})
    fhir.write(made)
    stored = fhir.read(f"Patient/{made['id']}")
    meta = stored.pop("meta")
    assert set(meta) == {"tag", "source", "versionId", "lastUpdated"}
    assert stored == {key: value for key, value in made.items() if key != "meta"}


def test_a_dangling_reference_is_accepted_with_a_warning(fhir: Fhir) -> None:
    made = weight("nobody-here-1")
    answer = fhir.put(made, headers={"Prefer": "return=OperationOutcome"})
    assert answer.status_code == 201, answer.text
    assert any(issue["severity"] == "warning" for issue in issues(answer)), answer.text
    assert fhir.read(f"Observation/{made['id']}")["subject"]["reference"] == "Patient/nobody-here-1"


def test_etag_and_if_match(fhir: Fhir) -> None:
    made = person(fhir)
    first = fhir.get(f"Patient/{made['id']}")
    assert first.headers["ETag"] == 'W/"1"'
    changed = fhir.put({**made, "gender": "male"}, headers={"If-Match": 'W/"1"'})
    assert changed.status_code == 200
    stale = fhir.put({**made, "gender": "other"}, headers={"If-Match": 'W/"1"'})
    assert stale.status_code == 412
    assert fhir.delete(f"Patient/{made['id']}", headers={"If-Match": 'W/"1"'}).status_code == 412
    assert fhir.read(f"Patient/{made['id']}")["gender"] == "male"


def test_patch_honours_if_match(fhir: Fhir) -> None:
    made = person(fhir)
    patch = [{"op": "replace", "path": "/gender", "value": "male"}]
    header = {"Content-Type": "application/json-patch+json"}
    stale = fhir.request("PATCH", f"/fhir/Patient/{made['id']}", body=patch, headers=header | {"If-Match": 'W/"9"'})
    assert stale.status_code == 412
    done = fhir.request("PATCH", f"/fhir/Patient/{made['id']}", body=patch, headers=header | {"If-Match": 'W/"1"'})
    assert done.status_code == 200, done.text
    assert fhir.read(f"Patient/{made['id']}")["gender"] == "male"


def test_conditional_create_makes_one(fhir: Fhir) -> None:
    made = patient("COND1")
    body = {key: value for key, value in made.items() if key != "id"}
    header = {"If-None-Exist": "identifier=urn:careloop:authority:STMARY|COND1"}
    answers = [fhir.post("Patient", body, headers=header).status_code for _ in range(3)]
    assert answers == [201, 200, 200]
    assert len(fhir.find("Patient?identifier=urn:careloop:authority:STMARY|COND1")) == 1


def test_history_and_versions(fhir: Fhir) -> None:
    made = person(fhir)
    fhir.put({**made, "gender": "male"})
    history = fhir.get(f"Patient/{made['id']}/_history").json()
    assert history["type"] == "history"
    assert [entry["resource"]["gender"] for entry in history["entry"]] == ["male", "female"]
    assert fhir.read(f"Patient/{made['id']}/_history/1")["gender"] == "female"
    assert fhir.get(f"Patient/{made['id']}/_history/7").status_code == 404


def test_a_transaction_resolves_its_own_urns(fhir: Fhir) -> None:
    urn = f"urn:uuid:{uuid.uuid4()}"
    body = {key: value for key, value in patient("TRANS1").items() if key != "id"}
    reading = {key: value for key, value in weight("x").items() if key != "id"} | {"subject": {"reference": urn}}
    bundle = {
        "resourceType": "Bundle", "type": "transaction",
        "entry": [
            {"fullUrl": f"urn:uuid:{uuid.uuid4()}", "resource": reading,
             "request": {"method": "POST", "url": "Observation"}},
            {"fullUrl": urn, "resource": body, "request": {"method": "POST", "url": "Patient"}},
        ],
    }  # fmt: skip
    answer = fhir.post("", bundle)
    assert answer.status_code == 200, answer.text
    assert answer.json()["type"] == "transaction-response"
    first, second = (entry["response"] for entry in answer.json()["entry"])
    assert (first["status"][:3], second["status"][:3]) == ("201", "201")
    stored = fhir.read(first["location"].split("/fhir/")[-1].split("/_history")[0])
    assert stored["subject"]["reference"] == "/".join(second["location"].split("/")[-4:-2])


def test_a_transaction_with_one_bad_entry_changes_nothing(fhir: Fhir) -> None:
    good = patient("BADTX1")
    bad = {**weight("x"), "status": "no-such-status"}
    entries = [{"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
               for one in (good, bad)]  # fmt: skip
    answer = fhir.post("", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert answer.status_code in (400, 422)
    assert "entry[1]" in answer.text and "status" in answer.text
    assert fhir.get(f"Patient/{good['id']}").status_code == 404


def test_a_batch_takes_the_good_and_names_the_bad(fhir: Fhir) -> None:
    good = patient("BATCH1")
    bad = {**weight("x"), "status": "no-such-status"}
    entries = [{"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
               for one in (bad, good)]  # fmt: skip
    answer = fhir.post("", {"resourceType": "Bundle", "type": "batch", "entry": entries})
    assert answer.status_code == 200
    refused, taken = (entry["response"] for entry in answer.json()["entry"])
    assert refused["status"].startswith(("400", "422"))
    assert "status" in str(refused["outcome"])
    assert taken["status"].startswith("201")
    assert fhir.get(f"Patient/{good['id']}").status_code == 200


def test_search_without_parameters_and_next_links(fhir: Fhir) -> None:
    wanted = {person(fhir)["id"] for _ in range(5)}
    found: list[str] = []
    address: str | None = "/fhir/Patient?_count=2"
    pages = 0
    while address:
        bundle = fhir.request("GET", address).json()
        assert len(bundle.get("entry", [])) <= 2
        found += [entry["resource"]["id"] for entry in bundle.get("entry", [])]
        after = [link["url"] for link in bundle["link"] if link["relation"] == "next"]
        address = after[0].removeprefix(fhir.url) if after else None
        pages += 1
    assert wanted <= set(found)
    assert len(found) == len(set(found))
    assert pages >= 3


def test_readers_read_and_search_but_never_write(product: Product, fhir: Fhir) -> None:
    added = product.run("client", "add", f"reader-{new_id()}", "--scope", "system/*.rs", "--json")
    assert added.status == 0, added.errors
    made = person(fhir)
    reader = product.client_of(added.json()["client_id"], added.json()["client_secret"])
    assert reader.get(f"Patient/{made['id']}").status_code == 200
    assert reader.get("Patient").status_code == 200
    assert reader.put({**made, "gender": "male"}).status_code == 403
    assert reader.post("Patient", {"resourceType": "Patient"}).status_code == 403
    assert reader.delete(f"Patient/{made['id']}").status_code == 403
    entry = {"resource": made, "request": {"method": "PUT", "url": f"Patient/{made['id']}"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    assert reader.post("", bundle).status_code == 403
    for path in ("inbox?status=dead", "worklist"):
        assert reader.request("GET", f"/api/{path}").status_code == 200, path
    assert fhir.read(f"Patient/{made['id']}")["meta"]["versionId"] == "1"


def test_a_client_may_ask_for_less_than_it_has(product: Product, fhir: Fhir) -> None:
    narrow = product.client(scope="system/Observation.rs")
    assert narrow.get("Observation").status_code == 200
    assert narrow.get("Patient").status_code == 403
    assert narrow.put(person(fhir)).status_code == 403


def test_one_tenant_never_sees_the_other(product: Product, fhir: Fhir) -> None:
    made = person(fhir)
    stranger = product.client("lakeside")
    missing, foreign = stranger.get(f"Patient/{new_id()}"), stranger.get(f"Patient/{made['id']}")
    assert (missing.status_code, foreign.status_code) == (404, 404)
    assert stranger.find(f"Patient?_id={made['id']}") == []


def test_audit_events_are_read_and_search_only(fhir: Fhir) -> None:
    made = person(fhir)
    fhir.read(f"Patient/{made['id']}")
    [event] = fhir.find(f"AuditEvent?patient=Patient/{made['id']}&action=R")
    assert f"Patient/{made['id']}" in str(event["entity"])
    assert event["agent"]
    assert fhir.read(f"AuditEvent/{event['id']}")["action"] == "R"
    assert fhir.put(event).status_code in (403, 405)
    assert fhir.delete(f"AuditEvent/{event['id']}").status_code in (403, 405)
    body = {key: value for key, value in event.items() if key != "id"}
    assert fhir.post("AuditEvent", body).status_code in (403, 405)


def test_a_search_that_finds_somebody_is_in_the_audit_trail_under_that_person(fhir: Fhir) -> None:
    made = person(fhir)
    fhir.find(f"Patient?_id={made['id']}")
    events = fhir.find(f"AuditEvent?patient=Patient/{made['id']}")
    assert any(event["action"] == "E" for event in events), [event["action"] for event in events]


def test_reading_something_about_a_person_names_the_person(fhir: Fhir) -> None:
    made = person(fhir)
    reading = weight(made["id"])
    fhir.write(reading)
    fhir.read(f"Observation/{reading['id']}")
    events = fhir.find(f"AuditEvent?patient=Patient/{made['id']}&action=R")
    assert any(f"Observation/{reading['id']}" in str(event["entity"]) for event in events)


def test_readyz_and_healthz_tell(product: Product) -> None:
    ready = httpx.get(f"{product.url}/readyz", timeout=30)
    assert ready.status_code == 200
    assert ready.json()["pending"] == 0
    assert httpx.get(f"{product.url}/healthz", timeout=30).status_code == 200


def test_metrics_are_not_on_the_public_address(product: Product) -> None:
    assert httpx.get(f"{product.url}/metrics", timeout=30).status_code in (401, 403, 404)


def test_introspect_and_revoke(product: Product) -> None:
    mine = next(one for one in product.facts["clients"] if one["tenant"] == "riverbend")
    login = (mine["client_id"], mine["client_secret"])
    fhir = product.client()
    ask = {"data": {"token": fhir.token}, "auth": login, "timeout": 30}
    assert httpx.post(f"{product.url}/oauth/introspect", **ask).json()["active"] is True
    assert httpx.post(f"{product.url}/oauth/revoke", **ask).status_code == 200
    assert httpx.post(f"{product.url}/oauth/introspect", **ask).json()["active"] is False
    assert fhir.get("Patient").status_code == 401


def test_a_wrong_secret_gets_no_token(product: Product) -> None:
    mine = next(one for one in product.facts["clients"] if one["tenant"] == "riverbend")
    answer = httpx.post(f"{product.url}/oauth/token", data={"grant_type": "client_credentials"},
                        auth=(mine["client_id"], "wrong"), timeout=30)  # fmt: skip
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"


def test_a_control_id_is_searchable(product: Product, fhir: Fhir) -> None:
    control = f"FIND-{new_id()[:8]}"
    product.send(adt("A01", "2026-03-06 12:00", mrn="CTRL1", visit="VCTRL1", control_id=control))
    found = fhir.api(f"inbox?control_id={control}")
    assert set(found) == {"items", "total", "next"}
    [item] = found["items"]
    assert set(item) == {"id", "kind", "status", "control_id", "sender", "received", "stage", "at", "reason"}
    assert item["control_id"] == control
    [provenance] = fhir.find(f"Provenance?entity:identifier={control}")
    assert f"Encounter/{fhir.stay_of('VCTRL1')['id']}/" in str(provenance["target"])


def test_an_api_page_describes_the_api(product: Product) -> None:
    assert httpx.get(f"{product.url}/api/docs", timeout=30, follow_redirects=True).status_code == 200


@pytest.mark.parametrize("name", ["$match"])
def test_what_is_not_offered_is_not_advertised(product: Product, fhir: Fhir, name: str) -> None:
    statement = httpx.get(f"{product.url}/fhir/metadata", timeout=30).json()
    advertised = "match" in str([one.get("operation") for one in statement["rest"][0]["resource"]])
    answer = fhir.post(f"Patient/{name}", {"resourceType": "Parameters"})
    assert advertised or answer.status_code in (400, 404, 405)
