"""E-mail through the outbox to a real mail server: a link and nothing else; what comes back is known and owned."""

from dataclasses import replace

import pytest
from tests.journeys.post_office import post_office
from tests.journeys.practice import at

from careloop.errors import Rejected
from careloop.flows import acts, bulk_acts, delivering, notices, outreach, telling
from careloop.outside.mail import Letter, Refused, Server, is_address, send_mail


@pytest.fixture
def office(practice):
    with post_office() as office:
        settings = replace(
            practice.app.settings, smtp_host="127.0.0.1", smtp_port=office.port, smtp_security="none",
            smtp_from="careloop@riverbend.example", public_url="https://care.example",
        )  # fmt: skip
        practice.app = replace(practice.app, settings=settings)
        yield office


@pytest.fixture
def home(practice):
    practice.move_to("2026-06-05 17:00")
    patient = practice.patient()
    practice.stay(patient, start="2026-06-02 08:00", end="2026-06-05 16:30")
    practice.other = practice.patient()
    practice.stay(practice.other, start="2026-06-02 08:00", end="2026-06-05 16:30")
    practice.move_to("2026-06-08 09:00")
    practice.hire_as("eve", "coordinator")
    return patient


def ask(practice, who, flow, *more, **named):
    return practice.run(lambda tx: flow(practice.app, tx, practice.user(who), *more, **named))


def leave(practice):
    """Everything that is due is told and sent."""
    telling.go_on(practice.app, practice.tenant)
    outreach.go_on(practice.app, practice.tenant)
    while delivering.deliver_next(practice.app, practice.tenant):
        pass


def wants_mail(practice, who, address="eve@riverbend.example", digest="10:00"):
    quiet = ("19:00", "07:00")
    ask(practice, who, notices.save_person, address=address, digest_at=digest, quiet=quiet)


def offer(practice, patient, to="eve"):
    loop = practice.loop(patient)
    ask(practice, "mo", acts.hand_over, loop_id=loop.id, to=practice.reference(to), why=bulk_acts.ASKED)


def test_a_mail_says_that_something_waits_and_names_nobody(practice, office, home):
    wants_mail(practice, "eve")
    offer(practice, home)
    leave(practice)
    [letter] = office.letters
    assert (letter["To"], letter["From"]) == ("eve@riverbend.example", "careloop@riverbend.example")
    text = letter.get_payload()
    assert "https://care.example/notices" in text
    for secret in ("Ana", "Example,", "hospital", "stay", "Call", home, practice.loop(home).id, "offered"):
        assert secret not in text + str(letter["Subject"])
    leave(practice)
    assert len(office.letters) == 1


@pytest.mark.long
def test_several_notices_are_one_mail_and_the_next_waits_a_quarter_of_an_hour(practice, office, home):
    wants_mail(practice, "eve")
    offer(practice, home)
    leave(practice)
    offer(practice, practice.other)
    leave(practice)
    assert len(office.letters) == 1
    practice.app.clock.move_by(minutes=16)
    leave(practice)
    assert len(office.letters) == 2


@pytest.mark.long
def test_in_quiet_hours_no_mail_leaves_and_in_the_morning_one_does(practice, office, home):
    practice.move_to("2026-06-08 20:00")
    wants_mail(practice, "eve")
    offer(practice, home)
    leave(practice)
    assert office.letters == []
    practice.move_to("2026-06-09 07:00")
    leave(practice)
    assert len(office.letters) == 1


@pytest.mark.long
def test_what_was_seen_before_the_mail_of_the_day_needs_none(practice, office, home):
    wants_mail(practice, "eve")
    ask(practice, "eve", notices.choose, "offered", "digest")
    offer(practice, home)
    leave(practice)
    assert office.letters == []
    practice.move_to("2026-06-08 10:00")
    ask(practice, "eve", notices.page)
    leave(practice)
    assert office.letters == []


