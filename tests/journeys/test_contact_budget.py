"""One contact budget for each patient: counted over everything, asked before sending, kept by whoever sends."""

import pytest
from tests.journeys.practice import at

from careloop.engagement.contacts.model import Choice, Wish
from careloop.errors import Rejected
from careloop.flows import acts, contacting


@pytest.fixture
def home(practice):
    practice.move_to("2026-06-05 17:00")
    patient = practice.patient()
    practice.stay(patient, start="2026-06-02 08:00", end="2026-06-05 16:30")
    practice.move_to("2026-06-08 09:00")
    return patient


def ask(practice, who, flow, *more, **named):
    return practice.run(lambda tx: flow(practice.app, tx, practice.user(who), *more, **named))


def log(practice, loop, outcome="no-answer", **more):
    return ask(practice, "dana", acts.log_call, loop_id=loop, outcome=outcome, minutes=1, **more)


def test_calls_of_all_programs_and_systems_are_counted_and_one_call_for_two_loops_is_one(practice, home):
    loop = practice.loop(home).id
    practice.write(_alert(home))
    alert = practice.loop(home, "symptom-alert").id
    before = ask(practice, "dana", contacting.of_loop, loop)
    assert before.joined == "1 other matter wants to reach Ana: do all in one call."
    log(practice, loop, outcome="left-message", also=[alert])
    practice.call(home, reached=False, sent="2026-06-07 12:00")
    practice.call(home, sent="2026-06-06 12:00", medium="MAILWRIT")
    practice.call(home, sent="2026-05-01 12:00")
    found = ask(practice, "dana", contacting.of_patient, home)
    assert found.verdict.spent == 3
    assert [one.way for one in found.made] == ["Call", "Call", "Letter"]


def _alert(patient):
    return {
        "resourceType": "Task", "id": f"alert-{patient}", "status": "requested", "intent": "order",
        "priority": "routine", "code": {"coding": [{"system": "urn:careloop:open", "code": "symptom-alert"}]},
        "for": {"reference": f"Patient/{patient}"}, "authoredOn": "2026-06-08T08:00:00-04:00",
        "lastModified": "2026-06-08T08:00:00-04:00",
    }  # fmt: skip


def test_what_is_over_budget_is_put_off_by_its_rule_and_comes_back_by_itself(practice):
    practice.move_to("2026-06-08 09:00")
    patient = practice.patient()
    practice.write(
        {
            "resourceType": "DetectedIssue", "id": f"gap-{patient}", "status": "preliminary",
            "code": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "CAREGAP"}]},
            "patient": {"reference": f"Patient/{patient}"}, "identifiedDateTime": at("2026-06-08 08:00").isoformat(),
        }
    )  # fmt: skip
    loop = practice.loop(patient, "care-gap").id
    with pytest.raises(Rejected, match="has to wait"):
        ask(practice, "dana", contacting.put_off, loop)
    for sent in ("2026-06-05 10:00", "2026-06-06 10:00", "2026-06-07 10:00"):
        practice.call(patient, reached=False, sent=sent, medium="ONLINEWRIT")
    found = ask(practice, "dana", contacting.of_loop, loop)
    assert not found.verdict.allowed
    assert found.verdict.rule == "CB-03"
    receipt = ask(practice, "dana", contacting.put_off, loop)
    assert "CB-03" in receipt.says
    standing = practice.loop(patient, "care-gap")
    assert standing.snoozed_until == found.verdict.not_before == at("2026-06-12 10:00")
    assert any(act.data.get("rule") == "CB-03" for act in standing.acts)


def test_the_contact_after_a_stay_is_not_put_off_past_its_deadline(practice, home):
    for sent in ("2026-06-06 10:00", "2026-06-07 10:00", "2026-06-08 08:30"):
        practice.call(home, reached=False, sent=sent)
    found = ask(practice, "dana", contacting.of_loop, practice.loop(home).id)
    assert found.verdict.allowed
    assert found.verdict.rule == "CB-06"


