"""Medicines after a hospital stay: compared, signed, told; asked of a doctor, held, withdrawn."""

from datetime import date
from typing import Any

import pytest
from tests.journeys.medicine_lists import at_home, hospital, ten_medicines
from tests.journeys.practice import Practice

from careloop.errors import NotPermitted, Rejected
from careloop.fhir.ids import new_id
from careloop.flows import home_lists, medicine_links, partner_links, questions, undoing
from careloop.flows import medicine_compare as compare
from careloop.flows import medicine_decide as decide
from careloop.flows import medicine_differences as differences
from careloop.flows import medicine_done as done_flow
from careloop.flows import medicine_finish as finish
from careloop.flows.medicine_compare import Chosen
from careloop.loops import store
from careloop.loops.model import Status
from careloop.medications.rules.reconciling.values import Group


@pytest.fixture
def story(practice: Practice) -> tuple[Practice, str]:
    practice.move_to("2026-11-23 10:00")
    patient = practice.patient(generalPractitioner=[{"reference": practice.reference("osei")}])
    ten_medicines(practice, patient)
    return practice, patient


def look(practice: Practice, patient: str, who: str = "nia") -> compare.ComparePage:
    return practice.run(lambda tx: compare.page(practice.app, tx, practice.user(who), patient))


def choose(practice: Practice, patient: str, who: str = "nia", *, kept: bool = True, **choices: Any) -> None:
    """A choice for each medicine by its first word."""
    page = look(practice, patient, who)
    rows = {}
    for word, said in choices.items():
        row = next(one for one in page.comparison.rows if one.name.lower().startswith(word))
        rows[row.id] = {"choice": said} if isinstance(said, str) else said
    chosen = Chosen(rows=rows, kept=kept, revision=page.draft.revision if page.draft else None)
    practice.run(lambda tx: compare.save(practice.app, tx, practice.user(who), patient, chosen))


def sign(practice: Practice, patient: str, who: str = "nia") -> str:
    receipt = practice.run(lambda tx: finish.finish(practice.app, tx, practice.user(who), patient, key=new_id()))
    return str(receipt.act_id)


def all_settled(practice: Practice, patient: str, **other: Any) -> str:
    plain: dict[str, Any] = {"furosemide": "use-hospital", "metoprolol": "use-hospital", "potassium": "start"}
    stop = {"choice": "stop", "why": "Not safe with heart failure"}
    choose(practice, patient, **{**plain, "ibuprofen": stop, **other})
    return sign(practice, patient)


def loops(practice: Practice, patient: str, pathway: str) -> list[store.StoredLoop]:
    found = practice.run(lambda tx: store.load_loops(tx, patients=[patient]))
    return [one for one in found if one.state.pathway == pathway]


def steps(loop: store.StoredLoop) -> dict[str, bool]:
    """Which steps are done."""
    return {one.step_id: one.status is Status.COMPLETED for one in loop.state.steps}


def read(practice: Practice, patient: str, *types: str) -> list[dict[str, Any]]:
    stored = practice.run(lambda tx: practice.app.record.of_patient(tx, patient, types))
    return [dict(one.resource) for one in stored]


def test_ten_medicines_stand_in_their_groups(story: tuple[Practice, str]) -> None:
    page = look(*story)
    names = {group: sorted(row.name for row in page.comparison.group(group)) for group in Group}
    assert names[Group.DIFFERENT] == ["Furosemide", "Metoprolol"]
    assert names[Group.ONLY_LEFT] == ["Potassium chloride"]
    assert names[Group.ONLY_RIGHT] == ["Ibuprofen"]
    assert len(names[Group.SAME]) == 6
    assert len(page.open_) == 10


def test_finishing_asks_for_every_row_that_has_no_outcome(story: tuple[Practice, str]) -> None:
    practice, patient = story
    choose(practice, patient, kept=False, furosemide="use-hospital")
    with pytest.raises(Rejected) as refused:
        sign(practice, patient)
    assert len(refused.value.faults) == 9
    assert {one.at for one in refused.value.faults} >= {"kept"}
    assert not [one for one in read(practice, patient, "Procedure") if one["status"] == "completed"]


