"""What people do to loops, and how it is taken back."""

from datetime import timedelta

import pytest
from tests.journeys.practice import at

from careloop.errors import Conflict, NotFound, NotPermitted, PreconditionFailed, Rejected
from careloop.flows import acts, deadlines, staffing, verifying
from careloop.loops import store
from careloop.loops.ids import step_task_id
from careloop.loops.model import ClockState, Status


@pytest.fixture
def patient(practice):
    """Somebody who went home from hospital on Friday at 16:30; it is 17:00."""
    practice.move_to("2026-03-06 17:00")
    found = practice.patient()
    practice.stay(found, end="2026-03-06 16:30")
    return found


def act(practice, name, work, **more):
    return practice.run(lambda tx: work(practice.app, tx, practice.user(name), **more))


def findings(practice):
    return [one for one in verifying.verify_tenant(practice.app, practice.tenant) if one.part == "loops"]


def reached(practice, patient, **more):
    loop = practice.loop(patient)
    return act(practice, "dana", acts.log_call, loop_id=loop.id, outcome="reached", minutes=12, **more)


def test_a_call_that_reached_the_patient_is_the_proof_of_contact(practice, patient):
    receipt = reached(practice, patient, note="All well")
    contact = practice.step(patient, "contact")
    assert contact.status is Status.COMPLETED
    assert contact.evidence[0].reference == f"Communication/{receipt.act_id}/_history/1"
    task = practice.task(step_task_id(practice.loop(patient).id, "contact"))
    assert task["status"] == "completed"
    assert task["output"][0]["valueReference"]["reference"] == f"Communication/{receipt.act_id}/_history/1"
    assert not findings(practice)


def test_the_same_press_twice_is_one_call(practice, patient):
    first = reached(practice, patient, idempotency_key="press-1")
    before = practice.versions()
    assert reached(practice, patient, idempotency_key="press-1") == first
    assert practice.versions() == before


def test_a_call_undone_within_ten_minutes_opens_the_step_with_its_old_deadline(practice, patient):
    due = practice.step(patient, "contact").due
    receipt = reached(practice, patient)
    practice.app.clock.move_by(minutes=9)
    act(practice, "dana", acts.undo, act_id=receipt.act_id)
    contact = practice.step(patient, "contact")
    assert (contact.status.is_open, contact.due) == (True, due)
    assert not findings(practice)


def test_after_ten_minutes_or_by_somebody_else_nothing_is_undone(practice, patient):
    receipt = reached(practice, patient)
    with pytest.raises(NotPermitted):
        act(practice, "nia", acts.undo, act_id=receipt.act_id)
    practice.app.clock.move_by(minutes=11)
    with pytest.raises(Conflict):
        act(practice, "dana", acts.undo, act_id=receipt.act_id)


def test_two_unanswered_calls_leave_the_step_waiting_not_done(practice, patient):
    for when in ("2026-03-09 10:00", "2026-03-10 15:00"):
        practice.move_to(when)
        loop = practice.loop(patient)
        act(practice, "dana", acts.log_call, loop_id=loop.id, outcome="no-answer", minutes=2)
    contact = practice.step(patient, "contact")
    assert (contact.status.is_open, contact.clock) == (True, ClockState.WAITING)
    assert contact.rule_met == "met by 2 attempts"


def test_evidence_that_is_withdrawn_opens_the_step_again(practice, patient):
    practice.move_to("2026-03-09 10:05")
    call_id = practice.call(patient, sent="2026-03-09 10:00")
    assert practice.step(patient, "contact").status is Status.COMPLETED
    practice.delete("Communication", call_id)
    assert practice.step(patient, "contact").status.is_open
    assert not findings(practice)


