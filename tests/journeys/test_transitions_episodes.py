"""The worked cases of transitions.md §6 that end in a code, a flag or a score (`/api/episodes`)."""

import random
from decimal import Decimal
from typing import Any

import pytest
from tests.journeys.practice import Practice, at
from tests.journeys.story import Story
from tests.journeys.test_transitions_cases import (
    call,
    death,
    known,
    medicines,
    one_attempt,
    stay_messages,
    tell,
    unreached,
    visit,
)

from careloop.fhir.ids import new_id
from careloop.flows import episodes


def decided(practice: Practice, patient: str, when: str, level: str) -> dict[str, Any]:
    """A visit whose level of medical decision making is recorded."""
    level_of = {"url": "urn:careloop:medical-decision-making", "valueCode": level}
    return {**visit(practice, patient, when), "extension": [level_of]}


def stays(practice: Practice, patient: str) -> list[dict[str, Any]]:
    """The hospital stays of a patient by start."""
    found = practice.run(lambda tx: practice.app.record.of_patient(tx, patient, ["Encounter"]))
    hospital = [one.resource for one in found if one.resource["class"]["code"] in ("IMP", "OBSENC")]
    return sorted(hospital, key=lambda stay: stay["period"]["start"])


def episode(practice: Practice, encounter_id: str) -> dict[str, Any]:
    return practice.run(lambda tx: episodes.episode(practice.app, tx, practice.system, encounter_id))


def only(practice: Practice, patient: str) -> dict[str, Any]:
    [stay] = stays(practice, patient)
    return episode(practice, stay["id"])


def june(practice: Practice, patient: str, story: Story, reconciled: str = "2026-06-10 11:00") -> str:
    stay_messages(story, "2026-05-28 08:00", "2026-06-01 11:00")
    story.resource("2026-06-02 10:00", call(patient, "2026-06-02 10:00"))
    story.resource(reconciled, medicines(patient, reconciled))
    story.resource("2026-06-10 10:00", decided(practice, patient, "2026-06-10 10:00", "high"))
    return "2026-06-12 09:00"


def june_late(practice: Practice, patient: str, story: Story) -> str:
    return june(practice, patient, story, reconciled="2026-06-11 11:00")


@pytest.mark.parametrize("seed", [None, 3])
def test_case_4_high_decisions_on_day_9_are_99495(practice, seed):
    tcm = only(practice, tell(practice, june, seed))["tcm"]
    assert tcm["code"] == "99495"
    assert "visit on day 9" in tcm["says"]


@pytest.mark.parametrize("seed", [None, 4])
def test_case_5_medicines_compared_after_the_visit_are_too_late(practice, seed):
    tcm = only(practice, tell(practice, june_late, seed))["tcm"]
    assert tcm["code"] is None
    assert tcm["says"] == ["medication reconciliation after the visit date"]


def with_level(happens):
    def story(practice: Practice, patient: str, told: Story) -> str:
        until = happens(practice, patient, told)
        told.resource("2026-12-02 10:00", decided(practice, patient, "2026-12-02 09:00", "moderate"))
        return until

    return story


@pytest.mark.parametrize("seed", [None, 5])
def test_case_6_two_attempts_meet_the_contact_rule(practice, seed):
    tcm = only(practice, tell(practice, with_level(unreached), seed))["tcm"]
    assert tcm["code"] == "99495"
    assert "met by 2 attempts" in tcm["says"]


@pytest.mark.parametrize("seed", [None, 6])
def test_case_7_one_attempt_does_not(practice, seed):
    tcm = only(practice, tell(practice, with_level(one_attempt), seed))["tcm"]
    assert (tcm["code"], tcm["reasons"]) == (None, ["contact"])


@pytest.mark.parametrize("seed", [None, 7])
def test_case_8_no_transitional_care_for_who_died_within_30_days(practice, seed):
    tcm = only(practice, tell(practice, death, seed))["tcm"]
    assert tcm["code"] is None
    assert "deceased" in tcm["reasons"]


def chain(practice: Practice, patient: str, story: Story) -> str:
    stay_messages(story, "2026-04-01 08:00", "2026-04-03 11:00", "02", visit="VX1")
    stay_messages(story, "2026-04-03 14:00", "2026-04-08 11:00", "01", visit="VY1", facility="EASTSIDE", mrn="7001")
    story.message("2026-05-08 09:00", "A01", visit="VX2")
    return "2026-05-08 10:00"


@pytest.mark.parametrize("seed", [None, 8])
def test_case_12_a_return_on_day_30_counts_for_the_whole_chain(practice, seed):
    patient = tell(practice, chain, seed)
    first, second, _ = stays(practice, patient)
    found = episode(practice, first["id"])
    assert found["stay"] == [first["id"], second["id"]]
    assert (found["index"], found["readmission_cms"]) == (True, True)


def coded(*codes: str) -> tuple[str, ...]:
    return tuple(f"DG1|{number}||{code}^^I10|||F|||||||||{number}" for number, code in enumerate(codes, start=1))


def planned_first(practice: Practice, patient: str, story: Story) -> str:
    stay_messages(story, "2026-01-28 08:00", "2026-02-01 11:00", visit="V1", extra=coded("I50.9"))
    stay_messages(story, "2026-02-10 07:00", "2026-02-14 11:00", visit="V2", extra=coded("M16.11"))
    stay_messages(story, "2026-02-20 07:00", "2026-02-25 11:00", visit="V3", extra=coded("A41.9"))
    story.resource(
        "2026-02-10 13:00",
        {
            "resourceType": "Procedure",
            "id": new_id(),
            "status": "completed",
            "code": {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "27130"}]},
            "subject": {"reference": f"Patient/{patient}"},
            "performedDateTime": at("2026-02-10 12:00").isoformat(),
        },
    )
    return "2026-02-26 09:00"


