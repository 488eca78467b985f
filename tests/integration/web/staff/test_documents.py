"""The pages of the document inbox: taken, shown, attached, all without a script."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from litestar.testing import TestClient
from tests.pages import jpeg
from tests.pages import sheet as page_of

from careloop.access import accounts, sessions
from careloop.access.accounts import NewAccount
from careloop.access.browser import SESSION_COOKIE
from careloop.access.keys import open_keyring
from careloop.access.model import Role, Tenant, system_principal
from careloop.flows import writing
from careloop.flows.app import App
from careloop.record import Write

ORIGIN = {"origin": "http://testserver.local"}


@pytest.fixture
def web(app: App, tenant: Tenant, asgi) -> Iterator[TestClient[Any]]:
    patient = {"resourceType": "Patient", "id": "james", "birthDate": "1968-06-02",
               "name": [{"family": "Okafor", "given": ["James"]}]}  # fmt: skip
    with app.database.transaction(tenant.id) as tx:
        write = Write(method="update", resource_type="Patient", id="james", resource=patient)
        writing.write(app, tx, system_principal(tenant.id, "test"), [write])
        keys = open_keyring(app.settings.data_dir)
        new = NewAccount(id="jo", username="jo", name="Jo Park", practitioner_id="jo", roles=[Role.COORDINATOR])
        accounts.create_account(tx, keys, app.clock.now(), new)
        token = sessions.open_session(tx, "jo", app.clock.now(), lasts=timedelta(hours=1))
    with TestClient(asgi, base_url="http://testserver.local") as client:
        client.cookies.set(SESSION_COOKIE, token)
        client.headers.update({**ORIGIN, "x-csrf-token": sessions.csrf_token(token)})
        yield client


def upload(web: TestClient[Any], content: bytes, name: str = "scan.jpg") -> Any:
    return web.post("/documents", files={"file": (name, content)}, follow_redirects=False)


def test_a_paper_without_a_code_is_attached_in_three_presses(web: TestClient[Any]) -> None:
    path = upload(web, jpeg(page_of(dots=100))).headers["location"]
    page = web.get(path)
    assert "pictures without text" in page.text and web.get(f"{path}/pages/0").content.startswith(b"\x89PNG")
    found = web.post(f"{path}/find", data={"text": "Okafor"})
    assert 'value="james|"' in found.text and "checked" not in found.text
    done = web.post(f"{path}/attach", data={"to": "james|", "kind": "discharge-summary"})
    assert done.status_code == 200
    assert "James Okafor" in web.get("/documents?status=attached").text


def test_nobody_is_attached_without_being_chosen(web: TestClient[Any]) -> None:
    path = upload(web, jpeg(page_of(dots=100))).headers["location"]
    refused = web.post(f"{path}/attach", data={"kind": "form"})
    assert refused.status_code == 422 and "Choose whose it is" in refused.text


def test_a_file_that_cannot_be_used_is_refused_on_the_page(web: TestClient[Any]) -> None:
    refused = upload(web, b"PK\x03\x04 a zip", "scan.zip")
    assert refused.status_code == 422 and "a PDF, a TIFF or a JPEG" in refused.text
    assert "No paper waits" in web.get("/documents").text


def test_the_same_file_leads_to_the_paper_that_is_there(web: TestClient[Any]) -> None:
    content = jpeg(page_of(dots=100))
    assert upload(web, content).headers["location"] == upload(web, content).headers["location"]


def test_a_paper_of_another_practice_is_not_here(web: TestClient[Any]) -> None:
    for path in ("/papers/00000000-0000-4000-8000-000000000000", "/papers/x", "/papers/x/pages/0"):
        assert web.get(path).status_code == 404
