"""A promise is asked for by link and by sheet; the link is answered without JavaScript at 320 px, and the printed sheet
comes back as a picture and finds its matter by itself."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

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


def looked_at(page: Page) -> None:
    """No accessibility fault, nothing beside the page, wide and narrow."""
    for width in (390, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        assert faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (page.url, width)


def promise(page: Page, site: Site) -> None:
    """A report is expected for a patient of the demo."""
    page.goto(f"{site.url}/worklist?scope=team")
    page.goto(site.url + str(page.locator(".pane a[href^='/patients/']").first.get_attribute("href")))
    page.get_by_role("link", name="Expect a document").click()
    page.get_by_label("What was promised").fill("Operation report")
    page.get_by_label("By whom").fill("Mercy Hospital")
    looked_at(page)
    page.get_by_role("button", name="Put it on the list").click()


@pytest.mark.long
def test_a_link_and_a_sheet_bring_back_what_was_promised(site: Site, open_context: Open, tmp_path: Path) -> None:
    page = open_context().new_page()
    sign_in(page, site, "coordinator")
    promise(page, site)
    line = page.locator("tr", has_text="Operation report from Mercy Hospital").first
    expect(line).to_be_visible()
    looked_at(page)
    line.get_by_role("link", name="Call script").click()
    looked_at(page)
    page.go_back()
    line.get_by_role("link", name="Link or sheet").click()
    looked_at(page)
    page.get_by_label("Who is asked").fill("Mercy Hospital")
    page.get_by_label("Hospital or facility").check()
    page.get_by_role("button", name="Make link and sheet").click()
    address = page.locator("code").inner_text()
    looked_at(page)
    page.get_by_role("link", name="Sheet for fax or mail").click()
    looked_at(page)
    born = page.locator("table.who").inner_text().split("born ")[1].split("\n")[0]
    birth_date = f"{datetime.strptime(born, '%d %b %Y'):%Y-%m-%d}"
    page.set_viewport_size({"width": 816, "height": 1056})
    printed = tmp_path / "sheet.jpg"
    page.screenshot(path=printed, full_page=True, type="jpeg", quality=80)

    partner = open_context(java_script_enabled=False, viewport={"width": 320, "height": 700}).new_page()
    partner.goto(address)
    partner.get_by_label("Patient’s birth date").fill(birth_date)
    partner.get_by_role("button", name="Show the question").click()
    partner.get_by_label("We will send it").check()
    partner.get_by_label("By", exact=True).fill("2099-01-01")
    partner.get_by_label("Your name").fill("Pat Lee")
    partner.get_by_role("button", name="Send the answer").click()
    expect(partner.get_by_role("heading", name="Thank you")).to_be_visible()
    assert partner.context.cookies() == []

    seen = open_context(viewport={"width": 320, "height": 700}).new_page()
    seen.goto(partner.get_by_role("link", name="Open the next page").evaluate("one => one.href"))
    assert faults(seen) == []
    assert seen.evaluate("document.documentElement.scrollWidth <= innerWidth")
    seen.get_by_label("Patient’s birth date").fill(birth_date)
    seen.get_by_role("button", name="Show the question").click()
    assert faults(seen) == []
    assert seen.evaluate("document.documentElement.scrollWidth <= innerWidth")

    page.goto(f"{site.url}/documents")
    looked_at(page)
    page.get_by_label("Add pages").set_input_files(printed)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("heading", name="Attached to")).to_be_visible()
    looked_at(page)
