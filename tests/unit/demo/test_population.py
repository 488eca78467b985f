"""Made-up people are the same for the same seed, coherent, and marked."""

from datetime import UTC, date, datetime
from random import Random
from zoneinfo import ZoneInfo

import pytest

from careloop.access.model import Role
from careloop.clock import Clock
from careloop.demo.chart import chart
from careloop.demo.feed import live
from careloop.demo.population import STAGES, patients, person
from careloop.demo.practice import MADE_UP, Practice, workday_after
from careloop.demo.stays import lately
from careloop.fhir.validation import Validator
from careloop.intake.hl7v2 import read

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
PRACTICE = Practice(
    tenant_id=1,
    slug="riverbend",
    zone=ZoneInfo("America/New_York"),
    staff={role: ((f"Practitioner/{role}", role.value),) for role in Role},
)


def test_the_same_seed_gives_the_same_people_however_many_one_asks_for():
    assert list(patients(7, 30))[:10] == list(patients(7, 10))
    assert person(7, 5, date(2026, 1, 1)) == list(patients(7, 6))[5]
    assert list(patients(7, 5)) != list(patients(8, 5))


def test_five_hundred_people_stand_in_every_stage_with_phone_numbers_of_fiction():
    people = list(patients(2026, 500))
    assert {one.stage for one in people} == {stage for stage, _ in STAGES}
    assert all(" 555 01" in one.phone for one in people)


@pytest.mark.parametrize("number", range(0, 120, 7))
def test_a_chart_is_valid_fhir_and_says_that_it_is_made_up(number: int):
    resources = chart(person(2026, number, NOW.date()), PRACTICE, NOW)
    validator = Validator.load()
    faults = [fault for one in resources for fault in validator.validate(one) if fault.severity in ("error", "fatal")]
    assert faults == []
    assert all(one["meta"]["tag"] == [MADE_UP] for one in resources)


def test_nothing_of_the_past_lies_ahead_and_every_message_can_be_read():
    for one in patients(2026, 300, NOW.date()):
        messages, evidence = lately(one, PRACTICE, NOW)
        assert all(message.at <= NOW.replace(minute=5) for message in messages)
        assert all(read(message.text.encode()) is not None for message in messages)
        sent = [each["sent"] for each in evidence if each["resourceType"] == "Communication"]
        assert all(datetime.fromisoformat(moment) <= NOW for moment in sent)


def test_control_ids_are_used_once():
    told = [message.text for one in patients(2026, 300, NOW.date()) for message in lately(one, PRACTICE, NOW)[0]]
    ids = [text.split("|")[9] for text in told]
    assert len(ids) == len(set(ids))


def test_a_workday_after_friday_is_monday():
    assert workday_after(date(2026, 11, 20), 1) == date(2026, 11, 23)


def test_the_live_feed_sends_everybody_home_again():
    events = live("riverbend", 1, 50, Clock(), Random(1))
    kinds = [next(events).text.split("\r")[1].split("|")[1] for _ in range(60)]
    assert kinds.count("A03") >= 20
    assert {"A01", "A04", "A03"} == set(kinds)
