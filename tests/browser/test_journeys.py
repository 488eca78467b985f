"""A person signs in, works a loop and sees it close: with a mouse, with keys, on a phone, without JavaScript."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from tests.browser.conftest import Site, emergency_visit, sign_in

pytestmark = pytest.mark.browser
Open = Callable[..., BrowserContext]


def _choose(page: Page, site: Site, family: str) -> None:
    page.goto(f"{site.url}/worklist?scope=team&most=500")
    page.locator(".row", has_text=family).locator("a.cover").click()
    expect(page.locator("#pane .person")).to_contain_text(family)


def _attest_follow_up(page: Page) -> None:
    page.locator("#foot summary", has_text="Add proof").click()
    page.select_option("#proof-step", "follow-up-decided")
    page.select_option("#proof-kind", "not-applicable")
    page.fill("#proof-note", "Seen by her own doctor this morning, no follow-up is needed.")
    page.get_by_role("button", name="Save proof").click()


def _expect_closed(page: Page, site: Site, family: str) -> None:
    page.goto(f"{site.url}/patients")
    page.fill("#text", family)
    page.get_by_role("button", name="Find", exact=True).click()
    page.locator("td a", has_text=family).click()
    expect(page.locator("#loops-title")).to_contain_text("Open loops 0")
    expect(page.locator("details", has_text="Closed")).to_be_visible()


def test_a_call_and_a_decision_close_an_emergency_visit(site: Site, open_context: Open) -> None:
    emergency_visit(site, family="MOUSEBY", number="7001")
    page = open_context().new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    sign_in(page, site)
    _choose(page, site, "MOUSEBY")
    page.locator(".outcome", has_text="Reached").click()
    page.fill("#minutes", "4")
    page.get_by_role("button", name="Save and next").click()
    expect(page.locator("#said")).not_to_be_empty()
    _choose(page, site, "MOUSEBY")
    expect(page.locator(".proof .done").first).to_be_visible()
    _attest_follow_up(page)
    _expect_closed(page, site, "MOUSEBY")
    assert errors == []
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0


def test_the_same_works_without_javascript(site: Site, open_context: Open) -> None:
    emergency_visit(site, family="PLAINLY", number="7002")
    page = open_context(java_script_enabled=False).new_page()
    sign_in(page, site)
    _choose(page, site, "PLAINLY")
    page.locator(".outcome", has_text="Reached").click()
    page.fill("#minutes", "3")
    page.get_by_role("button", name="Save and next").click()
    expect(page.locator("#said")).not_to_be_empty()
    _choose(page, site, "PLAINLY")
    _attest_follow_up(page)
    _expect_closed(page, site, "PLAINLY")


def test_a_call_is_logged_with_five_keys_and_focus_is_never_lost(site: Site, open_context: Open) -> None:
    emergency_visit(site, family="KEYSON", number="7003")
    page = open_context().new_page()
    sign_in(page, site)
    _choose(page, site, "KEYSON")
    page.locator(".row.selected a.cover").focus()
    pressed = ["l", "1", "Control+Enter"]
    for key in pressed:
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement !== document.body")
    assert len(pressed) <= 5
    expect(page.locator("#said")).not_to_be_empty()
    page.wait_for_timeout(300)
    assert page.evaluate("document.activeElement !== document.body")
    _choose(page, site, "KEYSON")
    expect(page.locator(".proof .done").first).to_be_visible()


def test_keys_alone_lead_from_sign_in_to_a_saved_call(site: Site, open_context: Open) -> None:
    emergency_visit(site, family="TABBER", number="7004")
    page = open_context().new_page()
    login = site.login("coordinator")
    page.goto(f"{site.url}/sign-in")
    expect(page.locator("#username")).to_be_focused()
    page.keyboard.type(login["username"])
    page.keyboard.press("Tab")
    page.keyboard.type(login["password"])
    page.keyboard.press("Enter")
    page.wait_for_url("**/worklist**")
    page.keyboard.press("Control+k")
    expect(page.locator("#palette")).to_be_visible()
    page.keyboard.type("TABBER")
    expect(page.locator(".hit[aria-selected=true]")).to_contain_text("TABBER")
    page.keyboard.press("Enter")
    page.wait_for_url("**/patients/**")
    page.keyboard.press("c")
    page.wait_for_url("**/worklist**")
    page.keyboard.press("l")
    page.keyboard.press("2")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#said")).not_to_be_empty()


def test_the_same_works_on_a_phone(site: Site, open_context: Open) -> None:
    emergency_visit(site, family="POCKET", number="7005")
    page = open_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True).new_page()
    sign_in(page, site)
    _choose(page, site, "POCKET")
    page.locator(".outcome", has_text="Reached").click()
    page.get_by_role("button", name="Save and next").click()
    expect(page.locator("#said")).not_to_be_empty()
    _choose(page, site, "POCKET")
    _attest_follow_up(page)
    _expect_closed(page, site, "POCKET")


def test_a_saved_call_can_be_undone(site: Site, open_context: Open) -> None:
    emergency_visit(site, family="REGRETTI", number="7006")
    page = open_context().new_page()
    sign_in(page, site)
    _choose(page, site, "REGRETTI")
    page.locator(".outcome", has_text="Reached").click()
    page.get_by_role("button", name="Save and next").click()
    page.get_by_role("button", name="Undo").click()
    _choose(page, site, "REGRETTI")
    expect(page.locator(".proof li", has_text="in hand")).to_have_count(0)


def test_nothing_typed_is_lost_when_a_save_is_refused(site: Site, open_context: Open) -> None:
    emergency_visit(site, family="KEEPER", number="7007")
    page = open_context(java_script_enabled=False).new_page()
    sign_in(page, site)
    _choose(page, site, "KEEPER")
    page.locator(".outcome", has_text="No answer").click()
    page.fill("#note", "Rang twice")
    page.locator("#minutes").fill("601")
    page.locator("#callbox").evaluate("form => form.noValidate = true")
    page.get_by_role("button", name="Save and next").click()
    expect(page.locator("#problem")).to_be_visible()
    expect(page.locator("#note")).to_have_value("Rang twice")


def test_a_picture_of_the_worklist_is_kept_for_the_readme(site: Site, open_context: Open, tmp_path: Path) -> None:
    page = open_context().new_page()
    sign_in(page, site)
    page.goto(f"{site.url}/worklist?scope=team&most=500")
    picture = tmp_path / "worklist.png"
    page.screenshot(path=picture)
    assert picture.stat().st_size > 20_000
