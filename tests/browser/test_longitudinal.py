"""The record with its sources, and what sources disagree about, in a real browser: axe, 390 px, keys, no JavaScript."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from tests.browser.conftest import Site, send_hl7, sign_in, wait_until_read
from tests.browser.test_matches import faults

from careloop.clock import Clock

pytestmark = pytest.mark.browser
Open = Callable[..., BrowserContext]


def told_both(site: Site, page: Page, *, family: str, number: str) -> None:
    """A hospital that tells of an allergy and of none; the page shows what it disagrees about."""
    at = f"{Clock().now() - timedelta(hours=1):%Y%m%d%H%M%S}+0000"
    message = "\n".join([
        f"MSH|^~\\&|ADT|STANNE|CARELOOP|PRACTICE|{at}||ADT^A01|LG-{number}|P|2.5.1",
        f"EVN|A01|{at}",
        f"PID|1||{number}^^^STANNE^MR||{family}^{family[::-1]}||19{number[-2:]}0512|F"
        f"|||{number} OAK ST^^ALPHA^MA^01101",
        f"PV1|1|I|4W^401^A^STANNE||||||||||||||||V{number}|||||||||||||||||||||||||{at}",
        "AL1|1|DA|7980^Penicillin G^RXNORM|SV|Rash",
        "AL1|2|DA|NKA^No known allergies",
        "DG1|1||I10^Essential hypertension^I10|||A",
    ])  # fmt: skip
    assert send_hl7(site, message) == "AA"
    wait_until_read(site)
    for _ in range(40):
        page.goto(f"{site.url}/contradictions")
        if page.locator("table", has_text=family.title()).or_(page.locator("table", has_text=family)).count():
            return
        page.wait_for_timeout(500)
    pytest.fail("nothing was found to disagree about")


@pytest.mark.parametrize("width", [1440, 390])
def test_record_and_contradiction_have_no_accessibility_fault(site: Site, open_context: Open, width: int) -> None:
    page = open_context(viewport={"width": width, "height": 900}).new_page()
    sign_in(page, site, "nurse")
    told_both(site, page, family=f"LONGBY{width}", number=str(8300 + width % 100))
    assert faults(page) == []
    page.locator("tr", has_text=f"LONGBY{width}").get_by_role("link").first.click()
    expect(page.locator("h1")).to_have_text("An allergy, and no known allergies")
    assert faults(page) == []
    page.locator("main a").first.click()
    expect(page.locator(".disagree")).to_contain_text("Penicillin G")
    page.get_by_role("link", name="Record and sources").click()
    expect(page.locator("#problems")).to_contain_text("STANNE, messages")
    assert faults(page) == []
    page.get_by_role("link", name="Essential hypertension", exact=True).first.click()
    expect(page.locator("main")).to_contain_text("1 source says this")
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_it_is_settled_without_javascript_and_taken_back(site: Site, open_context: Open) -> None:
    page = open_context(java_script_enabled=False).new_page()
    sign_in(page, site, "nurse")
    told_both(site, page, family="PLAINBY", number="8501")
    page.locator("tr", has_text="PLAINBY").get_by_role("link").first.click()
    page.fill("#why", "Asked her: a rash as a child")
    page.click("button[value=left]")
    expect(page.locator("main")).to_contain_text("The first is right.")
    expect(page.locator("#said")).to_contain_text("Settled.")
    page.get_by_role("button", name="Take this answer back").click()
    expect(page.locator("#why")).to_be_visible()


def test_it_is_settled_with_the_keyboard(site: Site, open_context: Open) -> None:
    page = open_context().new_page()
    sign_in(page, site, "nurse")
    told_both(site, page, family="KEYBY", number="8502")
    link = page.locator("tr", has_text="KEYBY").get_by_role("link").first
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/contradictions/*")
    page.locator("#why").focus()
    page.keyboard.type("Asked her")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("The first is right.")
