"""The care plan's page and its copies, from choosing plans over a plan of another source to the files that leave."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pypdfium2
import pytest
from litestar.testing import TestClient

from careloop.access import accounts, sessions
from careloop.access.accounts import NewAccount
from careloop.access.browser import SESSION_COOKIE
from careloop.access.keys import open_keyring
from careloop.access.model import Role, Tenant, system_principal
from careloop.catalog import CONTENT, load_catalog
from careloop.fhir.xmls import parse_xml
from careloop.flows import writing
from careloop.flows.app import App
from careloop.intake.ccda import check_document, load_ccda
from careloop.record import Write

ABOUT = {"reference": "Patient/rosa"}
PEOPLE = [
    {"resourceType": "Patient", "id": "rosa", "birthDate": "1950-02-03", "gender": "female",
     "name": [{"family": "Ñandú", "given": ["Rosa"]}]},
    {"resourceType": "CarePlan", "id": "hill", "status": "active", "intent": "plan", "subject": ABOUT,
     "title": "Heart plan", "created": "2026-11-10", "author": {"display": "Hill Cardiology"},
     "activity": [{"detail": {"status": "in-progress", "code": {"text": "Fluid restriction 1.5 L a day"}}},
                  {"detail": {"status": "in-progress", "code": {"text": "Cardiac rehabilitation"}}}]},
]  # fmt: skip


@pytest.fixture
def web(app: App, tenant: Tenant, asgi) -> Iterator[TestClient[Any]]:
    with app.database.transaction(tenant.id) as tx:
        for one in PEOPLE:
            write = Write(method="update", resource_type=one["resourceType"], id=one["id"], resource=one)
            writing.write(app, tx, system_principal(tenant.id, "test"), [write])
        keys = open_keyring(app.settings.data_dir)
        new = NewAccount(id="ada", username="ada", name="Ada Osei", practitioner_id="ada", roles=[Role.PHYSICIAN])
        accounts.create_account(tx, keys, app.clock.now(), new)
        dana = NewAccount(
            id="dana", username="dana", name="Dana Cole", practitioner_id="dana", roles=[Role.COORDINATOR]
        )
        accounts.create_account(tx, keys, app.clock.now(), dana)
        team = {
            "resourceType": "CareTeam", "id": "team", "status": "active", "subject": ABOUT,
            "participant": [{"member": {"reference": "Practitioner/dana"}, "role": [{"text": "coordinator"}]}],
        }  # fmt: skip
        write = Write(method="update", resource_type="CareTeam", id="team", resource=team)
        writing.write(app, tx, system_principal(tenant.id, "test"), [write])
        token = sessions.open_session(tx, "ada", app.clock.now(), lasts=timedelta(hours=1))
    with TestClient(asgi, base_url="http://testserver.local") as client:
        client.cookies.set(SESSION_COOKIE, token)
        client.headers.update({"origin": "http://testserver.local", "x-csrf-token": sessions.csrf_token(token)})
        yield client


def save(web: TestClient[Any], **form: str) -> str:
    answer = web.post("/patients/rosa/plan", data=form)
    assert answer.status_code < 400, answer.text[:2000]
    return answer.text


def version(page: str) -> str:
    return page.split('name="version" value="')[1].split('"')[0]


def test_a_plan_is_made_decided_taken_over_and_leaves_as_files(web: TestClient[Any]) -> None:
    page = web.get("/patients/rosa/plan").text
    assert "Begin a plan" in page and "/plan/pdf" not in page
    page = save(web, do="choose", version=version(page), **{"plan.heart-failure": "1", "plan.diabetes": "1"})
    page = web.get("/patients/rosa/plan").text
    assert "Fluid a day: plans disagree" in page and "Hill Cardiology, 10 Nov 2026" in page
    assert page.count("A clinician decides</td>") == 1 and 'name="step.1"' in page and 'name="step.0"' not in page
    save(web, do="take", version=version(page), other="hill", everything="1")
    page = web.get("/patients/rosa/plan").text
    assert "Our plan has all of it." in page
    save(web, do="settle", version=version(page), subject="fluid", holds="from/hill", why="Her heart comes first")
    page = web.get("/patients/rosa/plan").text
    assert "1 decided by a clinician where plans disagreed" in page and "plans disagree<" not in page
    for address, wanted in (("pdf", "I weigh myself every morning."), ("pdf?reader=staff", "Cardiac rehabilitation")):
        raw = web.get(f"/patients/rosa/plan/{address}").content
        text = " ".join(one.get_textpage().get_text_bounded() for one in pypdfium2.PdfDocument(raw))
        assert wanted in text and "Rosa Ñandú" in text
        assert "Dana Cole" in text  # who leads is known to the patient, too
    assert "Dana Cole leads my care team" in web.get("/patients/rosa/plan/sheet").text
    document = web.get("/patients/rosa/plan/document")
    assert document.headers["content-disposition"] == 'attachment; filename="care-plan.xml"'
    content = load_ccda(load_catalog(product=CONTENT).documents("ccda"))
    faults = [one for one in check_document(parse_xml(document.content), content) if one.severity == "error"]
    assert faults == [] and "Fluid restriction 1.5 L a day" in document.text
