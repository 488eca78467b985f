"""The screens of referrals, without a script: a new one, the board, one with its answers, how long patients wait."""

import re
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

PATIENT = {
    "resourceType": "Patient", "id": "james", "birthDate": "1968-06-02",
    "name": [{"family": "Okafor", "given": ["James"]}],
    "telecom": [{"system": "phone", "value": "413-555-0101"}],
    "communication": [{"language": {"text": "English"}, "preferred": True}],
}  # fmt: skip
CHART = [
    {"resourceType": "Organization", "id": "heart", "name": "Heart Partners"},
    {"resourceType": "Organization", "id": "payer", "name": "Some Payer", "type": [{"coding": [{"code": "ins"}]}]},
    {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/james"},
     "code": {"text": "Palpitations"}},
    {"resourceType": "MedicationStatement", "id": "m", "status": "active", "subject": {"reference": "Patient/james"},
     "medicationCodeableConcept": {"text": "Diltiazem 180 mg"}},
]  # fmt: skip
ASKED = {
    "service": "Cardiology", "problem": "Condition/c", "question": "Is a heart monitor needed?", "priority": "routine",
    "role": "consult", "clinic": "Organization/heart|Heart Partners", "requester": "Practitioner/osei",
    "medications": "MedicationStatement/m", "none-results": "1", "none-allergies": "1", "insurance": "Medicare",
    "do": "send",
}  # fmt: skip


@pytest.fixture
def web(app: App, tenant: Tenant, asgi) -> Iterator[TestClient[Any]]:
    with app.database.transaction(tenant.id) as tx:
        writes = [
            Write(method="update", resource_type=one["resourceType"], id=one["id"], resource=one)
            for one in (PATIENT, *CHART)
        ]
        writing.write(app, tx, system_principal(tenant.id, "test"), writes)
        keys = open_keyring(app.settings.data_dir)
        for username, role in (("jo", Role.COORDINATOR), ("osei", Role.PHYSICIAN)):
            new = NewAccount(
                id=username, username=username, name=username.title(), practitioner_id=username, roles=[role]
            )
            accounts.create_account(tx, keys, app.clock.now(), new)
    with TestClient(asgi, base_url="http://testserver.local") as client:
        client.tenant = tenant  # type: ignore[attr-defined]
        sign_in(client, app, "jo")
        yield client


def sign_in(web: Any, app: App, name: str) -> None:
    with app.database.transaction(web.tenant.id) as tx:
        token = sessions.open_session(tx, name, app.clock.now(), lasts=timedelta(hours=1))
    web.cookies.clear()
    web.cookies.set(SESSION_COOKIE, token)
    web.headers.update({"origin": "http://testserver.local", "x-csrf-token": sessions.csrf_token(token)})


def later(web: Any, app: App, days: int) -> None:
    """So many days have passed, and Jo has signed in again."""
    app.clock.move_by(days=days)
    sign_in(web, app, "jo")