def test_a_coordinator_may_choose_and_not_sign(story: tuple[Practice, str]) -> None:
    practice, patient = story
    choose(practice, patient, "dana", furosemide="use-hospital")
    with pytest.raises(NotPermitted):
        sign(practice, patient, "dana")
    assert look(practice, patient).saved_by == "Dana Example"


def test_signed_lists_statements_and_proof_are_fhir_and_move_the_loop(story: tuple[Practice, str]) -> None:
    practice, patient = story
    done = all_settled(practice, patient)
    procedure = next(one for one in read(practice, patient, "Procedure") if one["id"] == done)
    assert {one["code"] for one in procedure["code"]["coding"]} == {"430193006", "1111F"}
    assert procedure["performer"][0]["actor"]["reference"] == practice.reference("nia")
    assert "were compared" in procedure["note"][0]["text"]
    lists = {one["id"]: one for one in read(practice, patient, "List")}
    named = [one["valueReference"]["reference"].removeprefix("List/") for one in procedure["extension"]]
    assert sorted(named) == sorted(lists)
    after = next(one for one in lists.values() if one["status"] == "current")
    statements = {one["id"]: one for one in read(practice, patient, "MedicationStatement")}
    kept = [statements[one["item"]["reference"].partition("/")[2]] for one in after["entry"]]
    assert len(kept) == 10
    by_name = {one["medicationCodeableConcept"]["text"].split()[0]: one["status"] for one in kept}
    assert (by_name["ibuprofen"], by_name["potassium"], by_name["furosemide"]) == ("stopped", "active", "active")
    (loop,) = loops(practice, patient, "medication-reconciliation")
    assert steps(loop) == {"lists-gathered": True, "decided": True, "signed": False, "patient-told": False}


def test_the_doctors_yes_signs_and_a_call_tells_and_the_loop_is_closed(story: tuple[Practice, str]) -> None:
    practice, patient = story
    done = all_settled(practice, patient)
    doctor = practice.user("osei")
    waiting = practice.run(lambda tx: questions.of_person(practice.app, tx, doctor)).waiting
    (asked,) = [one for one in waiting if "sign these medicine changes" in one.text]
    assert any("furosemide" in fact for fact in asked.facts)
    practice.run(lambda tx: questions.answer(practice.app, tx, doctor, asked.id, version=asked.version, said="yes"))
    assert steps(loops(practice, patient, "medication-reconciliation")[0])["signed"]
    practice.move_to("2026-11-23 11:00")
    practice.run(
        lambda tx: done_flow.told(practice.app, tx, practice.user("nia"), patient, done, outcome="reached", way="PHONE")
    )
    (loop,) = loops(practice, patient, "medication-reconciliation")
    assert loop.state.status is Status.COMPLETED


def test_the_doctors_no_signs_nothing(story: tuple[Practice, str]) -> None:
    practice, patient = story
    all_settled(practice, patient)
    doctor = practice.user("osei")
    (asked,) = practice.run(lambda tx: questions.of_person(practice.app, tx, doctor)).waiting
    practice.run(lambda tx: questions.answer(practice.app, tx, doctor, asked.id, version=asked.version, said="no"))
    assert not steps(loops(practice, patient, "medication-reconciliation")[0])["signed"]


def test_the_sheet_says_more_less_new_and_stop(story: tuple[Practice, str]) -> None:
    practice, patient = story
    done = all_settled(practice, patient)
    sheet = practice.run(lambda tx: done_flow.sheet(practice.app, tx, practice.user("nia"), patient, done))
    said = {line.name: (line.change, line.says) for line in sheet.lines}
    assert said["furosemide"] == ("more", "Take more furosemide than before: 40 mg, 2 times a day.")
    assert said["metoprolol"][0] == "less"
    assert said["potassium chloride"][0] == "new"
    assert said["ibuprofen"] == ("stop", "Stop ibuprofen. Do not take it any more.")
    assert [line.change for line in sheet.lines][-1] == "keep"
    assert not sheet.is_signed


