"""Medicines that somebody must decide about, that must not be taken together, that were not filled again. Each to its
end, and gone wrong."""

import pytest
from playwright.sync_api import expect
from tests.browser.pathways.desk import Desk, Story, ago, text
from tests.journeys.medicine_lists import DISCHARGE

pytestmark = [pytest.mark.browser, pytest.mark.long]


def orders(story: Story, key: str, name: str, status: str = "active") -> None:
    """A doctor's order, told by the electronic health record."""
    story.tells(
        "MedicationRequest", key, status=status, intent="order", subject=story.subject,
        medicationCodeableConcept={"text": name}, authoredOn=text(ago(days=1)),
        dosageInstruction=[{"text": "1 tablet once a day"}],
    )  # fmt: skip


def asked_of_a_doctor(desk: Desk, family: str) -> Story:
    """Hospital and patient differ about one medicine; the nurse asks the doctor and finishes the comparison."""
    story = desk.patient(family)
    story.tells(
        "MedicationRequest", "hospital", status="active", intent="order", category=DISCHARGE, subject=story.subject,
        medicationCodeableConcept={"text": "furosemide 40 mg tablet"}, authoredOn=text(ago(days=3)),
        dosageInstruction=[{"text": "1 tablet twice a day"}],
    )  # fmt: skip
    story.tells(
        "MedicationStatement", "home", status="active", subject=story.subject, informationSource=story.subject,
        medicationCodeableConcept={"text": "furosemide 20 mg tablet"}, dateAsserted=text(ago(days=1)),
        dosage=[{"text": "1 tablet once a day"}],
    )  # fmt: skip
    page = desk.page("nurse")
    page.goto(f"{desk.site.url}/patients/{story.patient}/medicines/compare")
    page.locator("tr.med", has_text="Furosemide").get_by_role("radio", name="Ask doctor", exact=True).click()
    expect(page.locator("#finish")).to_have_text("Finish")
    page.locator("#finish").click()
    expect(page.get_by_role("heading", name="Medicines compared")).to_be_visible()
    return story


def decide(story: Story, reason: str) -> None:
    """The doctor decides on the page that the loop leads to."""
    page = story.seen_by("physician", "medicine-decision")
    expect(page.locator("#pane-title")).to_contain_text("Decide about the medicine")
    page.get_by_role("link", name="Open the medicines").click()
    place = page.locator("section", has=page.get_by_role("heading", name="To decide"))
    expect(place).to_contain_text("furosemide", ignore_case=True)
    place.get_by_label("Decision").select_option("change")
    place.get_by_label("New directions").fill("40 mg in the morning")
    place.get_by_label("Reason").fill(reason)
    place.get_by_role("button", name="Decide").click()
    expect(page.locator("#said")).to_contain_text("Decided. Take it in a new way. Now tell the patient.")


def test_a_medicine_is_decided_about_by_a_doctor_and_the_patient_is_told(desk: Desk) -> None:
    story = asked_of_a_doctor(desk, "WATERPILL")
    decide(story, "Legs are thin again")
    page = story.at_loop("nurse", "medicine-decision")
    expect(page.locator("#pane-title")).to_contain_text("Tell the patient")
    page.goto(f"{desk.site.url}/patients/{story.patient}/medicines")
    expect(page.locator(".medlist")).to_contain_text("40 mg, once a day")
    story.calls("nurse", "medicine-decision")
    story.is_closed("medicine-decision")


def test_a_decision_that_the_patient_cannot_be_told_and_that_is_withdrawn(desk: Desk) -> None:
    story = asked_of_a_doctor(desk, "PILLSILENT")
    decide(story, "For the other patient, by mistake")
    for outcome in ("No answer", "Left message", "No answer"):
        story.calls("nurse", "medicine-decision", outcome)
    page = story.at_loop("nurse", "medicine-decision")
    expect(page.locator("#callbox")).to_contain_text("3 tries so far.")
    story.is_open("nurse", "medicine-decision", "patient-told")
    story.withdraws("medicine-decision", "decided")
    story.is_open("nurse", "medicine-decision", "decided")
    page = story.at_step("nurse", "medicine-decision", "patient-told")
    expect(page.locator("main")).to_contain_text("First comes: Decide about the medicine")


def dangerous(desk: Desk, family: str) -> Story:
    """Two doctors ordered what must not be taken together (ONC03); the electronic health records tell both."""
    story = desk.patient(family)
    orders(story, "gout", "febuxostat 40 mg tablet")
    orders(story, "bowel", "azathioprine 50 mg tablet")
    story.waits_for("medicine-safety")
    return story


