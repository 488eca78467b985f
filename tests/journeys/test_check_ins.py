"""Check-ins over several days: from the enrolment by letter, link and branching to an alert and its closed loop;
silence, pauses, rhythms, links that are wrong or over. No script; the letters pass a real mail server."""

import re
from dataclasses import replace

import pytest
from litestar.testing import TestClient
from tests.conftest import StandingClock
from tests.journeys.post_office import post_office
from tests.journeys.practice import Practice, at
from tests.journeys.test_home_pages import HOST, Person

from careloop import outbox
from careloop.cli.asgi import create_asgi
from careloop.fhir.ids import new_id
from careloop.flows import delivering, home_asking, monitoring, outreach
from careloop.flows.contact_reading import REFUSED
from careloop.loops import store as loops
from careloop.monitoring import check_in_store, store
from careloop.outbox import DeliveryStatus

BORN = "1948-05-06"


@pytest.fixture(scope="module")
def office():
    with post_office() as opened:
        yield opened


@pytest.fixture(scope="module")
def practice(_app, office):
    opened = Practice.open(_app.with_clock(StandingClock()))
    opened.move_to("2026-03-01 14:00")
    settings = replace(
        opened.app.settings, smtp_host="127.0.0.1", smtp_port=office.port, smtp_security="none",
        smtp_from="careloop@riverbend.example", public_url=HOST,
    )  # fmt: skip
    opened.app = replace(opened.app, settings=settings)
    return opened


@pytest.fixture(scope="module")
def client(practice):
    with TestClient(create_asgi(practice.app), base_url=HOST) as opened:
        yield opened


class Home:
    """A patient at home, their mail box, their phone, and the worker behind."""

    def __init__(self, practice, office, client, **more):
        self.practice, self.office, self.client = practice, office, client
        practice.move_to("2026-03-01 14:00")
        self.address = f"{new_id()[:8]}@mail.example"
        mail = [{"system": "email", "value": self.address}, {"system": "phone", "value": "413-555-0102"}]
        told = {"birthDate": BORN, "name": [{"family": "Brook", "given": ["Alma"]}], "telecom": mail, **more}
        self.patient = practice.patient(**told)

    def staff(self, name):
        return Person(self.client, self.practice, name)

    def enroll(self, **more):
        form = {"what": "enroll", "programme": "heart-failure", "told": "yes", **more}
        saved = self.staff("nia").post(f"/patients/{self.patient}/vitals", form)
        assert saved.status_code == 303, saved.text

    def at(self, when):
        """It is then, and the worker has done what was due."""
        self.practice.move_to(when)
        app, tenant = self.practice.app, self.practice.tenant
        for _ in range(2):
            monitoring.go_on(app, tenant)
            home_asking.go_on(app, tenant)
            outreach.go_on(app, tenant)
            self.deliver()
        assert self.undelivered == []

    def deliver(self):
        while delivering.deliver_next(self.practice.app, self.practice.tenant):
            pass

    @property
    def undelivered(self):
        """Letters that did not leave though nobody refused them, and why."""
        found = self.practice.run(lambda tx: outbox.listed(tx, target=f"Mail/Patient/{self.patient}"))
        wait = [one for one in found.items if one.status is not DeliveryStatus.DONE and "(550)" not in one.reason]
        return [(one.status, one.reason) for one in wait]

    @property
    def letters(self):
        return [letter.get_payload() for letter in self.office.letters if letter["To"] == self.address]

    def link(self, number=-1):
        return re.search(r"(/p/\S+)", self.letters[number])[1]

    def open(self, link, born=BORN):
        return self.client.post(link, data={"birth_date": born})

    def say(self, link, page, **form):
        proof = re.search(r'name="proof" value="([^"]+)"', page.text)[1]
        place = re.search(r'name="place" value="([^"]+)"', page.text)
        given = {"proof": proof, "place": place[1] if place else "", **form}
        return self.client.post(f"{link}/today", data=given)

    def answer(self, link, *choices):
        page = self.open(link)
        for one in choices:
            page = self.say(link, page, do="answer", answer=one)
        return page

    @property
    def alerts(self):
        rows = self.practice.run(lambda tx: store.rows_of(tx, "alerts", patients=[self.patient]))
        return {row["alert"]: dict(row) for row in rows}

    @property
    def asked(self):
        since = at("2026-01-01 00:00")
        return self.practice.run(lambda tx: check_in_store.of_patients(tx, [self.patient], since)[self.patient])

    def loop(self, alert):
        focus = f"DetectedIssue/{self.alerts[alert]['id']}"
        return self.practice.run(lambda tx: loops.load_loops(tx, focuses=[focus])[-1])

    def line(self):
        """The patient's line on the nurse's list."""
        page = self.staff("nia").get("/monitoring/today").text
        return next(part for part in page.split("<tr>") if self.patient in part)


