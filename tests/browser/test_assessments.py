"""A check-in half-way on a phone without JavaScript, gone on with by staff; every page looked at by axe."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from tests.browser.conftest import Site, sign_in
from tests.browser.test_acceptance import _a_patient, _violations

pytestmark = [pytest.mark.browser, pytest.mark.long]
Open = Callable[..., BrowserContext]


def _born(page: Page) -> str:
    """The birth date as the first line of the patient's page says it, as a form takes it."""
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    text = page.locator(".ident p").first.inner_text()
    found = re.search(r"Born (\d{1,2}) (\w{3})\w* (\d{4})", text)
    assert found is not None, text
    return f"{found[3]}-{months.index(found[2]) + 1:02d}-{int(found[1]):02d}"


def test_a_check_in_goes_from_staff_to_a_phone_and_back(
    site: Site, open_context: Open, request: pytest.FixtureRequest
) -> None:
    shots = request.config.getoption("--screenshots")
    desk = open_context().new_page()
    sign_in(desk, site, "nurse")
    patient = _a_patient(desk, site)
    desk.goto(f"{site.url}{patient}/assessments")
    born, faults = _born(desk), _violations(desk)
    _shoot(desk, shots, "assessments")
    desk.select_option("#what", "comprehensive")
    desk.get_by_role("button", name="Start or go on").click()
    faults += _violations(desk)
    _shoot(desk, shots, "checkin")
    expect(desk.get_by_role("heading", name="Getting to know you")).to_be_visible()
    if not desk.locator("#answer").count():
        desk.get_by_role("button", name="Save and next").click()
    expect(desk.locator("#answer")).to_be_visible()
    desk.locator("summary", has_text="Send a part by link").click()
    desk.get_by_label("How you feel", exact=True).check()
    desk.get_by_role("button", name="Make the link").click()
    link = str(desk.get_by_role("link", name="Link to send").get_attribute("href"))

    phone = open_context(viewport={"width": 390, "height": 844}, java_script_enabled=False).new_page()
    phone.goto(f"{site.url}{link}")
    phone.fill("#birth_date", born)
    phone.get_by_role("button", name="Show the question").click()
    phone.get_by_label("More than half the days").check()
    _shoot(phone, shots, "phone")
    phone.get_by_role("button", name="Next").click()
    expect(phone.get_by_text("Question 2 of")).to_be_visible()

    phone.goto(f"{site.url}{link}")
    phone.fill("#birth_date", born)
    phone.get_by_role("button", name="Show the question").click()
    expect(phone.get_by_text("Question 2 of")).to_be_visible()
    phone.get_by_label("More than half the days").check()
    phone.get_by_role("button", name="Next").click()
    while not phone.get_by_text("better off dead").count():
        phone.get_by_role("button", name="Skip").click()
    expect(phone.get_by_role("link", name="Call 988")).to_be_visible()
    _shoot(phone, shots, "phone-item-9")
    phone.get_by_label("Several days").check()
    phone.get_by_role("button", name="Next").click()
    expect(phone.get_by_role("heading", name="You are not alone")).to_be_visible()
    _shoot(phone, shots, "phone-crisis")

    desk.goto(f"{site.url}{patient}/assessments")
    expect(desk.get_by_role("button", name="I take it")).to_be_visible()
    faults += _violations(desk)
    desk.get_by_role("button", name="I take it").click()
    desk.get_by_role("link", name=re.compile("Go on with Getting")).click()
    expect(desk.locator("#answer")).to_be_visible()
    desk.locator("summary", has_text="Finish now").click()
    desk.get_by_role("button", name="Save and finish").click()
    desk.goto(f"{site.url}{patient}/assessments/phq-9")
    faults += _violations(desk)
    _shoot(desk, shots, "phq-9")
    assert faults == []


def _shoot(page: Page, folder: str | None, name: str) -> None:
    if folder:
        page.screenshot(path=f"{folder}/assess-{name}.png", full_page=True)
