"""The screen "Rules and clocks" as two managers use it, without any script."""

import re
from datetime import timedelta

import pytest
from litestar.testing import TestClient

from careloop.access import sessions
from careloop.cli.asgi import create_asgi
from careloop.flows import acting, rehearsal_jobs, worklist

HOST = "http://localhost"
RULE = "/rules/pathways/discharge-transition"
SHORTER = {
    "steps.contact.due.within.amount": "1",
    "steps.contact.due.within.unit": "business-days",
    "steps.contact.owner": "nurse",
    "note": "Calls within a day",
}


class Person:
    """Somebody signed in, with a browser that runs no script."""

    def __init__(self, web, practice, name):
        member = practice.staff[name]
        work = lambda tx: sessions.open_session(tx, member.account_id, practice.app.clock.now(), lasts=timedelta(1))  # noqa: E731
        self.web, token = web, practice.run(work)
        self._headers = {"Cookie": f"careloop_session={token}", "Origin": HOST}
        self._csrf = sessions.csrf_token(token)

    def get(self, path):
        return self.web.get(path, headers=self._headers, follow_redirects=False)

    def post(self, path, **form):
        return self.web.post(path, data={**form, "csrf": self._csrf}, headers=self._headers, follow_redirects=False)


@pytest.fixture
def office(practice):
    practice.hire_as("ida", "manager")
    practice.move_to("2026-03-31 12:00")
    practice.stay(practice.patient(), start="2026-03-25 08:00", end="2026-03-26 10:00")
    return practice


@pytest.fixture
def people(office, app):
    with TestClient(create_asgi(app), base_url=HOST) as web:
        yield {name: Person(web, office, name) for name in ("mo", "ida", "dana")}


def version_in(page):
    return re.search(r'name="version" value="([0-9a-f-]{36})"', page.text)[1]


def test_one_manager_changes_a_clock_and_another_publishes_it(office, people):
    mo, ida = people["mo"], people["ida"]
    assert mo.post(RULE, edition="", **SHORTER).status_code == 303
    page = mo.get(RULE)
    assert "2 business days" in page.text and "Calls within a day" in page.text
    version = version_in(page)
    assert mo.post(f"{RULE}/do", do="send", version=version).status_code == 422
    assert mo.post(f"{RULE}/do", do="rehearse", version=version, days="30").status_code == 303
    assert "Trying it on the last 30 days" in mo.get(f"{RULE}/rehearsal").text
    assert rehearsal_jobs.run_next(office.app, office.app.tenant(office.tenant.id))
    tried = mo.get(RULE).text
    assert "Deadlines missed" in tried and "By owner" in tried
    assert mo.post(f"{RULE}/do", do="send", version=version).status_code == 303
    refused = mo.post(f"{RULE}/do", do="publish", version=version)
    assert refused.status_code == 422 and "a second person" in refused.text
    assert "waits for a second person" in ida.get("/rules").text
    assert ida.post(f"{RULE}/do", do="publish", version=version).status_code == 303
    holds = ida.get(RULE).text
    assert "yours since" in holds and "the nurse, within 1 business day (TR-20)" in holds
    assert "Proof: a call or message that reached the patient or caregiver filed as outreach" in holds
    assert ida.post(f"{RULE}/do", do="again", version="", why="Too short for us").status_code == 303
    back = mo.get(RULE).text
    assert "As it ships" in back and "Too short for us" in back
    assert people["dana"].get("/rules").status_code == 403


def test_what_cannot_be_saved_stands_in_the_form_with_what_is_wrong(people):
    typed = {**SHORTER, "steps.contact.due.within.amount": "3", "steps.visit.title": "See them"}
    page = people["mo"].post(RULE, edition="", **typed)
    assert page.status_code == 422
    assert 'href="#steps.contact.due.within"' in page.text and "TR-20" in page.text
    assert 'value="See them"' in page.text


def test_which_steps_people_skip_and_what_came_of_it(office, people):
    def skip(patient, note):
        loop = office.loop(patient)
        office.run(
            lambda tx: acting.close_without_proof(
                office.app, tx, office.user("dana"), loop_id=loop.id, step_id="contact", reason="patient-declined",
                note=note,
            )
        )  # fmt: skip

    assert "Nobody skipped a step" in people["mo"].get("/rules/skipped").text
    again, fine, done = (office.patient() for _ in range(3))
    for patient in (again, fine, done):
        office.stay(patient, start="2026-03-25 08:00", end="2026-03-30 10:00")
    skip(again, "Wants no calls")
    skip(fine, "Her daughter calls us")
    office.call(done, sent="2026-03-31 11:00")
    office.stay(again, start="2026-04-10 08:00", code="IMP")
    office.move_to("2026-05-20 09:00")
    page = Person(people["mo"].web, office, "mo").get("/rules/skipped").text
    assert "1 of 2" in page and "0 of 1" in page
    assert "In hospital again within 30 days" in page and "Not in hospital in 30 days" in page
    assert "Her daughter calls us" in page and "Too few cases to say." in page


def titles_of(office, name):
    """What stands on somebody's list."""
    found = office.run(lambda tx: worklist.page(office.app, tx, office.user(name)))
    return [row.title for group in found.groups for row in group.rows]


def test_one_patients_loop_is_adapted_and_the_report_says_so(office, people):
    patient, dana = office.patient(), people["dana"]
    office.stay(patient, start="2026-03-25 08:00", end="2026-03-31 08:00")
    loop = office.loop(patient)
    path, why = f"/loops/{loop.id}/adapt", {"reason": "family-or-home", "note": "Her son is home on Friday"}
    clock = {"do": "clock", "step": "contact", "due": "2026-04-03T12:00", **why}
    assert dana.post(path, **clock).status_code == 303
    step = office.step(patient, "contact")
    assert step.due.astimezone(office.zone).strftime("%d %H:%M") == "03 12:00"
    assert step.due_because == "set for this patient: Her son is home on Friday"
    late = dana.post(path, **{**clock, "due": "2026-09-03T12:00"})
    assert late.status_code == 422 and "Her son is home on Friday" in late.text
    extra = {"do": "extra", "title": "Bring a walker", "role": "nurse", "due": "2026-04-02T12:00", **why}
    assert dana.post(path, **extra).status_code == 303
    assert dana.post(path, **{**extra, "title": "Ask the church"}).status_code == 303
    loop = office.loop(patient)
    added = {one.step_id: (one.title, one.owner_role) for one in loop.state.steps if one.title}
    assert added == {"extra-1": ("Bring a walker", "nurse"), "extra-2": ("Ask the church", "nurse")}
    assert loop.steps["extra-1"].owner == office.reference("nia")
    assert "Bring a walker" in titles_of(office, "nia")
    done = office.run(
        lambda tx: acting.attest(
            office.app, tx, office.user("nia"), loop_id=loop.id, step_id="extra-1", reason="other", note="It is there"
        )
    )  # fmt: skip
    assert done and office.step(patient, "extra-1").status == "completed"
    skip = {"do": "skip", "step": "home-visit", "reason": "patient-declined", "note": "Wants nobody at home"}
    assert dana.post(path, **skip).status_code == 303
    assert office.step(patient, "home-visit").status == "cancelled"
    assert dana.post(path, **skip).status_code == 422
    report = people["mo"].get("/rules/skipped").text
    assert "Bring a walker" in report and "Step added" in report and "Another deadline" in report
    assert "Family, work or home make it needed (1)" in report
