"""What was promised stays on the list, is chased way by way, is told by phone, and leaves the list by its paper."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from litestar.testing import TestClient
from tests.pages import jpeg, sheet

from careloop.access import accounts, sessions
from careloop.access.accounts import NewAccount
from careloop.access.browser import SESSION_COOKIE
from careloop.access.keys import open_keyring
from careloop.access.model import Role, Tenant, system_principal
from careloop.flows import writing
from careloop.flows.app import App
from careloop.loops.pathways import read_pathways
from careloop.record import Write

PATIENT = {"resourceType": "Patient", "id": "james", "birthDate": "1968-06-02",
           "name": [{"family": "Okafor", "given": ["James"]}]}  # fmt: skip


@pytest.fixture
def web(app: App, tenant: Tenant, asgi) -> Iterator[TestClient[Any]]:
    with app.database.transaction(tenant.id) as tx:
        write = Write(method="update", resource_type="Patient", id="james", resource=PATIENT)
        writing.write(app, tx, system_principal(tenant.id, "test"), [write])
        keys = open_keyring(app.settings.data_dir)
        new = NewAccount(id="jo", username="jo", name="Jo Park", practitioner_id="jo", roles=[Role.COORDINATOR])
        accounts.create_account(tx, keys, app.clock.now(), new)
        token = sessions.open_session(tx, "jo", app.clock.now(), lasts=timedelta(days=9))
    with TestClient(asgi, base_url="http://testserver.local") as client:
        client.cookies.set(SESSION_COOKIE, token)
        client.headers.update({"origin": "http://testserver.local", "x-csrf-token": sessions.csrf_token(token)})
        yield client


def promised(web: TestClient[Any]) -> tuple[str, str]:
    """A loop of something promised, and what stands for it."""
    form = {"what": "Hospital summary", "source": "Mercy Hospital", "by": "2026-11-24"}
    assert web.post("/patients/james/expected", data=form).status_code == 200
    page = web.get("/expected").text
    return page.partition("/expected/")[2].partition("/chase")[0], page.partition("/phone?about=")[2].partition('"')[0]


def test_a_promise_is_on_the_list_until_its_paper_comes(web: TestClient[Any]) -> None:
    _, task = promised(web)
    page = web.get("/expected").text
    assert "Hospital summary from Mercy Hospital" in page and "Jo Park" in page
    paper = web.post("/documents", files={"file": ("s.jpg", jpeg(sheet(dots=100)))}, follow_redirects=False)
    found = web.post(f"{paper.headers['location']}/find", data={"text": "Okafor"})
    assert f'value="james|{task}"' in found.text
    web.post(f"{paper.headers['location']}/attach", data={"to": f"james|{task}", "kind": "discharge-summary"})
    assert "Nothing that was promised is missing." in web.get("/expected").text


def test_what_was_tried_is_shown_and_the_next_way_is_offered(web: TestClient[Any]) -> None:
    loop, _ = promised(web)
    assert 'value="message" selected' in web.get("/expected").text
    web.post(f"/expected/{loop}/chase", data={"way": "message"})
    web.post(f"/expected/{loop}/chase", data={"way": "fax"})
    page = web.get("/expected").text
    assert re.search(r"Fax by hand, \d{1,2} [A-Z][a-z]{2} \d{4}<", page)
    assert 'value="phone" selected' in page


def test_a_promise_needs_what_and_whom(web: TestClient[Any]) -> None:
    refused = web.post("/patients/james/expected", data={"what": "Form", "source": " ", "by": "2026-12-01"})
    assert refused.status_code == 422 and 'value="Form"' in refused.text
    over = web.post("/patients/james/expected", data={"what": "Form", "source": "X", "by": "2026-01-01"})
    assert over.status_code == 422


def test_what_was_said_on_the_phone_is_held_against_the_paper(app: App, tenant: Tenant, web: TestClient[Any]) -> None:
    _, task = promised(web)
    form = {"about": task, "script": "hospital", "who": "Pat Lee, ward 3", "q-why": "Heart failure", "q-when": "Friday"}
    assert "Saved" in web.post("/phone", data=form).text
    page = web.get(f"/phone?about={task}").text
    assert "Pat Lee, ward 3" in page and "Heart failure" in page and "No paper has come yet" in page
    paper = web.post("/documents", files={"file": ("s.jpg", jpeg(sheet(dots=100)))}, follow_redirects=False)
    web.post(f"{paper.headers['location']}/attach", data={"to": f"james|{task}", "kind": "discharge-summary"})
    assert "Hold them against this paper (2)" in web.get(paper.headers["location"]).text
    page = web.get(f"/phone?about={task}").text
    call = page.partition('action="/phone/')[2].partition('"')[0]
    version = page.partition('name="version" value="')[2].partition('"')[0]
    document = page.partition('name="document"><option value="')[2].partition('"')[0]
    judged = {"about": task, "version": version, "document": document, "v-0": "confirmed", "v-1": "differs"}
    done = web.post(f"/phone/{call}", data=judged)
    assert "The paper says the same" in done.text and "The paper says something else" in done.text
    assert "Hold them against" not in web.get(paper.headers["location"]).text
    stale = web.post(f"/phone/{call}", data=judged)
    assert stale.status_code == 409


def test_who_calls_has_the_birth_date_the_code_and_the_right_questions(web: TestClient[Any]) -> None:
    _, task = promised(web)
    page = web.get(f"/phone?about={task}").text
    number = re.search(r"Our code is <b class=\"nowrap\">(L-\d+)<", page)
    assert number and "born <b>2 Jun 1968</b>" in page and 'class="ident"' in page
    assert "When did the patient come and leave?" in page and "No phone number of " in page
    form = {"request": task, "purpose": "facility", "partner": "Mercy Hospital", "asks": "The summary, please"}
    sheet = web.get(web.post("/sheets", data=form, follow_redirects=False).headers["location"]).text
    code = sheet.partition("<h1>")[2].partition("<")[0]
    assert number[1] in code and f">{code}<" in web.get(f"/phone?about={task}").text


def test_a_call_needs_a_name_and_an_answer(web: TestClient[Any]) -> None:
    _, task = promised(web)
    for form in ({"who": "", "q-why": "x"}, {"who": "Pat", "q-why": ""}):
        assert web.post("/phone", data={"about": task, "script": "hospital", **form}).status_code == 422


def test_the_list_names_steps_that_pathways_have(app: App) -> None:
    known = read_pathways(app.catalog).active
    for one in app.catalog.document("documents", "expected")["steps"]:
        assert one["step"] in {step.id for step in known[one["pathway"]].steps}
