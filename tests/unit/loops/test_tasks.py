"""Loops and steps as FHIR Tasks (interface.md §4)."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from careloop.fhir.validation import Validator
from careloop.loops.ids import loop_id, step_task_id
from careloop.loops.model import ClockState, Closure, Evidence, LoopState, Status, StepState, Tier
from careloop.loops.tasks import TaskFrame, loop_task, provenance, step_task

ZONE = ZoneInfo("America/New_York")
OPENED = datetime(2026, 3, 6, 21, 30, tzinfo=UTC)
DUE = datetime(2026, 3, 11, 3, 59, 59, tzinfo=UTC)
FRAME = TaskFrame(zone=ZONE, title="Call after hospital stay", owner="Practitioner/dana", number=2041)
CALL = Evidence(reference="Communication/c1/_history/1", at=OPENED, says="reached")


def step(**more):
    values = {
        "step_id": "contact",
        "status": Status.ACCEPTED,
        "clock": ClockState.ON_TIME,
        "owner_role": "coordinator",
        "due": DUE,
        "due_because": "2 business days",
    }
    return StepState(**{**values, **more})


def state(**more):
    values = {
        "id": loop_id(1, "discharge-transition", "Encounter/e1", "k"),
        "pathway": "discharge-transition",
        "version": "1.0.0",
        "patient_id": "p1",
        "focus": "Encounter/e1",
        "matter": "k",
        "status": Status.ACCEPTED,
        "clock": ClockState.ON_TIME,
        "opened": OPENED,
        "deadline": datetime(2026, 4, 5, 3, 59, 59, tzinfo=UTC),
        "deadline_because": "29 days",
        "tier": Tier.HIGH,
        "tier_because": "not known",
        "steps": (step(),),
    }
    return LoopState(**{**values, **more})


def test_a_loop_task_has_the_elements_that_are_promised():
    task = loop_task(state(), FRAME)
    assert task["code"]["coding"] == [{"system": "urn:careloop:pathway", "code": "discharge-transition"}]
    assert task["instantiatesUri"] == "urn:careloop:pathway:discharge-transition|1.0.0"
    assert task["businessStatus"]["coding"] == [{"system": "urn:careloop:clock", "code": "on-time"}]
    assert (task["for"], task["focus"]) == ({"reference": "Patient/p1"}, {"reference": "Encounter/e1"})
    assert task["owner"] == {"reference": "Practitioner/dana"}
    assert task["restriction"]["period"]["end"] == "2026-04-04T23:59:59-04:00"
    assert task["executionPeriod"] == {"start": "2026-03-06T16:30:00-05:00"}
    assert task["identifier"][0]["value"] == "L-2041"


def test_a_step_task_is_part_of_the_loop_and_carries_versioned_proof():
    done = step(status=Status.COMPLETED, ended=OPENED, evidence=(CALL,))
    task = step_task(state(), done, FRAME)
    assert task["id"] == step_task_id(state().id, "contact")
    assert task["partOf"] == [{"reference": f"Task/{state().id}"}]
    assert task["output"][0]["type"]["coding"][0]["system"] == "urn:careloop:evidence"
    assert task["output"][0]["valueReference"] == {"reference": "Communication/c1/_history/1"}


def test_a_closure_without_proof_is_a_coded_reason_and_a_note():
    closure = Closure(reason="patient-declined", at=OPENED, by="Practitioner/dana", note="She said no")
    task = loop_task(state(status=Status.CANCELLED, closed=OPENED, closure=closure), FRAME)
    assert task["statusReason"]["coding"] == [{"system": "urn:careloop:reason", "code": "patient-declined"}]
    assert task["note"] == [
        {
            "time": "2026-03-06T16:30:00-05:00",
            "text": "She said no",
            "authorReference": {"reference": "Practitioner/dana"},
        }
    ]


@pytest.fixture(scope="module")
def validator():
    return Validator.load()


def test_what_the_engine_writes_is_valid_fhir(validator):
    closure = Closure(reason="other", at=OPENED, by="Practitioner/dana", note="Why")
    done = step(status=Status.COMPLETED, ended=OPENED, evidence=(CALL,), closure=closure)
    written = [
        loop_task(state(status=Status.CANCELLED, closed=OPENED, closure=closure), FRAME),
        step_task(state(), done, FRAME),
        provenance(
            id_="p",
            targets=["Task/t/_history/1"],
            recorded=OPENED,
            reasons=["why"],
            by=None,
            cause="Encounter/e1/_history/2",
            zone=ZONE,
        ),
    ]
    for resource in written:
        assert validator.validate(resource) == []
