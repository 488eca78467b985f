"""The schedule in a real browser: a visit booked in two presses without JavaScript, moved, cancelled with a reason, its
time offered on; every page of it without an accessibility fault."""

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect
from tests.browser.conftest import Site, sign_in

pytestmark = pytest.mark.browser
Open = Callable[..., BrowserContext]
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
MOVED, CANCELLED = "The visit is moved. Tell the patient the new time.", "The visit is cancelled."


def patients(page: Page, site: Site) -> list[str]:
    """Addresses of two patients who are in hospital now."""
    page.goto(f"{site.url}/transitions?view=table")
    found = page.eval_on_selector_all("td a[href^='/patients/']", "links => links.map(link => link.href)")
    return list(dict.fromkeys(found))[:2]


def faults(page: Page) -> list[str]:
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": _TAGS}}).response["violations"]
    return [f"{page.url} {item['id']}: {item['nodes'][0]['html'][:160]}" for item in found]


@pytest.mark.long
def test_a_visit_from_the_patient_to_the_reason_without_javascript(site: Site, open_context: Open) -> None:
    with_script = open_context(color_scheme="dark").new_page()
    sign_in(with_script, site, "nurse")
    one, other = patients(with_script, site)
    page = open_context(java_script_enabled=False, viewport={"width": 390, "height": 800}).new_page()
    sign_in(page, site, "nurse")
    page.goto(one)
    page.get_by_role("link", name="Book a visit").click()
    page.locator("button[name=time]").first.click()
    expect(page.locator("#said")).to_contain_text("The visit is booked.")
    visit = page.url
    page.goto(other)
    page.get_by_role("link", name="Book a visit").click()
    page.locator("summary", has_text="Another time").click()
    page.get_by_role("button", name="Put on the waiting list").click()
    expect(page.locator("#said")).to_contain_text("On the waiting list.")
    page.goto(f"{visit}?move=true")
    page.locator("button[name=time]").nth(20).click()
    expect(page.locator("#said")).to_contain_text(MOVED)
    expect(page.locator("h1")).to_contain_text("Office visit")
    page.locator("summary", has_text="Cancel this visit").click()
    page.get_by_label("Why").select_option("ride")
    page.get_by_role("button", name="Cancel the visit").click()
    expect(page.locator("#said")).to_contain_text(CANCELLED)
    expect(page.locator("#said")).to_contain_text("Book a ride for the next visit")
    page.goto(f"{site.url}/schedule/missed")
    expect(page.locator("main")).to_contain_text("Needs a ride")
    page.goto(f"{site.url}/schedule/waiting")
    takes = page.get_by_role("button", name=re.compile("Takes it"))
    if takes.count():
        takes.first.click()
        expect(page.locator("#said")).to_contain_text("The visit is booked.")
    me = page.goto(f"{site.url}/schedule")
    assert me is not None and me.status == 200
    hours = page.get_by_role("link", name=re.compile("Hours")).first.get_attribute("href")
    book = f"/schedule/book?patient={one.rpartition('/')[2]}&kind=home"
    paths = ["/schedule", "/schedule?view=week", "/schedule/waiting", "/schedule/missed", "/schedule/home-day", book]
    found = []
    for path in [*paths, hours, visit.removeprefix(site.url)]:
        with_script.goto(site.url + str(path))
        found += faults(with_script)
        page.goto(site.url + str(path))
        wide = page.evaluate("document.documentElement.scrollWidth")
        found += [f"{path} scrolls sideways: {wide}"] if wide > 390 else []
    assert found == []
