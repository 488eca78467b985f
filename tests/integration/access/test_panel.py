"""An EHR opens our panel: the EHR is a second instance of our own server, with keys, port and practice of its own."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import psycopg
import pytest
from litestar.testing import TestClient
from tests.conftest import StandingClock, make_tenant

from careloop.access.browser import SESSION_COOKIE
from careloop.access.clients import Interactive, NewClient, create_client
from careloop.access.ehrs import NewEhr
from careloop.access.model import Tenant, system_principal
from careloop.access.sessions import csrf_token
from careloop.cli.asgi import create_asgi
from careloop.errors import Conflict, Rejected
from careloop.flows import panel, writing
from careloop.flows.app import App
from careloop.record import Write

from .conftest import HOST, Smart, make_smart, serve

CALLBACK = f"{HOST}/launch/callback"
QUESTION = "Shall we stop metformin before the scan?"


@dataclass
class Ehr:
    """The other system: its address, its staff, and how it knows us."""

    url: str
    smart: Smart
    client: NewClient

    @property
    def headers(self) -> dict[str, str]:
        return {"Cookie": f"{SESSION_COOKIE}={self.smart.session}", "Origin": self.url}

    def launch(self, patient: str) -> str:
        """The launch token of a click on the patient's page there."""
        path = f"/patients/{self.smart.patients[patient]}/apps/{self.client.client.id}"
        onward = httpx.get(f"{self.url}{path}", headers=self.headers)
        sent = parse_qs(urlsplit(onward.headers["location"]).query)
        assert sent["iss"] == [f"{self.url}/fhir"]
        return sent["launch"][0]

    def allow(self, address: str, decision: str = "allow") -> dict[str, str]:
        """What the EHR sends to our callback after the nurse there has decided."""
        page = httpx.get(address, headers=self.headers)
        assert page.status_code == 200, page.text
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))
        form = {name: unescape(value) for name, value in fields.items()} | {"decision": decision}
        sent = httpx.post(f"{self.url}/oauth/authorize", data=form, headers=self.headers)
        assert sent.status_code == 303 and sent.headers["location"].startswith(CALLBACK)
        return {name: values[0] for name, values in parse_qs(urlsplit(sent.headers["location"]).query).items()}


@pytest.fixture(scope="module")
def ehr(_app, database) -> Iterator[Ehr]:
    """The second instance, on a port of its own."""
    with serve(_app, clock=StandingClock()) as (theirs, url), TestClient(create_asgi(theirs), base_url=url) as http:
        smart = make_smart(theirs, make_tenant(database), http)
        asked = Interactive(redirect_uris=[CALLBACK], launch_url=f"{HOST}/launch")
        with database.transaction(smart.tenant.id) as tx:
            scope = "launch openid fhirUser patient/Patient.rs user/Practitioner.rs"
            made = create_client(tx, theirs.clock.now(), name="Careloop", scope=scope, interactive=asked)
        yield Ehr(url, smart, made)


@dataclass
class Ours:
    """Our own side: a practice that knows Ann by the EHR's number, and a browser."""

    app: App
    tenant: Tenant
    http: TestClient

    def write(self, *resources: dict[str, Any]) -> None:
        who = system_principal(self.tenant.id, "test")
        writes = [
            Write(method="update", resource_type=one["resourceType"], id=one["id"], resource=one) for one in resources
        ]
        with self.app.database.transaction(self.tenant.id) as tx:
            writing.write(self.app, tx, who, writes)

    def start(self, ehr: Ehr, patient: str = "ann") -> Any:
        asked = {"iss": f"{ehr.url}/fhir", "launch": ehr.launch(patient)}
        return self.http.get("/launch", params=asked, follow_redirects=False)

    def open(self, ehr: Ehr, patient: str = "ann") -> Any:
        started = self.start(ehr, patient)
        assert started.status_code == 303, started.text
        back = ehr.allow(started.headers["location"])
        return self.http.get("/launch/callback", params=back, follow_redirects=False)

    def answer(self, page: str, said: str, **changes: str) -> Any:
        form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
        form = {name: unescape(value) for name, value in form.items()} | {"answer": said, **changes}
        return self.http.post("/panel/answer", data=form, headers={"Origin": HOST}, follow_redirects=False)

    def task(self, task_id: str = "question") -> dict[str, Any]:
        with self.app.database.transaction(self.tenant.id) as tx:
            return self.app.record.fetch(tx, [f"Task/{task_id}"])[f"Task/{task_id}"].resource