def test_dangerous_medicines_are_seen_and_one_is_stopped(desk: Desk) -> None:
    story = dangerous(desk, "TWOPILLS")
    page = story.seen_by("physician", "medicine-safety")
    expect(page.locator("#pane-title")).to_contain_text("Resolve the finding")
    page.get_by_role("link", name="Look at the medicines").click()
    safety = page.locator("section", has=page.get_by_role("heading", name="Safety"))
    expect(safety).to_contain_text("Must not be")
    expect(safety).to_contain_text("Thiopurine toxicity")
    orders(story, "gout", "febuxostat 40 mg tablet", "stopped")
    story.waits_until("medicine-safety", "completed")
    page.reload()
    expect(safety).not_to_contain_text("Thiopurine toxicity")
    story.is_closed("medicine-safety")


def test_dangerous_medicines_that_a_nurse_may_not_allow_and_a_reason_taken_back(desk: Desk) -> None:
    story = dangerous(desk, "THREEPILLS")
    page = story.at_loop("nurse", "medicine-safety")
    page.get_by_role("link", name="Look at the medicines").click()
    expect(page.locator("main")).to_contain_text("A physician decides about this.")
    expect(page.get_by_role("button", name="Keep with this reason")).to_have_count(0)
    page = story.at_loop("physician", "medicine-safety")
    page.get_by_role("link", name="Look at the medicines").click()
    page.get_by_label("Why it may be so").first.fill("Washed out for three weeks")
    page.get_by_role("button", name="Keep with this reason").first.click()
    expect(page.locator("#said")).to_contain_text("Noted. It will be shown again only if")
    story.is_closed("medicine-safety")
    page = desk.page("physician")
    page.goto(f"{desk.site.url}/patients/{story.patient}/medicines")
    page.locator("summary", has_text="Decided before").click()
    expect(page.locator("details", has_text="Decided before")).to_contain_text("Kept: Washed out for three weeks")
    page.get_by_role("button", name="Ask again").first.click()
    expect(page.locator("#said")).to_contain_text("Open again.")
    story.is_open("physician", "medicine-safety", "decided")


def filled(story: Story, key: str, days_ago: int) -> None:
    """The pharmacy's message: 30 days of a blood pressure pill were handed over."""
    story.tells(
        "MedicationDispense", key, status="completed", subject=story.subject,
        medicationCodeableConcept={"text": "Lisinopril 10 mg tablet"}, whenHandedOver=text(ago(days=days_ago)),
        daysSupply={"value": 30, "code": "d", "system": "http://unitsofmeasure.org"},
    )  # fmt: skip


def not_filled(desk: Desk, family: str) -> Story:
    """The pill ran out a month ago and nobody filled it again."""
    story = desk.patient(family)
    orders(story, "pill", "Lisinopril 10 mg tablet")
    for place in (2, 3, 4):
        filled(story, f"fill{place}", place * 30)
    story.waits_for("refill-gap")
    return story


def test_a_missing_refill_is_asked_about(desk: Desk) -> None:
    story = not_filled(desk, "UNFILLED")
    page = story.seen_by("nurse", "refill-gap")
    expect(page.locator("#pane-title")).to_contain_text("Ask whether it is still taken")
    expect(page.locator(f"#row-{story.loop('refill-gap')['id']}")).to_contain_text("lisinopril")
    page.get_by_role("link", name="See the fills").click()
    taking = page.locator("section", has=page.get_by_role("heading", name="Taking them"))
    expect(taking).to_contain_text("Refill missing: supply lasted until")
    story.calls("nurse", "refill-gap")
    story.is_closed("refill-gap")


def test_a_missing_refill_nobody_answers_about_and_that_was_filled_after_all(desk: Desk) -> None:
    story = not_filled(desk, "REFILLED")
    story.calls("nurse", "refill-gap", "No answer")
    story.is_open("nurse", "refill-gap", "asked")
    filled(story, "fill1", 1)
    story.waits_until("refill-gap", "cancelled")
    assert story.loop("refill-gap")["statusReason"]["coding"][0]["code"] == "not-applicable"
    page = desk.page("nurse")
    page.goto(f"{desk.site.url}/worklist?scope=team&kind=refill-gap&most=500")
    expect(page.locator(f"#row-{story.loop('refill-gap')['id']}")).to_have_count(0)
    page.goto(f"{desk.site.url}/patients/{story.patient}/medicines")
    expect(page.locator("main")).not_to_contain_text("Refill missing")
