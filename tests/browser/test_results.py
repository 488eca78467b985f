"""The results board in a real browser: a critical value from the laboratory to its acknowledgment, without scripts."""

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


def faults(page: Page) -> list[str]:
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": _TAGS}}).response["violations"]
    return [f"{item['id']}: {item['nodes'][0]['html'][:160]}" for item in found]


def potassium(site: Site) -> None:
    """Potassium 6.4 was released ten minutes ago; the message came through the real door."""
    now = Clock().now()
    released, taken = now - timedelta(minutes=10), now - timedelta(hours=2)
    at, drawn = f"{released:%Y%m%d%H%M%S}+0000", f"{taken:%Y%m%d%H%M%S}+0000"
    message = "\n".join(
        [
            f"MSH|^~\\&|LAB|STANNE|CARELOOP|PRACTICE|{at}||ORU^R01^ORU_R01|RESULTS-1|P|2.5.1",
            "PID|1||77123^^^STANNE^MR||Quill^Marta||19600412|F|||77123 ELM ST^^ALPHA^MA^07123||^PRN^PH^^^555^5557123",
            f"OBR|1|P-77123|F-77123|2823-3^Potassium^LN|||{drawn}|||||||||1234^Osei^Ada||||||{at}||LAB|F",
            f"OBX|1|NM|2823-3^Potassium^LN||6.4|mmol/L^mmol/L^UCUM|3.5-5.1|H|||F|||{drawn}",
        ]
    )
    assert send_hl7(site, message) == "AA"
    wait_until_read(site)


def test_a_critical_value_is_acknowledged_by_the_nurse_and_waits_for_the_doctor(
    site: Site, open_context: Open, request
) -> None:
    potassium(site)
    page = open_context(java_script_enabled=False).new_page()
    sign_in(page, site, "nurse")
    page.goto(f"{site.url}/results")
    row = page.get_by_role("row").filter(has_text="Marta Quill")
    expect(row).to_contain_text("Critical, call now")
    expect(row).to_contain_text("6.4 mmol/L")
    row.get_by_role("link", name="Potassium").click()
    path = page.url.removeprefix(site.url)
    page.get_by_label("Somebody told me").check()
    page.get_by_label("Who told you").fill("Lee, laboratory of St. Anne")
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_role("alert")).to_contain_text("the read-back")
    page.get_by_label("I read the value back").check()
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_role("status")).to_contain_text("Acknowledged")
    expect(page.get_by_role("main")).to_contain_text("open, acknowledged")
    for width, scheme in ((1440, "light"), (768, "light"), (390, "dark")):
        looked = open_context(viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()
        sign_in(looked, site, "nurse")
        for place in ("/results", "/results?which=untold", path):
            looked.goto(f"{site.url}{place}")
            assert faults(looked) == [], place
            assert looked.evaluate("document.documentElement.scrollWidth <= innerWidth"), place
            if folder := request.config.getoption("--screenshots"):
                name = "results-list" if place == "/results" else "results-one" if place == path else "results-untold"
                looked.screenshot(path=f"{folder}/{name}-{width}-{scheme}.png", full_page=True)