def test_a_number_that_does_not_work_is_somebodys_work_by_whatever_door_it_was_told(practice, home):
    log(practice, practice.loop(home).id, outcome="wrong-number")
    [repair] = practice.loops(home, "contact-repair")
    assert repair.state.status.is_open
    assert repair.owner
    assert "wrong number (CB-08)" in repair.state.about
    log(practice, practice.loop(home).id, outcome="wrong-number")
    assert len(practice.loops(home, "contact-repair")) == 1
    practice.move_to("2026-06-08 15:00")
    practice.call(home, sent="2026-06-08 14:00")
    assert practice.loop(home, "contact-repair").state.status.value == "completed"
    practice.move_to("2026-06-20 09:00")
    bounced = {
        "resourceType": "Communication", "id": f"mail-{home}", "status": "not-done",
        "statusReason": {"coding": [{"system": "urn:careloop:contact-outcome", "code": "bounced"}]},
        "medium": [{"coding": [{"code": "EMAILWRIT"}]}], "subject": {"reference": f"Patient/{home}"},
        "recipient": [{"reference": f"Patient/{home}"}], "sent": at("2026-06-20 08:00").isoformat(),
    }  # fmt: skip
    practice.write(bounced)
    assert [one.state.status.is_open for one in practice.loops(home, "contact-repair")] == [False, True]


def test_three_tries_without_an_answer_are_a_signal_that_somebody_owns(practice, home):
    for sent in ("2026-06-06 10:00", "2026-06-07 10:00"):
        practice.call(home, reached=False, sent=sent)
    assert practice.loops(home, "contact-repair") == []
    practice.call(home, reached=False, sent="2026-06-08 08:30")
    assert "No answer to 3 tries" in practice.loop(home, "contact-repair").state.about
    assert ask(practice, "dana", contacting.of_patient, home).silent == 3


def test_what_the_patient_refused_binds_every_sender_and_is_kept_in_the_record(practice, home):
    practice.hire_as("cora", "coordinator")
    ask(practice, "cora", contacting.choose, home, Choice(refused=frozenset({"ONLINEWRIT"}), hours="after 5 pm"))
    wish = Wish(medium="ONLINEWRIT")
    with pytest.raises(Rejected, match="refused this one"):
        practice.run(lambda tx: contacting.require_free(practice.app, tx, home, wish, despite="urgent to me"))
    patient = practice.run(lambda tx: practice.app.record.fetch(tx, [f"Patient/{home}"]))[f"Patient/{home}"].resource
    assert {"url": "urn:careloop:best-time", "valueString": "after 5 pm"} in patient["extension"]
    with pytest.raises(Rejected):
        ask(practice, "cora", contacting.choose, home, Choice(refused=frozenset({"PHONE"}), preferred="PHONE"))


@pytest.mark.long
def test_a_message_over_budget_needs_a_reason_and_safety_none(practice, home):
    for sent in ("2026-06-06 10:00", "2026-06-07 10:00", "2026-06-08 08:30"):
        practice.call(home, sent=sent)
    wish = Wish(medium="MAILWRIT")
    with pytest.raises(Rejected, match=r"3 of 3 contacts in 7 days are made \(CB-03\)"):
        practice.run(lambda tx: contacting.require_free(practice.app, tx, home, wish))
    practice.run(lambda tx: contacting.require_free(practice.app, tx, home, wish, despite="asked for it today"))
    practice.run(lambda tx: contacting.require_free(practice.app, tx, home, Wish(medium="MAILWRIT", safety=True)))


@pytest.mark.long
def test_the_hour_at_which_somebody_answers_is_learned_with_its_counts(practice, home):
    for day, hour, reached in (
        (1, 9, False),
        (2, 9, False),
        (3, 9, False),
        (1, 18, True),
        (2, 18, True),
        (4, 18, False),
    ):
        practice.call(home, reached=reached, sent=f"2026-05-0{day} {hour:02d}:00")
    best = ask(practice, "dana", contacting.of_patient, home).best
    assert (best.title, best.reached, best.tries) == ("5 to 9 pm", 2, 3)
