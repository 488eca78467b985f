"""One story from resources of anybody, in any order."""

from itertools import permutations
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from careloop.catalog import load_catalog
from careloop.loops.rules.referrals import words
from careloop.loops.rules.referrals.content import read_tables
from careloop.loops.rules.referrals.keys import referral_keys
from careloop.loops.rules.referrals.states import phase, stage
from careloop.loops.rules.referrals.story import Gathered, Story, story_of

TABLES = read_tables(load_catalog())
ZONE = ZoneInfo("America/New_York")
OWN = {"reference": "ServiceRequest/r"}
REQUEST: dict[str, Any] = {
    "resourceType": "ServiceRequest", "id": "r", "status": "active", "intent": "order", "priority": "routine",
    "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "3457005"}]}],
    "code": {"text": "Cardiology"}, "subject": {"reference": "Patient/p"}, "authoredOn": "2026-04-06T09:00:00-04:00",
}  # fmt: skip


def task(status: str, state: str = "", **more: Any) -> dict[str, Any]:
    said = {"coding": [{"system": "urn:careloop:referral-state", "code": state}]} if state else {}
    return {
        "resourceType": "Task", "id": "t", "status": status, "focus": OWN, "businessStatus": said,
        "authoredOn": "2026-04-06T10:00:00-04:00", "lastModified": "2026-04-07T10:00:00-04:00", **more,
    }  # fmt: skip


def visit(status: str, day: str = "2026-04-20", name: str = "v") -> dict[str, Any]:
    return {
        "resourceType": "Appointment",
        "id": id,
        "status": status,
        "start": f"{day}T10:00:00-04:00",
        "basedOn": [OWN],
    }


AGAIN = visit("booked", "2026-05-01", "w")


def report(day: str) -> dict[str, Any]:
    return {"resourceType": "DocumentReference", "id": "d", "status": "current", "date": f"{day}T10:00:00-04:00"}


def told(**parts: Any) -> Story:
    return story_of(TABLES, Gathered(request=parts.pop("request", REQUEST), **parts), ZONE)


@pytest.mark.parametrize(
    ("parts", "state"),
    [
        ({}, "draft"),
        ({"tasks": [task("requested")]}, "sent"),
        ({"tasks": [task("draft")]}, "draft"),
        ({"tasks": [task("requested")], "appointments": [visit("booked")]}, "scheduled"),
        ({"tasks": [task("requested")], "appointments": [visit("proposed")]}, "sent"),
        ({"tasks": [task("in-progress", "scheduled")], "appointments": [visit("noshow")]}, "no-show"),
        ({"tasks": [task("accepted", "no-show")], "appointments": [visit("noshow"), AGAIN]}, "scheduled"),
        ({"tasks": [task("accepted")], "appointments": [visit("fulfilled")]}, "seen"),
        ({"tasks": [task("accepted")], "reports": [report("2026-04-22")]}, "report-received"),
        ({"tasks": [task("in-progress", "reviewed")], "reports": [report("2026-04-22")]}, "reviewed"),
        ({"tasks": [task("in-progress", "report-incomplete")], "reports": [report("2026-04-06")]}, "report-incomplete"),
        ({"tasks": [task("in-progress", "report-incomplete")], "reports": [report("2026-04-08")]}, "report-received"),
        ({"tasks": [task("cancelled", "redirected")], "appointments": [visit("booked")]}, "redirected"),
        ({"tasks": [task("completed")]}, "report-received"),
        ({"tasks": [task("completed", "closed")]}, "closed"),
        ({"tasks": [task("requested")], "request": {**REQUEST, "status": "revoked"}}, "cancelled"),
        ({"tasks": [task("requested")], "request": {**REQUEST, "status": "completed"}}, "report-received"),
    ],
)  # fmt: skip
def test_the_state_is_the_tasks_moved_forward_by_facts(parts: dict[str, Any], state: str) -> None:
    assert told(**parts).state.id == state


@pytest.mark.parametrize("status", ["booked", "fulfilled", "noshow"])
def test_rf03_a_visit_was_booked_when_it_was_made_whatever_became_of_it(status: str) -> None:
    made = {**visit(status), "created": "2026-04-08T09:00:00-04:00"}
    booked = told(tasks=[task("accepted")], appointments=[made]).scheduled
    assert booked is not None
    assert booked.isoformat() == "2026-04-08T13:00:00+00:00"


def test_the_order_in_which_resources_are_read_does_not_matter() -> None:
    visits = [visit("noshow"), visit("fulfilled", "2026-05-01", "w"), visit("booked", "2026-06-01", "x")]
    stories = {
        (story.state.id, story.seen, story.no_shows, story.visit_on)
        for some in permutations(visits)
        for story in [told(tasks=[task("accepted")], appointments=list(some))]
    }
    assert len(stories) == 1
    assert stories.pop()[0] == "seen"


def test_of_two_tasks_the_last_that_was_not_withdrawn_counts() -> None:
    older = task("cancelled", id="a", authoredOn="2026-04-05T10:00:00-04:00")
    newer = task("accepted", id="b", authoredOn="2026-04-06T10:00:00-04:00")
    assert told(tasks=[older, newer]).state.id == told(tasks=[newer, older]).state.id == "accepted"


def test_reminders_count_until_something_moves() -> None:
    reminder = {
        "status": "completed", "sent": "2026-04-10T09:00:00-04:00",
        "category": [{"coding": [{"system": "urn:careloop:communication", "code": "referral-reminder"}]}],
    }  # fmt: skip
    silent = told(tasks=[task("requested")], messages=[reminder, {**reminder, "status": "entered-in-error"}])
    assert silent.silent == 1
    answered = task("accepted", lastModified="2026-04-11T10:00:00-04:00")
    assert told(tasks=[answered], messages=[reminder]).silent == 0


def test_a_request_without_dates_has_no_clock_and_breaks_nothing() -> None:
    bare = {name: value for name, value in REQUEST.items() if name not in ("authoredOn", "code", "priority")}
    story = told(request=bare)
    assert (story.see_by, story.clock_start, story.since, story.service) == (None, None, None, "")


def test_which_tasks_fulfil_and_what_pathways_may_ask_of_them() -> None:
    assert referral_keys(TABLES, task("in-progress", "seen")) == {"referral": "seen", "stage": "seen"}
    own = {**task("requested"), "code": {"coding": [{"system": words.WORK, "code": "recontact"}]}}
    assert referral_keys(TABLES, own) == {}
    assert referral_keys(TABLES, {**task("requested"), "partOf": [{"reference": "Task/x"}]}) == {}
    elective = {**REQUEST, "extension": [{"url": words.PRIORITY, "valueCode": "elective"}]}
    assert referral_keys(TABLES, elective) == {"urgency": "elective", "kept": "here"}
    assert referral_keys(TABLES, {**elective, "priority": "urgent"})["urgency"] == "urgent"
    assert referral_keys(TABLES, REQUEST) == {"urgency": "routine", "kept": "elsewhere"}
    assert referral_keys(TABLES, {**REQUEST, "category": []}) == {}


@pytest.mark.parametrize("state", sorted(TABLES.states))
def test_every_state_has_a_stage_and_no_move_of_the_table_skips_back_over_reading(state: str) -> None:
    assert stage(state) == "over" or phase(state) >= 0
    if stage(state) == "read":
        assert all(stage(following) == "read" for following in TABLES.states[state].next)
