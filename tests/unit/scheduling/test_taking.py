"""Whose time a resource takes, and hours in a Schedule."""

import pytest
from icalendar import Calendar

from careloop.errors import Rejected
from careloop.scheduling.model import Window
from careloop.scheduling.rules import hours
from careloop.scheduling.rules.calendar_text import Entry, feed_of
from careloop.scheduling.rules.taking import taken_by_absence, taken_by_appointment, window_of


def visit(**more):
    parts = [{"actor": {"reference": "Patient/p"}}, {"actor": {"reference": "Practitioner/n"}, "status": "accepted"}]
    return {
        "id": "a", "status": "booked", "start": "2026-11-24T09:00:00-05:00", "end": "2026-11-24T09:30:00-05:00",
        "participant": parts, **more,
    }  # fmt: skip


def test_it_takes_the_time_of_patient_and_practitioner_in_utc():
    found = taken_by_appointment(visit(), 30)
    assert [(one.actor, one.window.start.hour) for one in found] == [("Patient/p", 14), ("Practitioner/n", 14)]


@pytest.mark.parametrize("status", ["cancelled", "noshow", "proposed", "waitlist", "entered-in-error", "", "new"])
def test_what_does_not_take_place_takes_no_time(status):
    assert taken_by_appointment(visit(status=status), 30) == []


@pytest.mark.parametrize(
    ("more", "minutes"),
    [({"end": None}, 20), ({"end": None, "minutesDuration": 45}, 45), ({"end": "2026-11-24T08:00:00-05:00"}, 20)],
)
def test_without_an_end_that_can_be_it_takes_what_it_says_or_what_is_assumed(more, minutes):
    assert taken_by_appointment(visit(**more), 20)[0].window.length.total_seconds() == minutes * 60


@pytest.mark.parametrize("start", [None, "", "2026-11-24", "rubbish", "2026-11-24T09:00:00", "1066-01-01T00:00:00Z"])
def test_without_an_instant_it_takes_none(start):
    assert taken_by_appointment(visit(start=start), 30) == []


def test_clerks_who_only_entered_it_are_not_there():
    clerk = {"actor": {"reference": "Practitioner/c"}, "type": [{"coding": [{"code": "enterer"}]}]}
    contact = {"actor": {"reference": "Practitioner/d"}, "type": [{"text": "filler contact"}]}
    found = taken_by_appointment(visit(participant=[clerk, contact, *visit()["participant"]]), 30)
    assert [one.actor for one in found] == ["Patient/p", "Practitioner/n"]


def test_one_who_takes_part_twice_is_taken_once_for_both_times():
    period = {"start": "2026-11-24T09:20:00-05:00", "end": "2026-11-24T10:00:00-05:00"}
    again = {"actor": {"reference": "Practitioner/n/_history/3"}, "period": period}
    found = taken_by_appointment(visit(participant=[*visit()["participant"], again]), 30)
    assert found[1].window.length.total_seconds() == 3600


def test_only_an_absence_is_an_absence():
    slot = {"id": "s", "status": "busy-unavailable", "start": visit()["start"], "end": visit()["end"]}
    assert [one.kind for one in taken_by_absence(slot, ("Practitioner/n", "Location/l"))] == ["away"]
    assert taken_by_absence({**slot, "status": "busy"}, ("Practitioner/n",)) == []


def test_hours_as_people_write_them_come_back_from_a_schedule():
    found = hours.parse_hours({0: "8:00-12:00, 13:00–17:30", 5: ""})
    assert hours.read_hours({"extension": hours.hours_extensions(found)}) == found
    assert hours.hours_text(found, 0) == "08:00-12:00, 13:00-17:30"


@pytest.mark.parametrize("text", ["8", "12:00-8:00", "8:00-12:00, 11:00-13:00", "a-b", "25:00-26:00"])
def test_hours_that_cannot_be_are_refused_with_their_day(text):
    with pytest.raises(Rejected, match="tue"):
        hours.parse_hours({1: text})


def test_a_feed_is_the_same_for_the_same_entries_and_a_calendar_reads_it():
    window = window_of(visit()["start"], visit()["end"], 0)
    assert isinstance(window, Window)
    one = Entry(uid="u", words="M. R., Home visit", place="Troy", window=window, confirmed=False, changed=window.start)
    text = feed_of([one], "Practice: visits")
    assert text == feed_of([one], "Practice: visits")
    (event,) = Calendar.from_ical(text).walk("VEVENT")
    assert str(event["summary"]) == "M. R., Home visit" and str(event["class"]) == "PRIVATE"
    assert event.decoded("dtstart") == window.start and str(event["status"]) == "TENTATIVE"