@pytest.fixture
def ours(app, tenant, ehr: Ehr, database_urls) -> Iterator[Ours]:
    with TestClient(create_asgi(app), base_url=HOST) as http:
        made = Ours(app, tenant, http)
        new = NewEhr(iss=f"{ehr.url}/fhir", name="Their EHR", client_id=ehr.client.client.id,
                     client_secret=ehr.client.secret, origins=["https://ehr.example"])  # fmt: skip
        panel.add_ehr(app, system_principal(tenant.id, "test"), tenant, new)
        number = {"system": "urn:test:mrn", "value": f"MRN-{ehr.smart.patients['ann']}"}
        made.write({"resourceType": "Patient", "id": "ours", "name": [{"family": "Ourann"}], "identifier": [number]},
                   {"resourceType": "Patient", "id": "else", "name": [{"family": "Elsewho"}]})  # fmt: skip
        made.write(question("question", "ours", QUESTION, "2026-11-20"), question("later", "ours", "Another?",
        "2026-11-21"),
                   question("theirs", "else", "Not for you?", "2026-11-01"))  # fmt: skip
        yield made
        with psycopg.connect(database_urls.owner) as connection:
            connection.execute("delete from ehr")


def question(task_id: str, patient: str, text: str, day: str) -> dict[str, Any]:
    return {
        "resourceType": "Task", "id": task_id, "status": "requested", "intent": "order", "description": text,
        "code": {"coding": [{"system": "urn:careloop:question", "code": "yes-no"}]},
        "for": {"reference": f"Patient/{patient}"},
        "authoredOn": f"{day}T10:00:00Z", "requester": {"display": "Dana Ruiz"},
    }  # fmt: skip


def test_the_panel_opens_for_the_person_with_the_number_and_nobody_else(ours: Ours, ehr: Ehr):
    opened = ours.open(ehr)
    assert opened.status_code == 303 and opened.headers["location"] == "/panel", opened.text
    page = ours.http.get("/panel")
    assert page.status_code == 200
    assert "Ourann" in page.text and QUESTION in page.text and "Dana Ruiz asks" in page.text
    assert "Elsewho" not in page.text and "Not for you" not in page.text and "Another?" not in page.text
    assert "frame-ancestors https://ehr.example" in page.headers["content-security-policy"]
    assert "<script" not in page.text


@pytest.mark.parametrize(("said", "value"), [("yes", True), ("no", False)])
def test_the_answer_is_written_once_with_who_gave_it(ours: Ours, ehr: Ehr, said: str, value: bool):
    ours.open(ehr)
    page = ours.http.get("/panel").text
    assert ours.answer(page, said).status_code == 303
    task = ours.task()
    assert task["status"] == "completed" and task["output"][0]["valueBoolean"] is value
    assert task["note"][0]["authorString"].endswith("through Their EHR")
    assert "Another?" in ours.http.get("/panel").text
    again = ours.answer(page, "no")
    assert again.status_code == 409 and ours.task() == task
    with ours.app.database.transaction(ours.tenant.id) as tx:
        trail = tx.rows("select agent_name, action, patient_ids from audit_event where 'question' = any (resource_ids)")
    assert any(one["action"] == "U" and one["agent_name"].endswith("through Their EHR") for one in trail)


