"""The checklist of every screen (ui.md §15) and the budgets (ui.md §12), measured and printed."""

import gzip
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect
from tests.browser.conftest import Site, emergency_visit, sign_in
from tests.browser.furnished import Furnished, furnish
from tests.browser.pathways.desk import Desk
from tests.browser.pathways.doors import Fhir
from tests.conftest import REPOSITORY

from careloop.web.staff.context import MENU

pytestmark = pytest.mark.browser
Open = Callable[..., BrowserContext]

_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_PAGES = (
    "/worklist", "/worklist?scope=team", "/worklist/day", "/patients", "/notices", "/transitions",
    "/transitions?view=table", "/episodes?scope=team", "/referrals", "/results", "/monitoring", "/messages",
    "/questions", "/schedule", "/team", "/expected", "/documents", "/matches", "/contradictions", "/arrivals",
    "/feeds", "/rules", "/deliveries", "/settings", "/help", "/find",
)  # fmt: skip
"""Every page of the menu of a manager, and the worklist as it is used; looked at in each run."""

_MORE_PAGES = (
    "/referrals/times", "/referrals/figures", "/referrals?view=table", "/team/licences", "/team/digest", "/hand-over",
    "/conferences", "/rules/rank", "/rules/skipped", "/notices/settings", "/notices/ignored", "/monitoring/load",
    "/monitoring/today", "/schedule/waiting",
    "/schedule/missed", "/schedule/home-day", "/documents?status=attached", "/arrivals?status=used",
)  # fmt: skip
"""Pages one step further; looked at in long runs."""

_OF_A_NURSE = ("/my-week",)


def _a_patient(page: Page, site: Site) -> str:
    page.goto(f"{site.url}/worklist?scope=team")
    return str(page.locator("#pane .person a").first.get_attribute("href"))


_OF_A_PATIENT = (
    "", "/brief", "/results", "/plan", "/education", "/medicines", "/record", "/team", "/vitals", "/assessments",
    "/apps", "/expected",
)  # fmt: skip
"""The tabs of a patient: each is looked at in light at 1440 and in dark at 390, and at 320 px."""

_MORE_OF_A_PATIENT = ("/episodes", "/contacts", "/medicines/compare", "/medicines/home", "/refer")


def _a_step(page: Page, site: Site) -> str:
    """The page on which a step of the first loop is proven by hand."""
    page.goto(f"{site.url}/worklist?scope=team")
    return str(page.locator("#pane .proof a").first.get_attribute("href"))


def _violations(page: Page) -> list[str]:
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": _TAGS}}).response["violations"]
    return [f"{page.url}: {item['id']}: {item['nodes'][0]['html'][:160]}" for item in found]


_LOOKS = tuple((width, scheme) for width in (1440, 768, 390) for scheme in ("light", "dark"))


def _in_every_look(page: Page) -> list[str]:
    """What is wrong with the page as it stands, at each width in light and in dark."""
    faults = []
    for width, scheme in _LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]  # colours fade else
        faults += [f"{width} {scheme}: {fault}" for fault in _violations(page)]
    return faults