def test_a_hand_over_is_an_offer_and_the_giver_owns_until_it_is_accepted(practice, patient):
    loop = practice.loop(patient)
    act(practice, "dana", acts.hand_over, loop_id=loop.id, to=practice.reference("nia"), why="I am away")
    assert practice.loop(patient).owner == practice.reference("dana")
    with pytest.raises(NotPermitted):
        act(practice, "osei", acts.accept_offer, loop_id=loop.id)
    practice.app.clock.move_by(hours=1)
    act(practice, "nia", acts.accept_offer, loop_id=loop.id)
    after = practice.loop(patient)
    assert after.owner == after.steps["contact"].owner == practice.reference("nia")
    assert practice.task(loop.id)["owner"]["reference"] == practice.reference("nia")
    then = practice.run(lambda tx: store.owner_at(tx, loop.id, "contact", at("2026-03-06 17:30")))
    assert then == practice.reference("dana")
    assert not findings(practice)


def test_an_offer_of_work_that_somebody_else_was_given_meanwhile_is_over(practice, patient):
    """Accepting it would say "This is yours now" about a loop that is somebody else's."""
    loop = practice.loop(patient)
    act(practice, "dana", acts.hand_over, loop_id=loop.id, to=practice.reference("nia"), why="I am away")
    task = practice.task(loop.id) | {"owner": {"reference": practice.reference("osei")}}
    practice.run(lambda tx: acts.task_update(practice.app, tx, practice.system, task))
    assert practice.loop(patient).owner == practice.reference("osei")
    with pytest.raises((Conflict, NotFound), match="offer"):
        act(practice, "nia", acts.accept_offer, loop_id=loop.id)
    assert not findings(practice)


def test_a_declined_offer_changes_nothing_and_only_one_offer_stands(practice, patient):
    loop = practice.loop(patient)
    act(practice, "dana", acts.hand_over, loop_id=loop.id, to=practice.reference("nia"), why="I am away")
    with pytest.raises(Conflict):
        act(practice, "dana", acts.hand_over, loop_id=loop.id, to=practice.reference("osei"), why="or you")
    act(practice, "nia", acts.decline_offer, loop_id=loop.id, why="Full day")
    assert practice.loop(patient).owner == practice.reference("dana")


def test_on_hold_says_who_and_why_and_wakes_by_itself(practice, patient):
    loop = practice.loop(patient)
    act(practice, "dana", acts.hold, loop_id=loop.id, step_id=None, reason="patient-away", until=at("2026-03-08 09:00"))
    assert practice.loop(patient).state.status is Status.ON_HOLD
    assert not findings(practice)
    practice.move_to("2026-03-08 09:01")
    deadlines.run(practice.app, practice.tenant)
    assert practice.loop(patient).state.status is not Status.ON_HOLD


def test_snooze_never_passes_the_deadline_or_seven_days(practice, patient):
    loop = practice.loop(patient)
    with pytest.raises(Rejected):
        act(practice, "dana", acts.snooze, loop_id=loop.id, until=at("2026-03-11 09:00"))
    act(practice, "dana", acts.snooze, loop_id=loop.id, until=at("2026-03-08 09:00"))
    assert practice.loop(patient).snoozed_until == at("2026-03-08 09:00")


def test_closing_without_proof_needs_a_coded_reason_and_a_sentence(practice, patient):
    loop = practice.loop(patient)
    with pytest.raises(Rejected):
        act(practice, "dana", acts.close_without_proof, loop_id=loop.id, step_id=None, reason="tired", note="x")
    with pytest.raises(Rejected):
        act(practice, "dana", acts.close_without_proof, loop_id=loop.id, step_id=None, reason="other", note=" ")
    act(
        practice,
        "dana",
        acts.close_without_proof,
        loop_id=loop.id,
        step_id=None,
        reason="moved-away",
        note="Lives with her son now",
    )
    task = practice.task(loop.id)
    assert task["status"] == "cancelled"
    assert task["statusReason"]["coding"][0]["code"] == "moved-away"
    assert task["note"][0]["text"] == "Lives with her son now"
    assert not findings(practice)


def test_a_loop_that_a_person_closed_can_be_restored(practice, patient):
    loop = practice.loop(patient)
    act(
        practice, "dana", acts.close_without_proof, loop_id=loop.id, step_id=None, reason="duplicate", note="By mistake"
    )
    practice.app.clock.move_by(minutes=30)
    act(practice, "dana", acts.restore, loop_id=loop.id, step_id=None, note="It was not")
    assert practice.loop(patient).state.status.is_open
    assert not findings(practice)