def refer(web: TestClient[Any], **more: str) -> str:
    answer = web.post("/patients/james/refer", data=ASKED | more, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_the_form_offers_what_the_record_knows(web: TestClient[Any]) -> None:
    page = web.get("/patients/james/refer").text
    assert "Palpitations" in page
    assert re.search(r'value="MedicationStatement/m" checked', page)
    assert "Heart Partners" in page
    assert "not asked before" in page
    assert "Some Payer" not in page


def test_what_is_missing_is_named_and_nothing_typed_is_lost(web: TestClient[Any]) -> None:
    short = {name: value for name, value in ASKED.items() if name not in ("question", "none-results")}
    answer = web.post("/patients/james/refer", data=short | {"reason": "for 3 weeks"})
    assert answer.status_code == 422
    assert "The question you ask" in answer.text
    assert "Results that matter, or that there are none" in answer.text
    assert 'value="for 3 weeks"' in answer.text
    assert "0 open" in text_of(web.get("/referrals").text)


def test_sent_it_is_on_the_board_and_asked_again_it_is_asked_about(web: TestClient[Any]) -> None:
    path = refer(web)
    page = web.get(path).text
    assert "Is a heart monitor needed?" in page
    assert "Heart Partners" in page
    board = web.get("/referrals").text
    assert "James Okafor" in board
    assert "1 open, 0 late" in text_of(board)
    again = web.post("/patients/james/refer", data=ASKED)
    assert again.status_code == 409
    assert path in again.text
    assert 'name="despite" value="yes"' in again.text
    assert refer(web, despite="yes") != path


def test_a_red_flag_asks_for_a_reason(web: TestClient[Any]) -> None:
    asked = ASKED | {"problem": "", "reason": "Suspected cancer of the lung"}
    refused = web.post("/patients/james/refer", data=asked)
    assert refused.status_code == 422
    assert 'name="red_flag_reason"' in refused.text
    assert refer(web, problem="", reason="Suspected cancer of the lung", red_flag_reason="Known since May")


def test_a_silent_clinic_is_reminded_with_one_press(app: App, web: TestClient[Any]) -> None:
    path = refer(web)
    assert "Remind" not in text_of(web.get("/referrals").text)
    later(web, app, days=9)
    board = web.get("/referrals").text
    assert "Remind 1 silent clinic" in text_of(board)
    assert "1 late" in text_of(board)
    said = web.post("/referrals/remind", data={})
    assert "1 reminder made. Calls and faxes are on the list" in text_of(said.text)
    assert "Remind 1 silent clinic" not in text_of(said.text)
    assert "Call Heart Partners" in text_of(web.get(path).text)
    assert "Silent 1" in text_of(web.get("/referrals").text)
    app.clock.move_by(minutes=5)
    web.post(f"{path}/remind", data={"way": "fax"})
    board = text_of(web.get("/referrals").text)
    assert "Silent 2" in board
    assert "Another clinic?" in board
    assert "Fax, as last time" in text_of(web.get(path).text)


def test_the_whole_way_on_the_page(app: App, web: TestClient[Any]) -> None:
    path = refer(web)
    later(web, app, days=1)
    day = lambda: app.clock.now().date().isoformat()  # noqa: E731
    assert web.post(f"{path}/accept", data={"day": day(), "time": "09:00"}).status_code == 200
    assert web.post(f"{path}/decline", data={"why": "no"}).status_code == 422
    assert web.post(f"{path}/report", data={"text": "No disease. Holter advised."}).status_code == 200
    assert "I have read it" not in web.get(path).text
    assert web.post(f"{path}/read", data={}).status_code == 403
    sign_in(web, app, "osei")
    assert "I have read it" in web.get(path).text
    parts = ["answers-question", "diagnosis", "treatment", "tests", "who-does-what"]
    short = web.post(f"{path}/read", data={"parts": parts, "answer-question-1": "Yes", "do": "read"})
    assert short.status_code == 422
    assert "report incomplete" in short.text
    asked = {"recommends-1": "Holter", "outcome-1": "order", "answer-question-1": "Yes, two weeks", "do": "read"}
    assert web.post(f"{path}/read", data=asked | {"parts": [*parts, "follow-up"]}).status_code == 200
    done = text_of(web.post(f"{path}/told", data={"note": "Told about the monitor", "went": "yes"}).text)
    assert "Loop closed" in done
    assert "Yes, two weeks" in done
    assert "0 open" in text_of(web.get("/referrals").text)


def test_a_doctor_is_asked_where_to_send_with_the_record_of_the_clinics(app: App, web: TestClient[Any]) -> None:
    path = refer(web)
    assert f"/questions/new?referral={path.rpartition('/')[2]}" in web.get(path).text
    asked = web.get(f"/questions/new?referral={path.rpartition('/')[2]}").text
    assert "Cardiology: shall we ask another clinic than Heart Partners?" in asked
    assert "Heart Partners: never answered yet, 0 of 0 reports returned" in asked
    loop = re.search(r'name="loop" value="([^"]+)"', asked).group(1)  # type: ignore[union-attr]
    sent = {"loop": loop, "to": "Practitioner/osei", "text": "Cardiology: shall we ask another clinic?", "key": "k"}
    assert "Asked" in text_of(web.post("/questions/new", data=sent).text)
    assert web.get("/questions/new?referral=nothing").status_code == 404


def test_how_long_patients_wait_counts_who_still_waits(app: App, web: TestClient[Any]) -> None:
    path = refer(web)
    refer(web, service="Podiatry")
    later(web, app, days=10)
    today = app.clock.now().date().isoformat()
    assert web.post(f"{path}/seen", data={"day": today}).status_code == 200
    page = text_of(web.get("/referrals/times").text)
    assert "1 waiting, 10 days" in page
    assert "By specialty" in page
    assert "Cardiology 1 10 10 10 1 of 1 nobody waiting" in page
    assert "Heart Partners" in text_of(web.get("/referrals").text)


def test_figures_name_what_is_counted_and_who_is_missing(app: App, web: TestClient[Any]) -> None:
    refer(web)
    page = text_of(web.get("/referrals/figures").text)
    assert "Closed-loop rate: 0 of 1" in page
    assert "1 No answer from the clinic" in page
    assert "Heart Partners 0 of 1" in page
    assert "(CMS50): no eligible patients" in page
    assert web.get("/referrals/figures?year=1999").status_code == 422
    assert "/referrals/figures" in web.get("/referrals").text
