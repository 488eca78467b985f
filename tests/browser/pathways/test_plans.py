"""One care plan out of two that disagree; and a new patient whose first questions go from staff to a phone and back."""

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.browser.pathways.desk import Desk, Story, box, fill_in

pytestmark = [pytest.mark.browser, pytest.mark.long]


def merged(desk: Desk, family: str) -> tuple[Story, Page]:
    """The nurse puts two plans together; they disagree about the upper blood pressure number."""
    story = desk.patient(family)
    page = desk.page("nurse")
    page.goto(f"{desk.site.url}/patients/{story.patient}")
    page.get_by_role("link", name="Care plan", exact=True).click()
    page.locator("summary", has_text="Write it in their own words").click()
    page.get_by_label("In their own words").fill("Dance at my granddaughter's wedding")
    page.get_by_role("button", name="Save", exact=True).click()
    for plan in ("hypertension", "falls-frailty"):
        page.locator(f"input[name='plan.{plan}']").check()
    page.get_by_role("button", name="Show what would change").click()
    would = page.locator("section", has=page.get_by_role("heading", name="What would change"))
    expect(would).to_contain_text("needs a clinician")
    expect(would).to_contain_text("Upper number below 130")
    expect(would).to_contain_text("Upper number between 120 and 150")
    page.get_by_role("button", name="Save this plan").click()
    expect(conflict(page)).to_contain_text("plans disagree")
    expect(page.locator("main")).to_contain_text("A clinician decides first where plans disagree.")
    expect(page.get_by_role("button", name="The patient agrees")).to_have_count(0)
    return story, page


def conflict(page: Page) -> Locator:
    """The card of the disagreement."""
    return page.locator("section.card", has=page.get_by_role("heading", name="plans disagree"))


def agrees(page: Page, button: str) -> None:
    """Somebody agrees, and the page says so."""
    page.get_by_role("button", name=button).click()
    expect(page.locator("#said")).not_to_be_empty()


def test_plans_that_disagree_are_decided_by_a_physician_with_both_sources_shown(desk: Desk) -> None:
    story, page = merged(desk, "DANCER")
    who = conflict(page).locator("option", has_text=desk.first_name("physician")).first.get_attribute("value")
    conflict(page).get_by_label("Ask", exact=True).select_option(who)
    conflict(page).get_by_role("button", name="Send the question").click()
    expect(page.locator("#said")).not_to_be_empty()

    doctor = desk.page("physician")
    doctor.goto(f"{desk.site.url}/questions")
    card = doctor.locator("li.card", has=doctor.locator(f"a[href='/patients/{story.patient}']"))
    for side in ("High blood pressure: Upper number below 130", "Falls and frailty: Upper number between 120 and 150"):
        expect(card).to_contain_text(side)
    doctor.goto(f"{desk.site.url}/patients/{story.patient}/plan")
    for source in ("BP-2017", "FRAIL"):
        expect(conflict(doctor)).to_contain_text(source)
    conflict(doctor).get_by_label("Which holds").select_option("falls-frailty")
    conflict(doctor).get_by_label("Why").fill("Fell twice this year")
    conflict(doctor).get_by_role("button", name="Decide").click()
    expect(conflict(doctor)).to_have_count(0)
    decided = doctor.locator("details", has_text="1 decided by a clinician where plans disagreed")
    expect(decided).to_contain_text("what Falls and frailty says holds. Fell twice this year")
    advice = doctor.locator("section", has=doctor.get_by_role("heading", name="Advice"))
    expect(advice).to_contain_text("Upper number between 120 and 150")
    expect(advice).not_to_contain_text("Upper number below 130")
    agrees(doctor, "I agree as clinician")
    page.reload()
    agrees(page, "The patient agrees")
    lead = desk.page("coordinator")
    lead.goto(f"{desk.site.url}/patients/{story.patient}/plan")
    agrees(lead, "I agree as lead")
    expect(lead.locator("main .headline .tag")).to_contain_text("Current")
    story.is_closed("care-plan-review")


def test_plans_that_disagree_are_not_decided_by_a_nurse_and_the_patient_says_no(desk: Desk) -> None:
    story, page = merged(desk, "WALLFLOWER")
    expect(page.get_by_label("Which holds")).to_have_count(0)
    story.is_open("nurse", "care-plan-review", "reviewed")
    page = desk.page("nurse")
    page.goto(f"{desk.site.url}/patients/{story.patient}/plan")
    page.locator("input[name='plan.falls-frailty']").uncheck()
    page.get_by_role("button", name="Show what would change").click()
    page.get_by_role("button", name="Save this plan").click()
    expect(conflict(page)).to_have_count(0)
    advice = page.locator("section", has=page.get_by_role("heading", name="Advice"))
    expect(advice).to_contain_text("Upper number below 130")
    story.says_no("nurse", "care-plan-review")


def test_first_questions_go_from_staff_to_a_phone_that_takes_a_break_and_back(desk: Desk) -> None:
    story = desk.patient("HALFWAY")
    story.asks("new-patient-intake", "New patient")
    page = story.seen_by("coordinator", "new-patient-intake")
    fill_in(box(page), "Save the answer", text="Asked in English, in words of every day.", ticks=["Yes"])
    nurse = story.at_loop("nurse", "new-patient-intake")
    nurse.get_by_role("link", name="Get to know them").click()
    nurse.get_by_role("button", name="Start or go on").click()
    expect(nurse.get_by_role("heading", name="Getting to know you")).to_be_visible()
    here = nurse.url
    nurse.locator("summary", has_text="Send a part by link").click()
    nurse.get_by_label("How you feel", exact=True).check()
    nurse.get_by_role("button", name="Make the link").click()
    link = str(nurse.get_by_role("link", name="Link to send").get_attribute("href"))
    born = desk.fhir.get(f"Patient/{story.patient}")["birthDate"]
    for number in (1, 2):  # after the first answer the patient puts the phone away and opens the link again
        phone = desk.phone()
        phone.goto(f"{desk.site.url}{link}")
        phone.fill("#birth_date", born)
        phone.get_by_role("button", name="Show the question").click()
        expect(phone.get_by_text(f"Question {number} of")).to_be_visible()
        assert phone.evaluate("document.documentElement.scrollWidth <= 390")
        phone.get_by_label("Not at all").check()
        phone.get_by_role("button", name="Next").click()
    nurse.goto(f"{desk.site.url}/patients/{story.patient}/assessments")
    expect(nurse.locator("li", has_text="Getting to know you")).to_contain_text("answered")
    assert story.step("new-patient-intake", "assessment")["status"] != "completed"
    nurse.goto(here)
    nurse.locator("summary", has_text="Finish now").click()
    nurse.get_by_role("button", name="Save and finish").click()
    expect(nurse.locator("#said")).to_contain_text("is finished and saved.")
    expect(nurse.locator("tr", has_text="PHQ-2")).to_contain_text("0")
    page = story.at_loop("nurse", "new-patient-intake")
    expect(page.locator("#pane .proof li.done", has_text="Get to know the patient")).to_have_count(1)
    told = story.step("new-patient-intake", "assessment")["output"][0]["valueReference"]["reference"]
    assert told.startswith("QuestionnaireResponse/")
