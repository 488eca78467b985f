"""Sheets: what stands on paper, what never does, and the link behind it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from litestar.testing import TestClient

from careloop.access import accounts, sessions
from careloop.access.accounts import NewAccount
from careloop.access.browser import SESSION_COOKIE
from careloop.access.keys import open_keyring
from careloop.access.model import Role, Tenant, system_principal
from careloop.flows import writing
from careloop.flows.app import App
from careloop.record import Write
from careloop.web.staff.sheets import qr_of

PEOPLE = [
    {"resourceType": "Patient", "id": "james", "birthDate": "1968-06-02",
     "name": [{"family": "Okafor", "given": ["James"]}], "telecom": [{"system": "phone", "value": "(555) 010-0151"}],
     "address": [{"line": ["1 Elm St"], "city": "Troy"}]},
    {"resourceType": "Organization", "id": "heart", "name": "Heart Partners",
     "telecom": [{"system": "fax", "value": "(555) 010-0170"}]},
    {"resourceType": "ServiceRequest", "id": "req", "status": "active", "intent": "order", "priority": "urgent",
     "code": {"text": "Cardiology consultation"}, "subject": {"reference": "Patient/james"},
     "performer": [{"reference": "Organization/heart"}], "note": [{"text": "Is a heart monitor needed?"}]},
    {"resourceType": "MedicationStatement", "id": "m1", "status": "active", "subject": {"reference": "Patient/james"},
     "medicationCodeableConcept": {"text": "Diltiazem 180 mg"}},
    {"resourceType": "MedicationStatement", "id": "m2", "status": "active", "subject": {"reference": "Patient/james"},
     "meta": {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "ETH"}]},
     "medicationCodeableConcept": {"text": "Buprenorphine 8 mg"}},
]  # fmt: skip


@pytest.fixture
def web(app: App, tenant: Tenant, asgi) -> Iterator[TestClient[Any]]:
    with app.database.transaction(tenant.id) as tx:
        for one in PEOPLE:
            write = Write(method="update", resource_type=one["resourceType"], id=one["id"], resource=one)
            writing.write(app, tx, system_principal(tenant.id, "test"), [write])
        keys = open_keyring(app.settings.data_dir)
        new = NewAccount(id="jo", username="jo", name="Jo Park", practitioner_id="jo", roles=[Role.COORDINATOR])
        accounts.create_account(tx, keys, app.clock.now(), new)
        token = sessions.open_session(tx, "jo", app.clock.now(), lasts=timedelta(hours=1))
    with TestClient(asgi, base_url="http://testserver.local") as client:
        client.cookies.set(SESSION_COOKIE, token)
        client.headers.update({"origin": "http://testserver.local", "x-csrf-token": sessions.csrf_token(token)})
        yield client


def made(web: TestClient[Any]) -> str:
    form = {"request": "ServiceRequest/req", "purpose": "specialist", "partner": "Heart Partners"}
    answer = web.post("/sheets", data=form, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def test_the_sheet_names_question_patient_medicines_and_its_code(web: TestClient[Any]) -> None:
    path = made(web)
    paper = web.get(f"{path}/print").text
    code = web.get(path).text.partition("<h1>")[2].partition("<")[0]
    for text in ("Is a heart monitor needed?", "James Okafor", "2 Jun 1968", "Diltiazem", "(555) 010-0170", code,
                 "If you got this page by mistake", "We cannot take this patient"):  # fmt: skip
        assert text in paper
    assert "<svg" in paper and "<script" not in paper and "style=" not in paper


def test_what_was_typed_stands_behind_the_question_of_the_request(web: TestClient[Any]) -> None:
    asks = "Send the tracing of 3 November too."
    form = {"request": "ServiceRequest/req", "purpose": "facility", "partner": "Heart Partners", "asks": asks}
    made = web.post("/sheets", data=form, follow_redirects=False).headers["location"]
    assert f"Is a heart monitor needed? {asks}" in web.get(f"{made}/print").text
    link = web.get(made).text.partition('class="raw">')[2].partition("<")[0].partition("/p/")[2]
    assert f"Is a heart monitor needed? {asks}" in web.post(f"/p/{link}", data={"birth_date": "1968-06-02"}).text


def test_what_is_labelled_confidential_is_not_on_the_sheet(web: TestClient[Any]) -> None:
    assert "Buprenorphine" not in web.get(f"{made(web)}/print").text


def test_a_sheet_printed_again_has_the_same_code_and_a_new_one_another(web: TestClient[Any]) -> None:
    path = made(web)
    assert web.get(f"{path}/print").text == web.get(f"{path}/print").text
    assert web.get(path).text.partition("<h1>")[2][:14] != web.get(made(web)).text.partition("<h1>")[2][:14]


def test_the_code_says_nothing_of_the_patient() -> None:
    drawing = qr_of("L-1987 K7QX")
    assert drawing.startswith("<svg") and "viewBox" in drawing and "style" not in drawing


def test_a_closed_link_opens_nothing(web: TestClient[Any]) -> None:
    path = made(web)
    link = web.get(path).text.partition('<code class="raw">')[2].partition("<")[0]
    opened = "/p/" + link.rpartition("/")[2]
    assert web.get(opened).status_code == 200
    web.post(f"{path}/withdraw", data={})
    assert web.get(opened).status_code == 404
    assert "Closed" in web.get(path).text


def test_the_letter_tells_nothing_of_health(web: TestClient[Any]) -> None:
    letter = web.get("/patients/james/no-contact-letter").text
    assert "James Okafor" in letter and "1 Elm St" in letter
    assert "Cardiology" not in letter and "Diltiazem" not in letter


def test_a_request_of_nobody_here_is_not_found(web: TestClient[Any]) -> None:
    assert web.get("/sheets?about=ServiceRequest/other").status_code == 404
    assert web.get("/sheets").status_code == 404
