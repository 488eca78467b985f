"""A practice with something in every room: one patient with a plan, medicines, readings, answers, open questions, and a
link of every kind, all made through the doors of a running demo. For pages that are looked at."""

import itertools
import re
from dataclasses import dataclass
from datetime import timedelta

from playwright.sync_api import Page, expect
from tests.browser.conftest import send_hl7, wait_until_read
from tests.browser.pathways.desk import Desk, Story, ago, text
from tests.browser.test_medicines import ten_medicines

_LOINC, _UNITS = "http://loinc.org", "http://unitsofmeasure.org"
_TERMS = "http://terminology.hl7.org/CodeSystem"
_ACTIVE = {"coding": [{"system": f"{_TERMS}/condition-clinical", "code": "active"}]}
_STILL = {"coding": [{"system": f"{_TERMS}/allergyintolerance-clinical", "code": "active"}]}
_PROBLEMS = (("I50.22", "Heart failure"), ("I10", "High blood pressure"), ("E11.9", "Type 2 diabetes"))
_RESULTS = (
    ("2823-3", "Potassium", "mmol/L", 3.5, 5.1, (4.1, 4.4, 5.9)),
    ("2160-0", "Creatinine", "mg/dL", 0.6, 1.2, (1.1, 1.2, 1.4)),
)
_BOARDS = (
    "/worklist?scope=team", "/messages", "/results", "/results?which=untold", "/expected", "/monitoring",
    "/monitoring/today", "/monitoring/load", "/contradictions",
)  # fmt: skip
_numbers = itertools.count(9_100)


@dataclass(frozen=True, kw_only=True)
class Furnished:
    """Where something stands: addresses by the role that opens them, and links that open for a birth date."""

    rooms: tuple[tuple[str, str], ...]
    links: tuple[tuple[str, str], ...]
    born: str


def furnish(desk: Desk) -> Furnished:
    """Everything is made anew, so it may be called again on the same demo."""
    story = desk.patient("FURNISHED")
    problems_and_results(story)
    ten_medicines(story)
    here = f"/patients/{story.patient}"
    links = [
        ("readings", readings(desk, story)),
        ("medicines", medicines_by_link(desk, story)),
        ("lesson", lesson_by_link(desk, story)),
    ]
    plan(desk, story)
    answered(desk, story)
    links.append(("questions", questions_by_link(desk, story)))
    message = wrote(desk, story)
    question = asked(desk, story)
    referral, promised, sheets = outside(desk, story, links)
    disagreement(desk)
    rooms = [
        *(("nurse", here + below) for below in (
            "", "/brief", "/packet", "/record", "/results", "/plan", "/plan/sheet", "/medicines", "/medicines/compare",
            "/medicines/home", "/vitals", "/limits", "/check-in", "/assessments", "/education", "/team", "/contacts",
            "/episodes", "/expected", "/apps", "/refer", "/no-contact-letter",
        )),
        ("nurse", message), ("physician", "/questions"), ("physician", "/questions/next"), ("physician", question),
        ("physician", f"{here}/plan"), ("physician", f"{here}/medicines"), ("coordinator", referral),
        *(("coordinator", one) for one in (promised, *sheets)),
        *(("nurse", one) for one in _BOARDS),
    ]  # fmt: skip
    nurse = desk.page("nurse")
    for place, inside in (
        (f"{here}/results", f"main a[href^='{here}/results/']"),
        (f"{here}/record", f"main a[href^='{here}/facts/']"),
        (f"{here}/education", f"main a[href^='{here}/education/']"),
        (f"{here}/vitals", "main a[href^='/monitoring/alerts/']"),
        ("/results", "main a[href^='/results/']"),
        ("/contradictions", "main a[href^='/contradictions/']"),
        ("/worklist?scope=team", "#pane .proof a"),
    ):
        nurse.goto(f"{desk.site.url}{place}")
        found = nurse.locator(inside).first.get_attribute("href")
        assert found is not None, place
        rooms.append(("nurse", found))
    return Furnished(
        rooms=tuple(rooms), links=tuple(links), born=desk.fhir.get(f"Patient/{story.patient}")["birthDate"]
    )


def problems_and_results(story: Story) -> None:
    """What a doctor's system and a laboratory know."""
    for code, name in _PROBLEMS:
        story.tells(
            "Condition", code.replace(".", ""), subject=story.subject, clinicalStatus=_ACTIVE,
            code={"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": code}], "text": name},
        )  # fmt: skip
    story.tells(
        "AllergyIntolerance", "sulfa", patient=story.subject, clinicalStatus=_STILL, code={"text": "Sulfa"},
        reaction=[{"manifestation": [{"text": "rash"}]}],
    )  # fmt: skip
    for code, name, unit, low, high, values in _RESULTS:
        for place, value in enumerate(values):
            story.tells(
                "Observation", f"r{code}-{place}", status="final", subject=story.subject,
                category=[{"coding": [{
                    "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory",
                }]}],
                code={"coding": [{"system": _LOINC, "code": code}], "text": name},
                effectiveDateTime=text(ago(days=60 - 29 * place)), issued=text(ago(days=60 - 29 * place)),
                valueQuantity={"value": value, "unit": unit, "system": _UNITS, "code": unit},
                referenceRange=[{"low": {"value": low, "unit": unit}, "high": {"value": high, "unit": unit}}],
            )  # fmt: skip