def test_an_address_that_does_not_exist_stops_and_is_shown_to_its_person(practice, office, home):
    office.refuses.add("eve@riverbend.example")
    wants_mail(practice, "eve")
    offer(practice, home)
    leave(practice)
    assert "550" in ask(practice, "eve", notices.choices).person.failed
    wants_mail(practice, "eve", "eve2@riverbend.example")
    assert ask(practice, "eve", notices.choices).person.failed == ""
    with pytest.raises(Rejected):
        wants_mail(practice, "eve", "eve@x\nBcc: all@example.org")


@pytest.mark.long
def test_a_busy_server_is_asked_again(practice, office, home):
    office.busy = True
    wants_mail(practice, "eve")
    offer(practice, home)
    leave(practice)
    assert office.letters == []
    office.busy = False
    practice.app.clock.move_by(minutes=30)
    leave(practice)
    assert len(office.letters) == 1


def reminder(practice, patient, number=1, **more):
    practice.write(
        {
            "resourceType": "CommunicationRequest", "id": f"reminder-{number}-{patient}", "status": "active",
            "subject": {"reference": f"Patient/{patient}"}, "recipient": [{"reference": f"Patient/{patient}"}],
            "medium": [{"coding": [{"code": "EMAILWRIT"}]}], "reasonCode": [{"text": "Survey of the heart program"}],
            "payload": [{"contentString": "How is your heart failure?"}], **more,
        }
    )  # fmt: skip
    return f"reminder-{number}-{patient}"


def request(practice, name):
    found = practice.run(lambda tx: practice.app.record.fetch(tx, [f"CommunicationRequest/{name}"]))
    return found[f"CommunicationRequest/{name}"].resource


def test_reminders_of_all_programs_share_one_budget_and_say_nothing_of_health(practice, office):
    practice.move_to("2026-06-08 09:00")
    patient = practice.patient(telecom=[{"system": "email", "value": "ana@home.example"}])
    names = [reminder(practice, patient, number) for number in range(4)]
    leave(practice)
    assert len(office.letters) == 3
    assert all("heart" not in letter.get_payload() and "Ana" not in letter.get_payload() for letter in office.letters)
    states = sorted(request(practice, name)["status"] for name in names)
    assert states == ["active", "completed", "completed", "completed"]
    [late] = [request(practice, name) for name in names if request(practice, name)["status"] == "active"]
    [deferred] = [one for one in late["extension"] if one["url"] == "urn:careloop:deferred"]
    parts = {one["url"]: one for one in deferred["extension"]}
    assert parts["rule"]["valueCode"] == "CB-03"
    practice.move_to("2026-06-15 09:01")
    leave(practice)
    assert len(office.letters) == 4


def test_a_reminder_that_comes_back_is_owned_work(practice, office):
    practice.move_to("2026-06-08 09:00")
    office.refuses.add("ana@home.example")
    patient = practice.patient(telecom=[{"system": "email", "value": "ana@home.example"}])
    name = reminder(practice, patient)
    leave(practice)
    assert request(practice, name)["status"] == "on-hold"
    assert "the mail came back (CB-08)" in practice.loop(patient, "contact-repair").state.about


def test_a_reminder_by_a_refused_way_waits_for_a_person_by_another(practice, office):
    practice.move_to("2026-06-08 09:00")
    refused = [{"url": "urn:careloop:contact-refused", "valueCode": "EMAILWRIT"}]
    patient = practice.patient(telecom=[{"system": "email", "value": "ana@home.example"}], extension=refused)
    name = reminder(practice, patient, occurrenceDateTime=at("2026-06-08 08:00").isoformat())
    leave(practice)
    assert office.letters == []
    assert request(practice, name)["medium"][0]["coding"][0]["code"] == "PHONE"


def test_mail_never_leaves_the_machine_without_tls_and_only_to_a_plain_address():
    server = Server(host="mail.example", port=25, sender="a@example.org", security="none")
    letter = Letter(to="b@example.org", subject="s", text="t", message_id="1")
    with pytest.raises(Refused, match="TLS"):
        send_mail(server, letter)
    assert is_address("b@example.org")
    for wrong in ("", "b", "B <b@example.org>", "b@example.org,c@example.org", "b@example.org\r\nBcc: c@x.org", "b@@"):
        assert not is_address(wrong)