@pytest.fixture
def home(practice, office, client, no_tries):
    return Home(practice, office, client)


def test_from_the_enrolment_to_a_warning_answer_and_its_closed_loop(home):
    home.enroll()
    home.at("2026-03-01 15:00")
    assert home.letters == []
    home.at("2026-03-02 09:00")
    [letter] = home.letters
    for secret in ("Brook", "Alma", "heart", BORN, home.patient):
        assert secret not in letter
    assert "Not yet answered" in home.line()
    page = home.open(home.link())
    assert "How do you feel today?" in page.text
    page = home.say(home.link(), page, do="answer", answer="same")
    assert "Nobody needs to call you" in page.text
    assert "Your weight" in page.text
    done = home.say(home.link(), page, do="send", weight="178", **{"weight-unit": "[lb_av]"})
    assert "Thank you" in done.text
    assert home.open(home.link()).status_code == 404
    assert "As usual" in home.line()
    assert "Weight 80.7 kg" in home.line()
    assert home.alerts == {}

    home.at("2026-03-03 09:00")
    assert len(home.letters) == 2
    assert home.link(0) != home.link(1)
    page = home.answer(home.link(), "worse", "rest")
    assert "Call 911 now" in page.text
    assert "pillows" not in page.text
    assert home.alerts["symptoms"]["tier"] == "red"
    again = home.open(home.link())
    assert "pain in your chest" in again.text
    assert "Call 911 now" in home.say(home.link(), again, do="answer", answer="no").text
    line = home.line()
    assert "Red" in line
    assert "Worse than usual</b>" in line
    assert "before: The same as usual" in line
    alert = home.alerts["symptoms"]["id"]
    assert f"/monitoring/alerts/{alert}" in line
    form = {"what": "close", "action": "called", "note": "Spoke with her, sent to the doctor today"}
    assert home.staff("nia").post(f"/monitoring/alerts/{alert}", form).status_code == 303
    home.at("2026-03-03 11:00")
    assert not home.loop("symptoms").state.status.is_open
    assert home.alerts["symptoms"]["state"] == "closed"

    response = home.asked[-1].response
    name = f"QuestionnaireResponse/{response}"
    kept = home.practice.run(lambda tx: home.practice.app.record.fetch(tx, [name])[name].resource)
    assert (kept["status"], kept["item"][0]["linkId"]) == ("completed", "heart-failure.usual")


def test_silence_is_reminded_then_a_nurse_phones_and_speaking_begins_anew(home):
    home.enroll()
    home.at("2026-03-02 09:00")
    home.at("2026-03-02 14:30")
    assert len(home.letters) == 1
    home.at("2026-03-02 15:00")
    assert len(home.letters) == 2
    assert "no answer from you yet" in home.letters[1]
    assert home.link(0) == home.link(1)
    home.at("2026-03-02 17:00")
    assert len(home.letters) == 2
    home.at("2026-03-03 09:00")
    assert "unanswered" not in home.alerts
    assert len(home.letters) == 3
    home.at("2026-03-03 15:00")
    home.at("2026-03-04 09:00")
    assert home.alerts["unanswered"]["tier"] == "yellow"
    assert home.loop("unanswered").state.pathway == "symptom-alert"
    assert "No answer to check-ins in a row: 2" in home.line()
    form = {"what": "close", "action": "called", "note": "Phone was lost; answers again"}
    path = f"/monitoring/alerts/{home.alerts['unanswered']['id']}"
    assert home.staff("nia").post(path, form).status_code == 303
    home.at("2026-03-05 09:00")
    home.at("2026-03-05 09:10")
    assert home.alerts["unanswered"]["state"] == "closed"
    assert [one.state for one in home.asked] == ["missed", "missed", "missed", "open"]


