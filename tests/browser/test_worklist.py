"""The worklist in few steps (ui.md §12): counted presses, printed; the finite day, filters, views, a wrong place."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect
from tests.browser.conftest import Site, emergency_visit, sign_in

pytestmark = pytest.mark.browser
Open = Callable[..., BrowserContext]
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class Counted:
    """Counts what a person presses; a typed name counts as one name, not as keys."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.keys = self.clicks = 0

    def press(self, *keys: str) -> None:
        for key in keys:
            self._page.keyboard.press(key)
            self.keys += 1
            if key != "Enter":  # which loads another page
                assert self._page.evaluate("document.activeElement !== document.body"), f"focus is lost after {key}"

    def click(self, selector: str, **more: str) -> None:
        self._page.locator(selector, **more).first.click()
        self.clicks += 1

    def name(self, text: str) -> None:
        self._page.keyboard.type(text)


def _select(page: Page, site: Site, family: str) -> None:
    page.goto(f"{site.url}/worklist?scope=team&most=500")
    page.goto(site.url + str(page.locator(".row[id]", has_text=family).locator("a.cover").get_attribute("href")))
    expect(page.locator("#pane .person")).to_contain_text(family)
    page.locator(".row.selected a.cover").focus()


def _saved(page: Page) -> None:
    expect(page.locator("#said").get_by_role("button", name="Undo")).to_be_visible(timeout=15_000)


def _said(page: Page, text: str) -> None:
    expect(page.locator("#said")).to_contain_text(text, timeout=15_000)


def test_interaction_budgets_of_the_worklist(site: Site, open_context: Open) -> None:
    for place, family in enumerate(("QUOKKA", "ZEPHYR", "MIMOSA")):
        emergency_visit(site, family=family, number=f"720{place + 1}")
    page = open_context().new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    measured: dict[str, int] = {}

    sign_in(page, site)
    mouse = Counted(page)
    mouse.click(".outcome", has_text="No answer")
    mouse.click("#save")
    _saved(page)
    measured["from sign-in to first call, clicks (2)"] = mouse.clicks

    _select(page, site, "QUOKKA")
    keys = Counted(page)
    keys.press("l", "1", "Control+Enter")
    _saved(page)
    measured["log a call, keys (5)"] = keys.keys

    _select(page, site, "ZEPHYR")
    mouse = Counted(page)
    mouse.click("[data-starts-timer]")
    mouse.click(".outcome", has_text="Reached")
    mouse.click("#save")
    _saved(page)
    measured["log a call with time, clicks (3)"] = mouse.clicks

    page = page.context.new_page()  # the browser's question about tel: keeps the keys of the page before
    page.on("pageerror", lambda error: errors.append(str(error)))
    _select(page, site, "MIMOSA")
    keys = Counted(page)
    keys.press("a")
    keys.name("Queue")
    keys.press("Enter")
    _said(page, "Offered")
    measured["hand over, keys and a name (2)"] = keys.keys

    _select(page, site, "ZEPHYR")
    keys = Counted(page)
    keys.press("s", "Enter")
    _said(page, "Snoozed")
    measured["snooze, keys (2)"] = keys.keys

    _select(page, site, "QUOKKA")
    page.keyboard.press("x")
    expect(page.locator("#picked")).to_contain_text("1 chosen")
    keys = Counted(page)
    keys.press("a")
    keys.name("Queue")
    keys.press("Enter")
    _said(page, "Offered. You stay the owner until each is accepted: 1.")
    measured["hand over what is chosen, keys and a name (2)"] = keys.keys

    print(*(f"{name}: {count}" for name, count in measured.items()), sep="\n")
    assert [name for name, count in measured.items() if count > int(name[-2])] == []
    assert errors == []


@pytest.mark.long
def test_filters_views_the_day_and_a_wrong_place(site: Site, open_context: Open) -> None:
    emergency_visit(site, family="WRONGLY", number="7210")
    page = open_context().new_page()
    faults: list[str] = []
    sign_in(page, site, "manager")
    page.goto(f"{site.url}/worklist?scope=team")
    page.keyboard.press("/")
    expect(page.locator("#by-due")).to_be_focused()
    faults += _violations(page)
    page.select_option("#by-due", "week")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_role("group", name="Filters that are on")).to_contain_text("Due within 7 days")
    page.keyboard.press("/")
    page.fill("#view-name", "This week")
    page.check("input[name=shared]")
    page.get_by_role("button", name="Save view").click()
    expect(page.get_by_role("group", name="Filters that are on")).to_contain_text("Due within 7 days")

    page.goto(f"{site.url}/worklist?scope=team&language=Klingon")
    nothing = page.locator(".empty", has_text="No results with these filters.")
    expect(nothing).to_be_visible()
    nothing.get_by_role("link", name="Clear filters").click()
    expect(page.locator(".row").first).to_be_visible()

    page.goto(f"{site.url}/worklist?scope=team&pick=yes")
    faults += _violations(page)
    page.goto(f"{site.url}/worklist/day")
    page.fill("#today-minutes", "0")
    page.get_by_role("button", name="Plan again").click()
    expect(page.locator("main")).to_contain_text("You have 0 minutes")
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        faults += _violations(page)
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    page.set_viewport_size({"width": 1440, "height": 900})

    _select(page, site, "WRONGLY")
    page.get_by_text("Say it is wrong").click()
    page.fill("#wrong-says", "Nobody waits for this")
    page.fill("#wrong-should", "Below the others")
    page.get_by_role("button", name="Send to the owner of the rules").click()
    _said(page, "Sent to the owner of the rules.")
    page.goto(f"{site.url}/rules/rank")
    expect(page.locator("main")).to_contain_text("Nobody waits for this")
    faults += _violations(page)
    page.get_by_label("What follows from it").first.fill("We look at the weight")
    page.get_by_role("button", name="Answer").first.click()
    expect(page.locator("main")).to_contain_text("We look at the weight")
    assert faults == []


def _violations(page: Page) -> list[str]:
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": _TAGS}}).response["violations"]
    return [f"{page.url}: {item['id']}: {item['nodes'][0]['html'][:160]}" for item in found]
