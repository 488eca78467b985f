"""What the record says becomes facts, in every form in which hospitals and clients say it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from careloop.loops.facts import Contact, Fact, Known, PatientFacts, read_facts

NOON = datetime(2026, 3, 2, 17, tzinfo=UTC)
OUTREACH = [{"coding": [{"system": "urn:careloop:communication", "code": "outreach"}]}]


def facts(*resources: dict[str, Any], roles: dict[str, frozenset[str]] | None = None) -> PatientFacts:
    found = [Known(resource={"id": f"r{number}", **item}, last_updated=NOON) for number, item in enumerate(resources)]
    return read_facts(found, tenant_id=1, patient_id="p", zone="America/New_York", roles=roles or {})


def only(found: PatientFacts) -> Fact:
    (fact,) = found.facts
    return fact


def message(**changes: Any) -> dict[str, Any]:
    sent = {
        "resourceType": "Communication",
        "status": "completed",
        "category": OUTREACH,
        "sent": "2026-03-02T12:00:00-05:00",
    }
    return sent | {"recipient": [{"reference": "Patient/p"}], "medium": [{"coding": [{"code": "PHONE"}]}]} | changes


def medium(code: str) -> list[dict[str, Any]]:
    return [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode", "code": code}]}]


@pytest.mark.parametrize("code", ["PHONE", "VIDEOCONF", "FACE"])
def test_a_completed_call_is_two_way_contact(code: str) -> None:
    assert only(facts(message(medium=medium(code)))).contact is Contact.REACHED


@pytest.mark.parametrize("code", ["SMSWRIT", "EMAILWRIT", "ONLINEWRIT", "MAILWRIT"])
def test_a_written_message_is_an_attempt_until_it_is_received(code: str) -> None:
    assert only(facts(message(medium=medium(code)))).contact is Contact.ATTEMPT
    received = only(facts(message(medium=medium(code), received="2026-03-02T13:00:00-05:00")))
    assert received.contact is Contact.REACHED
    assert received.at == datetime(2026, 3, 2, 18, tzinfo=UTC)


@pytest.mark.parametrize("outcome", ["no-answer", "left-message", "wrong-number", "busy"])
def test_a_call_that_reached_nobody_is_an_attempt(outcome: str) -> None:
    reason = {"coding": [{"system": "urn:careloop:contact-outcome", "code": outcome}]}
    assert only(facts(message(status="not-done", statusReason=reason))).contact is Contact.ATTEMPT


@pytest.mark.parametrize(
    "change",
    [
        {"status": "in-progress"},
        {"status": "not-done"},
        {"recipient": [{"reference": "Practitioner/1"}]},
        {"recipient": []},
        {"sent": None},
    ],
)
def test_what_is_not_said_to_the_patient_is_neither(change: dict[str, Any]) -> None:
    assert only(facts(message(**change))).contact is None


def test_a_related_person_counts_as_the_patient() -> None:
    assert only(facts(message(recipient=[{"reference": "RelatedPerson/7"}]))).contact is Contact.REACHED


def test_what_was_entered_in_error_or_deleted_is_not_there() -> None:
    assert facts(message(status="entered-in-error")).facts == ()
    gone = Known(resource=message() | {"id": "c"}, last_updated=NOON, deleted=True)
    assert read_facts([gone], tenant_id=1, patient_id="p", zone="UTC").present == frozenset()


def test_only_the_newest_version_counts() -> None:
    old = Known(resource=message() | {"id": "c"}, last_updated=NOON, version=1)
    new = Known(resource=message(status="entered-in-error") | {"id": "c"}, last_updated=NOON, version=2)
    assert read_facts([new, old], tenant_id=1, patient_id="p", zone="UTC").facts == ()


def encounter(**changes: Any) -> dict[str, Any]:
    period = {"start": "2026-03-02T08:00:00-05:00", "end": "2026-03-06T16:30:00-05:00"}
    return {
        "resourceType": "Encounter",
        "id": "e",
        "status": "finished",
        "class": {"code": "IMP"},
        "period": period,
    } | changes


STAY = encounter(id="stay")


def test_an_encounter_of_any_client_is_a_stay_with_one_discharge_when_it_is_finished() -> None:
    coded = {"coding": [{"system": "http://www.nubc.org/patient-discharge", "code": "1"}]}
    (stay,) = facts(encounter(hospitalization={"dischargeDisposition": coded})).stays
    assert stay.discharge is not None
    assert (stay.discharge.key, stay.discharge.disposition) == ("end", "01")
    assert stay.discharge.at == datetime(2026, 3, 6, 21, 30, tzinfo=UTC)


def test_a_discharge_of_which_only_the_date_is_known_ends_with_the_day() -> None:
    (stay,) = facts(encounter(period={"start": "2026-03-02", "end": "2026-03-06"})).stays
    assert stay.end == datetime(2026, 3, 7, 4, 59, 59, tzinfo=UTC)


def test_the_last_discharge_that_nobody_cancelled_stands() -> None:
    def discharge(at: str, **more: str) -> dict[str, Any]:
        parts = [{"url": "key", "valueString": at}, {"url": "at", "valueDateTime": at}]
        parts += [{"url": name, "valueDateTime": value} for name, value in more.items()]
        return {"url": "urn:careloop:discharge", "extension": parts}

    first = discharge("2026-03-04T10:00:00-05:00", cancelled="2026-03-04T18:00:00-05:00")
    (stay,) = facts(encounter(extension=[first, discharge("2026-03-06T16:30:00-05:00")])).stays
    assert len(stay.discharges) == 2
    assert stay.end == datetime(2026, 3, 6, 21, 30, tzinfo=UTC)


def test_a_stay_goes_through_its_classes_in_order() -> None:
    parts = [
        {"class": {"code": "IMP"}, "period": {"start": "2026-03-02T12:00:00-05:00"}},
        {
            "class": {"code": "EMER"},
            "period": {"start": "2026-03-02T08:00:00-05:00", "end": "2026-03-02T12:00:00-05:00"},
        },
    ]
    (stay,) = facts(encounter(classHistory=parts)).stays
    assert [part.code for part in stay.classes] == ["EMER", "IMP"]
    assert stay.started_as(frozenset({"IMP"})) == datetime(2026, 3, 2, 17, tzinfo=UTC)


def test_a_visit_says_who_was_there_and_in_which_role() -> None:
    seen = encounter(participant=[{"individual": {"reference": "Practitioner/9"}}], **{"class": {"code": "AMB"}})
    assert only(facts(STAY, seen)).roles is None
    found = only(facts(STAY, seen, roles={"Practitioner/9": frozenset({"nurse"})}))
    assert (found.contact, found.has_practitioner, found.roles) == (Contact.REACHED, True, frozenset({"nurse"}))


def test_a_death_without_a_time_counts_from_when_it_was_written_down() -> None:
    assert facts({"resourceType": "Patient", "id": "p", "deceasedBoolean": True}).death == NOON
    assert facts({"resourceType": "Patient", "id": "p", "deceasedBoolean": False}).death is None


def test_a_suspected_condition_is_no_diagnosis() -> None:
    suspected = {"resourceType": "Condition", "verificationStatus": {"coding": [{"code": "provisional"}]}}
    assert facts(suspected, {"resourceType": "Condition"}).problems[0].reference == "Condition/r1/_history/1"


def test_a_laboratory_value_inside_a_report_is_followed_by_its_report() -> None:
    laboratory = "http://terminology.hl7.org/CodeSystem/observation-category"
    value = {
        "resourceType": "Observation",
        "id": "o",
        "category": [{"coding": [{"system": laboratory, "code": "laboratory"}]}],
    }
    report = {"resourceType": "DiagnosticReport", "id": "d", "result": [{"reference": "Observation/o"}]}
    assert [result.thing for result in facts(STAY, value, report).results] == ["DiagnosticReport/d"]
    assert [result.thing for result in facts(STAY, value).results] == ["Observation/o"]


def test_what_lies_far_from_any_stay_is_left_out() -> None:
    def visit(start: str) -> dict[str, Any]:
        return encounter(id=start[:10], period={"start": start}, **{"class": {"code": "AMB"}})

    old, near, later = visit("2020-01-02T09:00:00Z"), visit("2026-03-10T09:00:00Z"), visit("2029-03-10T09:00:00Z")
    assert [fact.thing for fact in facts(STAY, old, near, later).facts] == ["Encounter/2026-03-10"]
