"""Care that is planned: a gap, a month, a new patient, a plan, a visit, medicines. Each to its end, and gone wrong."""

import pytest
from playwright.sync_api import expect
from tests.browser.pathways.desk import Desk, Story, ago, box, fill_in, form, on_form, text

pytestmark = [pytest.mark.browser, pytest.mark.long]


def gap(desk: Desk, family: str) -> Story:
    """A payer's report says that a test is due."""
    story = desk.patient(family)
    story.tells(
        "DetectedIssue", "gap", status="final", patient=story.subject, identifiedDateTime=text(ago(hours=2)),
        code={"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "CAREGAP"}],
              "text": "Colon cancer screening"},
    )  # fmt: skip
    return story


def test_a_care_gap_is_called_booked_and_proven(desk: Desk) -> None:
    story = gap(desk, "GAPLING")
    page = story.seen_by("coordinator", "care-gap")
    expect(page.locator("#pane-title")).to_contain_text("Ask the patient")
    story.calls("coordinator", "care-gap")
    page = story.at_step("coordinator", "care-gap", "booked")
    booked = on_form(days=-9)
    fill_in(form(page, "A visit is booked"), "Save the visit", text="Gastroenterology at St. Anne",
            fills={"Day and time of the visit": booked})  # fmt: skip
    page = story.at_step("coordinator", "care-gap", "evidence")
    fill_in(form(page, "It was done"), "Save", text="The report came with the patient.",
            fills={"What was done": "Colonoscopy", "When it was": on_form(minutes=1)})  # fmt: skip
    story.is_closed("care-gap")


def test_a_care_gap_nobody_answers_and_a_report_that_was_wrong(desk: Desk) -> None:
    story = gap(desk, "GAPLESS")
    for outcome in ("No answer", "Left message", "No answer"):
        story.calls("coordinator", "care-gap", outcome)
    page = story.at_loop("coordinator", "care-gap")
    expect(page.locator("#callbox")).to_contain_text("Send the letter next.")
    report = story.tells(
        "DiagnosticReport", "colon", status="final", subject=story.subject, issued=text(ago(minutes=1)),
        code={"text": "Colonoscopy"},
    )  # fmt: skip
    page = story.at_step("coordinator", "care-gap", "evidence")
    page.get_by_label("Report: Colonoscopy").check()
    page.get_by_role("button", name="This is the proof").click()
    assert story.step("care-gap", "evidence")["status"] == "completed"
    story.desk.fhir.put({**story.desk.fhir.get(report), "status": "entered-in-error"})
    story.is_open("coordinator", "care-gap", "evidence")
