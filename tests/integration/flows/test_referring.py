"""Referrals from the first word to the last, and what is refused on the way. Every name is made up."""

from datetime import date, timedelta

import pytest
from tests.conftest import StandingClock
from tests.journeys.practice import Practice, at

from careloop.errors import Conflict, NotPermitted, Rejected
from careloop.flows import referral_answers as said
from careloop.flows import referral_reading, referral_rows, referring, reminding
from careloop.flows.referral_items import complete
from careloop.flows.referral_reading import Agreement, Read, ToDo, Told
from careloop.flows.referral_resources import NewReferral
from careloop.flows.referring import DuplicateReferral
from careloop.loops import referrals
from careloop.loops.rules.referrals import ImpossibleMove, words
from careloop.loops.rules.referrals.clocks import Authorization
from careloop.loops.rules.referrals.completeness import Incomplete
from careloop.loops.rules.referrals.story import Story
from careloop.loops.rules.referrals.visits import Attempt

CLINIC = "Organization/heart-partners"
MISSED = """select step.status, step.due from loop join loop_step as step on step.loop_id = loop.id
 where loop.patient_id = %(patient)s and loop.pathway = 'missed-appointment' and step.step_id = 'reason'"""
ALL = frozenset({"answers-question", "diagnosis", "treatment", "tests", "who-does-what", "follow-up"})


@pytest.fixture(scope="module")
def one_practice(_app):
    """One for all stories here: each has a patient of its own."""
    opened = Practice.open(_app.with_clock(StandingClock()))
    opened.write({"resourceType": "Organization", "id": "heart-partners", "name": "Heart Partners"})
    return opened


@pytest.fixture
def practice(one_practice: Practice) -> Practice:
    one_practice.move_to("2026-04-06 09:00")
    return one_practice


