"""Every key of ui.md §11, focus that can be seen, and the same work without JavaScript. Run: `pytest -m long`."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from tests.browser.conftest import Site, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.long]
Open = Callable[..., BrowserContext]

_IS_SEEN = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return 'nowhere';
  const outlined = [at, at.closest('.row'), at.closest('.capturebox'), at.closest('.box'), at.nextElementSibling];
  const shown = outlined.some(one => one && getComputedStyle(one).outlineStyle !== 'none');
  const where = at.getBoundingClientRect(), bar = document.querySelector('.rail').getBoundingClientRect();
  const hidden = bar.top > innerHeight / 2 && where.top > bar.top && !at.closest('.rail');
  return (shown ? '' : 'no outline: ') + (hidden ? 'under the bar: ' : '') + (shown && !hidden ? '' : at.outerHTML.slice(0, 90));
}"""  # noqa: E501


def _patient_with_two_lists(page: Page, site: Site) -> str:
    """The address of a patient whose medicine lists differ."""
    page.goto(f"{site.url}/worklist?scope=all&most=500")
    row = page.locator(".row", has_text="lists differ").locator("a.cover").first
    page.goto(site.url + str(row.get_attribute("href")))
    return site.url + str(page.locator("#pane .person a").first.get_attribute("href"))


def test_every_key_of_the_design_does_what_it_says(site: Site, open_context: Open) -> None:
    page = open_context().new_page()
    sign_in(page, site, "nurse")
    patient = _patient_with_two_lists(page, site)
    for letter, path in zip(
        "ptrsmw", ("patients", "transitions", "referrals", "results", "messages", "worklist"), strict=True
    ):
        page.keyboard.press("g")
        page.keyboard.press(letter)
        page.wait_for_url(f"**/{path}")
    page.goto(f"{site.url}/worklist?scope=all")
    first = page.locator("#pane").get_attribute("data-loop")
    for down, up in (("j", "k"), ("ArrowDown", "ArrowUp")):
        page.keyboard.press(down)
        expect(page.locator("#pane")).not_to_have_attribute("data-loop", str(first))
        page.keyboard.press(up)
        expect(page.locator("#pane")).to_have_attribute("data-loop", str(first))
    page.keyboard.press("t")
    expect(page.locator("#said")).to_contain_text("Timer started")
    page.keyboard.press("x")
    expect(page.locator("#rows.picking")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#rows.picking")).to_have_count(0)
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    page.keyboard.press("/")
    expect(page.locator(".filter[open]")).to_be_visible()
    page.evaluate("window.here = 1")
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    page.wait_for_function("window.here === undefined")
    page.goto(f"{site.url}/transitions")
    page.keyboard.press("v")
    page.wait_for_url("**view=table")
    page.goto(patient)
    page.keyboard.press("+")
    expect(page.locator("#capture-text")).to_be_focused()
    assert page.locator("#capture-text").input_value() == "/task "
    page.goto(patient)
    page.keyboard.press("n")
    expect(page.locator("#capture-text")).to_be_focused()
    page.goto(patient)
    page.keyboard.press("m")
    page.wait_for_url("**/medicines/compare")


@pytest.mark.parametrize("width", [1440, 390])
def test_focus_can_always_be_seen(site: Site, open_context: Open, width: int) -> None:
    page = open_context(viewport={"width": width, "height": 844}).new_page()
    sign_in(page, site, "nurse")
    patient = _patient_with_two_lists(page, site)
    unseen = []
    for address in (f"{site.url}/worklist?scope=all", patient, f"{patient}/medicines/compare", f"{patient}/plan"):
        page.goto(address)
        for _ in range(45):
            page.keyboard.press("Tab")
            if says := page.evaluate(_IS_SEEN):
                unseen.append(f"{address.removeprefix(site.url)}: {says}")
    assert [one for one in unseen if "nowhere" not in one] == []


def test_capture_compare_and_plan_work_without_javascript(site: Site, open_context: Open) -> None:
    page = open_context(java_script_enabled=False).new_page()
    sign_in(page, site, "nurse")
    patient = _patient_with_two_lists(page, site)
    page.goto(patient)
    page.fill("#capture-text", "Spoke with the daughter about the ride")
    page.get_by_role("button", name="Look").click()
    expect(page.locator("#capture-lines li").first).to_be_visible()
    page.locator("#capture-preview button[value=save]").click()
    expect(page.locator("#said")).not_to_be_empty()

    page.goto(f"{patient}/medicines/compare")
    before = page.locator(".settled").inner_text()
    open_rows = page.locator(".cmp tr.open")
    open_rows.first.locator("input[type=radio]").first.check(force=True)
    page.get_by_role("button", name="Save for later").click()
    page.goto(f"{patient}/medicines/compare")
    assert page.locator(".settled").inner_text() != before

    page.goto(f"{patient}/plan")
    page.get_by_role("button", name="Show what would change").click()
    expect(page.get_by_role("button", name="Save this plan")).to_be_visible()
