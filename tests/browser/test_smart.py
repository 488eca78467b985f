"""Consent and panel in a real browser: with axe, at 320 px, without JavaScript. Two instances of our own server."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
import pytest
from axe_playwright_python.sync_playwright import Axe
from litestar.testing import TestClient
from playwright.sync_api import BrowserContext, Page, expect
from tests.conftest import StandingClock, make_tenant
from tests.integration.access.conftest import Smart, make_smart, serve

from careloop.access.browser import SESSION_COOKIE
from careloop.access.clients import Interactive, NewClient, create_client
from careloop.access.ehrs import NewEhr
from careloop.access.model import Tenant, system_principal
from careloop.cli.asgi import create_asgi
from careloop.flows import panel, writing
from careloop.flows.app import App
from careloop.record import Write

pytestmark = pytest.mark.browser
Open = Callable[..., BrowserContext]
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SCOPE = "launch openid fhirUser patient/Patient.rs user/Practitioner.rs"


@dataclass
class Both:
    """The EHR and we: their addresses, their staff, how they know us."""

    ehr: str
    smart: Smart
    client: NewClient
    app: App
    tenant: Tenant
    url: str


@pytest.fixture(scope="module")
def both(_app, database, database_urls) -> Iterator[Both]:
    with (
        serve(_app, clock=StandingClock()) as (theirs, ehr),
        serve(_app, clock=StandingClock()) as (app, url),
        TestClient(create_asgi(theirs), base_url=ehr) as http,
    ):
        smart, tenant = make_smart(theirs, make_tenant(database), http), make_tenant(database)
        asked = Interactive(redirect_uris=[f"{url}/launch/callback"], launch_url=f"{url}/launch")
        with database.transaction(smart.tenant.id) as tx:
            made = create_client(tx, theirs.clock.now(), name="Careloop", scope=SCOPE, interactive=asked)
        who = system_principal(tenant.id, "test")
        new = NewEhr(iss=f"{ehr}/fhir", name="Their EHR", client_id=made.client.id, client_secret=made.secret)
        panel.add_ehr(app, who, tenant, new)
        number = {"system": "urn:test:mrn", "value": f"MRN-{smart.patients['ann']}"}
        code = {"coding": [{"system": "urn:careloop:question", "code": "yes-no"}]}
        resources = [
            {"resourceType": "Patient", "id": "ours", "name": [{"family": "Ourann"}], "identifier": [number]},
            {"resourceType": "Task", "id": "question", "status": "requested", "intent": "order", "code": code,
             "description": "Shall we stop metformin before the scan?", "for": {"reference": "Patient/ours"},
             "authoredOn": "2026-11-20T10:00:00Z"},
        ]  # fmt: skip
        with database.transaction(tenant.id) as tx:
            writes = [Write(method="update", resource_type=one["resourceType"], id=one["id"], resource=one)
                      for one in resources]  # fmt: skip
            writing.write(app, tx, who, writes)
        yield Both(ehr, smart, made, app, tenant, url)
        with psycopg.connect(database_urls.owner) as connection:
            connection.execute("delete from ehr")


def faults(page: Page) -> list[str]:
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": _TAGS}}).response["violations"]
    return [f"{item['id']}: {item['nodes'][0]['html'][:160]}" for item in found]


def at_the_ehr(both: Both, context: BrowserContext) -> Page:
    """A browser in which the nurse is signed in at the EHR."""
    context.add_cookies([{"name": SESSION_COOKIE, "value": both.smart.session, "url": both.ehr}])
    return context.new_page()


@pytest.mark.parametrize("width", [1440, 320])
def test_from_the_chart_through_consent_to_the_panel_and_a_no_without_script(
    both: Both, open_context: Open, width: int
):
    page = at_the_ehr(both, open_context(viewport={"width": width, "height": 900}, java_script_enabled=width != 320))
    page.goto(f"{both.ehr}/patients/{both.smart.patients['ann']}/apps")
    page.get_by_role("link", name="Open Careloop").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Allow Careloop?")
    expect(page.locator("body")).to_contain_text("Annmark")
    if width != 320:
        assert faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Allow", exact=True).click()
    page.wait_for_url(f"{both.url}/panel")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ourann")
    if width != 320:
        expect(page.get_by_text("A question for you")).to_be_visible()
        assert faults(page) == []
    else:
        page.get_by_role("button", name="No", exact=True).click()
        expect(page.get_by_text("A question for you")).to_have_count(0)


def test_consent_and_panel_fit_320_pixels_and_have_no_accessibility_fault(both: Both, open_context: Open):
    page = at_the_ehr(both, open_context(viewport={"width": 320, "height": 700}))
    page.goto(f"{both.ehr}/patients/{both.smart.patients['ann']}/apps")
    assert faults(page) == []
    page.get_by_role("link", name="Open Careloop").click()
    for _ in range(2):
        assert faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        if page.url.startswith(both.ehr):
            page.get_by_role("button", name="Allow", exact=True).click()
            page.wait_for_url(f"{both.url}/panel")


def test_the_patient_is_found_and_chosen_with_the_keyboard(both: Both, open_context: Open):
    asked = both.smart.register("openid patient/*.rs launch/patient", public=True)
    page = at_the_ehr(both, open_context())
    query = "&".join(f"{name}={value}" for name, value in {
        **both.smart.asked(asked), "aud": f"{both.ehr}/fhir", "scope": "patient/*.rs launch/patient",
    }.items())  # fmt: skip
    page.goto(f"{both.ehr}/oauth/authorize?{query}")
    page.get_by_label("Name, birth date").fill("Annmark")
    page.keyboard.press("Enter")
    expect(page.get_by_role("radio")).to_have_count(1)
    assert faults(page) == []
    page.get_by_role("radio").focus()
    page.keyboard.press("Space")
    with page.expect_request(lambda request: request.url.startswith("https://app.example/callback?code=")):
        page.get_by_role("button", name="Allow", exact=True).press("Enter")
