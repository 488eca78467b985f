"""What the record says of staff and teams."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careloop.teams.rules import (
    QUALIFICATION,
    absences_of,
    language_of,
    members_of,
    physician_of,
    profile_of,
    state_of,
    valid_through,
)

ZONE = ZoneInfo("America/New_York")
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("issued", "months", "last"),
    [
        (date(2024, 2, 29), 24, date(2026, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 12, 15), 12, date(2027, 12, 15)),
    ],
)
def test_pg_04b_the_same_day_of_the_month_clipped_to_its_end(issued, months, last):
    assert valid_through(issued, months) == last


@given(issued=st.dates(date(2000, 1, 1), date(2100, 1, 1)), months=st.integers(1, 120))
def test_validity_never_ends_in_another_month_than_it_should(issued, months):
    last = valid_through(issued, months)
    assert (last.year * 12 + last.month) - (issued.year * 12 + issued.month) == months
    assert last.day <= issued.day


def test_a_profile_has_languages_licences_with_their_states_and_working_hours():
    nurse = {
        "resourceType": "Practitioner",
        "id": "n",
        "communication": [{"coding": [{"code": "es-PR"}]}, {"coding": [{"code": "en"}]}],
        "qualification": [
            _licence("MA", "NH", period={"end": "2027-01-31"}),
            _licence("NY", status="revoked"),
            {"code": {"text": "CPR"}},
        ],
    }
    times = [{"daysOfWeek": ["mon", "tue"], "availableStartTime": "09:00:00", "availableEndTime": "12:30:00"}]
    profile = profile_of(nurse, [{"availableTime": times}, {"active": False, "availableTime": [{"allDay": True}]}])
    assert profile.languages == ("en", "es")
    assert profile.states == ("MA", "NH")
    assert profile.licences[0].last == date(2027, 1, 31)
    assert profile.working == {0: 210, 1: 210}


def _licence(*states, status="active", **more):
    marks = [{"url": "status", "valueCode": status}]
    marks += [{"url": "whereValid", "valueCodeableConcept": {"coding": [{"code": state}]}} for state in states]
    return {"code": {"text": "RN"}, "extension": [{"url": QUALIFICATION, "extension": marks}], **more}


def test_where_the_patient_lives_and_what_they_speak():
    patient = {
        "communication": [
            {"language": {"coding": [{"code": "en"}]}},
            {"language": {"coding": [{"code": "vi"}]}, "preferred": True},
        ],
        "address": [{"use": "old", "state": "NY"}, {"use": "home", "state": "ma"}],
        "generalPractitioner": [{"reference": "Organization/1"}, {"reference": "Practitioner/2"}],
    }
    assert (state_of(patient, NOW.date()), language_of(patient), physician_of(patient)) == (
        "MA",
        "vi",
        "Practitioner/2",
    )


def test_a_patient_of_whom_nothing_is_known_asks_for_nothing():
    assert (state_of({}, NOW.date()), language_of({}), physician_of({})) == ("", "", None)


def test_members_are_those_whose_period_is_not_over():
    team = {
        "id": "t",
        "status": "active",
        "subject": {"reference": "Patient/p"},
        "participant": [
            _participant("a", "nurse"),
            _participant("b", "nurse", end="2026-05-31"),
            _participant("c", "coordinator", end="2026-06-01"),
            {"member": {"reference": "Organization/x"}},
        ],
    }
    found = {(one.practitioner, one.role, one.ends) for one in members_of(team, NOW, ZONE)}
    assert found == {("a", "nurse", None), ("c", "coordinator", datetime(2026, 6, 1, 23, 59, 59, tzinfo=ZONE))}
    assert members_of({**team, "status": "inactive"}, NOW, ZONE) == []


def _participant(person, role, end=None):
    role = {"coding": [{"system": "urn:careloop:role", "code": role}]}
    period = {"period": {"end": end}} if end else {}
    return {"role": [role], "member": {"reference": f"Practitioner/{person}"}, **period}


def test_a_stretch_without_an_end_is_no_absence():
    role = {
        "notAvailable": [
            {"description": "leave", "during": {"start": "2026-06-08", "end": "2026-06-12"}},
            {"description": "x"},
        ]
    }
    [(starts, ends, why)] = absences_of(role, ZONE)
    assert (starts.isoformat(), ends.isoformat(), why) == (
        "2026-06-08T00:00:00-04:00",
        "2026-06-12T23:59:59-04:00",
        "leave",
    )
