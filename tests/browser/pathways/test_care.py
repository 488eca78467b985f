"""Care that is planned: a gap, a month, a new patient, a plan, a visit, medicines. Each to its end, and gone wrong."""

import pytest
from playwright.sync_api import expect
from tests.browser.pathways.desk import Desk, Story, ago, box, fill_in, form, on_form, text

pytestmark = [pytest.mark.browser, pytest.mark.long]


def gap(desk: Desk, family: str) -> Story:
    """A payer's report says that a test is due."""
    story = desk.patient(family)
    story.tells(
        "DetectedIssue",
        "gap",
        status="final",
        patient=story.subject,
        identifiedDateTime=text(ago(hours=2)),
        code={
            "coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "CAREGAP"}],
            "text": "Colon cancer screening",
        },
    )
    return story


def test_a_care_gap_is_called_booked_and_proven(desk: Desk) -> None:
    story = gap(desk, "GAPLING")
    page = story.seen_by("coordinator", "care-gap")
    expect(page.locator("#pane-title")).to_contain_text("Ask the patient")
    story.calls("coordinator", "care-gap")
    page = story.at_step("coordinator", "care-gap", "booked")
    booked = on_form(days=-9)
    fill_in(
        form(page, "A visit is booked"),
        "Save the visit",
        text="Gastroenterology at St. Anne",
        fills={"Day and time of the visit": booked},
    )
    page = story.at_step("coordinator", "care-gap", "evidence")
    fill_in(
        form(page, "It was done"),
        "Save",
        text="The report came with the patient.",
        fills={"What was done": "Colonoscopy", "When it was": on_form(minutes=1)},
    )
    story.is_closed("care-gap")


def test_a_care_gap_nobody_answers_and_a_report_that_was_wrong(desk: Desk) -> None:
    story = gap(desk, "GAPLESS")
    for outcome in ("No answer", "Left message", "No answer"):
        story.calls("coordinator", "care-gap", outcome)
    page = story.at_loop("coordinator", "care-gap")
    expect(page.locator("#callbox")).to_contain_text("Send the letter next.")
    report = story.tells(
        "DiagnosticReport",
        "colon",
        status="final",
        subject=story.subject,
        issued=text(ago(minutes=1)),
        code={"text": "Colonoscopy"},
    )
    page = story.at_step("coordinator", "care-gap", "evidence")
    page.get_by_label("Report: Colonoscopy").check()
    page.get_by_role("button", name="This is the proof").click()
    assert story.step("care-gap", "evidence")["status"] == "completed"
    story.desk.fhir.put({**story.desk.fhir.get(report), "status": "entered-in-error"})
    story.is_open("coordinator", "care-gap", "evidence")


def test_a_month_of_care_is_spoken_reviewed_and_counted(desk: Desk) -> None:
    story = desk.patient("MONTHLY")
    story.asks("monthly-care", "Care of November")
    story.seen_by("coordinator", "monthly-care")
    story.calls("coordinator", "monthly-care")
    page = story.at_loop("nurse", "monthly-care")
    expect(page.locator("#pane-title")).to_contain_text("Look at the care plan")
    fill_in(box(page), "Save", text="Walks twice a day now; nothing else changes.")
    page = story.at_loop("coordinator", "monthly-care")
    fill_in(box(page), "Save", text="24 minutes, in the timer.")
    story.is_closed("monthly-care")


def test_a_month_of_care_with_no_answer_ends_with_the_patients_no(desk: Desk) -> None:
    story = desk.patient("MONTHLESS")
    story.asks("monthly-care", "Care of November")
    for outcome in ("No answer", "Left message", "No answer"):
        story.calls("coordinator", "monthly-care", outcome)
    story.is_open("coordinator", "monthly-care", "contact")
    story.says_no("coordinator", "monthly-care")


