"""The pages of a patient as they are drawn: the head with its tabs, words for users, what the lists differ about."""

import re
from datetime import timedelta

import pytest
from litestar.testing import TestClient
from tests.conftest import StandingClock
from tests.journeys.medicine_lists import ten_medicines
from tests.journeys.practice import Practice
from tests.journeys.test_home_pages import HOST, Person

from careloop.cli.asgi import create_asgi
from careloop.flows import medicine_differences

BORN = "1955-02-14"


@pytest.fixture(scope="module")
def practice(_app):
    opened = Practice.open(_app.with_clock(StandingClock()))
    opened.move_to("2026-11-23 21:30")
    return opened


@pytest.fixture(scope="module")
def nurse(practice):
    with TestClient(create_asgi(practice.app), base_url=HOST) as opened:
        yield Person(opened, practice, "nia")


@pytest.fixture
def patient(practice):
    language = {"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "es"}]}}
    return practice.patient(birthDate=BORN, name=[{"family": "Delgado", "given": ["Rosa"]}], communication=[language])


@pytest.mark.parametrize("tab", ["medicines", "vitals", "apps", "expected", "assessments", "education", "team"])
def test_every_tab_has_the_head_and_says_that_it_is_open(nurse, patient, tab):
    page = nurse.get(f"/patients/{patient}/{tab}").text
    assert "Rosa Delgado</h1>" in page.replace(" </h1>", "</h1>")
    assert re.search(rf'/patients/{patient}/{tab}" aria-current="page"', page)
    assert "<dd>Spanish</dd>" in page


@pytest.mark.parametrize("below", ["contacts", "episodes", "refer"])
def test_pages_beside_the_tabs_have_the_head_too(nurse, patient, below):
    page = nurse.get(f"/patients/{patient}/{below}")
    assert page.status_code == 200
    assert 'aria-label="Pages of this patient"' in page.text


def test_limits_of_somebody_who_takes_no_part_lead_to_where_they_are_enrolled(nurse, patient):
    answer = nurse.get(f"/patients/{patient}/limits")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"/patients/{patient}/vitals")


def test_the_contact_page_speaks_in_words(nurse, patient):
    page = nurse.get(f"/patients/{patient}/contacts").text
    assert "Quiet hours, 9 pm to 8 am where the patient is." in page
    assert not re.search(r"21:00|\bC[BN]-\d", page)


def test_what_the_patient_wrote_is_called_a_message(nurse, practice, patient):
    subject = {"reference": f"Patient/{patient}"}
    sent = (practice.app.clock.now() - timedelta(minutes=5)).isoformat()
    practice.write({"resourceType": "Communication", "id": f"w-{patient}"[:64], "status": "completed",
                    "subject": subject, "sender": subject, "sent": sent,
                    "payload": [{"contentString": "Thank you"}]})  # fmt: skip
    page = nurse.get(f"/patients/{patient}").text
    assert "<b>Message from the patient</b>" in page
    assert "Talked with" not in page


def test_the_overview_lists_only_what_the_lists_differ_about(nurse, practice, patient):
    ten_medicines(practice, patient)
    assert "to settle" not in nurse.get(f"/patients/{patient}").text
    practice.run(lambda tx: medicine_differences.review(practice.app, tx, [patient]))
    page = nurse.get(f"/patients/{patient}").text
    settle = nurse.get(f"/patients/{patient}/medicines").text
    count = re.search(r"Compare \((\d+) to settle\)", settle)
    assert count is not None
    assert f"{count[1]} to settle</span>" in page
    assert "hospital 40 mg, twice a day; home 20 mg, once a day" in page
    assert f"{10 - int(count[1])} others match" in page
    assert "Compare side by side" in page


def test_a_birth_date_typed_in_words_finds_the_patient(nurse, practice):
    own = practice.patient(birthDate="1931-07-09", name=[{"family": "Delgado", "given": ["Ana"]}])
    assert own in nurse.post("/patients", {"text": "July 9, 1931"}).text
