"""One made-up patient: told through the doors of a running demo, worked on its screens by the right people."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from playwright.sync_api import BrowserContext, Locator, Page, expect
from tests.browser.conftest import Site, sign_in
from tests.browser.pathways.doors import Fhir, Json, ago, now, text, unused_number

expect.set_options(timeout=15_000)


@dataclass
class Desk:
    """The staff of the demo, each signed in once, and another system at the FHIR door."""

    site: Site
    open_context: Callable[..., BrowserContext]
    fhir: Fhir
    pages: dict[str, Page] = field(default_factory=dict)

    def page(self, role: str) -> Page:
        """The screen of somebody with this role."""
        if role not in self.pages:
            page = self.open_context().new_page()
            sign_in(page, self.site, role)
            self.pages[role] = page
        return self.pages[role]

    def first_name(self, role: str) -> str:
        """How lists of people call the one who has this role here."""
        return str(self.site.login(role)["username"]).split("@")[0].capitalize()

    def phone(self) -> Page:
        """A patient's phone: small, without script, signed in nowhere."""
        return self.open_context(viewport={"width": 390, "height": 844}, java_script_enabled=False).new_page()

    def patient(self, family: str) -> "Story":
        """A new patient."""
        number = unused_number()
        made = self.fhir.put(
            {
                "resourceType": "Patient",
                "id": f"p{number}",
                "identifier": [{"system": "urn:careloop:authority:RIVERBEND", "value": number}],
                "name": [{"family": family, "given": [family[::-1].capitalize()]}],
                "birthDate": f"19{40 + int(number) % 50}-0{1 + int(number) % 9}-1{int(number) % 9}",
                "gender": "female",
                "communication": [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "en"}]}}],
                "telecom": [{"system": "phone", "value": f"+1555{number}99"}],
                "address": [{"line": [f"{number} Oak St"], "city": "Alpha", "postalCode": number}],
            }
        )
        return Story(desk=self, family=family, patient=made["id"])

    def known(self, family: str, number: str) -> "Story":
        """A patient who came by a message with this record number of the hospital."""
        found = self.fhir.found(f"Patient?family={family}&identifier=urn:careloop:authority:STANNE|{number}")
        return Story(desk=self, family=family, patient=found[0]["id"])


