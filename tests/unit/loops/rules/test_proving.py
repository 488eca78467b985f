"""Which forms a pathway's `done_when` gives, and what in the record could be the proof."""

from typing import Any

import pytest

from careloop.catalog import load_catalog
from careloop.loops.pathways import read_pathways
from careloop.loops.rules.pathways import Step
from careloop.loops.rules.proving import (
    Kind,
    accepts,
    alternatives,
    must_be_new,
    proven_by_call,
    shown_types,
    tried_by_call,
    ways_of,
)

PATHWAYS = read_pathways(load_catalog(None)).active


def step(pathway: str, step_id: str) -> Step:
    """A step as it ships."""
    return next(one for one in PATHWAYS[pathway].steps if one.id == step_id)


def test_a_condition_is_taken_apart_into_every_way_it_can_hold() -> None:
    condition = {"resource": "Task", "any": [{"status": ["a"]}, {"all": [{"status": ["b"]}, {"key": {"x": ["y"]}}]}]}
    assert alternatives(condition) == (
        {"resource": "Task", "status": ["a"]},
        {"resource": "Task", "status": ["b"], "key": {"x": ["y"]}},
    )


@pytest.mark.parametrize(
    ("pathway", "step_id", "kinds"),
    [
        ("discharge-planning", "checklist", [Kind.NOTE]),
        ("social-need", "consent", [Kind.CONSENT]),
        ("social-need", "sent", [Kind.REQUEST]),
        ("social-need", "accepted", [Kind.ANSWER]),
        ("social-need", "help-confirmed", [Kind.TALK]),
        ("new-patient-intake", "assessment", [Kind.FORM, Kind.VISIT]),
        ("new-patient-intake", "plan", [Kind.PLAN]),
        ("new-patient-intake", "team", [Kind.TEAM]),
        ("care-gap", "booked", [Kind.BOOKING, Kind.PROCEDURE]),
        ("referral-decision", "decided", [Kind.DONE]),
        ("discharge-transition", "pending-results", []),
        ("expected-document", "filed", []),
        ("missed-appointment", "reason", []),
    ],
)
def test_the_forms_of_a_step_follow_from_its_pathway(pathway: str, step_id: str, kinds: list[Kind]) -> None:
    assert [way.kind for way in ways_of(step(pathway, step_id))] == kinds


def test_a_form_asks_for_those_who_may_do_it() -> None:
    (way,) = ways_of(step("care-plan-review", "reviewed"))
    assert "nurse" in way.by
    assert "coordinator" not in way.by


def test_a_plain_call_proves_a_contact_and_no_help_that_came() -> None:
    assert proven_by_call(step("discharge-transition", "contact"))
    assert proven_by_call(step("care-gap", "outreach"))
    assert not proven_by_call(step("social-need", "help-confirmed"))
    assert not proven_by_call(step("test-result", "patient-told"))


def test_a_call_without_an_answer_is_a_try_where_the_pathway_counts_tries() -> None:
    assert tried_by_call(step("social-need", "help-confirmed"))
    assert not tried_by_call(step("discharge-planning", "checklist"))


def visit(**parts: Any) -> dict[str, Any]:
    return {"resourceType": "Encounter", "status": "finished", "class": {"code": "AMB"}, **parts}


def test_only_what_the_step_asks_for_can_be_shown() -> None:
    wanted = step("discharge-transition", "visit")
    assert accepts(wanted, visit())
    assert not accepts(wanted, visit(status="cancelled"))
    assert not accepts(wanted, visit(**{"class": {"code": "IMP"}}))
    assert not accepts(wanted, {"resourceType": "Procedure", "status": "completed"})


def test_proof_that_does_not_name_the_matter_must_be_newer_than_it() -> None:
    assert must_be_new(step("discharge-transition", "visit"), visit())
    assert not must_be_new(step("care-gap", "outreach"), visit())
    summary = {"resourceType": "DocumentReference", "status": "current", "type": {"coding": [
        {"system": "http://loinc.org", "code": "18842-5"}]}}  # fmt: skip
    assert not must_be_new(step("discharge-transition", "discharge-summary"), summary)


def test_a_booking_is_shown_as_the_appointment_that_it_is() -> None:
    assert "Appointment" in shown_types(step("missed-appointment", "rebooked"))