def test_what_is_asked_of_a_doctor_is_a_question_and_a_chased_loop(story: tuple[Practice, str]) -> None:
    practice, patient = story
    all_settled(practice, patient, furosemide={"choice": "ask", "due": "2026-11-25"})
    (loop,) = loops(practice, patient, "medicine-decision")
    decided = next(one for one in loop.state.steps if one.step_id == "decided")
    assert decided.due.astimezone(practice.zone).date() == date(2026, 11, 25)
    doctor = practice.user("osei")
    waiting = practice.run(lambda tx: questions.of_person(practice.app, tx, doctor)).waiting
    assert any("furosemide" in one.text.lower() for one in waiting)


def test_a_withdrawn_reconciliation_opens_its_steps_and_the_lists_can_be_compared_again(
    story: tuple[Practice, str],
) -> None:
    practice, patient = story
    done = all_settled(practice, patient)
    assert not look(practice, patient).is_comparable
    practice.run(lambda tx: finish.withdraw(practice.app, tx, practice.user("nia"), done, "Wrong patient"))
    (loop,) = loops(practice, patient, "medication-reconciliation")
    assert not steps(loop)["decided"]
    again = look(practice, patient)
    assert [len(again.comparison.group(group)) for group in Group] == [2, 1, 1, 6]
    assert not practice.run(lambda tx: questions.of_person(practice.app, tx, practice.user("osei"))).waiting


def test_after_a_reconciliation_our_list_is_the_reconciled_one_and_only_news_differs(
    story: tuple[Practice, str],
) -> None:
    practice, patient = story
    all_settled(practice, patient)
    practice.move_to("2026-11-24 10:00")
    practice.write(
        at_home(patient, "late", "naproxen 220 mg tablet", "1 tablet twice a day", on="2026-11-24"),
        hospital(patient, "again", "furosemide 80 mg tablet", "1 tablet once a day", on="2026-11-24"),
    )
    page = look(practice, patient)
    kinds = {row.name: row.group for row in page.comparison.rows}
    assert kinds["Naproxen"] is Group.ONLY_RIGHT
    assert kinds["Furosemide"] is Group.DIFFERENT


def test_a_hold_that_ended_without_a_decision_is_work_the_next_day(story: tuple[Practice, str]) -> None:
    practice, patient = story
    all_settled(practice, patient, lisinopril={"choice": "hold", "until": "2026-11-30", "why": "Kidneys"})
    practice.move_to("2026-11-30 12:00")
    assert decide.ask_about_holds(practice.app, practice.tenant) == 0
    practice.move_to("2026-12-01 08:00")
    assert decide.ask_about_holds(practice.app, practice.tenant) == 1
    assert decide.ask_about_holds(practice.app, practice.tenant) == 0
    (loop,) = loops(practice, patient, "medicine-decision")
    (waiting,) = practice.run(lambda tx: decide.undecided(practice.app, tx, patient))
    assert "lisinopril" in waiting.says
    practice.move_to("2026-12-01 09:00")
    practice.run(
        lambda tx: decide.settle(
            practice.app,
            tx,
            practice.user("nia"),
            patient,
            waiting.task_id,
            outcome="continue",
            how="",
            reason="Creatinine is back to 1.0",
        )
    )
    (loop,) = loops(practice, patient, "medicine-decision")
    assert steps(loop)["decided"]
    statement = next(
        one
        for one in read(practice, patient, "MedicationStatement")
        if f"MedicationStatement/{one['id']}" == waiting.statement
    )
    assert statement["status"] == "active"


def test_a_hold_takes_a_day_ahead_or_a_condition(story: tuple[Practice, str]) -> None:
    practice, patient = story
    with pytest.raises(Rejected, match="held"):
        all_settled(practice, patient, lisinopril={"choice": "hold"})


