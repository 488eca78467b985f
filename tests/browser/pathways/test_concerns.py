"""What a patient says or needs: messages, symptoms, danger, help from the community, promised papers."""

import pytest
from playwright.sync_api import expect
from tests.browser.pathways.desk import Desk, Story, ago, box, fill_in, form, text

pytestmark = [pytest.mark.browser, pytest.mark.long]


def wrote(desk: Desk, family: str, says: str) -> Story:
    """The patient's message arrives from the portal of another system."""
    story = desk.patient(family)
    story.tells(
        "Communication",
        "wrote",
        status="completed",
        subject=story.subject,
        sender=story.subject,
        sent=text(ago(minutes=3)),
        payload=[{"contentString": says}],
    )
    return story


def answer(story: Story) -> None:
    """The nurse reads and answers on the screen for messages."""
    page = story.seen_by("nurse", "patient-message")
    page.get_by_role("link", name="Open the message").click()
    page.get_by_role("button", name="I have read it").click()
    page.get_by_label("Your answer").fill("Yes, take it with food. Call us if it gets worse.")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#said")).to_contain_text("Answered")


def test_a_message_is_read_answered_and_seen_by_the_patient(desk: Desk) -> None:
    story = wrote(desk, "LETTERLY", "Shall I take the new pill with food?")
    answer(story)
    story.is_open("nurse", "patient-message", "seen-by-patient")
    answered = story.step("patient-message", "answered")["output"][0]["valueReference"]["reference"]
    story.tells(
        "Communication",
        "thanks",
        status="completed",
        subject=story.subject,
        sender=story.subject,
        sent=text(ago(seconds=0)),
        inResponseTo=[{"reference": answered.split("/_history/")[0]}],
        payload=[{"contentString": "Thank you"}],
    )
    story.is_closed("patient-message")


def test_a_message_whose_answer_went_to_the_wrong_person_is_answered_again(desk: Desk) -> None:
    story = wrote(desk, "MISSENT", "May I drive again?")
    answer(story)
    assert story.step("patient-message", "answered")["status"] == "completed"
    story.withdraws("patient-message", "answered")
    story.is_open("nurse", "patient-message", "answered")
    story.calls("nurse", "patient-message", "No answer")
    story.is_open("nurse", "patient-message", "answered")
    story.calls("nurse", "patient-message")
    story.is_closed("patient-message")


def test_a_symptom_is_judged_spoken_about_and_settled(desk: Desk) -> None:
    story = desk.patient("BREATHLESS")
    story.asks("symptom-alert", "Short of breath", priority="urgent")
    page = story.seen_by("nurse", "symptom-alert")
    page = story.at_step("nurse", "symptom-alert", "triage")
    fill_in(form(page, "Write it down"), "Save", text="Two pillows, no pain: today.")
    story.calls("nurse", "symptom-alert")
    page = story.at_step("nurse", "symptom-alert", "resolved")
    fill_in(form(page, "Write it down"), "Save", text="Dr. Farouk doubled the water pill for three days.")
    story.is_closed("symptom-alert")


def test_a_symptom_that_the_wrong_person_may_not_judge_and_nobody_answers(desk: Desk) -> None:
    story = desk.patient("DIZZYBY")
    story.asks("symptom-alert", "Dizzy", priority="urgent")
    page = story.at_step("coordinator", "symptom-alert", "triage")
    expect(page.locator("main")).to_contain_text("This is done by a nurse")
    for outcome in ("No answer", "Left message", "No answer"):
        story.calls("nurse", "symptom-alert", outcome)
    story.is_open("nurse", "symptom-alert", "contact")
    story.is_open("nurse", "symptom-alert", "triage")


def test_somebody_in_danger_is_spoken_with_and_assessed(desk: Desk) -> None:
    story = desk.patient("SAFELY")
    story.asks("safety-concern", "Thoughts of self-harm", priority="stat")
    page = story.seen_by("nurse", "safety-concern")
    expect(page.locator("#pane-title")).to_contain_text("Speak with the person now")
    story.calls("nurse", "safety-concern")
    page = story.at_loop("physician", "safety-concern")
    fill_in(box(page), "Save", text="No plan, no means at home; sister stays tonight; visit tomorrow at 9.")
    story.is_closed("safety-concern")


def test_somebody_in_danger_who_does_not_answer_and_whom_a_coordinator_reached(desk: Desk) -> None:
    story = desk.patient("UNSAFELY")
    story.asks("safety-concern", "Thoughts of self-harm", priority="stat")
    story.calls("nurse", "safety-concern", "No answer")
    story.calls("nurse", "safety-concern", "Left message")
    story.calls("coordinator", "safety-concern")
    story.is_open("nurse", "safety-concern", "contact")


