"""Write once in a real browser: a note and what follows from it typed into the patient page's box, shown before it is
saved, taken back with one press; with the keyboard alone, and without JavaScript."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect
from tests.browser.conftest import Site, sign_in

pytestmark = pytest.mark.browser
Open = Callable[..., BrowserContext]
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def faults(page: Page) -> list[str]:
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": _TAGS}}).response["violations"]
    return [f"{page.url} {item['id']}: {item['nodes'][0]['html'][:160]}" for item in found]


def test_one_entry_is_shown_saved_and_taken_back(site: Site, open_context: Open, request) -> None:
    folder = request.config.getoption("--screenshots")
    page = open_context(viewport={"width": 1440, "height": 900}).new_page()
    sign_in(page, site, "coordinator")
    page.goto(f"{site.url}/worklist?scope=team")
    patient = str(page.locator("#pane .person a").first.get_attribute("href"))
    page.goto(f"{site.url}{patient}")
    page.keyboard.press("n")
    page.keyboard.type('Sleeps on two pillows. /weight 178 lb /task nurse by tomorrow "Ask about salt"')
    page.keyboard.press("Enter")
    expect(page.locator("#capture-lines")).to_contain_text("Weight: 178 lb (80.74 kg)")
    expect(page.locator("#capture-lines")).to_contain_text("Note: Sleeps on two pillows.")
    assert faults(page) == []
    if folder:
        page.screenshot(path=f"{folder}/capture-1440.png")
        for name, scheme, width in (("390", "light", 390), ("768", "light", 768), ("dark", "dark", 1440)):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.set_viewport_size({"width": width, "height": 900})
            page.locator("#capture").scroll_into_view_if_needed()
            page.screenshot(path=f"{folder}/capture-{name}.png")
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": 1440, "height": 900})
    assert page.evaluate("document.activeElement.textContent") == "Save"
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("Saved: Note; Weight; Task for")
    expect(page.locator(".timeline")).to_contain_text("Sleeps on two pillows.")

    plain = open_context(java_script_enabled=False).new_page()
    sign_in(plain, site, "coordinator")
    plain.goto(f"{site.url}{patient}")
    plain.locator("#capture-text").fill("/weight 17 lb")
    plain.get_by_role("button", name="Look").click()
    plain.get_by_role("button", name="Save", exact=True).click()
    expect(plain.locator(".errors")).to_contain_text("Answer the questions first.")
    plain.locator("#capture-text").fill("/wieght 170")
    plain.get_by_role("button", name="Look").click()
    expect(plain.locator(".errors")).to_contain_text("Expected: /weight.")
    page.keyboard.press("z")
    expect(page.locator("#said")).to_contain_text("Undone.")
    expect(page.locator(".timeline")).not_to_contain_text("Sleeps on two pillows.")


@pytest.mark.long
def test_a_doctor_answers_one_card_with_two_taps_and_reads_the_week(site: Site, open_context: Open, request) -> None:
    folder = request.config.getoption("--screenshots")
    page = open_context(java_script_enabled=False).new_page()
    sign_in(page, site, "coordinator")
    page.goto(f"{site.url}/worklist?scope=team")
    page.get_by_role("link", name="Ask a doctor about this").click()
    doctor = site.login("physician")["username"].split("@")[0].capitalize()
    option = page.locator("#to option", has_text=doctor).first
    page.select_option("#to", option.get_attribute("value"))
    page.fill("#text", "May the water pill be halved?")
    page.fill("#fact1", "Weight down 3 lb in a week")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator("#said")).to_contain_text("Asked.")

    phone = open_context(viewport={"width": 390, "height": 844}).new_page()
    sign_in(phone, site, "physician")
    phone.goto(f"{site.url}/my-week")
    expect(phone.locator("main")).to_contain_text("May the water pill be halved?")
    assert faults(phone) == []
    phone.goto(f"{site.url}/questions/next")
    assert faults(phone) == []
    if folder:
        phone.screenshot(path=f"{folder}/question-390.png")
    phone.get_by_role("button", name="Yes", exact=True).click()
    expect(phone.locator("#said")).to_contain_text("Answered.")

    manager = open_context(viewport={"width": 1440, "height": 900}, color_scheme="dark").new_page()
    sign_in(manager, site, "manager")
    manager.goto(f"{site.url}/team/licences")
    assert faults(manager) == []
    if folder:
        manager.screenshot(path=f"{folder}/licences-dark.png")