def readings(desk: Desk, story: Story) -> str:
    """The patient takes part, the scale says too much; the link by which they say how they are."""
    page = desk.page("nurse")
    page.goto(f"{desk.site.url}/patients/{story.patient}/vitals")
    page.get_by_label("Heart failure").check()
    page.get_by_label("Somebody here is on call at all hours").check()
    page.get_by_label("The patient was told").check()
    page.get_by_role("button", name="Enroll").click()
    expect(page.locator("#said")).not_to_be_empty()
    for place, pounds in enumerate((176, 176, 177, 176, 177, 183)):
        story.tells(
            "Observation", f"scale-{place}", status="final", subject=story.subject, device={"display": "Scale"},
            code={"coding": [{"system": _LOINC, "code": "29463-7"}]},
            effectiveDateTime=text(ago(hours=24 * (5 - place))),
            valueQuantity={"value": pounds, "unit": "lb", "system": _UNITS, "code": "[lb_av]"},
        )  # fmt: skip
    story.waits_for("symptom-alert")
    page.goto(f"{desk.site.url}/patients/{story.patient}/vitals")
    page.get_by_role("button", name="Make a link for the patient").click()
    return str(page.locator("main a[href^='/p/']").first.get_attribute("href"))


def medicines_by_link(desk: Desk, story: Story) -> str:
    """The patient is asked what they take; the link."""
    page = desk.page("nurse")
    page.goto(f"{desk.site.url}/patients/{story.patient}/medicines")
    page.get_by_role("button", name=re.compile("link", re.IGNORECASE)).first.click()
    return link_on(page)


def lesson_by_link(desk: Desk, story: Story) -> str:
    """Something to read and one question; the link."""
    page = desk.page("nurse")
    page.goto(f"{desk.site.url}/patients/{story.patient}/education")
    row = page.locator("tr", has_text="Weigh yourself every day")
    row.get_by_role("button", name="Make a link").click()
    return str(row.get_by_role("link", name="/p/").get_attribute("href"))


def plan(desk: Desk, story: Story) -> None:
    """A plan out of two that disagree, not decided yet."""
    page = desk.page("nurse")
    page.goto(f"{desk.site.url}/patients/{story.patient}/plan")
    page.locator("summary", has_text="Write it in their own words").click()
    page.get_by_label("In their own words").fill("Walk to church again by Christmas")
    page.get_by_role("button", name="Save", exact=True).click()
    for one in ("hypertension", "falls-frailty", "heart-failure"):
        page.locator(f"input[name='plan.{one}']").check()
    page.get_by_role("button", name="Show what would change").click()
    page.get_by_role("button", name="Save this plan").click()
    expect(page.locator("#said")).not_to_be_empty()


def answered(desk: Desk, story: Story) -> None:
    """A nurse asks the GAD-7; the score is too high."""
    page = desk.page("nurse")
    page.goto(f"{desk.site.url}/patients/{story.patient}/assessments")
    page.locator("#what").select_option("gad-7")
    page.get_by_role("button", name="Start or go on").click()
    for _ in range(7):
        page.get_by_label("More than half the days", exact=True).check()
        page.get_by_role("button", name="Save and next").click()
    page.get_by_role("button", name="Save and finish").click()
    expect(page.locator("#said")).to_contain_text("is finished and saved.")


def questions_by_link(desk: Desk, story: Story) -> str:
    """The first questions are begun by staff and sent on to the patient; the link."""
    page = desk.page("nurse")
    page.goto(f"{desk.site.url}/patients/{story.patient}/assessments")
    page.locator("#what").select_option("comprehensive")
    page.get_by_role("button", name="Start or go on").click()
    page.locator("summary", has_text="Send a part by link").click()
    page.get_by_label("How you feel", exact=True).check()
    page.get_by_role("button", name="Make the link").click()
    return str(page.get_by_role("link", name="Link to send").get_attribute("href"))


def wrote(desk: Desk, story: Story) -> str:
    """The patient wrote, with a warning word; where the message is."""
    story.tells(
        "Communication", "wrote", status="completed", subject=story.subject, sender=story.subject,
        sent=text(ago(minutes=3)),
        payload=[{"contentString": "My chest feels tight on the stairs. Is that the new pill?"}],
    )  # fmt: skip
    page = desk.page("nurse")
    page.goto(f"{desk.site.url}/messages")
    return str(page.locator("main a[href^='/messages/']", has_text="FURNISHED").first.get_attribute("href"))


