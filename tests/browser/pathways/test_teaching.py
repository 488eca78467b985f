"""What was taught is not understood: by the link on a phone, by the nurse who explains it again; and it goes wrong."""

import pytest
from playwright.sync_api import Page, expect
from tests.browser.pathways.desk import Desk, Story

pytestmark = [pytest.mark.browser, pytest.mark.long]
ITEM = "Weigh yourself every day"


def taught(desk: Desk, family: str) -> tuple[Story, str]:
    """The record says heart failure; the nurse makes a link to what fits. Its address."""
    story = desk.patient(family)
    active = {"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}
    story.tells(
        "Condition",
        "heart",
        subject=story.subject,
        clinicalStatus={"coding": [active]},
        code={"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "I50.22"}], "text": "Heart failure"},
    )
    page = desk.page("nurse")
    page.goto(f"{desk.site.url}/patients/{story.patient}")
    page.get_by_role("link", name="Education", exact=True).click()
    row = page.locator("tr", has_text=ITEM)
    expect(row).to_contain_text("Not asked")
    row.get_by_role("button", name="Make a link").click()
    expect(page.locator("#said")).to_contain_text("The link is ready.")
    return story, str(row.get_by_role("link", name="/p/").get_attribute("href"))


def answers(desk: Desk, story: Story, link: str, choice: str) -> Page:
    """The patient reads it on a phone without script and answers the question."""
    phone = desk.phone()
    phone.goto(f"{desk.site.url}{link}")
    phone.fill("#birth_date", desk.fhir.get(f"Patient/{story.patient}")["birthDate"])
    phone.get_by_role("button", name="Show the question").click()
    expect(phone.get_by_role("heading", name=ITEM)).to_be_visible()
    phone.get_by_label(choice).check()
    phone.get_by_role("button", name="Send my answer").click()
    return phone


def explains(story: Story, starts_with: str, choice: str) -> Page:
    """The nurse presses one link on the loop and is at the script, which starts from the misunderstanding."""
    page = story.at_loop("nurse", "teach-back")
    page.get_by_role("link", name="Open the script").click()
    expect(page.locator("section", has=page.get_by_role("heading", name="Start here"))).to_contain_text(starts_with)
    page.get_by_label(choice).check()
    page.get_by_role("button", name="Save the answer").click()
    return page


def test_what_was_misunderstood_by_the_link_is_explained_until_it_is_clear(desk: Desk) -> None:
    story, link = taught(desk, "SCALEMAN")
    phone = answers(desk, story, link, "I eat less.")
    expect(phone.locator("main")).to_contain_text("It is a bit different")
    expect(phone.locator("main")).to_contain_text("Three pounds in one day is water, not food.")
    page = story.seen_by("nurse", "teach-back")
    row = page.locator(f"#row-{story.loop('teach-back')['id']}")
    expect(row).to_contain_text("thinks the weight is fat, not water")
    page = explains(story, "thinks the weight is fat, not water", "I call the clinic today.")
    expect(page.locator("#said")).to_contain_text("Understood.")
    story.is_closed("teach-back")
    page = desk.page("nurse")
    page.goto(f"{desk.site.url}/patients/{story.patient}/education")
    understood = page.locator("tr", has_text=ITEM)
    expect(understood.locator("td[data-of=Understood]")).not_to_contain_text("No")
    phone.goto(f"{desk.site.url}{link}")
    expect(phone.locator("#birth_date")).to_have_count(0)


def test_what_is_misunderstood_again_stays_open_and_a_wrong_birth_date_shows_nothing(desk: Desk) -> None:
    story, link = taught(desk, "SCALELESS")
    phone = desk.phone()
    phone.goto(f"{desk.site.url}{link}")
    phone.fill("#birth_date", "1900-01-01")
    phone.get_by_role("button", name="Show the question").click()
    expect(phone.locator(".errors")).to_contain_text("This is not the birth date")
    expect(phone.get_by_text("Step on the scale")).to_have_count(0)
    answers(desk, story, link, "I eat less.")
    page = explains(story, "thinks the weight is fat, not water", "I wait until my next visit.")
    expect(page.locator(".notice")).to_contain_text("It is explained again: thinks a gain in weight can wait")
    story.is_open("nurse", "teach-back", "explained")
    story.calls("nurse", "teach-back", "No answer")
    story.is_open("nurse", "teach-back", "explained")
    page = explains(story, "thinks a gain in weight can wait", "I call the clinic today.")
    expect(page.locator("#said")).to_contain_text("Understood.")
    story.is_closed("teach-back")
    story.withdraws("teach-back", "explained")
    story.is_open("nurse", "teach-back", "explained")
