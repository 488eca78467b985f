"""A weight gain: from the scale of a patient at home to a closed loop, on the screens of the nurse who watches."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import BrowserContext, expect
from tests.browser.conftest import Site
from tests.browser.pathways.desk import Desk
from tests.browser.pathways.doors import Fhir, text

from careloop.clock import Clock

pytestmark = pytest.mark.browser


def test_a_weight_gain_is_seen_called_about_and_closed(site: Site, open_context: Callable[..., BrowserContext]) -> None:
    desk = Desk(site=site, open_context=open_context, fhir=Fhir(site))
    story = desk.patient("SCALES")
    nurse = desk.page("nurse")
    nurse.goto(f"{site.url}/patients/{story.patient}/vitals")
    nurse.get_by_label("Heart failure").check()
    nurse.get_by_label("Somebody here is on call at all hours").check()
    nurse.get_by_label("The patient was told").check()
    nurse.get_by_role("button", name="Enroll").click()
    expect(nurse.locator("#said")).not_to_be_empty()
    for pounds, hours in ((176, 49), (182, 0)):
        story.tells(
            "Observation", f"scale-{pounds}", status="final", subject=story.subject, device={"display": "Scale"},
            code={"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
            effectiveDateTime=text(Clock().now() - timedelta(hours=hours)),
            valueQuantity={"value": pounds, "unit": "lb", "system": "http://unitsofmeasure.org", "code": "[lb_av]"},
        )  # fmt: skip
    story.waits_for("symptom-alert")
    nurse.goto(f"{site.url}/monitoring")
    row = nurse.locator("tr", has=nurse.locator(f"a[href='/patients/{story.patient}/vitals']"))
    expect(row).to_contain_text("Red")
    expect(row).to_contain_text("up 2.72 kg (6 lb)")
    page = story.at_loop("nurse", "symptom-alert")
    page.get_by_role("link", name="Open the alert").click()
    expect(page.locator("main")).to_contain_text("swollen legs")
    page.get_by_label("Called the patient").check()
    page.get_by_label("What was said, or why").fill("No swelling; missed two water pills, took one now.")
    page.get_by_role("button", name="Save and close").click()
    expect(page.locator("#said")).to_contain_text("Closed: called the patient.")
    expect(row).to_contain_text("In limits")
    story.is_closed("symptom-alert", "nurse")