@pytest.fixture
def patient(practice: Practice) -> str:
    spoken = {"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "es"}], "text": "Spanish"}}
    return practice.patient(communication=[spoken])


def referral(practice: Practice, patient: str, *, send: bool = True, despite: bool = False, **more) -> str:
    given = {
        "service": "Cardiology", "question": "Is a heart monitor needed?", "reason": "Palpitations",
        "clinic": CLINIC, "clinic_name": "Heart Partners", "requester": practice.reference("osei"),
        "results": (), "medications": (), "allergies": (), "insurance": "Medicare, no approval needed",
    } | more  # fmt: skip
    new = NewReferral(patient_id=patient, **given)
    work = lambda tx: referring.make(  # noqa: E731
        practice.app, tx, practice.user("dana"), new, send_now=send, despite_duplicates=despite
    )
    return practice.run(work).request_id


def do(practice: Practice, flow, request: str, *given, by: str = "dana", **named):
    return practice.run(lambda tx: flow(practice.app, tx, practice.user(by), request, *given, **named))


def story(practice: Practice, request: str) -> Story:
    return practice.run(lambda tx: referral_rows.load(practice.app, tx, [request])[request])


def row(practice: Practice, request: str) -> dict:
    return practice.run(lambda tx: tx.one("select * from referral where request_id = %(id)s", {"id": request}))


def work_of(practice: Practice, patient: str) -> list[tuple[str, str]]:
    tasks = practice.run(lambda tx: practice.app.record.of_patient(tx, patient, ("Task",)))
    return sorted(
        (coding["code"], task.resource["restriction"]["period"]["end"])
        for task in tasks
        for coding in task.resource.get("code", {}).get("coding", ())
        if coding.get("system") == words.WORK
    )


def test_case_1_from_the_question_to_the_closing(practice: Practice, patient: str) -> None:
    request = referral(practice, patient)
    sent = story(practice, request)
    assert (sent.state.id, sent.see_by) == ("sent", date(2026, 5, 6))
    assert sent.request["status"] == "active"
    assert sent.task is not None
    assert sent.task["input"][0]["valueString"] == "Is a heart monitor needed?"

    practice.move_to("2026-04-08 11:00")
    assert "later than planned" in do(practice, said.accept, request, at("2026-05-20 10:00")).says
    assert "late-scheduled" in dict(work_of(practice, patient))
    assert row(practice, request)["answered"] == at("2026-04-08 11:00")

    practice.move_to("2026-05-21 09:00")
    do(practice, said.seen, request, at("2026-05-20 10:00"))
    practice.move_to("2026-05-26 09:00")
    do(practice, said.report, request, text="Sinus tachycardia. Holter advised.")
    practice.move_to("2026-05-28 09:00")
    read = Read(
        answers={"question-1": "Yes, for two weeks"}, parts=ALL,
        to_do=[ToDo(text="Holter", outcome="order"), ToDo(text="Echo", outcome="not-accepted", because="done in May")],
    )  # fmt: skip
    do(practice, referral_reading.review, request, read, by="osei")
    assert story(practice, request).state.id == "follow-up-tasks"
    do(practice, referral_reading.tell_patient, request, Told(note="Told about the monitor", went="yes"))

    closed = story(practice, request)
    assert closed.state.id == "closed"
    assert closed.request["status"] == "completed"
    assert closed.task is not None
    assert closed.task["status"] == "completed"
    assert closed.task["executionPeriod"]["end"].startswith("2026-05-26")
    answers = [one for one in closed.task["output"] if words.kind_of(one) == "answer"]
    assert (answers[0]["valueString"], words.value_of(answers[0]["extension"][0])) == (
        "Yes, for two weeks",
        "question-1",
    )
    kept = row(practice, request)
    assert ((kept["seen"].date() - kept["clock_start"]).days, kept["is_open"], kept["board"]) == (44, False, None)


def test_what_no_clinic_takes_by_itself_is_not_said_to_be_on_its_way(practice: Practice, patient: str) -> None:
    request = referral(practice, patient, send=False)
    said_so = do(practice, referring.send, request).says
    assert said_so.startswith("Sent to Heart Partners on your word: nothing leaves from here by itself.")
    do(practice, reminding.remind, request, "fax")
    [reminder] = [
        one.resource
        for one in practice.run(lambda tx: practice.app.record.of_patient(tx, patient, ("Communication",)))
        if f"ServiceRequest/{request}" in str(one.resource)
    ]
    assert reminder["status"] == "in-progress"
    assert "remind" in dict(work_of(practice, patient))


def test_rf01_what_is_missing_blocks_sending_and_can_be_added(practice: Practice, patient: str) -> None:
    with pytest.raises(Incomplete) as refused:
        referral(practice, patient, results=None, insurance="")
    assert [item.id for item in refused.value.missing] == ["results", "insurance"]
    request = referral(practice, patient, send=False, results=None, insurance="")
    with pytest.raises(Incomplete):
        do(practice, referring.send, request)
    assert story(practice, request).state.id == "draft"
    do(practice, complete, request, {"none-results": "1", "insurance": "Self-pay"})
    assert do(practice, referring.send, request).state == "sent"


def test_rf01_holds_for_a_referral_that_another_system_wrote(practice: Practice, patient: str) -> None:
    practice.write(outside(patient, id="short"))
    with pytest.raises(Incomplete) as refused:
        do(practice, referring.send, "short")
    missing = {item.id for item in refused.value.missing}
    assert {"question", "reason", "results", "medications", "allergies", "role", "insurance"} <= missing


def outside(patient: str, **more) -> dict:
    return {
        "resourceType": "ServiceRequest", "id": "outside", "status": "active", "intent": "order",
        "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "3457005"}]}],
        "code": {"text": "Podiatry"}, "subject": {"reference": f"Patient/{patient}"},
        "authoredOn": "2026-04-06T09:00:00-04:00", **more,
    }  # fmt: skip


def test_rf08_the_same_service_is_asked_about_once(practice: Practice, patient: str) -> None:
    first = referral(practice, patient)
    with pytest.raises(DuplicateReferral) as asked:
        referral(practice, patient, service="  cardiology ")
    assert [one.id for one in asked.value.standing] == [first]
    assert isinstance(asked.value, Conflict)
    assert referral(practice, patient, despite=True) != first
    assert referral(practice, patient, service="Podiatry")


def test_rf09_a_red_flag_does_not_wait_without_a_reason(practice: Practice, patient: str) -> None:
    with pytest.raises(Rejected) as refused:
        referral(practice, patient, reason="Suspected cancer")
    assert refused.value.at == "priority"
    assert referral(practice, patient, reason="Suspected cancer", priority="expedited")
    again = referral(
        practice, patient, reason="Suspected cancer", red_flag_reason="Followed by oncology since May", despite=True
    )
    assert story(practice, again).state.id == "sent"


def test_urgent_asks_for_a_call_and_a_priority_change_follows_rf02(practice: Practice, patient: str) -> None:
    request = referral(practice, patient)
    do(practice, referring.change_priority, request, "urgent")
    assert story(practice, request).see_by == date(2026, 4, 13)
    practice.move_to("2026-04-07 09:00")
    do(practice, referring.change_priority, request, "routine")
    assert story(practice, request).see_by == date(2026, 5, 7)
    referral(practice, patient, service="Neurology", priority="urgent")
    assert dict(work_of(practice, patient))["warm-handoff"].startswith("2026-04-08")


def test_rf11_an_approval_comes_first_and_one_that_ends_too_early_is_work(practice: Practice, patient: str) -> None:
    request = referral(practice, patient, authorization=Authorization(needed=True))
    assert story(practice, request).state.id == "pending-authorization"
    assert story(practice, request).sent is None
    do(practice, referring.approve, request, Authorization(number="A-1", expires=date(2026, 5, 5)))
    assert story(practice, request).state.id == "sent"
    assert "authorization" in dict(work_of(practice, patient))


def test_case_5_a_declined_referral_goes_to_another_clinic_with_its_clock(practice: Practice, patient: str) -> None:
    request = referral(practice, patient)
    practice.move_to("2026-04-08 09:00")
    do(practice, said.decline, request, "We do not treat rhythm problems")
    made = do(practice, referring.redirect, request, "Organization/rhythm", "Rhythm Clinic")
    before, after = story(practice, request), story(practice, made.request_id)
    assert (before.state.id, before.request["status"]) == ("redirected", "revoked")
    assert (after.state.id, after.clinic_name) == ("sent", "Rhythm Clinic")
    assert (after.clock_start, after.see_by) == (date(2026, 4, 6), date(2026, 5, 6))
    assert after.authored == at("2026-04-08 09:00")
    assert row(practice, made.request_id)["clock_start"] == date(2026, 4, 6)


def test_a_silent_clinic_can_be_left_and_a_booked_one_cannot(practice: Practice, patient: str) -> None:
    request = referral(practice, patient)
    made = do(practice, referring.redirect, request, "Organization/rhythm", "Rhythm Clinic", "No answer")
    assert story(practice, request).state.id == "redirected"
    do(practice, said.accept, made.request_id, at("2026-04-20 10:00"))
    with pytest.raises(ImpossibleMove):
        do(practice, referring.redirect, made.request_id, CLINIC, "Heart Partners")


def test_cases_6_and_7_visits_that_were_missed(practice: Practice, patient: str) -> None:
    request = referral(practice, patient)
    do(practice, said.accept, request, at("2026-06-01 09:00"))
    practice.move_to("2026-06-01 10:00")
    do(practice, said.no_show, request, "transport")
    work = dict(work_of(practice, patient))
    assert work["barrier"].startswith("2026-06-03T23:59:59")
    missed = practice.run(lambda tx: tx.one(MISSED, {"patient": patient}))
    assert (missed["status"], missed["due"]) == ("completed", at("2026-06-03 23:59:59"))
    assert story(practice, request).state.id == "no-show"
    with pytest.raises(ImpossibleMove):
        do(practice, said.give_up, request, "closed-no-show", "Did not come", by="osei")

    practice.move_to("2026-06-03 10:00")
    do(practice, said.book, request, at("2026-06-20 09:00"))
    practice.move_to("2026-06-20 12:00")
    do(practice, said.no_show, request)
    assert story(practice, request).no_shows == 2
    assert "decide" in dict(work_of(practice, patient))
    assert story(practice, request).is_open
    with pytest.raises(NotPermitted):
        do(practice, said.give_up, request, "closed-no-show", "Did not come twice")
    do(practice, said.give_up, request, "closed-no-show", "Talked on the phone: does not want it", by="osei")
    assert story(practice, request).request["status"] == "revoked"


def test_case_6_the_clock_ends_with_the_visit_that_took_place(practice: Practice, patient: str) -> None:
    request = referral(practice, patient)
    do(practice, said.accept, request, at("2026-06-01 09:00"))
    practice.move_to("2026-06-01 10:00")
    do(practice, said.no_show, request, "transport")
    do(practice, said.book, request, at("2026-06-20 09:00"))
    practice.move_to("2026-06-20 12:00")
    do(practice, said.seen, request, at("2026-06-20 09:00"))
    assert story(practice, request).seen == at("2026-06-20 09:00")


def test_case_8_not_reached_needs_ten_days(practice: Practice, patient: str) -> None:
    request = referral(practice, patient)
    do(practice, said.accept, request)
    early = [
        Attempt(day=date(2026, 4, 7) + timedelta(days=n), channel=way)
        for n, way in ((0, "phone"), (3, "letter"), (6, "phone"))
    ]
    with pytest.raises(Rejected) as refused:
        do(practice, said.not_reached, request, early)
    assert "6 of 10 days" in refused.value.expected
    do(practice, said.not_reached, request, [*early, Attempt(day=date(2026, 4, 17), channel="phone")])
    assert story(practice, request).state.id == "unable-to-reach"


def test_case_4_a_report_before_the_visit_is_taken_and_the_date_asked_about(practice: Practice, patient: str) -> None:
    request = referral(practice, patient)
    do(practice, said.accept, request, at("2026-05-20 09:00"))
    practice.move_to("2026-05-18 09:00")
    assert "cannot be right" in do(practice, said.report, request, text="Seen last week. No disease.").says
    assert (story(practice, request).state.id, story(practice, request).seen) == ("report-received", None)
    assert "visit-date" in dict(work_of(practice, patient))
    do(practice, said.correct_visit, request, at("2026-05-15 09:00"))
    assert story(practice, request).seen == at("2026-05-15 09:00")


def test_case_10_a_report_with_parts_missing_keeps_it_open(practice: Practice, patient: str) -> None:
    request = referral(practice, patient)
    do(practice, said.accept, request, at("2026-04-10 09:00"))
    practice.move_to("2026-04-12 09:00")
    do(practice, said.report, request, text="Labs pending, plan to follow.")
    part_missing = Read(parts=ALL - {"who-does-what"})
    with pytest.raises(Rejected):
        do(practice, referral_reading.review, request, part_missing, by="osei")
    do(practice, referral_reading.ask_missing, request, part_missing.parts, by="osei")
    assert story(practice, request).state.id == "report-incomplete"
    practice.move_to("2026-04-14 09:00")
    do(practice, said.report, request, text="Addendum: see us in 6 months.")
    assert story(practice, request).state.id == "report-received"


def test_only_the_asking_clinician_or_one_who_covers_reads(practice: Practice, patient: str) -> None:
    request = referral(practice, patient)
    do(practice, said.report, do_accept(practice, request), text="No disease.")
    with pytest.raises(NotPermitted):
        do(practice, referral_reading.review, request, Read(parts=ALL), by="nia")
    with pytest.raises(Rejected):
        do(
            practice,
            referral_reading.review,
            request,
            Read(parts=ALL, to_do=[ToDo(text="Echo", outcome="")]),
            by="osei",
        )
    assert story(practice, request).state.id == "report-received"


def do_accept(practice: Practice, request: str) -> str:
    do(practice, said.accept, request, at("2026-04-06 10:00"))
    return request


def test_a_referral_is_closed_only_after_reading_and_telling(practice: Practice, patient: str) -> None:
    request = referral(practice, patient)
    do(practice, referral_reading.tell_patient, request, Told(note="We sent it"))
    assert story(practice, request).state.id == "sent"
    do(practice, said.report, do_accept(practice, request), text="No disease.")
    do(practice, referral_reading.tell_patient, request, Told(note="The report came"))
    assert story(practice, request).state.id == "report-received"


def test_facts_of_others_are_taken_as_they_come(practice: Practice, patient: str) -> None:
    own = {"reference": "ServiceRequest/outside"}
    practice.write(outside(patient))
    assert row(practice, "outside")["board"] == "to-send"
    task = {
        "resourceType": "Task", "id": "fulfil", "status": "requested", "intent": "order", "focus": own,
        "for": {"reference": f"Patient/{patient}"}, "authoredOn": "2026-04-06T10:00:00-04:00",
        "owner": {"reference": CLINIC, "display": "Heart Partners"},
    }  # fmt: skip
    practice.write(task)
    assert (row(practice, "outside")["state"], row(practice, "outside")["clinic"]) == ("sent", CLINIC)
    who = {"actor": {"reference": f"Patient/{patient}"}, "status": "accepted"}
    visit = {
        "resourceType": "Appointment", "id": "visit", "status": "booked", "basedOn": [own], "participant": [who],
        "start": "2026-04-20T10:00:00-04:00", "end": "2026-04-20T10:30:00-04:00",
    }  # fmt: skip
    practice.write(visit)
    assert row(practice, "outside")["state"] == "scheduled"
    practice.write({**visit, "status": "noshow"}, {**task, "status": "in-progress"})
    assert (row(practice, "outside")["state"], row(practice, "outside")["no_shows"]) == ("no-show", 1)
    practice.write({**visit, "status": "fulfilled"})
    assert row(practice, "outside")["state"] == "seen"
    practice.write({**task, "status": "rejected"})
    assert row(practice, "outside")["state"] == "seen"
    practice.delete("Appointment", "visit")
    assert row(practice, "outside")["state"] == "declined"
    practice.delete("ServiceRequest", "outside")
    assert row(practice, "outside") is None


def test_words_of_partners_without_a_code_are_understood(practice: Practice, patient: str) -> None:
    request = referral(practice, patient)
    task = dict(story(practice, request).task or {})
    practice.write({**task, "status": "in-progress", "businessStatus": {"text": "visit done; report awaited"}})
    assert story(practice, request).state.id == "seen"


def test_the_same_form_twice_is_one_referral(practice: Practice, patient: str) -> None:
    new = NewReferral(patient_id=patient, service="Cardiology", question="Monitor?", results=(), allergies=())
    once = lambda tx: referring.make(  # noqa: E731
        practice.app, tx, practice.user("dana"), new, send_now=False, request_id="form-1"
    )
    assert practice.run(once).request_id == practice.run(once).request_id == "form-1"


def test_shared_care_says_who_does_what_until_when(practice: Practice, patient: str) -> None:
    request = referral(practice, patient, role="co-management")
    do(practice, said.seen, do_accept(practice, request), at("2026-04-06 09:00"))
    agreed = Agreement(prescribes="Heart Partners", monitors="Riverbend", refills="Riverbend", until=date(2027, 4, 6))
    with pytest.raises(Rejected):
        do(
            practice,
            referral_reading.share_care,
            request,
            Agreement(**{**agreed.__dict__, "until": date(2027, 4, 7)}),
            by="osei",
        )
    do(practice, referral_reading.share_care, request, agreed, by="osei")
    assert story(practice, request).state.id == "co-management"
    assert dict(work_of(practice, patient))["re-review"].startswith("2027-04-06")


def test_the_record_of_a_clinic(practice: Practice, patient: str) -> None:
    own = {"clinic": "Organization/counted", "clinic_name": "Counted Clinic"}
    first, second = referral(practice, patient, **own), referral(practice, patient, service="Echo", **own)
    practice.move_to("2026-04-08 09:00")
    do(practice, said.accept, first, at("2026-04-10 09:00"))
    practice.move_to("2026-04-12 09:00")
    do(practice, said.report, first, text="No disease.", visit=at("2026-04-10 09:00"))
    found = practice.run(
        lambda tx: referrals.clinics(tx, at("2026-01-01 00:00"), "America/New_York", names=["Organization/counted"])
    )
    assert [(one.name, one.asked, one.answered, one.unanswered, one.seen, one.reported) for one in found] == [
        ("Counted Clinic", 2, 1, 1, 1, 1)
    ]
    assert (found[0].median_answer_seconds, found[0].median_wait_days) == (2 * 86400, 4)
    assert second


def loop_of(practice: Practice, request: str) -> dict:
    sql = "select status, closure_reason, id from loop where focus = %(focus)s"
    return practice.run(lambda tx: tx.one(sql, {"focus": f"ServiceRequest/{request}"}))


def steps_of(practice: Practice, request: str) -> dict[str, str]:
    sql = "select step_id, status from loop_step where loop_id = %(id)s"
    rows = practice.run(lambda tx: tx.rows(sql, {"id": loop_of(practice, request)["id"]}))
    return {found["step_id"]: found["status"] for found in rows}


def test_the_loop_follows_the_journey_and_closes_with_it(practice: Practice, patient: str) -> None:
    request = referral(practice, patient)
    assert steps_of(practice, request)["sent"] == "completed"
    practice.move_to("2026-04-08 09:00")
    do(practice, said.accept, request, at("2026-04-20 10:00"))
    assert [steps_of(practice, request)[step] for step in ("accepted", "booked")] == ["completed", "completed"]
    practice.move_to("2026-04-20 11:00")
    do(practice, said.no_show, request, "fear")
    assert steps_of(practice, request)["booked"] != "completed"
    do(practice, said.book, request, at("2026-04-22 10:00"))
    practice.move_to("2026-04-23 09:00")
    do(practice, said.report, request, text="No disease.", visit=at("2026-04-22 10:00"))
    assert steps_of(practice, request)["seen"] == "completed"
    assert steps_of(practice, request)["report"] != "completed"
    do(practice, referral_reading.review, request, Read(parts=ALL), by="osei")
    assert steps_of(practice, request)["report"] == "completed"
    practice.move_to("2026-04-23 10:00")
    do(practice, referral_reading.tell_patient, request, Told(note="No disease"))
    assert loop_of(practice, request)["status"] == "completed"


def test_a_redirected_loop_is_superseded_and_the_new_one_is_open(practice: Practice, patient: str) -> None:
    request = referral(practice, patient)
    practice.move_to("2026-04-08 09:00")
    do(practice, said.decline, request, "Wrong specialty")
    made = do(practice, referring.redirect, request, "Organization/rhythm", "Rhythm Clinic")
    assert (loop_of(practice, request)["status"], loop_of(practice, request)["closure_reason"]) == (
        "cancelled",
        "superseded",
    )
    assert loop_of(practice, made.request_id)["status"] == "in-progress"
    assert steps_of(practice, made.request_id)["sent"] == "completed"


def test_a_withdrawn_referral_ends_its_loop(practice: Practice, patient: str) -> None:
    request = referral(practice, patient, send=False)
    assert loop_of(practice, request)["status"] in ("requested", "in-progress", "accepted")
    practice.move_to("2026-04-07 09:00")
    do(practice, referring.cancel, request, "Not needed any more")
    assert loop_of(practice, request)["closure_reason"] == "not-applicable"