@dataclass
class Story:
    """What happens to one patient."""

    desk: Desk
    family: str
    patient: str

    @property
    def subject(self) -> Json:
        """The patient as a reference."""
        return {"reference": f"Patient/{self.patient}"}

    def tells(self, kind: str, id_: str, **parts: Any) -> str:
        """Another system writes a resource about the patient; its reference."""
        found = self.desk.fhir.put({"resourceType": kind, "id": f"{id_}-{self.patient}", **parts})
        return f"{kind}/{found['id']}"

    def asks(self, pathway: str, says: str, **parts: Any) -> str:
        """Another system opens a loop by a Task."""
        moment = text(ago(minutes=5))
        return self.tells(
            "Task", f"open-{pathway}", status="requested", intent="order", authoredOn=moment, lastModified=moment,
            code={"coding": [{"system": "urn:careloop:open", "code": pathway}], "text": says},
            **{"for": self.subject, **parts},
        )  # fmt: skip

    def loop(self, pathway: str) -> Json:
        """The Task of the patient's newest loop of this pathway."""
        found = self._loops(pathway)
        assert found, f"no loop {pathway}"
        return max(found, key=lambda one: one["executionPeriod"]["start"])

    def waits_for(self, pathway: str) -> None:
        """The worker behind has looked, and the loop is there."""
        self._wait(lambda: bool(self._loops(pathway)), f"no loop {pathway} after 30 s")

    def waits_until(self, pathway: str, status: str) -> None:
        """The worker behind has looked, and the newest loop stands so."""
        self._wait(lambda: self.loop(pathway)["status"] == status, f"{pathway} is not {status} after 30 s")

    def _wait(self, is_so: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + 30
        while not is_so():
            assert time.monotonic() < deadline, otherwise
            time.sleep(0.2)

    def _loops(self, pathway: str) -> list[Json]:
        return self.desk.fhir.found(f"Task?patient={self.patient}&code=urn:careloop:pathway|{pathway}")

    def step(self, pathway: str, step: str) -> Json:
        """The Task of one step."""
        found = self.desk.fhir.found(f"Task?part-of=Task/{self.loop(pathway)['id']}&code=urn:careloop:step|{step}")
        return found[0]

    def seen_by(self, role: str, pathway: str, scope: str = "team") -> Page:
        """The row stands on the list, and the pane beside it shows the loop."""
        page = self.desk.page(role)
        page.goto(f"{self.desk.site.url}/worklist?scope={scope}&kind={pathway}&most=500")
        row = page.locator(f"#row-{self.loop(pathway)['id']}")
        expect(row).to_contain_text(self.family)
        row.locator("a.cover").click()
        expect(page.locator("#pane .person")).to_contain_text(self.family)
        return page

    def at_loop(self, role: str, pathway: str) -> Page:
        """The loop on the screen of somebody."""
        page = self.desk.page(role)
        page.goto(f"{self.desk.site.url}/worklist?scope=all&loop={self.loop(pathway)['id']}")
        expect(page.locator("#pane .person")).to_contain_text(self.family)
        return page

    def at_step(self, role: str, pathway: str, step: str) -> Page:
        """Every way to prove a step, on the screen of somebody."""
        page = self.desk.page(role)
        page.goto(f"{self.desk.site.url}/loops/{self.loop(pathway)['id']}/steps/{step}")
        return page

    def calls(self, role: str, pathway: str, outcome: str = "Reached") -> None:
        """Somebody calls the patient from the loop and says how it went."""
        page = self.at_loop(role, pathway)
        page.wait_for_timeout(1_000)  # two tries within one second are one try (TR-22)
        page.locator("#callbox .outcome", has_text=outcome).click()
        page.fill("#minutes", "4")
        page.get_by_role("button", name="Save and next").click()
        expect(page.locator("#said")).to_contain_text("Reached" if outcome == "Reached" else "counts as a try")

    def says_no(self, role: str, pathway: str, reason: str = "patient-declined") -> None:
        """Somebody closes the loop without proof: a coded reason and a sentence."""
        page = self.at_loop(role, pathway)
        page.locator("#foot summary", has_text="More").click()
        page.select_option("#close-reason", reason)
        page.fill("#close-note", "She says no, and knows what that means.")
        page.get_by_role("button", name="Close without proof").click()
        expect(page.locator("#said")).to_contain_text("Closed without proof")
        loop = self.loop(pathway)
        assert loop["status"] in ("cancelled", "failed"), loop["status"]
        assert loop["statusReason"]["coding"][0]["code"] == reason

    def is_closed(self, pathway: str, role: str = "coordinator") -> None:
        """The ring is closed: on the patient page, and for every FHIR client, each open step with its evidence."""
        loop = self.loop(pathway)
        assert loop["status"] == "completed", (loop["status"], loop.get("statusReason"))
        steps = self.desk.fhir.found(f"Task?part-of=Task/{loop['id']}")
        assert all(step["status"] in ("completed", "cancelled") for step in steps)
        assert all(step.get("output") for step in steps if step["status"] == "completed")
        page = self.at_loop(role, pathway)
        for step in (one for one in steps if one["status"] == "completed"):
            line = page.locator("#pane .proof li.done").filter(has_text=step["code"]["text"])
            expect(line.first).to_be_visible()
        expect(page.locator("#pane .history")).to_contain_text("Closed")
        page.goto(f"{self.desk.site.url}/patients/{self.patient}")
        page.locator("summary", has_text="Closed").first.click()
        expect(page.locator("details", has_text="Closed by proof").first).to_be_visible()

    def is_open(self, role: str, pathway: str, step: str) -> None:
        """The step wants its proof again, or still, and the screen says so."""
        assert self.loop(pathway)["status"] not in ("completed", "cancelled", "failed")
        assert self.step(pathway, step)["status"] not in ("completed", "cancelled")
        page = self.at_loop(role, pathway)
        title = self.step(pathway, step)["code"]["text"]
        expect(page.locator("#pane .proof li.needed").filter(has_text=title).first).to_be_visible()

    def withdraws(self, pathway: str, step: str) -> None:
        """Another system says that the evidence of a step was entered in error."""
        reference = self.step(pathway, step)["output"][0]["valueReference"]["reference"].split("/_history/")[0]
        resource = self.desk.fhir.get(reference)
        self.desk.fhir.put({**resource, "status": "entered-in-error"})


def box(page: Page) -> Locator:
    """The pane's one action: what the next step asks for."""
    return page.locator("section[aria-labelledby=act-title]")


def fill_in(
    place: Locator,
    button: str,
    *,
    text: str = "",
    fills: Mapping[str, str] | None = None,
    picks: Mapping[str, str] | None = None,
    ticks: Iterable[str] = (),
) -> None:
    """The form is filled in and saved; the page says so."""
    for label, value in (fills or {}).items():
        place.get_by_label(label).fill(value)
    for label, value in (picks or {}).items():
        place.get_by_label(label).select_option(label=value)
    for label in ticks:
        place.get_by_label(label, exact=True).check()
    if text:
        place.locator("textarea[name=text]").first.fill(text)
    place.get_by_role("button", name=button, exact=True).click()
    expect(place.page.locator("#said")).not_to_be_empty()


def form(page: Page, heading: str) -> Locator:
    """One of the ways on the page of a step."""
    return page.locator("section.card", has=page.get_by_role("heading", name=heading, exact=True))


def on_form(**parts: float) -> str:
    """A time so long before now, as a form of a practice in New York takes it."""
    return ago(**parts).astimezone(ZoneInfo("America/New_York")).strftime("%Y-%m-%dT%H:%M")


__all__ = ["Desk", "Story", "ago", "box", "fill_in", "form", "now", "on_form", "text"]
