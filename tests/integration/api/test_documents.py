"""`POST /api/documents`, `Patient/$ccda` and the page of a document, over HTTP."""

import base64
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from careloop.access import accounts, clients, sessions, tokens
from careloop.access.accounts import NewAccount
from careloop.access.keys import open_keyring
from careloop.access.model import Role
from careloop.cli.asgi import create_asgi
from careloop.fhir.xmls import parse_xml
from careloop.flows import tenants
from careloop.flows.app import App
from careloop.flows.staffing import NewStaff

pytestmark = pytest.mark.shared
CCD = "onc/cures/Receiver SUT Test Data/170.315_b1_ToC_Amb/170.315_b1_toc_amb_ccd_r21_sample2_v11.xml"


@pytest.fixture(scope="module")
def practice(_app: App) -> dict[str, str]:
    """A client's token and a nurse's session in a practice of their own."""
    lead = NewStaff(username="lead", name="Lea Lead", roles=[Role.MANAGER])
    made = tenants.create(_app, f"ccda-{os.getpid()}", "Practice", "America/New_York", lead=lead)
    now = _app.clock.now()
    with _app.database.transaction(made.tenant.id) as tx:
        nurse = NewAccount(id="n", username="nurse", name="Nora Nurse", practitioner_id="p-n", roles=[Role.NURSE])
        accounts.create_account(tx, open_keyring(_app.settings.data_dir), now, nurse)
        session = sessions.open_session(tx, "n", now, lasts=timedelta(hours=1))
        client = clients.create_client(tx, now, name="hie", scope="system/*.cruds")
        token = tokens.issue_token(tx, client.client.id, client.client.scopes, now)
    return {"token": token, "session": session}


@pytest.fixture(scope="module")
def web(_app: App) -> Iterator[TestClient[Any]]:
    with TestClient(create_asgi(_app), base_url="http://localhost") as client:
        yield client


@pytest.fixture(scope="module")
def raw(shared: Path) -> bytes:
    return (shared / "data" / "interchange" / "ccda" / CCD).read_bytes()


def post(web: TestClient[Any], practice: dict[str, str], body: bytes, kind: str = "application/xml") -> Any:
    headers = {"Authorization": f"Bearer {practice['token']}", "Content-Type": kind}
    return web.post("/api/documents", content=body, headers=headers)


def test_a_document_comes_in_goes_out_and_is_shown(web: TestClient[Any], practice: dict[str, str], raw: bytes) -> None:
    first = post(web, practice, raw)
    assert first.status_code == 201, first.text
    told = first.json()
    assert told["created"] > 25
    assert post(web, practice, raw).status_code == 200

    headers = {"Authorization": f"Bearer {practice['token']}"}
    answer = web.get(f"/fhir/{told['patient']}/$ccda?kind=referral-note", headers=headers)
    assert answer.status_code == 200, answer.text
    assert parse_xml(base64.b64decode(answer.json()["data"])).find("code").get("code") == "57133-1"
    refused = web.get(f"/fhir/{told['patient']}/$ccda?kind=letter", headers=headers)
    assert refused.status_code == 400

    cookie = {"Cookie": f"careloop_session={practice['session']}"}
    page = web.get(f"/documents/{told['document'].partition('/')[2]}", headers=cookie)
    assert page.status_code == 200, page.text
    assert f"/patients/{told['patient'].partition('/')[2]}" in page.text
    assert "<table>" in page.text and "Save the original" in page.text
    original = web.get(f"/documents/{told['document'].partition('/')[2]}/original", headers=cookie)
    assert original.content == raw
    assert original.headers["content-type"].startswith("application/octet-stream")
    assert "sandbox" in original.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("body", "kind", "at"),
    [
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "application/xml", "document"),
        (b"<a>" * 5000, "text/xml", "line"),
        (b"<a/>", "text/xml", "document"),
        (b"<a/>", "text/plain", "Content-Type"),
    ],
)
def test_what_is_no_document_is_refused_by_name(
    web: TestClient[Any], practice: dict[str, str], body: bytes, kind: str, at: str
) -> None:
    answer = post(web, practice, body, kind)
    assert answer.status_code == 400
    assert answer.json()["faults"][0]["at"].startswith(at)
