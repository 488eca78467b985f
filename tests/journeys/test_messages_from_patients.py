"""Messages from patients: warning words first, one thread, one answer however often the button is pressed."""

import pytest
from tests.conftest import StandingClock
from tests.journeys.practice import Practice

from careloop.errors import NotFound, NotPermitted, Rejected
from careloop.flows import message_board as flow
from careloop.loops import store


@pytest.fixture(scope="module")
def practice(_app):
    opened = Practice.open(_app.with_clock(StandingClock()))
    opened.move_to("2026-04-06 09:00")
    return opened


def wrote(practice: Practice, patient: str, name: str, text: str, **more) -> None:
    practice.write({
        "resourceType": "Communication", "id": name, "status": "completed",
        "subject": {"reference": f"Patient/{patient}"}, "sender": {"reference": f"Patient/{patient}"},
        "recipient": [{"reference": practice.reference("dana")}], "sent": practice.app.clock.now().isoformat(),
        "payload": [{"contentString": text}], **more,
    })  # fmt: skip


def thread_of(practice: Practice, name: str) -> flow.Thread:
    threads = practice.run(lambda tx: flow.board(practice.app, tx, practice.user("dana")))
    return next(one for one in threads if one.says.startswith(name))


def loop(practice: Practice, loop_id: str):
    return practice.run(lambda tx: store.load_loops(tx, ids=[loop_id])[0].state)


def answered(practice: Practice, loop_id: str, text: str, by: str = "dana", **more):
    return practice.run(lambda tx: flow.answer(practice.app, tx, practice.user(by), loop_id, text, **more))


def test_warning_words_stand_first_and_say_which_they_are(practice):
    patient = practice.patient()
    wrote(practice, patient, "plain", "first: when is my visit?")
    wrote(practice, patient, "bad", "second: I have chest pain")
    threads = practice.run(lambda tx: flow.board(practice.app, tx, practice.user("dana")))
    mine = [(one.says.split(":")[0], one.warning) for one in threads if one.patient_id == patient]
    assert mine == [("second", "chest pain"), ("first", None)]


def test_an_answer_pressed_twice_is_one_answer_and_waits_to_be_seen(practice):
    patient = practice.patient()
    wrote(practice, patient, "refill", "refill: may I have more pills?")
    found = thread_of(practice, "refill")
    first = answered(practice, found.loop_id, "Yes. They are ready now.", key="press-1")
    assert answered(practice, found.loop_id, "Yes. They are ready now.", key="press-1") == first
    opened = practice.run(lambda tx: flow.open_thread(practice.app, tx, practice.user("dana"), found.loop_id))
    assert [line.by_patient for line in opened.lines] == [True, False]
    steps = {step.step_id: step.status.is_open for step in loop(practice, found.loop_id).steps}
    assert steps == {"read": False, "answered": False, "seen-by-patient": True}
    wrote(practice, patient, "thanks", "Thank you", inResponseTo=[{"reference": f"Communication/{first.act_id}"}])
    assert not loop(practice, found.loop_id).status.is_open


def test_reading_alone_leaves_the_answer_owed(practice):
    wrote(practice, practice.patient(), "bus", "bus: how do I get there?")
    found = thread_of(practice, "bus")
    practice.run(lambda tx: flow.mark_read(practice.app, tx, practice.user("dana"), found.loop_id))
    steps = {step.step_id: step.status.is_open for step in loop(practice, found.loop_id).steps}
    assert steps == {"read": False, "answered": True, "seen-by-patient": True}


def test_a_message_can_be_the_reason_for_another_loop(practice):
    patient = practice.patient()
    wrote(practice, patient, "worse", "worse: I feel worse since Monday")
    found = thread_of(practice, "worse")
    practice.run(lambda tx: flow.open_matter(practice.app, tx, practice.user("dana"), found.loop_id, "symptom-alert"))
    kinds = practice.run(lambda tx: {one.state.pathway for one in store.load_loops(tx, patients=[patient])})
    assert kinds == {"patient-message", "symptom-alert"}


def test_what_will_not_do_is_refused_and_changes_nothing(practice):
    wrote(practice, practice.patient(), "form", "form: I need a form")
    found = thread_of(practice, "form")
    with pytest.raises(Rejected):
        answered(practice, found.loop_id, "   ")
    with pytest.raises(Rejected):
        practice.run(lambda tx: flow.open_matter(practice.app, tx, practice.user("dana"), found.loop_id, "referral"))
    with pytest.raises(NotFound):
        answered(practice, "00000000-0000-0000-0000-000000000000", "x")
    assert loop(practice, found.loop_id).status.is_open


def test_who_may_not_work_on_loops_may_not_answer(practice):
    wrote(practice, practice.patient(), "bill", "bill: what do I owe?")
    found = thread_of(practice, "bill")
    practice.hire_as("billy", "biller")
    with pytest.raises(NotPermitted):
        answered(practice, found.loop_id, "Nothing", by="billy")
