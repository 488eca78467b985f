"""The team in a real browser without JavaScript: load, leave and its end, a hand-over answered by the other, the lead
of a patient, who owned what; every page of it without an accessibility fault and without sideways scrolling."""

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


@pytest.mark.long
def test_work_changes_hands_and_nobody_is_without_an_owner(site: Site, open_context: Open, request) -> None:
    folder = request.config.getoption("--screenshots")
    looks = {
        name: open_context(color_scheme=scheme, viewport={"width": width, "height": 900}).new_page()
        for name, scheme, width in (("wide", "light", 1440), ("narrow", "dark", 390))
    }
    for one in looks.values():
        sign_in(one, site, "manager")
    page = open_context(java_script_enabled=False).new_page()
    sign_in(page, site, "coordinator")
    page.goto(f"{site.url}/hand-over")
    nurse = site.login("nurse")["username"].split("@")[0]
    option = page.locator("#to option", has_text=nurse.capitalize()).first
    page.select_option("#to", option.get_attribute("value"))
    page.get_by_role("button", name="Write it").click()
    boxes = page.locator("input[name=loop]")
    for number in range(1, boxes.count()):
        boxes.nth(number).uncheck(force=True)
    patient = str(page.locator("th[scope=row] a").first.text_content())
    page.get_by_label("A word to them").fill("Off at noon")
    page.get_by_role("button", name="Offer these").click()
    expect(page.locator("#said")).to_contain_text("1 offered. They are yours until they are accepted.")

    taker = open_context(java_script_enabled=False).new_page()
    sign_in(taker, site, "nurse")
    taker.goto(f"{site.url}/hand-over")
    expect(taker.locator("main")).to_contain_text("Off at noon")
    taker.get_by_role("button", name=f"Accept {patient}").click()
    expect(taker.locator("#said")).to_contain_text("Accepted. This is yours now.")

    taker.goto(f"{site.url}/team")
    taker.locator("summary", has_text="Add leave").click()
    taker.get_by_label("From").fill("2031-07-01T08:00")
    taker.get_by_label("To", exact=True).fill("2031-07-08T17:00")
    taker.get_by_label("Why (others read this)").fill("Vacation")
    taker.get_by_role("button", name="Save leave").click()
    expect(taker.locator("#said")).to_contain_text("Noted.")
    taker.get_by_role("button", name="Call off").first.click()
    expect(taker.locator("#said")).to_contain_text("will not be away")

    page.goto(f"{site.url}/transitions?view=table")
    link = str(page.locator("td a[href^='/patients/']").first.get_attribute("href"))
    page.goto(f"{site.url}{link}/team")
    page.locator("summary", has_text="Offer the lead").click()
    page.locator("#lead-to").select_option(index=1)
    page.get_by_label("Why (they will read this)").fill("Knows the family")
    page.get_by_role("button", name="Offer", exact=True).click()
    expect(page.locator("main")).to_contain_text("leads until it is accepted")

    wrong = []
    leaves = str(page.url)
    for path in ("/team?pathway=discharge-transition&count=12", "/team/digest", "/conferences", leaves, ""):
        for name, one in looks.items():
            if path == "":
                one.goto(f"{site.url}/team")
                one.get_by_role("link", name="leaves").first.click()
            else:
                one.goto(path if path.startswith("http") else f"{site.url}{path}")
            wrong += faults(one)
            if one.evaluate("document.documentElement.scrollWidth > innerWidth"):
                wrong.append(f"{one.url} at {name} scrolls sideways")
            if folder:
                one.screenshot(path=f"{folder}/team-{name}-{len(path)}.png", full_page=True)
    assert wrong == []
