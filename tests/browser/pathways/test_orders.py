"""Orders: a referral and the work and decisions it brings, a test from its result to what follows from it."""

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import send_hl7, wait_until_read
from tests.browser.pathways.desk import Desk, Story, ago, box, fill_in, text

pytestmark = [pytest.mark.browser, pytest.mark.long]


def referred(desk: Desk, family: str) -> tuple[Story, Page]:
    """A doctor asks a clinic from the patient's page."""
    story = desk.patient(family)
    page = desk.page("physician")
    page.goto(f"{desk.site.url}/patients/{story.patient}/refer")
    page.get_by_label("Refer for").fill("Podiatry")
    page.get_by_label("In words").fill("Diabetic foot")
    page.get_by_label("Your question").fill("Does this wound need surgery?")
    page.get_by_label("Another one").fill("Foot Clinic")
    page.get_by_label("Who pays").or_(page.get_by_label("Anything to add")).fill("Medicare, no approval needed")
    for name in ("results", "medications", "allergies"):
        page.locator(f"input[name='none-{name}']").check()
    page.locator("button[value='send']").click()
    expect(page.locator("#said")).to_contain_text("Sent to Foot Clinic")
    story.seen_by("coordinator", "referral")
    page = desk.page("coordinator")
    page.get_by_role("link", name="Open the referral").click()
    return story, page


def says(page: Page, title: str, **fields: str) -> None:
    """One thing is said of the referral."""
    place = page.locator("details", has=page.get_by_text(title, exact=True))
    if place.get_attribute("open") is None:
        place.locator("summary").click()
    for name, value in fields.items():
        place.locator(f"[name='{name}']").fill(value)
    place.locator("button").first.click()
    expect(page.locator("#said")).not_to_be_empty()


def test_a_referral_is_accepted_booked_seen_read_and_told(desk: Desk) -> None:
    story, page = referred(desk, "FOOTSORE")
    says(page, "The clinic accepts")
    says(page, "A visit is booked", day=f"{ago(days=-5):%Y-%m-%d}")
    says(page, "The report is here", text="No surgery; new dressing each day.", day=f"{ago(days=1):%Y-%m-%d}")
    reader = desk.page("physician")
    reader.goto(page.url)
    reader.locator("[name^='answer-']").first.fill("No surgery is needed.")
    for part in reader.locator("input[name=parts]").all():
        part.check()
    reader.get_by_role("button", name="I have read it").click()
    expect(reader.locator("#said")).not_to_be_empty()
    nurse = desk.page("nurse")
    nurse.goto(page.url)
    nurse.get_by_role("button", name="The patient knows").click()
    expect(nurse.locator("#said")).not_to_be_empty()
    story.is_closed("referral")


def test_a_referral_is_declined_and_asked_elsewhere(desk: Desk) -> None:
    story, page = referred(desk, "TURNEDAWAY")
    says(page, "The clinic says no", why="No new patients")
    story.is_open("coordinator", "referral", "accepted")
    page.get_by_role("link", name="Open the referral").click()
    says(page, "Ask another clinic", other_clinic="Second Foot Clinic", why="The first said no")
    newest = story.loop("referral")
    assert newest["status"] not in ("completed", "cancelled")
    story.seen_by("coordinator", "referral")


def work(desk: Desk, family: str, code: str) -> Story:
    """A piece of work that a referral asks of our own staff."""
    story = desk.patient(family)
    moment = text(ago(minutes=10))
    story.tells(
        "Task",
        "work",
        status="requested",
        intent="order",
        authoredOn=moment,
        lastModified=moment,
        code={"coding": [{"system": "urn:careloop:referral-work", "code": code}], "text": "Call about the ride"},
        **{"for": story.subject},
    )
    return story