def test_a_new_patient_agrees_is_asked_planned_for_and_has_a_team(desk: Desk) -> None:
    story = desk.patient("NEWCOMER")
    story.asks("new-patient-intake", "New patient")
    page = story.seen_by("coordinator", "new-patient-intake")
    fill_in(
        box(page), "Save the answer", text="Care with our team; asked in English, in words of every day.", ticks=["Yes"]
    )
    page = story.at_step("nurse", "new-patient-intake", "assessment")
    fill_in(
        form(page, "Ask and write down"),
        "Save the answers",
        fills={"What matters most to you now?": "To see my grandson ride", "Who helps you at home?": "My sister"},
    )
    page = story.at_step("nurse", "new-patient-intake", "plan")
    fill_in(
        form(page, "The plan"),
        "Save the plan",
        text="To see my grandson ride",
        fills={"What is done, and by whom": "Walk ten minutes a day: herself\nBlood pressure each week: Nora"},
    )
    page = story.at_step("coordinator", "new-patient-intake", "team")
    fill_in(form(page, "The care team"), "Name the team", picks={"Lead coordinator": "Dana Whitfield"})
    story.is_closed("new-patient-intake")
    plan = desk.fhir.found(f"CarePlan?patient={story.patient}")[0]
    assert [one["detail"]["description"] for one in plan["activity"]][1] == "Blood pressure each week: Nora"


def test_a_new_patient_who_does_not_agree(desk: Desk) -> None:
    story = desk.patient("NOTYET")
    story.asks("new-patient-intake", "New patient")
    page = story.seen_by("coordinator", "new-patient-intake")
    fill_in(box(page), "Save the answer", text="Wants to think about it.", ticks=["No"])
    expect(page.locator("#said")).to_contain_text("still open")
    story.is_open("coordinator", "new-patient-intake", "consent")
    story.says_no("coordinator", "new-patient-intake")


def test_a_care_plan_is_reviewed_by_a_nurse_and_agreed(desk: Desk) -> None:
    story = desk.patient("REVIEWER")
    story.asks("care-plan-review", "Care plan to look at")
    page = story.seen_by("coordinator", "care-plan-review")
    expect(box(page)).to_contain_text("This is done by a nurse")
    page = story.at_loop("nurse", "care-plan-review")
    fill_in(box(page), "Save", text="The water pill stays; the walk gets longer.")
    page = story.at_loop("nurse", "care-plan-review")
    expect(page.locator("#pane-title")).to_contain_text("Agree on the plan")
    fill_in(box(page), "Save", text="I will walk to the church and back.")
    story.is_closed("care-plan-review")


def test_a_review_that_was_withdrawn_must_be_agreed_again(desk: Desk) -> None:
    story = desk.patient("REDOER")
    story.asks("care-plan-review", "Care plan to look at")
    for sentence in ("All stays.", "Fine with me."):
        fill_in(box(story.at_loop("nurse", "care-plan-review")), "Save", text=sentence)
    assert story.loop("care-plan-review")["status"] == "completed"
    story.withdraws("care-plan-review", "reviewed")
    story.is_open("nurse", "care-plan-review", "reviewed")
    story.is_open("nurse", "care-plan-review", "agreed")


def visit_wanted(desk: Desk, family: str) -> Story:
    """A doctor's order for a follow-up visit."""
    story = desk.patient(family)
    story.tells(
        "ServiceRequest",
        "visit",
        status="active",
        intent="order",
        subject=story.subject,
        authoredOn=text(ago(hours=1)),
        code={"coding": [{"system": "http://snomed.info/sct", "code": "390906007"}], "text": "Blood pressure visit"},
    )
    return story


def book(story: Story) -> str:
    """The loop's own button leads to free times; one press books. The address of the visit."""
    page = story.seen_by("coordinator", "routine-follow-up")
    page.get_by_role("link", name="Find a free time").click()
    page.locator("button[name=time]").first.click()
    expect(page.locator("#said")).to_contain_text("The visit is booked.")
    return page.url


def test_a_follow_up_visit_is_booked_and_takes_place(desk: Desk) -> None:
    story = visit_wanted(desk, "RETURNER")
    book(story)
    assert story.step("routine-follow-up", "booked")["status"] == "completed"
    page = story.at_step("coordinator", "routine-follow-up", "seen")
    fill_in(
        form(page, "A visit took place"),
        "Save the visit",
        text="Came early; 128 over 80.",
        fills={"When it was": on_form(minutes=2)},
        picks={"Where": "At the practice", "Who saw the patient": "Grace Oduya"},
    )
    story.is_closed("routine-follow-up")