def test_what_is_left_half_way_counts_as_it_is_and_can_be_gone_on_with(home):
    home.enroll()
    home.at("2026-03-02 09:00")
    page = home.answer(home.link(), "worse")
    assert "short of breath" in page.text
    assert home.alerts == {}
    assert "Half answered" in home.line()
    back = home.say(home.link(), page, do="back")
    assert "How do you feel today?" in back.text
    home.say(home.link(), back, do="answer", answer="worse")
    home.at("2026-03-02 10:30")
    assert home.alerts["symptoms"]["tier"] == "yellow"
    page = home.open(home.link())
    assert "short of breath" in page.text
    for one in ("stairs", "no", "no", "no"):
        page = home.say(home.link(), page, do="answer", answer=one)
    assert "end of the next work day" in page.text
    assert home.asked[-1].complete


def test_a_wrong_birth_date_a_foreign_proof_and_a_link_that_is_over_open_nothing(home):
    home.enroll()
    home.at("2026-03-02 09:00")
    link = home.link()
    assert "Brook" not in home.client.get(link).text
    wrong = home.open(link, born="1948-05-07")
    assert wrong.status_code == 422
    assert "How do you feel" not in wrong.text
    page = home.open(link)
    forged = home.client.post(f"{link}/today", data={"proof": "9999999999.x", "do": "answer", "answer": "worse"})
    assert forged.status_code == 422
    nothing = home.say(link, page, do="answer", answer="perhaps")
    assert nothing.status_code == 422
    assert "Please choose an answer" in nothing.text
    home.at("2026-03-03 09:00")
    assert home.open(link).status_code == 404
    assert home.client.get("/p/no-such-code").status_code == 404
    assert home.asked[0].state == "missed"


def test_the_patient_says_that_they_are_in_a_hospital_and_chooses_how_often(home):
    home.enroll()
    home.at("2026-03-02 09:00")
    link = home.link()
    page = home.open(link)
    other = home.say(link, page, do="other")
    assert "I am in the hospital" in other.text
    chosen = home.say(link, other, do="rhythm", choice="weekly")
    assert "We ask you like this from now on" in chosen.text
    vitals = home.staff("nia").get(f"/patients/{home.patient}/vitals").text
    assert "Once a week" in vitals
    assert "The patient, by their link" in vitals
    none = home.say(link, home.say(link, chosen, do="other"), do="pause", choice="")
    assert none.status_code == 422
    done = home.say(link, none, do="pause", choice="hospital")
    assert "A nurse finds out where you are" in done.text
    assert home.alerts["in-hospital"]["tier"] == "yellow"
    count = len(home.letters)
    home.at("2026-03-09 09:00")
    assert len(home.letters) == count
    assert "Paused" in home.staff("nia").get(f"/patients/{home.patient}/vitals").text
    home.at("2026-03-16 09:20")
    assert "Paused" not in home.line()
    home.at("2026-03-23 09:00")
    assert len(home.letters) == count + 1


def test_a_nurse_changes_the_rhythm_with_a_reason_and_asks_by_phone(home):
    home.enroll()
    nia, path = home.staff("nia"), f"/patients/{home.patient}/vitals"
    assert nia.post(path, {"what": "rhythm", "rhythm": "weekdays", "why": ""}).status_code == 422
    assert nia.post(path, {"what": "rhythm", "rhythm": "weekdays", "why": "x", "ask_at": "23:00"}).status_code == 422
    saved = nia.post(path, {"what": "rhythm", "rhythm": "weekdays", "why": "She sleeps long", "ask_at": "11:00"})
    assert saved.status_code == 303
    assert "She sleeps long" in nia.get(path).text
    home.at("2026-03-02 09:00")
    assert home.letters == []
    home.at("2026-03-02 11:00")
    assert len(home.letters) == 1
    nia = home.staff("nia")
    page = nia.get(f"/patients/{home.patient}/check-in")
    assert "How do you feel today?" in page.text and 'class="ident"' in page.text
    own = re.search(r'name="check_in" value="([^"]+)"', page.text)[1]
    form = {"check_in": own, "place": "heart-failure.usual", "answer": "better", "do": "answer"}
    said = nia.post(f"/patients/{home.patient}/check-in", form)
    assert "Nobody needs to call you" in said.text
    assert nia.post(f"/patients/{home.patient}/check-in", {"check_in": own, "do": "numbers"}).status_code == 303
    assert [one.state for one in home.asked] == ["answered"]