def need(desk: Desk, family: str) -> Story:
    """A screening at a hospital found hunger: an order for help."""
    story = desk.patient(family)
    category = {"system": "http://hl7.org/fhir/us/core/CodeSystem/us-core-category", "code": "sdoh"}
    story.tells(
        "ServiceRequest",
        "need",
        status="active",
        intent="order",
        subject=story.subject,
        authoredOn=text(ago(hours=1)),
        category=[{"coding": [category]}],
        code={"text": "Food for a week"},
    )
    page = story.seen_by("community-health-worker", "social-need")
    fill_in(box(page), "Save the answer", text="Name and address to the food bank.", ticks=["Yes"])
    return story


def ask(story: Story, who: str) -> None:
    """An organization is asked from the pane."""
    page = story.at_loop("community-health-worker", "social-need")
    fill_in(box(page), "Save and send", text="A box for two, no pork.", fills={"Which organization": who})


def test_help_counts_when_the_patient_says_that_it_came(desk: Desk) -> None:
    story = need(desk, "HUNGRY")
    ask(story, "Alpha Food Bank")
    page = story.at_loop("community-health-worker", "social-need")
    expect(page.locator("#pane-title")).to_contain_text("Get an answer from the organization")
    fill_in(box(page), "Save the answer", text="Deliver on Tuesday, says Mrs. Lee.", ticks=["Yes"])
    page = story.at_loop("community-health-worker", "social-need")
    fill_in(
        box(page), "Save the talk", text="Two boxes came, all good.", picks={"How you spoke": "By phone"}, ticks=["Yes"]
    )
    story.is_closed("social-need")


def test_help_that_is_declined_asked_elsewhere_and_does_not_come(desk: Desk) -> None:
    story = need(desk, "STARVED")
    ask(story, "Alpha Food Bank")
    page = story.at_loop("community-health-worker", "social-need")
    fill_in(box(page), "Save the answer", text="No car this week.", ticks=["No"])
    expect(page.locator("#said")).to_contain_text("still open")
    story.is_open("community-health-worker", "social-need", "accepted")
    ask(story, "Beta Pantry")
    page = story.at_loop("community-health-worker", "social-need")
    fill_in(box(page), "Save the answer", text="Tomorrow.", ticks=["Yes"])
    page = story.at_loop("community-health-worker", "social-need")
    fill_in(box(page), "Save the talk", text="Nobody came.", picks={"How you spoke": "By phone"}, ticks=["No"])
    expect(page.locator("#said")).to_contain_text("still open")
    story.is_open("community-health-worker", "social-need", "help-confirmed")


def promised(desk: Desk, family: str) -> Story:
    """Somebody promised a paper: written down on the patient's page."""
    story = desk.patient(family)
    page = desk.page("coordinator")
    page.goto(f"{desk.site.url}/patients/{story.patient}/expected")
    page.get_by_label("What was promised").fill("Operation report")
    page.get_by_label("By whom").fill("Mercy Hospital")
    page.get_by_role("button", name="Put it on the list").click()
    expect(page.locator("#said")).not_to_be_empty()
    return story


def arrives(story: Story) -> str:
    """The paper comes through the FHIR door and names what it answers."""
    asked = story.loop("expected-document")["focus"]["reference"].split("/_history/")[0]
    return story.tells(
        "DocumentReference",
        "paper",
        status="current",
        subject=story.subject,
        date=text(ago(seconds=0)),
        type={"text": "Operation report"},
        context={"related": [{"reference": asked}]},
        content=[{"attachment": {"contentType": "text/plain", "data": "Ym9keQ=="}}],
    )


def test_a_promised_paper_arrives_and_is_filed(desk: Desk) -> None:
    story = promised(desk, "PAPERLY")
    page = story.seen_by("coordinator", "expected-document")
    page.get_by_role("link", name="Open what is expected").click()
    expect(page.locator("tr", has_text="PAPERLY")).to_contain_text("Operation report")
    arrives(story)
    story.is_closed("expected-document")


def test_a_promised_paper_is_chased_and_was_of_somebody_else(desk: Desk) -> None:
    story = promised(desk, "CHASER")
    page = desk.page("coordinator")
    page.goto(f"{desk.site.url}/expected")
    line = page.locator("tr", has_text="CHASER")
    line.get_by_role("button", name="I did this").click()
    expect(page.locator("#said")).not_to_be_empty()
    story.is_open("coordinator", "expected-document", "received")
    arrives(story)
    assert story.loop("expected-document")["status"] == "completed"
    story.withdraws("expected-document", "received")
    story.is_open("coordinator", "expected-document", "received")