def test_a_persons_word_completes_a_step_with_reason_and_note(practice, patient):
    loop = practice.loop(patient)
    act(
        practice,
        "nia",
        acts.attest,
        loop_id=loop.id,
        step_id="medication-reconciliation",
        reason="done-elsewhere",
        note="The hospital pharmacist did it",
    )
    task = practice.task(step_task_id(loop.id, "medication-reconciliation"))
    assert (task["status"], task["statusReason"]["coding"][0]["code"]) == ("completed", "done-elsewhere")
    assert not findings(practice)


def test_an_escalation_that_stands_again_calls_nobody_who_left(practice, patient):
    """The proof is withdrawn after the one who was called has gone: the step is open and late; somebody hears it."""
    practice.move_to("2026-03-12 09:00")
    deadlines.run(practice.app, practice.tenant)
    [called] = practice.run(lambda tx: tx.rows("select to_owner from escalation where step_id = 'contact' limit 1"))
    call = practice.call(patient, sent="2026-03-09 10:00")
    name = next(one for one in ("dana", "nia", "osei", "mo") if practice.reference(one) == called["to_owner"])
    leaving = practice.staff[name].username
    staffing.disable(practice.app, practice.system, practice.tenant, leaving, to="dana" if name == "mo" else None)
    practice.delete("Communication", call)
    rows = practice.run(lambda tx: tx.rows("select to_owner, stands from escalation where step_id = 'contact'"))
    assert any(row["stands"] for row in rows)
    assert not findings(practice)


def test_an_escalation_fires_once_and_a_late_one_says_so(practice, patient):
    practice.move_to("2026-03-12 12:00")
    first = deadlines.run(practice.app, practice.tenant)
    assert first.escalations > 0
    assert first.late_escalations == first.escalations
    assert deadlines.run(practice.app, practice.tenant).loops == 0
    rows = practice.run(lambda tx: tx.rows("select step_id, key, late from escalation"))
    assert len(rows) == len({(row["step_id"], row["key"]) for row in rows}) == first.escalations
    assert practice.step(patient, "contact").clock is ClockState.OVERDUE


def test_the_work_of_somebody_who_leaves_moves_first(practice, patient):
    practice.hire_as("eve", "coordinator")
    staffing.disable(practice.app, practice.system, practice.tenant, "dana")
    loop = practice.loop(patient)
    assert loop.owner == practice.reference("eve")
    assert practice.reference("dana") not in {step.owner for step in loop.steps.values()}
    assert not findings(practice)


def task_put(practice, task, name=None, if_match=None):
    principal = practice.user(name) if name else practice.system
    return practice.run(lambda tx: acts.task_update(practice.app, tx, principal, task, if_match=if_match))


def test_a_client_completes_a_step_with_proof_or_with_a_reason_and_note_only(practice, patient):
    loop = practice.loop(patient)
    task = practice.task(step_task_id(loop.id, "discharge-summary"))
    with pytest.raises(Rejected) as refused:
        task_put(practice, {**task, "status": "completed"})
    assert refused.value.at == "Task.output"
    reason = {"coding": [{"system": "urn:careloop:reason", "code": "done-elsewhere"}]}
    with pytest.raises(Rejected):
        task_put(practice, {**task, "status": "completed", "statusReason": reason})
    note = [{"text": "It is in the other system"}]
    written = task_put(practice, {**task, "status": "completed", "statusReason": reason, "note": note})
    assert written.resource["status"] == "completed"
    assert written.version == 2


def test_a_client_gives_proof_and_everything_else_stays_as_the_engine_wrote_it(practice, patient):
    practice.move_to("2026-03-09 10:05")
    loop = practice.loop(patient)
    document = {
        "resourceType": "DocumentReference",
        "id": f"doc-{patient}",
        "status": "current",
        "subject": {"reference": f"Patient/{patient}"},
        "content": [{"attachment": {"title": "Letter"}}],
    }
    practice.write(document)
    task = practice.task(step_task_id(loop.id, "discharge-summary"))
    output = [{"type": {"text": "letter"}, "valueReference": {"reference": f"DocumentReference/doc-{patient}"}}]
    written = task_put(practice, {**task, "status": "completed", "output": output, "description": "changed"})
    assert written.resource["status"] == "completed"
    assert written.resource["description"] == task["description"]
    assert written.resource["output"][0]["valueReference"]["reference"] == f"DocumentReference/doc-{patient}/_history/1"
    assert not findings(practice)


