"""What answers, silence and a typed task bring: a score, an assessment that is due, a way to be reached, some work.
Each to its end, and gone wrong."""

import pytest
from playwright.sync_api import Page, expect
from tests.browser.pathways.desk import Desk, Story, ago, box, fill_in, text
from tests.browser.pathways.doors import unused_number
from tests.browser.pathways.test_care import gap

pytestmark = [pytest.mark.browser, pytest.mark.long]


def ask(page: Page, answers: int, says: str) -> None:
    """The questions are asked one by one, each answered the same, and saved."""
    for _ in range(answers):
        page.get_by_label(says, exact=True).check()
        page.get_by_role("button", name="Save and next").click()
    page.get_by_role("button", name="Save and finish").click()
    expect(page.locator("#said")).to_contain_text("is finished and saved.")


def anxious(desk: Desk, family: str) -> Story:
    """A nurse asks the GAD-7 on the patient's page; 14 points are too many (AS-07)."""
    story = desk.patient(family)
    page = desk.page("nurse")
    page.goto(f"{desk.site.url}/patients/{story.patient}/assessments")
    page.locator("#what").select_option("gad-7")
    page.get_by_role("button", name="Start or go on").click()
    ask(page, 7, "More than half the days")
    line = page.locator("tr", has_text="GAD-7")
    expect(line).to_contain_text("14")
    expect(line).to_contain_text("Positive")
    return story


def test_a_high_score_is_looked_at_and_decided_about(desk: Desk) -> None:
    story = anxious(desk, "NERVOUS")
    page = story.seen_by("nurse", "assessment-follow-up")
    expect(page.locator("#pane-title")).to_contain_text("Decide what follows")
    page.get_by_role("link", name="See the answers").click()
    expect(page.locator("tr", has_text="GAD-7")).to_contain_text("14")
    fill_in(box(story.at_loop("nurse", "assessment-follow-up")), "Save", text="Talk with the social worker on Monday.")
    story.is_closed("assessment-follow-up")


def test_a_high_score_that_the_wrong_person_may_not_decide_about_and_a_decision_withdrawn(desk: Desk) -> None:
    story = anxious(desk, "NERVELESS")
    page = story.at_step("coordinator", "assessment-follow-up", "decided")
    expect(page.locator("main")).to_contain_text("This is done by a nurse")
    expect(page.get_by_role("button", name="Save", exact=True)).to_have_count(0)
    fill_in(box(story.at_loop("nurse", "assessment-follow-up")), "Save", text="Nothing more.")
    assert story.loop("assessment-follow-up")["status"] == "completed"
    story.withdraws("assessment-follow-up", "decided")
    story.is_open("nurse", "assessment-follow-up", "decided")


def due_again(desk: Desk, family: str) -> Story:
    """Another system says that the GAD-7 is due."""
    story = desk.patient(family)
    story.asks("screening-due", "Ask the GAD-7", input=[{"type": {"text": "instrument"}, "valueString": "gad-7"}])
    return story


def test_an_assessment_that_is_due_is_asked_from_the_list(desk: Desk) -> None:
    story = due_again(desk, "DUELY")
    page = story.seen_by("coordinator", "screening-due")
    expect(page.locator("#pane-title")).to_contain_text("Ask the questions")
    page.get_by_role("link", name="Open the questions").click()
    expect(page.locator("#what")).to_have_value("gad-7")
    page.get_by_role("button", name="Start or go on").click()
    ask(page, 7, "Not at all")
    expect(page.locator("tr", has_text="GAD-7")).to_contain_text("0")
    story.is_closed("screening-due")


def test_an_assessment_nobody_answers_and_a_score_that_was_withdrawn(desk: Desk) -> None:
    story = due_again(desk, "DUELESS")
    for outcome in ("No answer", "Left message", "No answer"):
        story.calls("coordinator", "screening-due", outcome)
    page = story.at_loop("coordinator", "screening-due")
    expect(page.locator("#callbox")).to_contain_text("3 tries so far. Send the letter next.")
    story.is_open("coordinator", "screening-due", "answered")
    page.get_by_role("link", name="Open the questions").click()
    page.get_by_role("button", name="Start or go on").click()
    ask(page, 7, "Not at all")
    assert story.loop("screening-due")["status"] == "completed"
    story.withdraws("screening-due", "answered")
    story.is_open("coordinator", "screening-due", "answered")


