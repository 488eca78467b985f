"""Same person? Two records side by side, in a real browser: with axe, at 390 px, with keys, without JavaScript."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect
from tests.browser.conftest import Site, send_hl7, sign_in, wait_until_read

from careloop.clock import Clock

pytestmark = pytest.mark.browser
Open = Callable[..., BrowserContext]
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def registered_twice(site: Site, *, family: str, number: str) -> None:
    """Two desks registered one person under two numbers, a birth date apart by a digit."""
    at = f"{Clock().now() - timedelta(hours=1):%Y%m%d%H%M%S}+0000"
    for place, day in (("1", "12"), ("2", "13")):
        message = "\n".join([
            f"MSH|^~\\&|ADT|STANNE|CARELOOP|PRACTICE|{at}||ADT^A28|A28-{number}{place}|P|2.5.1",
            f"EVN|A28|{at}",
            f"PID|1||{number}{place}^^^STANNE^MR||{family}^{family[::-1]}||196005{day}|F"
            f"|||{number} ELM ST^^ALPHA^MA^0{number}||^PRN^PH^^^555^555{number}",
            "PV1|1|N",
        ])  # fmt: skip
        assert send_hl7(site, message) == "AA"
    wait_until_read(site)


def card(page: Page, family: str):
    return page.locator("section.card", has_text=family)


def faults(page: Page) -> list[str]:
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": _TAGS}}).response["violations"]
    return [f"{item['id']}: {item['nodes'][0]['html'][:160]}" for item in found]


@pytest.mark.parametrize("width", [1440, 390])
def test_the_evidence_is_in_words_without_an_accessibility_fault(site: Site, open_context: Open, width: int) -> None:
    registered_twice(site, family=f"AXEBY{width}", number=str(7300 + width % 100))
    page = open_context(viewport={"width": width, "height": 900}).new_page()
    sign_in(page, site, "manager")
    page.goto(f"{site.url}/matches")
    pair = card(page, f"AXEBY{width}")
    expect(pair).to_contain_text("one slip of the pen in the date")
    expect(pair).to_contain_text("speaks very strongly for one person")
    pair.locator("summary").click()
    expect(pair).to_contain_text("settle this first")
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_pair_is_found_from_the_worklist_and_decided_with_the_keyboard(site: Site, open_context: Open) -> None:
    registered_twice(site, family="KEYSBY", number="7401")
    page = open_context().new_page()
    sign_in(page, site, "manager")
    page.goto(f"{site.url}/worklist?scope=queue&kind=person-match")
    expect(page.locator("#group-pairs")).to_contain_text("Same person?")
    page.goto(f"{site.url}/matches")
    pair = card(page, "KEYSBY")
    pair.locator("input[name=why]").focus()
    page.keyboard.type("Same phone and the daughter says so")
    page.keyboard.press("Tab")
    expect(pair.get_by_role("button", name="Same person")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("Joined")
    expect(card(page, "KEYSBY")).to_have_count(0)
    page.get_by_role("button", name="Undo this decision").click()
    expect(card(page, "KEYSBY")).to_have_count(1)


def test_without_javascript_a_person_can_ask_first_and_then_keep_two_apart(site: Site, open_context: Open) -> None:
    registered_twice(site, family="NOSCRIPTBY", number="7501")
    page = open_context(java_script_enabled=False, viewport={"width": 390, "height": 800}).new_page()
    sign_in(page, site, "manager")
    page.goto(f"{site.url}/matches")
    card(page, "NOSCRIPTBY").locator("input[name=why]").fill("Ask which day she was born")
    card(page, "NOSCRIPTBY").get_by_role("button", name="Cannot tell: ask").click()
    expect(card(page, "NOSCRIPTBY")).to_contain_text("Somebody is finding out: Ask which day she was born")
    card(page, "NOSCRIPTBY").locator("input[name=why]").fill("Cousins")
    card(page, "NOSCRIPTBY").get_by_role("button", name="Not the same").click()
    expect(card(page, "NOSCRIPTBY")).to_have_count(0)
