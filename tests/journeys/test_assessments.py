"""Forms arrive by any door: scores, proposals and loops follow (assessments.md, worked cases 2, 4, 11, 12, 14)."""

from typing import Any

import pytest
from tests.journeys.practice import Practice, at

from careloop.access.sight import sight_of
from careloop.fhir.ids import new_id
from careloop.flows import deadlines
from careloop.loops import store

OFTEN = ["LA6568-5", "LA6569-3", "LA6570-1", "LA6571-9"]
PHQ_9 = ["44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8"]
HITS = ["95618-5", "95617-7", "95616-9", "95615-1"]
HOW_OFTEN = ["", "LA6270-8", "LA10066-1", "LA10082-8", "LA16644-9", "LA6482-9"]


def coded(link: str, code: str) -> dict[str, Any]:
    return {"linkId": link, "answer": [{"valueCoding": {"system": "http://loinc.org", "code": code}}]}


def form(patient: str, when: str, items: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "QuestionnaireResponse",
        "id": new_id(),
        "status": "completed",
        "subject": {"reference": f"Patient/{patient}"},
        "source": {"reference": f"Patient/{patient}"},
        "authored": at(when).isoformat(),
        "item": items,
        **more,
    }


def phq9(patient: str, when: str, points: list[int | None], **more: Any) -> dict[str, Any]:
    items = [coded(f"/{link}", OFTEN[one]) for link, one in zip(PHQ_9, points, strict=False) if one is not None]
    return form(patient, when, items, questionnaire="http://loinc.org/q/44249-1", **more)


def of(practice: Practice, patient: str, kind: str) -> list[dict[str, Any]]:
    found = practice.run(lambda tx: practice.app.record.of_patient(tx, patient, (kind,)))
    return [one.resource for one in found]


def totals(practice: Practice, patient: str) -> dict[str, dict[str, Any]]:
    return {
        coding["code"]: one
        for one in of(practice, patient, "Observation")
        for coding in one["code"].get("coding", ())
        if coding["system"] == "urn:careloop:score"
    }


def loops(practice: Practice, patient: str) -> dict[str, Any]:
    found = practice.run(lambda tx: store.load_loops(tx, patients=[patient]))
    return {one.state.pathway: one for one in found}


def test_item_9_opens_a_safety_loop_whatever_the_total(practice: Practice) -> None:
    practice.move_to("2026-03-09 10:00")
    patient = practice.patient()
    practice.write(phq9(patient, "2026-03-09 10:00", [1, 0, 0, 0, 0, 0, 0, 0, 1]))
    total = totals(practice, patient)["phq-9"]
    assert total["valueQuantity"]["value"] == 2
    assert {"system": "http://loinc.org", "code": "44261-6"} in total["code"]["coding"]
    assert total["derivedFrom"] and len(total["hasMember"]) == 9
    loop = loops(practice, patient)["safety-concern"]
    assert loop.state.status.is_open
    assert {step.step_id: step.due for step in loop.state.steps}["contact"] == at("2026-03-09 12:00")
    practice.write(phq9(patient, "2026-03-09 10:30", [0] * 9))
    assert loops(practice, patient)["safety-concern"].state.status.is_open


def test_item_9_at_ten_past_two_at_night_pages_and_calls_the_physician_an_hour_later(practice: Practice) -> None:
    practice.move_to("2026-03-09 02:10")
    patient = practice.patient()
    portal = [{"url": "urn:careloop:mode", "valueCode": "portal"}]
    half_way = phq9(patient, "2026-03-09 02:10", [0, 0, 0, 0, 0, 0, 0, 0, 2], status="in-progress", extension=portal)
    practice.write(half_way)
    [page] = [one for one in of(practice, patient, "Communication") if one["category"][0]["coding"][0]["code"] == "page"]
    assert page["sent"] == "2026-03-09T02:10:00-04:00"
    assert page["status"] == "in-progress"
    loop = loops(practice, patient)["safety-concern"]
    assert page["recipient"] == [{"reference": loop.steps["contact"].owner}]
    practice.move_to("2026-03-09 03:10")
    deadlines.run(practice.app, practice.tenant)
    steps = {step.step_id: step for step in loops(practice, patient)["safety-concern"].state.steps}
    assert [call.to_role for call in steps["contact"].escalations] == ["physician"]
    assert totals(practice, patient) == {}
    practice.write(half_way | {"status": "completed"})
    assert totals(practice, patient)["phq-9"]["valueQuantity"]["value"] == 2
    assert len([one for one in of(practice, patient, "Communication")]) == 1