@pytest.mark.long
def test_without_an_address_a_person_asks_and_nobody_asking_is_no_silence_of_the_patient(
    home, practice, office, client
):
    other = Home(practice, office, client, telecom=[{"system": "phone", "value": "413-555-0103"}])
    other.enroll()
    other.at("2026-03-02 09:00")
    assert other.letters == []
    assert "To ask by phone" in other.line()
    assert f"/patients/{other.patient}/check-in" in other.line()
    other.at("2026-03-03 09:00")
    assert set(other.alerts) == {"not-asked"}
    assert other.alerts["not-asked"]["tier"] == "grey"


def test_who_refuses_every_way_is_not_asked_and_a_nurse_agrees_on_a_way(practice, office, client, no_tries):
    ways = ("EMAILWRIT", "SMSWRIT", "PHONE", "MAILWRIT", "ONLINEWRIT")
    refused = [{"url": REFUSED, "valueCode": one} for one in ways]
    other = Home(practice, office, client, extension=refused)
    other.enroll()
    other.at("2026-03-02 09:00")
    assert other.letters == []
    assert "Refuses every way" in other.line() and "Agree on a way" in other.line()
    other.at("2026-03-03 09:00")
    assert {name: row["tier"] for name, row in other.alerts.items()} == {"no-way": "yellow"}
    assert other.loop("no-way").state.status.is_open
    [asked] = [one for one in other.asked if one.state == "not-asked"]
    request = practice.run(lambda tx: practice.app.record.fetch(tx, [f"CommunicationRequest/{asked.id}"]))
    assert request[f"CommunicationRequest/{asked.id}"].resource["doNotPerform"] is True


@pytest.mark.long
def test_an_address_that_does_not_work_is_asked_by_phone_the_same_day(home, office):
    office.refuses.add(home.address)
    home.enroll()
    home.at("2026-03-02 09:00")
    office.refuses.clear()
    assert home.letters == []
    assert "To ask by phone" in home.line()
    home.at("2026-03-03 09:00")
    assert home.letters == []
    assert set(home.alerts) == {"not-asked"}


def test_a_form_that_another_system_wrote_counts_like_one_by_the_link(home):
    home.enroll()
    home.at("2026-03-02 09:00")
    home.practice.move_to("2026-03-02 10:00")
    said = (("usual", "worse"), ("breath", "never"), ("legs", "yes"), ("pillows", "no"), ("chest", "no"))
    home.practice.write({
        "resourceType": "QuestionnaireResponse", "id": new_id(), "status": "completed",
        "questionnaire": "urn:careloop:check-in:heart-failure", "subject": {"reference": f"Patient/{home.patient}"},
        "authored": "2026-03-02T10:00:00-05:00",
        "item": [{"linkId": place, "answer": [{"valueCoding": {"code": code}}]} for place, code in said],
    })  # fmt: skip
    home.at("2026-03-02 10:01")
    assert home.alerts["symptoms"]["tier"] == "yellow"
    [asked] = home.asked
    assert (asked.state, asked.level, asked.symptoms) == ("answered", 2, ("swelling",))


def test_an_answer_that_changed_is_read_by_a_nurse_with_one_press(home):
    home.enroll()
    for day, choice in (("2026-03-02", "same"), ("2026-03-03", "better")):
        home.at(f"{day} 09:00")
        home.answer(home.link(), choice)
    line = home.line()
    assert "Changed" in line
    own = re.search(r'name="check_in" value="([^"]+)"', line)[1]
    assert home.staff("dana").post("/monitoring/today", {"check_in": own}).status_code == 403
    assert home.staff("nia").post("/monitoring/today", {"check_in": own}).status_code == 303
    assert "As usual" in home.line()
    some = home.staff("nia").get("/monitoring/today?show=usual&programme=heart-failure&name=bro").text
    assert home.patient in some
    assert home.patient not in home.staff("nia").get("/monitoring/today?show=red").text


@pytest.mark.long
def test_the_link_handed_over_by_staff_is_the_one_of_today_and_its_page_works_without_birth_date_leaks(home):
    home.enroll(rhythm="quiet")
    page = home.staff("nia").post(f"/patients/{home.patient}/vitals", {"what": "link"}).text
    link = re.search(r'href="(/p/[^"]+)"', page)[1]
    twice = home.staff("nia").post(f"/patients/{home.patient}/vitals", {"what": "link"}).text
    assert link in twice
    assert "end of the next work day" in home.answer(link, "worse", "never", "no", "no", "no").text
    home.at("2026-03-02 15:00")
    assert home.letters == []
    assert home.alerts["symptoms"]["tier"] == "yellow"