def asked(desk: Desk, story: Story) -> str:
    """A doctor is asked one question with two facts; where it is answered."""
    page = story.at_loop("nurse", "symptom-alert")
    page.get_by_role("link", name="Ask a doctor about this").click()
    option = page.locator("#to option", has_text=desk.first_name("physician")).first
    page.select_option("#to", option.get_attribute("value"))
    page.fill("#text", "May the water pill be doubled for three days?")
    page.fill("#fact1", "Weight up 7 lb since yesterday")
    page.fill("#fact2", "Creatinine 1.4, was 1.2")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator("#said")).to_contain_text("Asked.")
    doctor = desk.page("physician")
    doctor.goto(f"{desk.site.url}/questions/next")
    return doctor.url.removeprefix(desk.site.url)


def outside(desk: Desk, story: Story, links: list[tuple[str, str]]) -> tuple[str, str, list[str]]:
    """A clinic, a hospital, an organization and a daughter are asked; pages of the referral, of what was promised,
    of the sheets. The links of all four are added."""
    page = desk.page("coordinator")
    base = desk.site.url
    page.goto(f"{base}/patients/{story.patient}/refer")
    page.get_by_label("Refer for").fill("Cardiology")
    page.get_by_label("In words").fill("Palpitations and near-fainting")
    page.get_by_label("Your question").fill("Is a heart monitor needed, and should we stop diltiazem?")
    page.get_by_label("Another one").fill("Heart Partners Cardiology")
    page.get_by_label("Who pays").or_(page.get_by_label("Anything to add")).fill("Medicare, no approval needed")
    for name in ("results", "medications", "allergies"):
        if page.locator(f"input[name='none-{name}']").count():
            page.locator(f"input[name='none-{name}']").check()
    page.locator("button[value='send']").click()
    page.wait_for_url("**/referrals/**")
    referral = page.url.removeprefix(base)
    page.goto(f"{base}/patients/{story.patient}/expected")
    page.get_by_label("What was promised").fill("Operation report")
    page.get_by_label("By whom").fill("Mercy Hospital")
    page.get_by_role("button", name="Put it on the list").click()
    own = page.locator(f"a[href='/patients/{story.patient}']")
    line = page.locator("tr", has=own).filter(has_text="Operation report")
    script = str(line.get_by_role("link", name="Call script").get_attribute("href"))
    about = str(line.get_by_role("link", name="Link or sheet").get_attribute("href"))
    sheets = [about]
    for purpose in ("specialist", "facility", "community", "caregiver"):
        page.goto(f"{base}{about}")
        page.get_by_label("Who is asked").fill("Mercy Hospital")
        page.get_by_label("What you ask").fill("Please send the operation report of 3 November.")
        page.locator(f"input[name=purpose][value={purpose}]").check()
        page.get_by_role("button", name="Make link and sheet").click()
        links.append((purpose, page.locator("code").inner_text().removeprefix(base)))
    sheets += [
        page.url.removeprefix(base),
        str(page.get_by_role("link", name="Sheet for fax or mail").get_attribute("href")),
    ]
    return referral, script, sheets


def disagreement(desk: Desk) -> None:
    """A hospital tells of an allergy and of none."""
    number, at = next(_numbers), f"{ago(hours=1):%Y%m%d%H%M%S}+0000"
    message = "\n".join([
        f"MSH|^~\\&|ADT|STANNE|CARELOOP|PRACTICE|{at}||ADT^A01|FU-{number}-{at}|P|2.5.1",
        f"EVN|A01|{at}",
        f"PID|1||{number}^^^STANNE^MR||TWOTOLD^Ann||19440512|F|||{number} OAK ST^^ALPHA^MA^01101",
        f"PV1|1|I|4W^401^A^STANNE||||||||||||||||V{number}|||||||||||||||||||||||||{at}",
        "AL1|1|DA|7980^Penicillin G^RXNORM|SV|Rash",
        "AL1|2|DA|NKA^No known allergies",
    ])  # fmt: skip
    assert send_hl7(desk.site, message) == "AA"
    wait_until_read(desk.site)
    page = desk.page("nurse")
    end = ago(seconds=-40)
    while ago(seconds=0) < end:
        page.goto(f"{desk.site.url}/contradictions")
        if page.locator("main a[href^='/contradictions/']").count():
            return
        page.wait_for_timeout(int(timedelta(seconds=0.5).total_seconds() * 1000))
    raise AssertionError("nothing was found to disagree about")


def link_on(page: Page) -> str:
    """The address of the link that the page shows."""
    found = page.locator("main").get_by_text(re.compile(r"/p/[\w-]+")).or_(page.locator("main a[href^='/p/']")).first
    href = found.get_attribute("href")
    return href or re.search(r"/p/[\w-]+", found.inner_text())[0]  # type: ignore[index]
