"""Partners without an account answer by a code: once, after the birth date, into the record and the loops."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from litestar.testing import TestClient
from tests.conftest import StandingClock
from tests.pages import sheet_pdf

from careloop.access.model import Principal, PrincipalKind, Role, Tenant, system_principal
from careloop.access.tenancy import change_settings
from careloop.community import Codes, NewLink, Purpose
from careloop.flows import partner_links, writing
from careloop.flows.app import App
from careloop.record import Write

BORN = "1968-06-02"
QUESTION = "Is a heart monitor needed, and should we stop diltiazem?"


@dataclass
class Referral:
    """A referral that was sent, and the link to answer it."""

    tenant: Tenant
    codes: Codes

    @property
    def path(self) -> str:
        return f"/p/{self.codes.secret}"


def put(resource: dict[str, Any]) -> Write:
    return Write(method="update", resource_type=resource["resourceType"], id=resource["id"], resource=resource)


def coordinator(tenant: Tenant) -> Principal:
    return Principal(
        tenant_id=tenant.id, kind=PrincipalKind.USER, id="u", name="Jo Park", roles=frozenset({Role.COORDINATOR}),
        practitioner_id="jo",
    )  # fmt: skip


@pytest.fixture(autouse=True)
def no_tries(app: App) -> None:
    """Every test is at the address of the one before, and starts with a clean sheet."""
    with app.database.directory() as tx:
        tx.execute("delete from sign_in_throttle")


@pytest.fixture
def web(app: App, asgi) -> Iterator[TestClient[Any]]:
    with TestClient(asgi) as client:
        yield client


@pytest.fixture
def referral(app: App, tenant: Tenant) -> Referral:
    return make(app, tenant, Purpose.SPECIALIST)


def make(app: App, tenant: Tenant, purpose: Purpose, partner: str = "Heart Partners Cardiology") -> Referral:
    patient = {
        "resourceType": "Patient", "id": "james", "birthDate": BORN,
        "name": [{"family": "Okafor", "given": ["James"]}], "identifier": [{"system": "urn:mrn", "value": "00-51"}],
    }  # fmt: skip
    request = {
        "resourceType": "ServiceRequest", "id": "heart", "status": "active", "intent": "order", "priority": "urgent",
        "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "3457005"}]}],
        "code": {"text": "Cardiology consultation"}, "subject": {"reference": "Patient/james"},
        "authoredOn": "2026-11-20T10:00:00-05:00", "reasonCode": [{"text": "Palpitations"}],
        "requester": {"display": "Dr. Abena Osei"}, "note": [{"text": QUESTION}],
    }  # fmt: skip
    task = {
        "resourceType": "Task", "id": "heart-task", "status": "requested", "intent": "order",
        "focus": {"reference": "ServiceRequest/heart"}, "for": {"reference": "Patient/james"},
        "code": {"text": "Referral"},
    }  # fmt: skip
    other = {"resourceType": "Observation", "id": "secret", "status": "final", "code": {"text": "HIV test"},
             "subject": {"reference": "Patient/james"}}  # fmt: skip
    new = NewLink(
        purpose=purpose, patient_id="james", request="ServiceRequest/heart", task="Task/heart-task",
        partner=partner,
    )  # fmt: skip
    with app.database.transaction(tenant.id) as tx:
        for one in (patient, request, task, other):
            writing.write(app, tx, system_principal(tenant.id, "test"), [put(one)])
        return Referral(tenant=tenant, codes=partner_links.make(app, tx, coordinator(tenant), new))


def proof_on(page: str) -> str:
    return page.partition('name="proof" value="')[2].partition('"')[0]


def question(web: TestClient[Any], referral: Referral) -> str:
    shown = web.post(referral.path, data={"birth_date": BORN})
    assert shown.status_code == 200
    return shown.text


def answer(web: TestClient[Any], referral: Referral, form: dict[str, str], files: Any = None) -> Any:
    whole = {"proof": proof_on(question(web, referral)), "who": "Pat Lee", **form}
    return web.post(f"{referral.path}/answer", data=whole, files=files or {"nothing": ("", b"")})


def fetch(app: App, tenant: Tenant, *kinds: str) -> list[dict[str, Any]]:
    with app.database.transaction(tenant.id) as tx:
        return [one.resource for one in app.record.of_patient(tx, "james", kinds)]


def trail(app: App, tenant: Tenant) -> list[dict[str, Any]]:
    with app.database.transaction(tenant.id) as tx:
        return tx.rows("select * from audit_event where agent_kind = 'partner' order by id")


def test_nothing_of_the_patient_is_shown_before_code_and_birth_date(web: TestClient[Any], referral: Referral) -> None:
    first = web.get(referral.path)
    assert first.status_code == 200 and "Okafor" not in first.text and "Cardiology consultation" not in first.text
    wrong = web.post(referral.path, data={"birth_date": "1968-06-03"})
    assert wrong.status_code == 422 and "Okafor" not in wrong.text and QUESTION not in wrong.text
    shown = question(web, referral)
    assert QUESTION in shown and "James Okafor" in shown and "HIV" not in shown


@pytest.mark.parametrize("purpose", [Purpose.MEDICINES, Purpose.EDUCATION, Purpose.ASSESSMENT])
def test_who_finds_a_patients_own_link_does_not_learn_whose_it_is(
    app: App, tenant: Tenant, web: TestClient[Any], purpose: Purpose
) -> None:
    own = make(app, tenant, purpose, partner="James Okafor")
    for shown in (web.get(own.path), web.post(own.path, data={"birth_date": "1968-06-03"})):
        assert "Birth date of the patient" in shown.text
        assert "Okafor" not in shown.text and "James" not in shown.text


def test_the_practice_is_called_by_a_number_at_the_same_place_on_every_page(app: App, tenant: Tenant, asgi) -> None:
    with app.database.directory() as tx:
        change_settings(tx, app.tenant(tenant.id), practice_phone="+1 413 555 0100")
    with TestClient(asgi) as web:
        for purpose in (Purpose.SPECIALIST, Purpose.MEDICINES, Purpose.CHECK_IN):
            door = make(app, tenant, purpose)
            pages = [web.get(door.path), web.post(door.path, data={"birth_date": "1968-06-03"})]
            pages += [web.post(door.path, data={"birth_date": BORN})] if purpose is Purpose.SPECIALIST else []
            assert all('<a href="tel:+1 413 555 0100"><bdi dir="ltr">' in page.text for page in pages), purpose


def test_pages_set_no_cookie_and_run_no_script(web: TestClient[Any], referral: Referral) -> None:
    for page in (web.get(referral.path), web.post(referral.path, data={"birth_date": BORN})):
        assert "set-cookie" not in page.headers and "<script" not in page.text and "style=" not in page.text
        assert page.headers["cache-control"] == "no-store" and page.headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in page.headers["content-security-policy"]


def test_the_code_of_the_sheet_opens_the_same_question(web: TestClient[Any], referral: Referral) -> None:
    onward = web.post("/p", data={"code": referral.codes.sheet.lower()}, follow_redirects=False)
    assert onward.status_code == 303
    assert QUESTION in web.post(onward.headers["location"], data={"birth_date": BORN}).text


def test_an_accepted_referral_is_booked_in_the_record(app: App, web: TestClient[Any], referral: Referral) -> None:
    done = answer(web, referral, {"answer": "accepted", "accepted-day": "2026-12-03", "accepted-time": "14:30"})
    assert done.status_code == 200 and "Thank you" in done.text
    [task] = [one for one in fetch(app, referral.tenant, "Task") if one["id"] == "heart-task"]
    assert (task["status"], task["businessStatus"]["text"]) == ("in-progress", "appointment booked")
    [visit] = fetch(app, referral.tenant, "Appointment")
    assert visit["start"] == "2026-12-03T14:30:00-05:00"
    assert visit["basedOn"] == [{"reference": "ServiceRequest/heart"}]
    [said] = fetch(app, referral.tenant, "Communication")
    assert "Pat Lee" in said["payload"][0]["contentString"]


def test_a_report_becomes_a_document_whose_bytes_are_kept(app: App, web: TestClient[Any], referral: Referral) -> None:
    report = sheet_pdf(["Consult note: no arrhythmia."])
    done = answer(
        web, referral, {"answer": "seen", "seen-seen": "2026-11-23"}, {"seen-report": ("note.pdf", report)}
    )  # fmt: skip
    assert done.status_code == 200, done.text
    [document] = fetch(app, referral.tenant, "DocumentReference")
    assert document["type"]["coding"][0]["code"] == "11488-4"
    assert {"reference": "ServiceRequest/heart"} in document["context"]["related"]
    with app.database.transaction(referral.tenant.id) as tx:
        url = document["content"][0]["attachment"]["url"]
        binary = app.record.fetch(tx, [url])[url].resource
        [told] = app.record.follow(tx, "Provenance", [("target", f"DocumentReference/{document['id']}")])
    assert base64.b64decode(binary["data"]) == report
    assert told.resource["agent"][0]["who"]["identifier"]["system"] == "urn:careloop:partner-link"


def test_one_answer_only_and_every_dead_code_looks_alike(
    app: App, web: TestClient[Any], referral: Referral, clock: StandingClock
) -> None:
    assert answer(web, referral, {"answer": "cannot", "cannot-why": "Not our field"}).status_code == 200
    used, unknown = web.get(referral.path), web.get("/p/" + "A" * 22)
    assert used.status_code == unknown.status_code == 404
    assert used.text == unknown.text
    fresh = make(app, referral.tenant, Purpose.SPECIALIST)
    clock.move_by(days=91)
    assert web.get(fresh.path).text == unknown.text


def test_an_answer_sent_twice_is_saved_once(app: App, web: TestClient[Any], referral: Referral) -> None:
    form = {"proof": proof_on(question(web, referral)), "who": "Pat", "answer": "cannot", "cannot-why": "Full"}
    first = web.post(f"{referral.path}/answer", data=form, files={"nothing": ("", b"")})
    again = web.post(f"{referral.path}/answer", data=form, files={"nothing": ("", b"")})
    assert (first.status_code, again.status_code) == (200, 404)
    assert len(fetch(app, referral.tenant, "Communication")) == 1


def test_an_acceptance_gives_a_code_for_the_report(web: TestClient[Any], referral: Referral) -> None:
    done = answer(web, referral, {"answer": "accepted"})
    following = done.text.partition('<a href="/p/')[2].partition('"')[0]
    assert following and QUESTION in web.post(f"/p/{following}", data={"birth_date": BORN}).text


def test_five_wrong_birth_dates_end_the_link(web: TestClient[Any], referral: Referral) -> None:
    for _ in range(5):
        assert web.post(referral.path, data={"birth_date": "1970-01-01"}).status_code == 422
    assert web.post(referral.path, data={"birth_date": BORN}).status_code == 404


def test_codes_cannot_be_guessed_at(app: App, web: TestClient[Any], referral: Referral, clock: StandingClock) -> None:
    tries = [web.get(f"/p/L-{number}-AAAA").status_code for number in range(1001, 1030)]
    assert tries[0] == 404 and tries[-1] == 429
    clock.move_by(hours=2)
    assert web.get(referral.path).status_code == 200


def test_an_answer_needs_the_birth_date_of_its_own_link(web: TestClient[Any], referral: Referral) -> None:
    form = {"proof": "9999999999.abc", "answer": "accepted", "who": "Pat"}
    refused = web.post(f"{referral.path}/answer", data=form, files={"nothing": ("", b"")})
    assert refused.status_code == 422 and QUESTION not in refused.text


def test_what_was_typed_comes_back_with_the_faults(web: TestClient[Any], referral: Referral) -> None:
    page = answer(web, referral, {"answer": "need-more", "who": "", "phone": "555 0170"})
    assert page.status_code == 422
    assert 'href="#need-more-more"' in page.text and 'href="#who"' in page.text and 'value="555 0170"' in page.text


def test_a_file_that_is_no_report_is_refused_with_the_reason(
    app: App, web: TestClient[Any], referral: Referral
) -> None:
    page = answer(
        web, referral, {"answer": "seen", "seen-seen": "2026-11-23"}, {"seen-report": ("note.pdf", b"MZ\x90 program")}
    )
    assert page.status_code == 422 and "a PDF, a TIFF or a JPEG" in page.text
    broken = answer(
        web, referral, {"answer": "seen", "seen-seen": "2026-11-23"}, {"seen-report": ("note.pdf", b"%PDF-1.7 broken")}
    )
    assert broken.status_code == 422 and "this one is broken" in broken.text
    assert fetch(app, referral.tenant, "DocumentReference", "Communication") == []


def test_every_look_and_answer_is_in_the_trail_under_the_link(
    app: App, web: TestClient[Any], referral: Referral
) -> None:
    web.post(referral.path, data={"birth_date": "1970-01-01"})
    answer(web, referral, {"answer": "accepted"})
    entries = trail(app, referral.tenant)
    assert {one["agent_id"] for one in entries} == {referral.codes.link_id}
    assert entries[0]["outcome"] == "8"
    read = {one["resource_type"] for one in entries if one["action"] == "R" and one["outcome"] == "0"}
    assert {"Patient", "ServiceRequest"} <= read
    assert any(one["action"] in "CU" for one in entries)


def test_the_link_sees_its_request_and_nothing_else(app: App, referral: Referral) -> None:
    door = partner_links.open_door(app, referral.codes.secret, "203.0.113.9")
    assert door is not None
    with app.database.transaction(door.tenant.id, sight=door.principal.narrowing) as tx:
        seen = app.record.fetch(tx, ["Observation/secret", "ServiceRequest/heart"])
        assert set(seen) == {"ServiceRequest/heart"}


def test_a_community_organization_accepts_and_help_is_not_yet_arrived(
    app: App, web: TestClient[Any], tenant: Tenant
) -> None:
    food = make(app, tenant, Purpose.COMMUNITY)
    done = answer(
        web, food, {"answer": "help-given", "help-given-given": "2026-11-22", "help-given-what": "A food box"}
    )
    assert done.status_code == 200, done.text
    [task] = [one for one in fetch(app, tenant, "Task") if one["id"] == "heart-task"]
    assert task["status"] == "in-progress"  # RF-10: the patient confirms that help arrived


def test_a_withdrawn_link_opens_nothing(app: App, web: TestClient[Any], referral: Referral) -> None:
    with app.database.transaction(referral.tenant.id) as tx:
        assert partner_links.withdraw(app, tx, coordinator(referral.tenant), referral.codes.link_id)
    assert web.get(referral.path).status_code == 404


def test_a_day_that_is_over_is_no_visit_date(web: TestClient[Any], referral: Referral) -> None:
    page = answer(web, referral, {"answer": "accepted", "accepted-day": "2026-11-01"})
    assert page.status_code == 422 and "still ahead" in page.text


def test_a_link_is_not_made_for_somebody_elses_request(app: App, referral: Referral) -> None:
    new = NewLink(purpose=Purpose.SPECIALIST, patient_id="other", request="ServiceRequest/heart", partner="X")
    with app.database.transaction(referral.tenant.id) as tx, pytest.raises(Exception, match="no such request"):
        partner_links.make(app, tx, coordinator(referral.tenant), new)
