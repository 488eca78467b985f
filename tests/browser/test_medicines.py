"""Discharge reconciliation of ten medicines in a browser, counted in clicks (ui.md §7.3)."""

from collections.abc import Callable
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect
from tests.browser.conftest import Site
from tests.browser.pathways.desk import Desk, Story
from tests.browser.pathways.doors import Fhir, ago, text
from tests.journeys.medicine_lists import DISCHARGE, HOME, HOSPITAL, SAME

MOST_CLICKS = 12


def ten_medicines(story: Story) -> None:
    """Six medicines are the same on both lists, four differ."""
    for place, (name, how) in enumerate(SAME):
        _hospital(story, f"s{place}", name, how, "")
        _home(story, f"s{place}", name, how)
    for place, (name, how, why) in enumerate(HOSPITAL):
        _hospital(story, f"d{place}", name, how, why)
    for place, (name, how) in enumerate(HOME):
        _home(story, f"d{place}", name, how)


def _hospital(story: Story, key: str, name: str, how: str, why: str) -> None:
    told: dict[str, Any] = {"reasonCode": [{"text": why}]} if why else {}
    story.tells(
        "MedicationRequest", f"h{key}", status="active", intent="order", category=DISCHARGE, subject=story.subject,
        medicationCodeableConcept={"text": name}, authoredOn=text(ago(days=3)), dosageInstruction=[{"text": how}],
        **told,
    )  # fmt: skip


def _home(story: Story, key: str, name: str, how: str) -> None:
    story.tells(
        "MedicationStatement", f"p{key}", status="active", subject=story.subject, informationSource=story.subject,
        medicationCodeableConcept={"text": name}, dateAsserted=text(ago(days=1)), dosage=[{"text": how}],
    )  # fmt: skip


def violations(page: Page) -> list[str]:
    """What axe finds wrong."""
    return [one["id"] for one in Axe().run(page).response["violations"]]


class Clicks:
    """Every click is counted."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.count = 0

    def press(self, row: str, label: str) -> None:
        """One choice of one medicine."""
        self.count += 1
        self.page.locator("tr.med", has_text=row).get_by_role("radio", name=label, exact=True).click()

    def click(self, selector: str) -> None:
        self.count += 1
        self.page.locator(selector).click()


def test_ten_medicines_are_reconciled_within_twelve_clicks(
    site: Site, open_context: Callable[..., BrowserContext]
) -> None:
    desk = Desk(site=site, open_context=open_context, fhir=Fhir(site))
    story = desk.patient("Tenpills")
    ten_medicines(story)
    page = desk.page("nurse")
    page.goto(f"{site.url}/patients/{story.patient}/medicines/compare")
    expect(page.locator(".settled")).to_contain_text("0 of 10")
    assert violations(page) == []
    clicks = Clicks(page)
    clicks.click("#kept")
    expect(page.locator(".settled")).to_contain_text("6 of 10")
    for row, label in (("Furosemide", "Use hospital"), ("Metoprolol", "Use hospital"), ("Potassium", "Start")):
        clicks.press(row, label)
    clicks.press("Ibuprofen", "Stop")
    expect(page.locator("#finish")).to_have_text("Finish")
    clicks.click("#finish")
    expect(page.get_by_role("heading", name="Medicines compared")).to_be_visible()
    assert clicks.count <= MOST_CLICKS
    assert violations(page) == []
    found = desk.fhir.found(f"Procedure?patient={story.patient}&code=http://snomed.info/sct|430193006")
    assert [one["status"] for one in found] == ["completed"]
    page.get_by_role("link", name="Sheet to print").click()
    expect(page.locator("body")).to_contain_text("Take more furosemide than before: 40 mg, 2 times a day.")
    expect(page.locator("body")).to_contain_text("Stop ibuprofen. Do not take it any more.")
