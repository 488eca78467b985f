"""A referral in a real browser: asked within six clicks, on the board, reminded with one, and clean for everybody."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page
from tests.browser.conftest import Site, sign_in

pytestmark = pytest.mark.browser
_WIDTHS = (320, 390, 768, 1440)
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def _violations(page: Page) -> list[str]:
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": _TAGS}}).response["violations"]
    return [f"{page.url}: {item['id']}: {item['nodes'][0]['html'][:160]}" for item in found]


def test_a_referral_is_sent_within_six_clicks_and_its_pages_are_clean(open_context, site: Site) -> None:
    page: Page = open_context(viewport={"width": 1440, "height": 900}).new_page()
    sign_in(page, site)
    page.goto(f"{site.url}/worklist?scope=team")
    page.locator("#pane .person a").first.click()
    page.wait_for_url("**/patients/**")
    address = page.url
    clicks = 0

    def click(selector: str) -> None:
        nonlocal clicks
        page.locator(selector).first.click()
        clicks += 1

    click("a[href$='/refer']")
    page.get_by_label("Refer for").fill("Podiatry")
    page.get_by_label("In words").fill("Diabetic foot")
    page.get_by_label("Your question").fill("Does this wound need surgery?")
    page.get_by_label("Another one").fill("Foot Clinic")
    page.get_by_label("Who pays").or_(page.get_by_label("Anything to add")).fill("Medicare, no approval needed")
    for name in ("results", "medications", "allergies"):
        if name == "results" or page.locator(f"input[name='{name}']").count() == 0:
            click(f"input[name='none-{name}']")
    click("button[value='send']")
    page.wait_for_url("**/referrals/**")
    assert clicks <= 6
    assert "Sent to Foot Clinic" in page.locator("#said").inner_text()
    referral = page.url
    for path in (referral, f"{site.url}/referrals", f"{address}/refer"):
        page.goto(path)
        assert _violations(page) == []
        assert page.locator("main .btn.primary:visible").count() <= 1
        for width in _WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, width)
        page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{site.url}/referrals")
    assert page.get_by_role("link", name="How long patients wait").is_visible()