def unreachable(desk: Desk, family: str) -> tuple[Story, str]:
    """A call about a gap reaches somebody else: the number is wrong (CB-08). The number as it is on record."""
    story = gap(desk, family)
    story.calls("coordinator", "care-gap", "Wrong number")
    page = story.seen_by("coordinator", "contact-repair")
    expect(page.locator("#pane-title")).to_contain_text("Find a number, address or person that works")
    expect(page.locator(f"#row-{story.loop('contact-repair')['id']}")).to_contain_text("wrong number")
    phone = desk.fhir.get(f"Patient/{story.patient}")["telecom"][0]["value"]
    expect(page.locator("#callbox .dial")).to_contain_text(phone)
    return story, phone


def new_number(page: Page, wrong: str) -> str:
    """The pharmacy knows another number; it is written down instead of the wrong one."""
    page.get_by_role("link", name="Write down a number").click()
    expect(page.locator("#numbers").locator("..")).to_contain_text("called first")
    found = f"+1 555 010 {unused_number()[-4:]}"
    page.get_by_label("A number that works").fill(found)
    page.get_by_label("Instead of").select_option(wrong)
    page.get_by_role("button", name="Save the number").click()
    expect(page.locator("#said")).to_contain_text(f"{found} is called first from now on.")
    return found


def test_a_wrong_number_is_replaced_and_the_patient_is_reached(desk: Desk) -> None:
    story, wrong = unreachable(desk, "WRONGLINE")
    found = new_number(desk.page("coordinator"), wrong)
    page = story.at_loop("coordinator", "contact-repair")
    expect(page.locator("#callbox .dial")).to_contain_text(found)
    expect(page.locator("#callbox .dial")).not_to_contain_text(wrong)
    story.calls("coordinator", "contact-repair")
    story.is_closed("contact-repair")
    numbers = desk.fhir.get(f"Patient/{story.patient}")["telecom"]
    assert [one.get("use") for one in numbers if one["value"] == wrong] == ["old"]


def test_a_new_number_that_is_no_number_and_one_that_nobody_answers(desk: Desk) -> None:
    story, wrong = unreachable(desk, "NOLINE")
    page = desk.page("coordinator")
    page.goto(f"{desk.site.url}/patients/{story.patient}/contacts")
    page.get_by_label("A number that works").fill("ask the son")
    page.get_by_role("button", name="Save the number").click()
    expect(page.locator(".errors")).to_contain_text("Still needed: a phone number with its area code.")
    expect(page.get_by_label("A number that works")).to_have_value("ask the son")
    story.at_loop("coordinator", "contact-repair")
    new_number(page, wrong)
    story.calls("coordinator", "contact-repair", "No answer")
    story.is_open("coordinator", "contact-repair", "way-found")
    story.says_no("coordinator", "contact-repair", "unable-to-reach")


def test_a_task_typed_on_the_patients_page_is_done(desk: Desk) -> None:
    story = desk.patient("TYPEWELL")
    nurse = desk.page("nurse")
    nurse.goto(f"{desk.site.url}/patients/{story.patient}")
    nurse.locator("#capture-text").fill('/task coordinator by tomorrow "Order a scale for her"')
    nurse.locator("#capture-text").press("Enter")
    expect(nurse.locator("#capture-lines")).to_contain_text("Order a scale for her")
    nurse.get_by_role("button", name="Save", exact=True).click()
    expect(nurse.locator("#said")).to_contain_text("Task for")
    page = story.seen_by("coordinator", "team-task")
    expect(page.locator(f"#row-{story.loop('team-task')['id']}")).to_contain_text("Order a scale for her")
    fill_in(box(page), "Done", text="It comes on Thursday by mail.")
    story.is_closed("team-task")


def test_a_task_done_for_somebody_else_and_one_that_is_called_off(desk: Desk) -> None:
    story = desk.patient("TYPEWRONG")
    task = story.asks("team-task", "Send the diary of blood sugars")
    page = story.seen_by("coordinator", "team-task")
    fill_in(box(page), "Done", text="Sent it to the wrong lady.")
    assert story.loop("team-task")["status"] == "completed"
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#said")).to_contain_text("Undone")
    story.is_open("coordinator", "team-task", "done")
    asked = desk.fhir.get(task)
    desk.fhir.put({**asked, "status": "cancelled", "lastModified": text(ago(seconds=0))})
    assert story.loop("team-task")["status"] == "cancelled"
    page.goto(f"{desk.site.url}/worklist?scope=team&kind=team-task&most=500")
    expect(page.locator(f"#row-{story.loop('team-task')['id']}")).to_have_count(0)
