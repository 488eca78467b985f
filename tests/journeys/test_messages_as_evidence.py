"""What arrives as HL7 v2 closes work: the hospital's summary, whatever the order of arrival."""

from tests.journeys.practice import at
from tests.messages import stamp
from tests.messages.clinical import document


def went_home(practice, mrn):
    practice.move_to("2026-03-06 17:00")
    patient = practice.known(mrn)
    practice.stay(patient, end="2026-03-06 16:30")
    return patient


def summary(mrn, when, **more):
    return document(at=stamp(at(when)), **more).replace(b"100234", mrn.encode()).replace(b"V900001", b"")


def test_a_discharge_summary_by_message_completes_its_step(practice):
    patient = went_home(practice, "700001")
    assert practice.step(patient, "discharge-summary").status.is_open
    practice.move_to("2026-03-07 09:00")
    practice.send(summary("700001", "2026-03-07 08:00"))
    assert not practice.step(patient, "discharge-summary").status.is_open


def test_another_kind_of_document_does_not(practice):
    patient = went_home(practice, "700002")
    practice.move_to("2026-03-07 09:00")
    practice.send(summary("700002", "2026-03-07 08:00", number="D9", kind="PN^Progress note"))
    assert practice.step(patient, "discharge-summary").status.is_open


def test_a_summary_that_is_withdrawn_is_no_evidence(practice):
    patient = went_home(practice, "700003")
    practice.move_to("2026-03-07 09:00")
    practice.send(summary("700003", "2026-03-07 08:00"))
    practice.send(summary("700003", "2026-03-07 08:30", event="T11", control_id="M2"))
    assert practice.step(patient, "discharge-summary").status.is_open