def test_a_blank_item_9_has_no_total_and_asks_the_safety_question(practice: Practice) -> None:
    practice.move_to("2026-03-09 10:00")
    patient = practice.patient()
    practice.write(phq9(patient, "2026-03-09 10:00", [2, 2, 1, 1, 2, 1, 1, 1]))
    total = totals(practice, patient)["phq-9"]
    assert "valueQuantity" not in total
    assert total["dataAbsentReason"]["text"] == "Incomplete: 8 of 9 answered"
    assert "safety-concern" in loops(practice, patient)


@pytest.mark.parametrize(("points", "opens"), [([3, 3, 2, 2], False), ([3, 3, 3, 2], True)])
def test_hits_of_eleven_is_a_private_concern_that_no_proxy_sees(
    practice: Practice, points: list[int], opens: bool
) -> None:
    practice.move_to("2026-03-09 10:00")
    patient = practice.patient()
    items = [coded(f"/{link}", HOW_OFTEN[one]) for link, one in zip(HITS, points, strict=True)]
    food = coded("/88122-7", "LA6729-3")
    practice.write(form(patient, "2026-03-09 10:00", [*items, food], questionnaire="http://loinc.org/q/96777-8"))
    assert ("safety-concern" in loops(practice, patient)) is opens
    sight = sight_of(practice.tenant.id, ("patient/*.rs",), patient)
    assert sight is not None

    def seen(kind: str) -> list[str]:
        with practice.app.database.transaction(practice.tenant.id, sight=sight.settings) as tx:
            return [one.text for one in practice.app.record.of_patient(tx, patient, (kind,))]

    assert seen("QuestionnaireResponse") == []
    assert any("88122-7" in text for text in seen("Observation"))
    told = [text for kind in ("Observation", "Task", "Condition", "Communication") for text in seen(kind)]
    assert not [text for text in told if "safety-concern" in text or "95614-4" in text or "95618-5" in text]
    assert any("Not enough food" in text for text in told)


def test_needs_are_proposed_offered_and_declined(practice: Practice) -> None:
    practice.move_to("2026-03-09 10:00")
    patient = practice.patient()
    items = [
        coded("prapare/housing-worry", "LA33-6"),
        coded("prapare/transport", "LA30133-5"),
        coded("prapare/afraid", "LA33-6"),
        {"linkId": "offers/help-housing-instability", "answer": [{"valueCoding": {"code": "no"}}]},
        {"linkId": "offers/help-transportation-insecurity", "answer": [{"valueCoding": {"code": "yes"}}]},
    ]
    practice.write(form(patient, "2026-03-09 10:00", items, questionnaire="urn:careloop:questionnaire:prapare|1.0.0"))
    proposed = {
        one["code"]["text"]: [extension["valueCoding"]["code"] for extension in one["extension"]]
        for one in of(practice, patient, "Condition")
    }
    assert proposed == {
        "Housing may be lost": ["Z59.811", "Z59.819"],
        "No ride": ["Z59.82"],
        "Afraid of a partner": ["Z69.11"],
    }
    assert all(
        one["verificationStatus"]["coding"][0]["code"] == "unconfirmed" for one in of(practice, patient, "Condition")
    )
    found = practice.run(lambda tx: store.load_loops(tx, patients=[patient]))
    needs = [one for one in found if one.state.pathway == "social-need"]
    open_needs = [one for one in needs if one.state.status.is_open]
    closed = [one for one in needs if not one.state.status.is_open]
    assert len(open_needs) == 1
    assert [one.state.closure.reason for one in closed if one.state.closure] == ["patient-declined"]
    assert {step.step_id: step.status.value for step in open_needs[0].state.steps}["consent"] == "completed"
    assert "safety-concern" in loops(practice, patient)


def test_a_form_that_was_a_mistake_takes_back_what_followed(practice: Practice) -> None:
    practice.move_to("2026-03-09 10:00")
    patient = practice.patient()
    answered = phq9(patient, "2026-03-09 10:00", [1, 0, 0, 0, 0, 0, 0, 0, 1])
    practice.write(answered)
    practice.write(answered | {"status": "entered-in-error"})
    assert {one["status"] for one in of(practice, patient, "Observation")} == {"entered-in-error"}
    assert not loops(practice, patient)["safety-concern"].state.status.is_open


def test_an_old_form_is_scored_and_asks_for_nothing(practice: Practice) -> None:
    practice.move_to("2026-03-09 10:00")
    patient = practice.patient()
    practice.write(phq9(patient, "2025-11-09 10:00", [3] * 9))
    assert totals(practice, patient)["phq-9"]["valueQuantity"]["value"] == 27
    assert loops(practice, patient) == {}
