"""Rules and clocks in a real browser: a clock is changed and tried on the last days, without any script."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect
from tests.browser.conftest import Site, sign_in

pytestmark = pytest.mark.browser
Open = Callable[..., BrowserContext]
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RULE = "/rules/pathways/discharge-transition"


def faults(page: Page) -> list[str]:
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": _TAGS}}).response["violations"]
    return [f"{item['id']}: {item['nodes'][0]['html'][:160]}" for item in found]


@pytest.mark.long
def test_a_clock_is_changed_and_tried_on_the_last_days(site: Site, open_context: Open, request) -> None:
    page = open_context(java_script_enabled=False).new_page()
    sign_in(page, site, "manager")
    page.get_by_role("link", name="Rules and clocks").click()
    page.get_by_role("link", name="Follow-up after hospital stay").click()
    contact = page.get_by_role("group", name="Call after hospital stay")
    contact.get_by_role("spinbutton", name="Time to do it").fill("1")
    contact.get_by_label("Who owns it").select_option("nurse")
    page.get_by_label("What this change is for").fill("Calls within a day")
    page.get_by_role("button", name="Save as a draft").click()
    expect(page.get_by_role("table", name="What changes")).to_contain_text("2 business days")
    page.get_by_role("button", name="Try it on the last days").click()
    for _ in range(30):
        if not page.get_by_role("link", name="Look again").count():
            break
        page.wait_for_timeout(1000)
        page.get_by_role("link", name="Look again").click()
    expect(page.get_by_role("table", name="What it would have done")).to_contain_text("Deadlines missed")
    page.locator("summary", has_text="By owner").click()
    page.get_by_role("button", name="Send to a second person").click()
    expect(page.get_by_role("main")).to_contain_text("Another manager publishes it")
    for width, scheme, paths in (
        (1440, "light", ("/rules", RULE, "/rules/worklist/rank")),
        (390, "dark", ("/rules", "/rules/pathways/ed-visit", "/rules/skipped")),
    ):
        looked = open_context(viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()
        sign_in(looked, site, "manager")
        for path in paths:
            looked.goto(f"{site.url}{path}")
            assert faults(looked) == [], path
            assert looked.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
            if folder := request.config.getoption("--screenshots"):
                name = path.strip("/").replace("/", "-")
                looked.screenshot(path=f"{folder}/{name}-{width}-{scheme}.png", full_page=True)
