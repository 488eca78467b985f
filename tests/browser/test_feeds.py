"""Feeds in a real browser: with axe, at 390 px, in the dark, with keys, without JavaScript, kept up to date."""

from collections.abc import Callable
from datetime import timedelta
from zlib import crc32

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect
from tests.browser.conftest import Site, send_hl7, sign_in, wait_until_read

from careloop.bench import made_up
from careloop.clock import Clock

pytestmark = pytest.mark.browser
Open = Callable[..., BrowserContext]
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def stranger(word: str) -> str:
    """Name and birth date of somebody who looks like nobody else, so that no pairs fill the list of likenesses."""
    index = crc32(word.encode())
    return f"{made_up.family(index)}^{made_up.family(index + 7)}||{made_up.birth_date(index).replace('-', '')}"


def discharges(site: Site, *, number: str, count: int = 6) -> None:
    """Patients of a house that gives a discharge reason of its own."""
    at = f"{Clock().now() - timedelta(hours=1):%Y%m%d%H%M%S}+0000"
    for place in range(count):
        message = "\n".join([
            f"MSH|^~\\&|ADT|FEEDHOUSE|CARELOOP|PRACTICE|{at}||ADT^A03|F{number}{place}|P|2.5.1",
            f"EVN|A03|{at}",
            f"PID|1||F{number}{place}^^^FEEDHOUSE^MR||{stranger(f'{number}{place}')}|F",
            f"PV1|1|I|||||||||||||||||VF{number}{place}|||||||||||||||||HOMEX|||||||||",
        ])  # fmt: skip
        assert send_hl7(site, message) == "AA"
    wait_until_read(site)


def faults(page: Page) -> list[str]:
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": _TAGS}}).response["violations"]
    return [f"{item['id']}: {item['nodes'][0]['html'][:160]}" for item in found]


def settings_of(page: Page, site: Site) -> str:
    page.goto(f"{site.url}/feeds")
    return site.url + str(page.get_by_role("link", name="Settings of").first.get_attribute("href"))


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "light"), (1440, "dark"), (390, "dark")])
def test_the_pages_have_no_accessibility_fault(site: Site, open_context: Open, width: int, scheme: str) -> None:
    discharges(site, number=f"{width}{scheme[0]}")
    page = open_context(viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()
    sign_in(page, site, "manager")
    path = settings_of(page, site)
    for url in (f"{site.url}/feeds", path, f"{path}/report", f"{path}/letter"):
        page.goto(url)
        assert faults(page) == [], url
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), url


def test_the_list_is_up_to_date_without_a_reload(site: Site, open_context: Open) -> None:
    page = open_context().new_page()
    sign_in(page, site, "manager")
    page.get_by_role("link", name="Feeds").click()
    first = page.locator("#feed-lines section").first
    before = first.locator("dd").nth(1).inner_text()
    discharges(site, number="77", count=1)
    expect(first.locator("dd").nth(1)).to_have_text(str(int(before) + 1), timeout=15_000)
    expect(first).to_contain_text("ADT^A03")


def test_without_javascript_a_code_is_translated_previewed_saved_and_taken_back(
    site: Site, open_context: Open
) -> None:  # fmt: skip
    discharges(site, number="55")
    page = open_context(java_script_enabled=False, viewport={"width": 390, "height": 800}).new_page()
    sign_in(page, site, "manager")
    page.goto(settings_of(page, site))
    row = page.locator("input[name=code-dispositions][value=HOMEX]")
    number = str(row.get_attribute("id")).rsplit("-", 1)[1]
    page.locator(f"#ours-dispositions-{number}").select_option("01")
    page.locator("#past").select_option(index=1)
    page.get_by_role("button", name="Show what changes").click()
    expect(page.locator("table.compare")).to_contain_text("disposition")
    expect(page.locator("table.compare td.differ").first).to_contain_text("01")
    page.get_by_role("button", name="Save").press("Enter")
    expect(page.locator("#said")).to_contain_text("Saved.")
    expect(page.locator("main")).to_contain_text("Changed: codes of the discharge reason")
    page.get_by_role("button", name="Back to version 1").first.press("Enter")
    expect(page.locator("#said")).to_contain_text("Back to version 1.")
    expect(page.locator("input[name=code-dispositions][value=HOMEX]")).to_have_count(1)


def test_the_report_says_in_words_what_to_ask_for(site: Site, open_context: Open) -> None:
    discharges(site, number="66")
    page = open_context().new_page()
    sign_in(page, site, "coordinator")
    page.goto(f"{site.url}/feeds")
    page.get_by_role("link", name="What it gives and leaves").first.click()
    page.get_by_role("navigation", name="Sender").get_by_role("link", name="ADT|FEEDHOUSE").click()
    expect(page.locator("main")).to_contain_text("None of the discharge reasons in PV1-36 is known to us: HOMEX")
    page.get_by_role("link", name="Letter to the sender").click()
    expect(page.locator("article")).to_contain_text("Messages from ADT|FEEDHOUSE")
    expect(page.locator("article")).to_contain_text("tell us what these codes of PV1-36 mean")
