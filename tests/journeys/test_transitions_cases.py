"""The worked cases of transitions.md §6, with real messages and a moved clock; then shuffled and doubled."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.journeys.practice import Practice, at
from tests.journeys.story import Story, told

from careloop.fhir.ids import new_id
from careloop.loops.model import Status, Tier

CARE = "http://snomed.info/sct"


def call(patient: str, when: str, *, reached: bool = True) -> dict[str, Any]:
    """An outreach call; voicemail and no answer are attempts."""
    resource: dict[str, Any] = {
        "resourceType": "Communication",
        "id": new_id(),
        "status": "completed" if reached else "not-done",
        "category": [{"coding": [{"system": "urn:careloop:communication", "code": "outreach"}]}],
        "medium": [
            {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode", "code": "PHONE"}]}
        ],
        "subject": {"reference": f"Patient/{patient}"},
        "recipient": [{"reference": f"Patient/{patient}"}],
        "sent": at(when).isoformat(),
    }
    if not reached:
        resource["statusReason"] = {"coding": [{"system": "urn:careloop:contact-outcome", "code": "no-answer"}]}
    return resource


def visit(practice: Practice, patient: str, when: str, code: str = "AMB") -> dict[str, Any]:
    """A finished visit with the physician."""
    start = at(when).isoformat()
    return {
        "resourceType": "Encounter",
        "id": new_id(),
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": code},
        "subject": {"reference": f"Patient/{patient}"},
        "period": {"start": start, "end": start},
        "participant": [{"individual": {"reference": practice.reference("osei")}}],
    }


def medicines(patient: str, when: str) -> dict[str, Any]:
    """Medicines were compared."""
    return {
        "resourceType": "Procedure",
        "id": new_id(),
        "status": "completed",
        "code": {"coding": [{"system": CARE, "code": "430193006"}]},
        "subject": {"reference": f"Patient/{patient}"},
        "performedDateTime": at(when).isoformat(),
    }


def stay_messages(story: Story, admit: str, discharge: str, disposition: str = "01", **more: Any) -> Story:
    """Admission and discharge of one stay."""
    return story.message(admit, "A01", **more).message(discharge, "A03", disposition=disposition, **more)


def weekend_discharge(practice: Practice, patient: str, story: Story) -> str:
    stay_messages(story, "2026-03-02 08:00", "2026-03-06 16:30")
    return "2026-03-06 17:00"


def thanksgiving(practice: Practice, patient: str, story: Story) -> str:
    stay_messages(story, "2026-11-22 08:00", "2026-11-25 11:00")
    return "2026-11-25 12:00"


def year_end(practice: Practice, patient: str, story: Story) -> str:
    stay_messages(story, "2026-12-28 08:00", "2026-12-31 11:00")
    return "2026-12-31 12:00"


def unreached(practice: Practice, patient: str, story: Story, second: str = "2026-11-24 15:00") -> str:
    stay_messages(story, "2026-11-16 08:00", "2026-11-20 11:00")
    story.resource("2026-11-23 10:00", call(patient, "2026-11-23 10:00", reached=False))
    story.resource(second, call(patient, second, reached=False))
    story.resource("2026-11-26 10:00", call(patient, "2026-11-26 10:00"))
    story.resource("2026-12-02 10:00", visit(practice, patient, "2026-12-02 10:00"))
    story.resource("2026-12-02 10:30", medicines(patient, "2026-12-02 10:30"))
    return "2026-12-03 09:00"


def one_attempt(practice: Practice, patient: str, story: Story) -> str:
    return unreached(practice, patient, story, second="2026-11-25 15:00")


def death(practice: Practice, patient: str, story: Story) -> str:
    stay_messages(story, "2026-04-27 08:00", "2026-05-01 11:00")
    story.resource("2026-05-04 10:00", call(patient, "2026-05-04 10:00"))
    story.resource("2026-05-07 10:00", visit(practice, patient, "2026-05-07 10:00"))
    number = {"system": "urn:careloop:authority:STMARY", "value": "100234"}
    story.resource(
        "2026-05-20 12:00",
        {
            "resourceType": "Patient",
            "id": patient,
            "identifier": [number],
            "gender": "female",
            "birthDate": "1951-04-15",
            "name": [{"family": "Example", "given": ["Ana"]}],
            "deceasedDateTime": at("2026-05-20 06:00").isoformat(),
        },
    )
    return "2026-05-20 13:00"


def cancelled_discharge(practice: Practice, patient: str, story: Story) -> str:
    stay_messages(story, "2026-06-05 08:00", "2026-06-08 10:00")
    story.resource("2026-06-08 15:00", call(patient, "2026-06-08 15:00"))
    story.message("2026-06-08 18:00", "A13")
    story.message("2026-06-10 09:00", "A03", disposition="01")
    return "2026-06-10 10:00"


def out_of_order(practice: Practice, patient: str, story: Story) -> str:
    stay_messages(story, "2026-06-08 08:00", "2026-06-10 12:00")
    story.message("2026-06-10 09:00", "A02", arrives="2026-06-10 12:20", location="5E^501^B^STMARY")
    return "2026-06-10 12:30"


def transfer_chain(practice: Practice, patient: str, story: Story) -> str:
    stay_messages(story, "2026-04-01 08:00", "2026-04-03 11:00", "02", visit="VX1")
    stay_messages(story, "2026-04-03 14:00", "2026-04-08 11:00", "01", visit="VY1", facility="EASTSIDE", mrn="7001")
    return "2026-04-09 09:00"


def against_advice(practice: Practice, patient: str, story: Story) -> str:
    stay_messages(story, "2026-06-28 08:00", "2026-07-01 11:00", "07")
    return "2026-07-01 12:00"


def readmission(practice: Practice, patient: str, story: Story) -> str:
    against_advice(practice, patient, story)
    story.message("2026-07-04 09:00", "A01", visit="V900002")
    return "2026-07-04 10:00"


STORIES = [
    weekend_discharge,
    thanksgiving,
    year_end,
    unreached,
    one_attempt,
    death,
    cancelled_discharge,
    out_of_order,
    transfer_chain,
    against_advice,
    readmission,
]


def tell(practice: Practice, happens: Callable[[Practice, str, Story], str], seed: int | None = None) -> str:
    """The story is told; its patient."""
    practice.move_to("2026-01-05 09:00")
    patient = known(practice)
    story = Story(practice)
    until = happens(practice, patient, story)
    if seed is None:
        story.tell(until)
    else:
        story.tell_shuffled(until, seed)
    return patient


def known(practice: Practice) -> str:
    """A patient whom both hospitals know."""
    numbers = [
        {"system": "urn:careloop:authority:STMARY", "value": "100234"},
        {"system": "urn:careloop:authority:EASTSIDE", "value": "7001"},
    ]
    return practice.patient(identifier=numbers)


def due(practice: Practice, patient: str, step_id: str) -> str:
    return practice.step(patient, step_id).due.astimezone(at("2026-01-01 00:00").tzinfo).strftime("%Y-%m-%d %H:%M:%S")


def test_case_1_weekend_discharge(practice):
    patient = tell(practice, weekend_discharge)
    loop = practice.loop(patient)
    assert due(practice, patient, "contact") == "2026-03-10 23:59:59"
    assert loop.state.deadline == at("2026-04-04 23:59:59")
    assert loop.state.tier is Tier.HIGH
    assert due(practice, patient, "visit") == "2026-03-13 23:59:59"
    home = practice.step(patient, "home-visit")
    assert home.due == at("2026-03-09 17:30")
    assert home.target == at("2026-03-08 17:30")


def test_case_2_thanksgiving_is_no_business_day_and_the_friday_is(practice):
    assert due(practice, tell(practice, thanksgiving), "contact") == "2026-11-30 23:59:59"


def test_case_3_new_year_is_no_business_day(practice):
    assert due(practice, tell(practice, year_end), "contact") == "2027-01-05 23:59:59"


def test_case_6_two_attempts_in_time_meet_the_rule_and_contact_closes_when_reached(practice):
    patient = tell(practice, unreached)
    contact = practice.step(patient, "contact")
    assert contact.status is Status.COMPLETED
    assert contact.rule_met == "met by 2 attempts"
    assert len(contact.attempts) == 2


def test_case_7_an_attempt_after_the_window_does_not_count_for_the_rule(practice):
    patient = tell(practice, one_attempt)
    contact = practice.step(patient, "contact")
    assert contact.status is Status.COMPLETED
    assert contact.rule_met is None


def test_case_8_death_closes_everything_with_its_reason(practice):
    patient = tell(practice, death)
    loop = practice.loop(patient)
    assert loop.state.closure is not None and loop.state.closure.reason == "deceased"
    assert not any(step.status.is_open for step in loop.state.steps)
    assert practice.step(patient, "visit").status is Status.COMPLETED


def test_case_9_a_call_before_a_cancelled_discharge_does_not_count_for_the_next(practice):
    patient = tell(practice, cancelled_discharge)
    first, second = practice.loops(patient)
    assert first.state.closure is not None and first.state.closure.reason == "discharge-cancelled"
    assert second.state.status.is_open
    assert practice.step(patient, "contact").status.is_open
    assert due(practice, patient, "contact") == "2026-06-12 23:59:59"


def test_case_10_a_late_transfer_adds_a_place_and_changes_no_work(practice):
    practice.move_to("2026-01-05 09:00")
    patient = known(practice)
    story = Story(practice)
    stay_messages(story, "2026-06-08 08:00", "2026-06-10 12:00").tell("2026-06-10 12:05")
    before = practice.loop(patient)
    practice.move_to("2026-06-10 12:20")
    practice.send(practice.message("A02", "2026-06-10 09:00", location="5E^501^B^STMARY"))
    after = practice.loop(patient)
    assert after.state.status == before.state.status
    assert [step.due for step in after.state.steps] == [step.due for step in before.state.steps]
    stays = practice.run(lambda tx: practice.app.record.of_patient(tx, patient, ["Encounter"]))
    assert [stay.resource["status"] for stay in stays] == ["finished"]
    assert len(stays[0].resource["location"]) == 2


def test_case_11_the_same_admission_three_times_is_one_stay(practice):
    practice.move_to("2026-03-02 08:15")
    patient = known(practice)
    message = practice.message("A01", "2026-03-02 08:00")
    practice.send(message, message, message)
    assert len(practice.run(lambda tx: practice.app.record.of_patient(tx, patient, ["Encounter"]))) == 1


def test_case_12_a_transfer_opens_one_episode_at_the_last_hospital(practice):
    patient = tell(practice, transfer_chain)
    loop = practice.loop(patient)
    assert loop.state.opened == at("2026-04-08 11:00")


def test_case_15_leaving_against_advice_opens_the_episode(practice):
    patient = tell(practice, against_advice)
    assert practice.loop(patient).state.status.is_open
    assert practice.step(patient, "contact").status.is_open


def test_a_readmission_cancels_what_is_not_done(practice):
    patient = tell(practice, readmission)
    closure = practice.loop(patient).state.closure
    assert closure is not None and closure.reason == "readmitted"


def test_case_18_a_merge_moves_the_episode_with_its_deadlines(practice):
    practice.move_to("2026-03-02 08:00")
    survivor, prior = practice.known("100234"), practice.known("100999")
    story = Story(practice)
    stay_messages(story, "2026-03-02 08:00", "2026-03-06 16:30", mrn="100999", visit="V9").tell("2026-03-06 17:00")
    before = practice.loop(prior)
    practice.move_to("2026-03-10 09:00")
    practice.send(practice.message("A40", "2026-03-10 09:00", mrn="100234", prior="100999"))
    after = practice.loop(survivor)
    assert not practice.loops(prior)
    assert after.id == before.id
    assert [step.due for step in after.state.steps] == [step.due for step in before.state.steps]
    assert practice.task(after.id)["for"]["reference"] == f"Patient/{survivor}"


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("happens", STORIES, ids=lambda happens: happens.__name__)
def test_the_same_messages_shuffled_and_doubled_give_the_same_loops(practice, app, happens, seed):
    told_in_order = told(practice.loops(tell(practice, happens), pathway=None))
    again = Practice.open(app)
    assert told(again.loops(tell(again, happens, seed), pathway=None)) == told_in_order
