"""Quiet in a real browser without JavaScript: a notice opened, one turned down and back, the contact budget at the
phone, wishes of the patient, the card of a stay; every page without an accessibility fault."""

import re
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


def test_one_card_one_notice_one_budget(site: Site, open_context: Open) -> None:
    look = open_context(color_scheme="dark", viewport={"width": 390, "height": 844}).new_page()
    sign_in(look, site, "coordinator")
    page = open_context(java_script_enabled=False).new_page()
    sign_in(page, site, "coordinator")

    page.goto(f"{site.url}/episodes")
    expect(page.locator("main article").first).to_contain_text("Changed last:")
    patient = str(page.locator("main article h2 a").first.get_attribute("href")).removesuffix("/episodes")
    page.goto(f"{site.url}{patient}")
    expect(page.locator(".loopside")).to_contain_text("Episodes")

    page.goto(f"{site.url}{patient}/contacts")
    page.get_by_label("Text", exact=True).check()
    page.get_by_label("Best time, in their words").fill("After 5 pm")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#said")).to_contain_text("Every program keeps to it")
    expect(page.get_by_label("Text", exact=True)).to_be_checked()

    page.goto(f"{site.url}/notices/settings")
    page.get_by_label("How: Late").select_option("off")
    page.get_by_role("button", name="Save the kinds").click()
    expect(page.locator("#said")).to_contain_text("Saved.")
    page.get_by_label("Your address (empty: no e-mail)").fill("eve@localhost")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("a mail address")
    page.goto(f"{site.url}/notices/ignored")
    page.get_by_role("button", name=re.compile("Tell me again.*Late")).click()
    expect(page.locator("#said")).to_contain_text("Late: ")

    page.goto(f"{site.url}/notices")
    if page.get_by_role("button", name="Open").count():
        page.get_by_role("button", name="Open").first.click()
        expect(page).not_to_have_url(f"{site.url}/notices")

    found = []
    for path in ("/notices", "/notices/settings", "/notices/ignored", "/episodes", f"{patient}/episodes",
                 f"{patient}/contacts", patient):  # fmt: skip
        look.goto(f"{site.url}{path}")
        found += faults(look)
        assert look.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    assert found == []