def test_a_client_may_not_use_proof_of_another_patient(practice, patient):
    other = practice.patient()
    call_id = practice.call(other, sent="2026-03-06 16:45")
    task = practice.task(step_task_id(practice.loop(patient).id, "contact"))
    output = [{"type": {"text": "call"}, "valueReference": {"reference": f"Communication/{call_id}"}}]
    with pytest.raises(Rejected):
        task_put(practice, {**task, "status": "completed", "output": output})


def test_a_client_cancels_with_a_coded_reason_and_holds_with_a_reason(practice, patient):
    loop = practice.loop(patient)
    task = practice.task(step_task_id(loop.id, "discharge-summary"))
    with pytest.raises(Rejected):
        task_put(practice, {**task, "status": "cancelled"})
    waits = {"coding": [{"system": "urn:careloop:reason", "code": "other"}], "text": "asked the hospital"}
    held = task_put(practice, {**task, "status": "on-hold", "statusReason": waits})
    assert held.resource["status"] == "on-hold"
    reason = {"coding": [{"system": "urn:careloop:reason", "code": "not-applicable"}]}
    written = task_put(practice, {**task, "status": "cancelled", "statusReason": reason})
    assert written.resource["status"] == "cancelled"
    assert not findings(practice)


def test_a_program_assigns_and_a_person_offers(practice, patient):
    loop = practice.loop(patient)
    task = practice.task(step_task_id(loop.id, "contact"))
    wanted = {**task, "owner": {"reference": practice.reference("nia")}}
    assert task_put(practice, wanted, name="dana").resource["owner"]["reference"] == practice.reference("dana")
    assert practice.run(lambda tx: store.open_offer(tx, loop.id)).taker == practice.reference("nia")
    assert task_put(practice, wanted).resource["owner"]["reference"] == practice.reference("nia")
    with pytest.raises(Rejected):
        task_put(practice, {**wanted, "owner": {"reference": "Practitioner/nobody"}})


def test_the_task_of_a_loop_is_never_deleted(practice, patient):
    loop = practice.loop(patient)
    for task_id in (loop.id, step_task_id(loop.id, "contact")):
        with pytest.raises(Conflict):
            practice.delete("Task", task_id)


def test_a_stale_version_is_refused(practice, patient):
    task = practice.task(step_task_id(practice.loop(patient).id, "contact"))
    with pytest.raises(PreconditionFailed):
        task_put(practice, {**task, "status": "in-progress"}, if_match=7)


def test_every_change_of_a_task_is_explained_by_a_provenance_on_that_version(practice, patient):
    reached(practice, patient)
    loop = practice.loop(patient)
    task = practice.task(step_task_id(loop.id, "contact"))
    reference = task["relevantHistory"][-1]["reference"]
    found = practice.run(lambda tx: practice.app.record.fetch(tx, [reference]))[reference].resource
    targets = {target["reference"] for target in found["target"]}
    assert f"Task/{task['id']}/_history/{task['meta']['versionId']}" in targets
    assert any("Call after hospital stay" in reason["text"] for reason in found["reason"])


def test_time_never_goes_back_for_a_loop(practice, patient):
    deadlines.run(practice.app, practice.tenant, at("2026-03-12 12:00"))
    assert practice.step(patient, "contact").clock is ClockState.OVERDUE
    practice.app.clock.move_by(minutes=5)
    practice.write(
        {
            "resourceType": "Patient",
            "id": patient,
            "gender": "female",
            "birthDate": "1951-04-15",
            "name": [{"family": "Example", "given": ["Anna"]}],
        }
    )
    assert practice.step(patient, "contact").clock is ClockState.OVERDUE
    assert practice.app.clock.now() - at("2026-03-06 17:00") == timedelta(minutes=5)