def test_a_follow_up_visit_is_cancelled_by_the_patient_missed_and_booked_again(desk: Desk) -> None:
    story = visit_wanted(desk, "CANCELLER")
    visit = book(story)
    page = desk.page("coordinator")
    page.goto(visit)
    page.locator("summary", has_text="Cancel this visit").click()
    page.get_by_label("Why").select_option("ride")
    page.get_by_role("button", name="Cancel the visit").click()
    story.is_open("coordinator", "routine-follow-up", "booked")
    story.seen_by("coordinator", "missed-appointment")
    assert story.step("missed-appointment", "reason")["status"] == "completed"
    page.get_by_role("link", name="Open the visit").click()
    page.get_by_role("link", name="Book again").click()
    page.locator("button[name=time]").first.click()
    expect(page.locator("#said")).to_contain_text("The visit is booked.")
    story.is_closed("missed-appointment")


def missed(desk: Desk, family: str) -> Story:
    """Another system says that the patient did not come yesterday."""
    story = desk.patient(family)
    story.tells(
        "Appointment",
        "missed",
        status="noshow",
        created=text(ago(days=9)),
        start=text(ago(hours=26)),
        end=text(ago(hours=25.5)),
        participant=[{"actor": story.subject, "status": "declined"}],
    )
    return story


def test_a_missed_visit_has_a_reason_a_fix_and_a_new_date(desk: Desk) -> None:
    story = missed(desk, "LATECOMER")
    page = story.seen_by("coordinator", "missed-appointment")
    expect(page.locator("#pane-title")).to_contain_text("Ask why")
    page.get_by_role("link", name="Open the visit").click()
    page.get_by_label("Reason").select_option("ride")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#said")).not_to_be_empty()
    page = story.at_step("coordinator", "missed-appointment", "rebooked")
    fill_in(
        form(page, "A visit is booked"),
        "Save the visit",
        text="With Dr. Oduya, the van fetches her",
        fills={"Day and time of the visit": on_form(days=-6)},
    )
    story.is_closed("missed-appointment")


def test_a_missed_visit_nobody_can_ask_about(desk: Desk) -> None:
    story = missed(desk, "VANISHED")
    for outcome in ("No answer", "Left message", "No answer"):
        story.calls("coordinator", "missed-appointment", outcome)
    story.is_open("coordinator", "missed-appointment", "reason")
    story.says_no("coordinator", "missed-appointment", "unable-to-reach")


def lists_gathered(desk: Desk, family: str) -> Story:
    """A programme asks for a comparison, and the nurse has both lists."""
    story = desk.patient(family)
    story.asks("medication-reconciliation", "Medicines to compare")
    page = story.seen_by("nurse", "medication-reconciliation")
    page = story.at_step("nurse", "medication-reconciliation", "lists-gathered")
    fill_in(form(page, "Write it down"), "Save", text="Hospital list of Friday, and what she takes.")
    page = story.at_step("nurse", "medication-reconciliation", "decided")
    fill_in(form(page, "It was done"), "Save", text="Stop ibuprofen; keep the rest.")
    return story


def test_medicines_are_compared_signed_and_told(desk: Desk) -> None:
    story = lists_gathered(desk, "PILLMAN")
    page = story.at_step("physician", "medication-reconciliation", "signed")
    fill_in(form(page, "Write it down"), "Save", text="I sign the list of today.")
    story.calls("nurse", "medication-reconciliation")
    story.is_closed("medication-reconciliation")


def test_a_comparison_of_the_wrong_list_is_withdrawn_and_must_be_signed_again(desk: Desk) -> None:
    story = lists_gathered(desk, "WRONGLIST")
    page = story.at_step("physician", "medication-reconciliation", "signed")
    fill_in(form(page, "Write it down"), "Save", text="I sign the list of today.")
    story.withdraws("medication-reconciliation", "decided")
    story.is_open("nurse", "medication-reconciliation", "decided")
    story.is_open("nurse", "medication-reconciliation", "signed")
    page = story.at_step("physician", "medication-reconciliation", "signed")
    expect(page.locator("main")).to_contain_text("First comes: Decide for each medicine")