@pytest.mark.parametrize("seed", [None, 9])
def test_case_13_after_a_planned_return_nothing_counts_for_that_index(practice, seed):
    patient = tell(practice, planned_first, seed)
    first, second, _ = (episode(practice, stay["id"]) for stay in stays(practice, patient))
    assert (first["planned"], first["readmission_cms"]) == (True, False)
    assert (second["planned"], second["readmission_cms"]) == (False, True)


def test_case_14_observation_counts_for_pcr_and_not_for_cms(practice):
    practice.move_to("2026-07-06 12:00")
    patient = practice.patient()
    index = practice.stay(patient, start="2026-06-27 08:00", end="2026-07-01 11:00")
    practice.stay(patient, start="2026-07-05 08:00", end="2026-07-06 11:00", code="OBSENC")
    found = episode(practice, index)
    assert (found["readmission_cms"], found["readmission_pcr"]) == (False, True)
    assert found["ed_revisit_hours"] is None


def left_against_advice(practice: Practice, patient: str, story: Story) -> str:
    stay_messages(story, "2026-06-28 08:00", "2026-07-01 11:00", "07", visit="V1")
    story.message("2026-07-04 09:00", "A01", visit="V2")
    return "2026-07-04 10:00"


@pytest.mark.parametrize("seed", [None, 10])
def test_case_15_leaving_against_advice_is_no_index(practice, seed):
    patient = tell(practice, left_against_advice, seed)
    found = episode(practice, stays(practice, patient)[0]["id"])
    assert (found["index"], found["readmission_cms"]) == (False, False)


def condition(patient: str, code: str) -> dict[str, Any]:
    system = "http://terminology.hl7.org/CodeSystem/"
    return {
        "resourceType": "Condition",
        "id": new_id(),
        "subject": {"reference": f"Patient/{patient}"},
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": code}]},
        "clinicalStatus": {"coding": [{"system": f"{system}condition-clinical", "code": "active"}]},
        "verificationStatus": {"coding": [{"system": f"{system}condition-ver-status", "code": "confirmed"}]},
        "onsetDateTime": "2020-01-01",
    }


def heart_failure(practice: Practice, patient: str, story: Story) -> str:
    for number, day in enumerate(("2025-11-10", "2026-01-20")):
        visit_number = f"E{number}"
        story.message(f"{day} 10:00", "A04", visit=visit_number, patient_class="E")
        story.message(f"{day} 15:00", "A03", visit=visit_number, patient_class="E", disposition="01")
    for code in ("I50.9", "E11.9"):
        story.resource("2026-02-01 09:00", condition(patient, code))
    story.message("2026-04-02 09:00", "A04", visit="V1", patient_class="E")
    story.message("2026-04-02 14:00", "A06", visit="V1")
    story.message("2026-04-07 11:00", "A03", visit="V1", disposition="01")
    return "2026-04-07 12:00"


@pytest.mark.parametrize("seed", [None, 11])
def test_case_16_lace_is_12(practice, seed):
    practice.move_to("2025-11-01 09:00")
    patient = known(practice)
    story = Story(practice)
    until = heart_failure(practice, patient, story)
    story.tell(until) if seed is None else story.tell_shuffled(until, seed)
    assert episode(practice, stays(practice, patient)[-1]["id"])["lace"] == 12


def laboratory(patient: str, code: str, value: str, unit: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": new_id(),
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": at("2026-04-07 06:00").isoformat(),
        "valueQuantity": {"value": Decimal(value), "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
    }


def anaemia(practice: Practice, patient: str, story: Story) -> str:
    for number, month in enumerate(("2025-06", "2025-09", "2025-12")):
        stay_messages(story, f"{month}-03 09:00", f"{month}-05 11:00", visit=f"P{number}")
    stay_messages(story, "2026-04-02 09:00", "2026-04-08 11:00", visit="V1")
    story.resource("2026-04-07 07:00", laboratory(patient, "718-7", "10.9", "g/dL"))
    story.resource("2026-04-07 07:00", laboratory(patient, "2951-2", "138", "mmol/L"))
    return "2026-04-08 12:00"


@pytest.mark.parametrize("seed", [None, 12])
def test_case_17_hospital_is_6(practice, seed):
    practice.move_to("2025-06-01 09:00")
    patient = known(practice)
    story = Story(practice)
    until = anaemia(practice, patient, story)
    story.tell(until) if seed is None else story.tell_shuffled(until, seed)
    assert episode(practice, stays(practice, patient)[-1]["id"])["hospital"] == 6


@pytest.mark.parametrize("seed", range(3))
def test_case_18_a_merge_among_the_messages_in_any_order_leaves_one_episode(practice, seed):
    practice.move_to("2026-03-02 07:00")
    survivor = practice.known("100234")
    messages = [
        practice.message("A01", "2026-03-02 08:00", mrn="100999", visit="V9"),
        practice.message("A03", "2026-03-06 16:30", mrn="100999", visit="V9", disposition="01"),
        practice.message("A40", "2026-03-06 16:45", mrn="100234", prior="100999"),
    ] * 2
    random.Random(seed).shuffle(messages)
    practice.move_to("2026-03-06 17:00")
    practice.send(*messages)
    assert practice.step(survivor, "contact").due == at("2026-03-10 23:59:59")