@pytest.mark.parametrize(
    ("pathway", "code", "role"),
    [("referral-work", "recontact", "coordinator"), ("referral-decision", "decide", "physician")],
)
def test_work_and_decisions_about_a_referral_are_done_and_say_so(
    desk: Desk, pathway: str, code: str, role: str
) -> None:
    story = work(desk, f"DOES{code.upper()}", code)
    page = story.seen_by(role, pathway)
    fill_in(box(page), "Done", text="Her neighbor drives; we try once more.")
    story.is_closed(pathway)


@pytest.mark.parametrize(
    ("pathway", "code", "role", "step"),
    [("referral-work", "barrier", "coordinator", "done"), ("referral-decision", "re-review", "physician", "decided")],
)
def test_work_and_decisions_about_the_wrong_patient_are_undone(
    desk: Desk, pathway: str, code: str, role: str, step: str
) -> None:
    story = work(desk, f"UNDOES{code.upper().replace('-', '')}", code)
    page = story.seen_by(role, pathway)
    fill_in(box(page), "Done", text="This was for somebody else.")
    assert story.loop(pathway)["status"] == "completed"
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#said")).to_contain_text("Undone")
    story.is_open(role, pathway, step)


def result(desk: Desk, story: Story, value: str, status: str, minute: int) -> None:
    """The laboratory releases a value through the MLLP port."""
    number = story.patient.removeprefix("p")
    at, drawn = f"{ago(minutes=minute):%Y%m%d%H%M%S}+0000", f"{ago(hours=5):%Y%m%d%H%M%S}+0000"
    message = "\n".join(
        [
            f"MSH|^~\\&|LAB|RIVERBEND|CARELOOP|PRACTICE|{at}||ORU^R01^ORU_R01|LAB-{number}-{minute}|P|2.5.1",
            f"PID|1||{number}^^^RIVERBEND^MR||{story.family}^{story.family[::-1].capitalize()}||19500101|F",
            f"OBR|1|P{number}|F{number}|2823-3^Potassium^LN|||{drawn}|||||||||1234^Osei^Ada||||||{at}||LAB|{status}",
            f"OBX|1|NM|2823-3^Potassium^LN||{value}|mmol/L^mmol/L^UCUM|3.5-5.1|H|||{status}|||{drawn}",
        ]
    )
    assert send_hl7(desk.site, message) == "AA"
    wait_until_read(desk.site)


def read(desk: Desk, story: Story) -> None:
    """The doctor reads it from the list."""
    page = story.seen_by("physician", "test-result")
    page.get_by_role("link", name="Open the result").click()
    page.locator("input[name=next][value=follow]").check()
    page.get_by_role("button", name="Mark as read").click()
    expect(page.locator("#said")).not_to_be_empty()


def tell(desk: Desk, story: Story, came_of_it: str) -> None:
    """The nurse calls about it."""
    page = desk.page("nurse")
    page.goto(f"{desk.site.url}/results/{story.loop('test-result')['id']}")
    page.locator("#outcome").select_option(came_of_it)
    page.get_by_role("button", name="Tell patient").click()
    expect(page.locator("#said")).not_to_be_empty()


def test_a_result_is_read_told_and_followed(desk: Desk) -> None:
    story = desk.patient("POTASH")
    result(desk, story, "5.6", "F", 30)
    read(desk, story)
    tell(desk, story, "reached")
    page = desk.page("nurse")
    page.goto(f"{desk.site.url}/results/{story.loop('test-result')['id']}")
    if page.get_by_role("button", name="It was done and read").count():
        page.get_by_label("What was done, or the reason").fill("Repeated this morning: 4.6.")
        page.get_by_role("button", name="It was done and read").click()
    story.is_closed("test-result")


def test_a_result_nobody_answers_about_is_corrected_and_read_again(desk: Desk) -> None:
    story = desk.patient("CORRECTED")
    result(desk, story, "5.6", "F", 30)
    read(desk, story)
    tell(desk, story, "no-answer")
    story.is_open("nurse", "test-result", "patient-told")
    result(desk, story, "5.9", "C", 0)
    story.is_open("physician", "test-result", "reviewed")
    story.seen_by("physician", "test-result")
