"""The same test done elsewhere: shown on the loop of the order, and used with one click that one undo takes back."""

from decimal import Decimal

import pytest
from tests.conftest import StandingClock
from tests.journeys.practice import Practice

from careloop.errors import Conflict
from careloop.flows import acts, done_elsewhere
from careloop.loops import store
from careloop.loops.model import Status

A1C = {"coding": [{"system": "http://loinc.org", "code": "4548-4", "display": "Hemoglobin A1c"}], "text": "HbA1c"}
LAB = [{"coding": [{"system": "http://snomed.info/sct", "code": "108252007"}]}]


@pytest.fixture(scope="module")
def practice(_app):
    opened = Practice.open(_app.with_clock(StandingClock()))
    opened.move_to("2026-04-06 09:00")
    return opened


@pytest.fixture
def patient(practice: Practice) -> str:
    found = practice.patient()
    practice.write({
        "resourceType": "ServiceRequest", "id": f"sr-{found}", "status": "active", "intent": "order", "category": LAB,
        "code": A1C, "subject": {"reference": f"Patient/{found}"}, "authoredOn": "2026-04-06T08:00:00-04:00",
        "requester": {"reference": practice.reference("osei")},
    })  # fmt: skip
    return found


def result(practice: Practice, patient: str, day: str, **more) -> None:
    practice.write({
        "resourceType": "Observation", "id": f"a1c-{patient}", "status": "final", "code": A1C,
        "subject": {"reference": f"Patient/{patient}"}, "effectiveDateTime": f"{day}T08:00:00-04:00",
        "performer": [{"display": "Mercy lab"}],
        "valueQuantity": {"value": Decimal("6.9"), "unit": "%", "system": "http://unitsofmeasure.org", "code": "%"},
    } | more)  # fmt: skip


def loop_of(practice: Practice, patient: str) -> store.StoredLoop:
    found = practice.run(lambda tx: store.load_loops(tx, patients=[patient]))
    return next(one for one in found if one.state.focus == f"ServiceRequest/sr-{patient}")


def shown(practice: Practice, patient: str):
    loop = loop_of(practice, patient)
    return practice.run(lambda tx: done_elsewhere.of_loop(practice.app, tx, practice.user("nia"), loop))


def done(practice: Practice, patient: str) -> set[str]:
    return {step.step_id for step in loop_of(practice, patient).state.steps if step.status is Status.COMPLETED}


def use(practice: Practice, patient: str, who: str, reference: str):
    loop = loop_of(practice, patient)

    def work(tx):
        return done_elsewhere.use(practice.app, tx, practice.user(who), loop_id=loop.id, reference=reference)

    return practice.run(work)


def test_a_result_of_another_lab_is_shown_and_proves_what_a_result_proves(practice, patient):
    assert shown(practice, patient) is None
    result(practice, patient, "2026-03-10")
    found = shown(practice, patient)
    assert (found.place, found.result, found.is_pending, found.days) == ("Mercy lab", "6.9 %", False, 80)
    receipt = use(practice, patient, "nia", found.reference)
    assert "HbA1c of 10 Mar 2026, Mercy lab, 6.9 %" in receipt.says
    assert done(practice, patient) == {"collected", "resulted"}
    assert shown(practice, patient) is None
    practice.run(lambda tx: acts.undo(practice.app, tx, practice.user("nia"), act_id=receipt.act_id))
    assert done(practice, patient) == set()


def test_a_doctor_who_uses_it_has_read_it(practice, patient):
    result(practice, patient, "2026-03-10")
    use(practice, patient, "osei", f"Observation/a1c-{patient}")
    assert {"collected", "resulted", "reviewed"} <= done(practice, patient)
    told = [step for step in loop_of(practice, patient).state.steps if step.step_id == "patient-told"]
    assert all(step.status.is_open for step in told)


def test_what_is_too_old_or_belongs_to_the_order_itself_is_no_repeat(practice, patient):
    result(practice, patient, "2025-12-10")
    assert shown(practice, patient) is None
    result(practice, patient, "2026-04-06", basedOn=[{"reference": f"ServiceRequest/sr-{patient}"}])
    assert shown(practice, patient) is None
    with pytest.raises(Conflict):
        use(practice, patient, "nia", f"Observation/a1c-{patient}")


def test_the_same_test_asked_for_elsewhere_is_said_and_cannot_be_used(practice, patient):
    practice.write({
        "resourceType": "ServiceRequest", "id": f"other-{patient}", "status": "active", "intent": "order",
        "category": LAB, "code": A1C, "subject": {"reference": f"Patient/{patient}"},
        "authoredOn": "2026-04-01T08:00:00-04:00", "requester": {"display": "Heart Partners"},
    })  # fmt: skip
    found = shown(practice, patient)
    assert (found.is_pending, found.place) == (True, "Heart Partners")
    with pytest.raises(Conflict):
        use(practice, patient, "nia", found.reference)