def test_an_answer_to_another_question_or_without_the_form_is_refused(ours: Ours, ehr: Ehr):
    ours.open(ehr)
    page = ours.http.get("/panel").text
    assert ours.answer(page, "yes", task="theirs").status_code == 409
    assert ours.answer(page, "yes", task="later").status_code == 409
    assert ours.answer(page, "perhaps").status_code == 422
    assert ours.answer(page, "yes", csrf="x").status_code == 403
    foreign = ours.http.post("/panel/answer", data={"answer": "yes", "version": "1", "csrf": csrf_token("")},
                             headers={"Origin": "https://evil.example"})  # fmt: skip
    assert foreign.status_code == 403
    assert ours.task()["status"] == ours.task("theirs")["status"] == "requested"


def test_a_patient_without_a_number_known_here_is_not_found(ours: Ours, ehr: Ehr):
    opened = ours.open(ehr, "bob")
    assert opened.status_code == 404 and "not found here" in opened.text
    assert "Bobmark" not in opened.text
    assert ours.http.get("/panel").status_code == 401


def test_a_way_back_that_did_not_begin_in_this_browser_is_refused(ours: Ours, ehr: Ehr):
    back = ehr.allow(ours.start(ehr).headers["location"])
    for wrong in ({**back, "state": "other"}, {**back, "code": "clc_1." + "a" * 43}, {"error": "access_denied"}, {}):
        assert ours.http.get("/launch/callback", params=wrong, follow_redirects=False).status_code in (403, 502)
    ours.http.cookies.clear()
    assert ours.http.get("/launch/callback", params=back, follow_redirects=False).status_code == 403


def test_a_launch_that_is_too_old_is_refused(ours: Ours, ehr: Ehr):
    back = ehr.allow(ours.start(ehr).headers["location"])
    ours.app.clock.move_by(minutes=11)
    assert ours.http.get("/launch/callback", params=back, follow_redirects=False).status_code == 403


def test_the_panel_ends_after_an_hour_and_with_the_ehr(ours: Ours, ehr: Ehr):
    ours.open(ehr)
    assert ours.http.get("/panel").status_code == 200
    panel.revoke_ehr(ours.app, system_principal(ours.tenant.id, "test"), ours.tenant, f"{ehr.url}/fhir")
    assert ours.http.get("/panel").status_code == 401
    new = NewEhr(iss=f"{ehr.url}/fhir", name="Their EHR", client_id=ehr.client.client.id)
    panel.add_ehr(ours.app, system_principal(ours.tenant.id, "test"), ours.tenant, new)
    assert ours.http.get("/panel").status_code == 200
    ours.app.clock.move_by(hours=1)
    assert ours.http.get("/panel").status_code == 401


@pytest.mark.parametrize(
    "iss", ["", "https://unknown.example/fhir", "http://169.254.169.254/fhir", "file:///etc/passwd"]
)
def test_an_issuer_that_is_not_registered_is_never_asked(ours: Ours, iss: str):
    answer = ours.http.get("/launch", params={"iss": iss, "launch": "x"}, follow_redirects=False)
    assert answer.status_code == 404 and "location" not in answer.headers


def test_this_machine_is_no_ehr_of_a_practice_in_production(app, database, ehr: Ehr):
    tenant = make_tenant(database, production=True)
    who = system_principal(tenant.id, "test")
    for iss in ("http://127.0.0.1:1/fhir", "https://localhost/fhir"):
        with pytest.raises(Rejected):
            panel.add_ehr(app, who, tenant, NewEhr(iss=iss, name="x", client_id="c"))
    for wrong in ({"iss": "http://ehr.example/fhir"}, {"origins": ["https://ehr.example/path"]}, {"origins": ["*"]}):
        with pytest.raises(Rejected):
            panel.add_ehr(
                app, who, tenant, NewEhr(**{"iss": "https://ehr.example/fhir", "name": "x", "client_id": "c", **wrong})
            )


def test_an_issuer_of_one_practice_is_not_another_ones(ours: Ours, ehr: Ehr, app, other_tenant):
    with pytest.raises(Conflict):
        new = NewEhr(iss=f"{ehr.url}/fhir", name="Thief", client_id="c")
        panel.add_ehr(app, system_principal(other_tenant.id, "test"), other_tenant, new)