def test_a_hospital_list_that_differs_opens_its_loop_once_and_a_high_alert_medicine_the_same_day(
    story: tuple[Practice, str],
) -> None:
    practice, patient = story
    assert practice.run(lambda tx: differences.review(practice.app, tx, [patient])) == 1
    assert practice.run(lambda tx: differences.review(practice.app, tx, [patient])) == 0
    (loop,) = loops(practice, patient, "medication-reconciliation")
    decided = next(one for one in loop.state.steps if one.step_id == "decided")
    assert decided.due.astimezone(practice.zone).date() == date(2026, 11, 23)
    done = all_settled(practice, patient)
    procedure = next(one for one in read(practice, patient, "Procedure") if one["id"] == done)
    assert procedure["basedOn"] == [{"reference": loop.state.focus}]


def test_what_the_patient_tells_by_a_link_is_the_list_from_home(practice: Practice) -> None:
    practice.move_to("2026-11-23 10:00")
    patient = practice.patient(birthDate="1955-02-03", name=[{"family": "Example", "given": ["Rosa"]}])
    practice.write(hospital(patient, "a", "furosemide 40 mg tablet", "1 tablet once a day"))
    practice.write(hospital(patient, "b", "warfarin 5 mg tablet", "1 tablet once a day"))
    codes = practice.run(lambda tx: medicine_links.make(practice.app, tx, practice.user("nia"), patient))
    door = partner_links.open_door(practice.app, codes.secret, "192.0.2.1")
    assert door is not None
    assert medicine_links.open_question(practice.app, door, "1955-02-04") is None
    found = medicine_links.open_question(practice.app, door, "1955-02-03")
    assert found is not None
    water, thinner = found.asked
    told = home_lists.Told(
        answers={water.reference: "other", thinner.reference: "no"},
        otherwise={water.reference: "half a tablet once a day"},
        more=["ibuprofen 400 mg as needed"],
    )
    assert medicine_links.save(practice.app, door, found.proof, told) is not None
    assert medicine_links.save(practice.app, door, found.proof, told) is None
    page = look(practice, patient)
    groups = {row.name: (row.group, {kind.value for kind in row.kinds}) for row in page.comparison.rows}
    assert groups["Ibuprofen"][0] is Group.ONLY_RIGHT
    assert groups["Warfarin"][0] is Group.DIFFERENT
    assert "not_taking" in groups["Warfarin"][1]
    assert groups["Furosemide"][0] is Group.DIFFERENT


def test_a_contraindicated_pair_is_kept_by_a_prescriber_with_a_reason_alone(practice: Practice) -> None:
    practice.move_to("2026-11-23 10:00")
    patient = practice.patient(generalPractitioner=[{"reference": practice.reference("osei")}])
    practice.write(
        hospital(patient, "new", "apixaban 5 mg tablet", "1 tablet twice a day", reason="Fast pulse"),
        at_home(patient, "old", "warfarin 5 mg tablet", "1 tablet once a day"),
    )
    keep = {"choice": "keep", "why": "INR is checked"}
    with pytest.raises(Rejected, match="prescriber"):
        choose(practice, patient, apixaban={"choice": "start", "why": "new"}, warfarin=keep)
        sign(practice, patient)
    choose(practice, patient, "osei", apixaban={"choice": "start", "why": "Bridge for 2 days"}, warfarin=keep)
    assert sign(practice, patient, "osei")
    assert steps(loops(practice, patient, "medication-reconciliation")[0])["signed"]


def test_undo_takes_a_signing_back_by_whoever_signed_within_ten_minutes(story: tuple[Practice, str]) -> None:
    practice, patient = story
    done = all_settled(practice, patient)
    with pytest.raises(NotPermitted):
        practice.run(lambda tx: undoing.undo(practice.app, tx, practice.user("dana"), act_id=done))
    practice.run(lambda tx: undoing.undo(practice.app, tx, practice.user("nia"), act_id=done))
    assert look(practice, patient).is_comparable