def _opened(page: Page, address: str) -> Page:
    answer = page.goto(address)
    assert answer is not None
    assert answer.status == 200, address
    return page


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_no_screen_has_an_accessibility_fault(site: Site, open_context: Open, scheme: str, width: int) -> None:
    page = open_context(viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()
    page.goto(f"{site.url}/sign-in")
    faults = _violations(page)
    sign_in(page, site, "manager")
    patient = _a_patient(page, site)
    for path in (*_PAGES, *(patient + one for one in _OF_A_PATIENT)):
        page.goto(f"{site.url}{path}")
        faults.extend(_violations(page))
    assert faults == []


@pytest.mark.long
def test_no_page_of_any_look_has_an_accessibility_fault(site: Site, open_context: Open) -> None:
    page = open_context().new_page()
    faults = _in_every_look(_opened(page, f"{site.url}/sign-in"))
    sign_in(page, site, "manager")
    patient = _a_patient(page, site)
    for path in (*_PAGES, *_MORE_PAGES, *(patient + one for one in _OF_A_PATIENT)):
        faults += _in_every_look(_opened(page, f"{site.url}{path}"))
    nurse = open_context().new_page()
    sign_in(nurse, site, "nurse")
    for path in (*_OF_A_NURSE, *(patient + one for one in _MORE_OF_A_PATIENT)):
        faults += _in_every_look(_opened(nurse, f"{site.url}{path}"))
    assert faults == []


@pytest.fixture(scope="module")
def furnished(site: Site, browser: Browser) -> Iterator[Furnished]:
    """One patient with data in every room, and links of every kind."""
    opened: list[BrowserContext] = []

    def make(**options: Any) -> BrowserContext:
        opened.append(browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options}))
        return opened[-1]

    yield furnish(Desk(site=site, open_context=make, fhir=Fhir(site)))
    for context in opened:
        context.close()


@pytest.mark.long
def test_no_page_with_data_has_an_accessibility_fault(site: Site, open_context: Open, furnished: Furnished) -> None:
    pages: dict[str, Page] = {}
    faults = []
    for role, path in furnished.rooms:
        if role not in pages:
            pages[role] = open_context().new_page()
            sign_in(pages[role], site, role)
        faults += _in_every_look(_opened(pages[role], f"{site.url}{path}"))
    assert faults == []


@pytest.mark.long
def test_no_page_behind_a_link_has_an_accessibility_fault(site: Site, open_context: Open, furnished: Furnished) -> None:
    faults = []
    for _, path in furnished.links:
        page = open_context().new_page()
        faults += _in_every_look(_opened(page, f"{site.url}{path}"))
        page.fill("#birth_date", furnished.born)
        page.locator("main button").first.click()
        expect(page.locator("#birth_date")).to_have_count(0)
        faults += _in_every_look(page)
    assert faults == []


def test_every_page_of_the_menu_and_every_tab_is_looked_at() -> None:
    looked_at = {path.partition("?")[0] for path in (*_PAGES, *_OF_A_NURSE)}
    assert {item.path for item in MENU} <= looked_at
    head = (REPOSITORY / "src/careloop/web/staff/templates/patient_head.html").read_text(encoding="utf-8")
    row = head.partition('class="tabrow"')[2].partition("</nav>")[0]
    tabs = set(re.findall(r'href="/patients/\{\{ head.patient_id \}\}([\w/-]*)"', row))
    assert len(tabs) > 8
    assert tabs <= set(_OF_A_PATIENT)


def test_no_screen_scrolls_sideways_at_320_px(site: Site, open_context: Open) -> None:
    page = open_context(viewport={"width": 320, "height": 700}).new_page()
    sign_in(page, site, "manager")
    wide = []
    patient = _a_patient(page, site)
    for path in (*_PAGES, *(patient + one for one in _OF_A_PATIENT)):
        page.goto(f"{site.url}{path}")
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wide.append(path)
    assert wide == []


def test_every_screen_has_at_most_one_primary_button(site: Site, open_context: Open) -> None:
    page = open_context().new_page()
    sign_in(page, site, "manager")
    for path in (*_PAGES, _a_patient(page, site), _a_step(page, site)):
        page.goto(f"{site.url}{path}")
        visible = page.locator("main .btn.primary:visible").count()
        assert visible <= 1, path


def test_every_page_of_a_patient_can_be_reached_from_the_patient(site: Site, open_context: Open) -> None:
    page = open_context().new_page()
    sign_in(page, site, "manager")
    patient = _a_patient(page, site)
    page.goto(f"{site.url}{patient}")
    for below in _OF_A_PATIENT:
        assert page.locator(f".tabs a[href='{patient}{below}']").count() == 1, below


