"""The pages about readings from home: enrolled, typed in, from a file, by the patient's link, worked, tuned, signed."""

import re
from datetime import timedelta

import pytest
from litestar.testing import TestClient
from tests.conftest import StandingClock
from tests.journeys.practice import Practice

from careloop.access import sessions
from careloop.cli.asgi import create_asgi
from careloop.flows import monitoring

SCALE = (
    "\ufeffDate/Time,Weight (lb),Note\n03/02/2026 07:00 AM,176.4,\n"
    "03/03/2026 07:00 AM,178.7,\n03/03/2026 07:05 AM,heavy,\n"
)


HOST = "http://testserver.local"


class Person:
    """Somebody signed in, with a browser that runs no script."""

    def __init__(self, web, practice, name):
        member = practice.staff[name]
        opened = lambda tx: sessions.open_session(tx, member.account_id, practice.app.clock.now(), lasts=timedelta(9))  # noqa: E731
        self.web, token = web, practice.run(opened)
        self._headers = {"Cookie": f"careloop_session={token}", "Origin": HOST}
        self._csrf = sessions.csrf_token(token)

    def get(self, path):
        return self.web.get(path, headers=self._headers, follow_redirects=False)

    def post(self, path, form):
        return self.web.post(path, data={**form, "csrf": self._csrf}, headers=self._headers, follow_redirects=False)

    def upload(self, path, name, content):
        files = {"file": (name, content, "text/csv")}
        return self.web.post(
            path, data={"csrf": self._csrf}, files=files, headers=self._headers, follow_redirects=False
        )


def signed_in(client, practice, name):
    return Person(client, practice, name)


@pytest.fixture(scope="module")
def practice(_app):
    opened = Practice.open(_app.with_clock(StandingClock()))
    opened.move_to("2026-03-01 09:00")
    return opened


@pytest.fixture(scope="module")
def client(practice):
    with TestClient(create_asgi(practice.app), base_url=HOST) as opened:
        yield opened


@pytest.fixture
def patient(practice):
    practice.move_to("2026-03-01 09:00")
    return practice.patient(birthDate="1948-05-06", name=[{"family": "Brook", "given": ["Alma"]}])


def work(practice):
    for _ in range(3):
        monitoring.go_on(practice.app, practice.tenant)


def enroll(person, patient, **more):
    form = {"what": "enroll", "programme": "heart-failure", "told": "yes", "rhythm": "daily", **more}
    return person.post(f"/patients/{patient}/vitals", form)


def test_a_site_without_anybody_on_call_must_have_told_the_patient(practice, client, patient):
    nia = signed_in(client, practice, "nia")
    refused = enroll(nia, patient, told="no")
    assert refused.status_code == 422
    assert "this is not an emergency service" in refused.text
    assert enroll(nia, patient).status_code == 303
    assert "Taking part" in nia.get(f"/patients/{patient}/vitals").text


def test_a_file_of_a_scale_tells_each_line_that_cannot_be_used_and_calls_the_nurse(practice, client, patient):
    nia = signed_in(client, practice, "nia")
    enroll(nia, patient)
    practice.move_to("2026-03-03 08:00")
    nia = signed_in(client, practice, "nia")
    told = nia.upload(f"/patients/{patient}/vitals/file", "scale.csv", SCALE.encode())
    assert "Line 4: expected a number in the column Weight (lb)" in told.text
    page = nia.get(f"/patients/{patient}/vitals").text
    assert "178.7 lb" in page
    assert "81.1 kg" in page
    board = nia.get("/monitoring").text
    assert "Brook" in board
    [alert] = set(re.findall(r"/monitoring/alerts/([0-9a-f-]{36})", page))
    again = nia.upload(f"/patients/{patient}/vitals/file", "scale.csv", SCALE.encode())
    assert "2 readings taken in" in again.text
    assert nia.get(f"/patients/{patient}/vitals").text.count("178.7 lb") == page.count("178.7 lb")
    assert 'class="ident"' in nia.get(f"/monitoring/alerts/{alert}").text
    missing = nia.post(f"/monitoring/alerts/{alert}", {"what": "close", "action": "no-action"})
    assert missing.status_code == 422
    saved = nia.post(f"/monitoring/alerts/{alert}", {"what": "close", "action": "called", "note": "Ate salty soup"})
    assert saved.status_code == 303
    assert "Closed" in nia.get(f"/monitoring/alerts/{alert}").text
    assert "Weight gain" in nia.get("/monitoring/load").text


def test_the_tuner_counts_before_anything_is_saved_and_a_physician_signs(practice, client, patient):
    enroll(signed_in(client, practice, "nia"), patient)
    for day, kg in ((2, "80"), (3, "81"), (4, "80")):
        practice.move_to(f"2026-03-0{day} 07:00")
        nia, osei = signed_in(client, practice, "nia"), signed_in(client, practice, "osei")
        nia.post(f"/patients/{patient}/vitals", {"what": "typed", "weight": kg, "weight-unit": "kg"})
    tried = nia.get(f"/patients/{patient}/limits?try=patient&n-weight-day=3")
    assert "0 alerts instead of 1" in tried.text
    assert nia.post(f"/patients/{patient}/limits", {"n-weight-day": "3"}).status_code == 403
    assert osei.post(f"/patients/{patient}/limits", {"n-weight-day": "3"}).status_code == 303
    page = nia.get(f"/patients/{patient}/limits").text
    assert "Ada Osei-Example" in page
    assert "This patient&#39;s own" in page or "This patient's own" in page
    assert "not reviewed" in page


def test_a_number_that_is_none_is_said_at_its_field(practice, client, patient):
    nia = signed_in(client, practice, "nia")
    enroll(nia, patient)
    told = nia.post(f"/patients/{patient}/vitals", {"what": "typed", "weight": "heavy"})
    assert told.status_code == 422
    assert "a number for weight" in told.text