def test_pages_about_patients_are_strict_and_not_stored(site: Site, open_context: Open) -> None:
    page = open_context().new_page()
    sign_in(page, site, "manager")
    for path in ("/worklist", _a_patient(page, site), "/no-such-page"):
        answer = page.goto(f"{site.url}{path}")
        assert answer is not None
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]


def test_the_first_visit_is_light(site: Site, open_context: Open, capsys: pytest.CaptureFixture[str]) -> None:
    context = open_context()
    page = context.new_page()
    sign_in(page, site)
    context.clear_cookies(name="nothing")
    fresh = open_context(storage_state=context.storage_state()).new_page()
    answers: list[Response] = []
    fresh.on("response", lambda answer: answers.append(answer))
    fresh.goto(f"{site.url}/worklist", wait_until="networkidle")
    sizes = {answer.url.rsplit("/", 1)[-1]: _compressed(answer) for answer in answers}
    scripts = sum(size for name, size in sizes.items() if name.endswith(".js"))
    elements = fresh.evaluate("document.querySelectorAll('*').length")
    shift = fresh.evaluate(
        "new Promise(done => { let sum = 0; new PerformanceObserver(list => { for (const e of list.getEntries())"
        " sum += e.value; }).observe({type: 'layout-shift', buffered: true}); setTimeout(() => done(sum), 200); })"
    )
    with capsys.disabled():
        print(
            f"\nfirst visit: {sum(sizes.values()) / 1000:.0f} kB in {len(sizes)} requests, scripts {scripts / 1000:.1f}"
            f" kB, {elements} elements, layout shift {shift:.3f}"
        )
    assert sum(sizes.values()) <= 150_000, sizes
    assert scripts <= 25_000
    assert len(sizes) <= 8, sizes
    assert elements <= 1500
    assert shift <= 0.05


def _compressed(answer: Response) -> int:
    body = answer.body()
    return len(body) if answer.url.endswith("woff2") else len(gzip.compress(body, 6))


def test_a_call_takes_three_clicks(site: Site, open_context: Open) -> None:
    emergency_visit(site, family="THREECLICKS", number="7101")
    page = open_context().new_page()
    sign_in(page, site)
    page.goto(f"{site.url}/worklist?scope=team")
    clicks = [
        lambda: page.locator(".row", has_text="THREECLICKS").locator("a.cover").click(),
        lambda: page.locator(".outcome", has_text="Reached").click(),
        lambda: page.get_by_role("button", name="Save and next").click(),
    ]
    clicks[0]()
    expect(page.locator("#pane .person")).to_contain_text("THREECLICKS")
    clicks[1]()
    clicks[2]()
    expect(page.locator("#said")).not_to_be_empty()
    assert len(clicks) <= 3


def test_screens_look_right(site: Site, open_context: Open, pytestconfig: pytest.Config) -> None:
    """Pictures for the eye of a person, beside `mock/`; kept where `--screenshots DIR` says."""
    folder = pytestconfig.getoption("--screenshots")
    if not folder:
        pytest.skip("pictures are taken with --screenshots DIR")
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for width, height, scheme in ((1440, 900, "light"), (1440, 900, "dark"), (768, 1024, "light"), (390, 844, "light")):
        page = open_context(viewport={"width": width, "height": height}, color_scheme=scheme).new_page()
        sign_in(page, site)
        for name, path in (
            ("worklist", "/worklist"), ("transitions", "/transitions"), ("patient", _a_patient(page, site)),
            ("matches", "/matches"), ("arrivals", "/arrivals"), ("deliveries", "/deliveries"),
        ):  # fmt: skip
            page.goto(f"{site.url}{path}")
            page.wait_for_timeout(200)
            picture = target / f"{name}-{width}{'-dark' if scheme == 'dark' else ''}.png"
            page.screenshot(path=picture)
            assert picture.stat().st_size > 5_000, name
