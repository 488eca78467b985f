"""Stays in hospital and what follows them, from the message at the MLLP port to the closed ring; and gone wrong."""

import pytest
from playwright.sync_api import expect
from tests.browser.pathways.desk import Desk, Story, ago, box, fill_in, form, on_form, text
from tests.browser.pathways.doors import adt, unused_number

pytestmark = [pytest.mark.browser, pytest.mark.long]


def stay(desk: Desk, family: str, disposition: str, *, kind: str = "I", hours: float = 50) -> tuple[Story, str]:
    """Somebody was in hospital for a day and left it so many hours ago."""
    number = unused_number()
    came, left = ago(hours=hours + 24), ago(hours=hours)
    begun, ended = ("A04", "A03") if kind == "E" else ("A01", "A03")
    adt(desk.site, begun, family=family, number=number, at=came, kind=kind, admitted=came)
    adt(
        desk.site,
        ended,
        family=family,
        number=number,
        at=left,
        kind=kind,
        admitted=came,
        left=left,
        disposition=disposition,
    )
    return desk.known(family, number), number


def takes_back(desk: Desk, event: str, family: str, number: str, hours: float = 74, **more: str) -> None:
    """The hospital sends a message that takes an earlier one back."""
    adt(desk.site, event, family=family, number=number, at=ago(minutes=1), admitted=ago(hours=hours), **more)


def test_a_hospital_stay_is_followed_to_the_last_proof(desk: Desk) -> None:
    story, _ = stay(desk, "HOMEWARD", "01")
    story.seen_by("coordinator", "discharge-transition")
    story.calls("coordinator", "discharge-transition")
    page = story.at_step("nurse", "discharge-transition", "medication-reconciliation")
    fill_in(form(page, "It was done"), "Save", text="Both lists compared; furosemide stopped.")
    for step, where in (("visit", "At the practice"), ("home-visit", "At home")):
        page = story.at_step("nurse", "discharge-transition", step)
        fill_in(
            form(page, "A visit took place"),
            "Save the visit",
            text="Looked at wound and weight.",
            fills={"When it was": on_form(minutes=40)},
            picks={"Where": where, "Who saw the patient": "Amin Farouk"},
        )
    assert story.step("discharge-transition", "discharge-summary")["status"] != "completed"
    story.tells(
        "DocumentReference",
        "summary",
        status="current",
        subject=story.subject,
        date=text(ago(minutes=2)),
        type={"coding": [{"system": "http://loinc.org", "code": "18842-5"}]},
        content=[{"attachment": {"contentType": "text/plain", "data": "Ym9keQ=="}}],
    )
    story.is_closed("discharge-transition")


def test_a_hospital_stay_nobody_answers_and_whose_discharge_is_taken_back(desk: Desk) -> None:
    story, number = stay(desk, "BACKWARD", "01")
    story.calls("coordinator", "discharge-transition", "No answer")
    story.calls("coordinator", "discharge-transition", "Left message")
    page = story.at_loop("coordinator", "discharge-transition")
    expect(page.locator("#callbox")).to_contain_text("2 tries so far.")
    story.is_open("coordinator", "discharge-transition", "contact")
    takes_back(desk, "A13", "BACKWARD", number)
    loop = story.loop("discharge-transition")
    assert loop["status"] == "cancelled"
    assert loop["statusReason"]["coding"][0]["code"] == "discharge-cancelled"
    page.goto(f"{desk.site.url}/worklist?scope=team&kind=discharge-transition&most=500")
    expect(page.locator(".row", has_text="BACKWARD")).to_have_count(0)


def test_an_emergency_visit_is_called_and_decided(desk: Desk) -> None:
    story, _ = stay(desk, "QUICKLY", "01", kind="E", hours=3)
    story.seen_by("coordinator", "ed-visit")
    story.calls("coordinator", "ed-visit")
    page = story.at_loop("nurse", "ed-visit")
    expect(page.locator("#pane-title")).to_contain_text("Decide on follow-up")
    page = story.at_step("nurse", "ed-visit", "follow-up-decided")
    fill_in(form(page, "Write it down"), "Save", text="Asthma nurse sees her on Thursday.")
    story.is_closed("ed-visit")


def test_an_emergency_visit_of_the_wrong_number_and_a_decision_taken_back(desk: Desk) -> None:
    story, _ = stay(desk, "WRONGWAY", "01", kind="E", hours=3)
    story.calls("coordinator", "ed-visit", "Wrong number")
    story.is_open("coordinator", "ed-visit", "contact")
    page = story.at_step("nurse", "ed-visit", "follow-up-decided")
    fill_in(form(page, "Write it down"), "Save", text="Nothing more is needed.")
    page.get_by_role("button", name="Undo").click()
    story.is_open("nurse", "ed-visit", "follow-up-decided")


def test_a_discharge_is_planned_point_by_point(desk: Desk) -> None:
    number = unused_number()
    adt(desk.site, "A01", family="PLANWELL", number=number, at=ago(hours=30), admitted=ago(hours=30))
    adt(desk.site, "A16", family="PLANWELL", number=number, at=ago(hours=1), admitted=ago(hours=30))
    story = desk.known("PLANWELL", number)
    page = story.seen_by("nurse", "discharge-planning")
    fill_in(box(page), "Save", ticks=["A visit is booked", "What is needed at home is arranged"])
    note = desk.fhir.found(f"Communication?patient={story.patient}")[0]["payload"][0]["contentString"]
    assert "Yes: A visit is booked" in note
    assert "Not yet: Medicines at home are compared and explained" in note
    story.is_closed("discharge-planning")


def test_a_planned_discharge_is_called_off(desk: Desk) -> None:
    number = unused_number()
    adt(desk.site, "A01", family="STAYON", number=number, at=ago(hours=30), admitted=ago(hours=30))
    adt(desk.site, "A16", family="STAYON", number=number, at=ago(hours=1), admitted=ago(hours=30))
    story = desk.known("STAYON", number)
    story.seen_by("nurse", "discharge-planning")
    takes_back(desk, "A25", "STAYON", number, hours=30)
    assert story.loop("discharge-planning")["status"] == "cancelled"
    page = desk.page("nurse")
    page.goto(f"{desk.site.url}/worklist?scope=team&kind=discharge-planning&most=500")
    expect(page.locator(".row", has_text="STAYON")).to_have_count(0)


def planned(desk: Desk, family: str) -> tuple[Story, str]:
    number = unused_number()
    when = f"{ago(days=-12):%Y%m%d}"
    adt(desk.site, "A05", family=family, number=number, at=ago(hours=2), kind="P", when=when)
    return desk.known(family, number), number


def test_a_planned_stay_is_prepared(desk: Desk) -> None:
    story, _ = planned(desk, "FORETHINK")
    page = story.seen_by("coordinator", "pre-admission")
    fill_in(box(page), "Save", text="Her son drives.", ticks=["The patient knows day, time and place"])
    story.is_closed("pre-admission")


def test_a_planned_stay_is_called_off(desk: Desk) -> None:
    story, number = planned(desk, "NOTNOW")
    story.seen_by("coordinator", "pre-admission")
    takes_back(desk, "A38", "NOTNOW", number, kind="P")
    assert story.loop("pre-admission")["status"] == "cancelled"


def test_somebody_in_a_facility_is_watched_until_they_leave(desk: Desk) -> None:
    story, _ = stay(desk, "ABROADLY", "03")
    page = story.seen_by("coordinator", "post-acute-watch")
    fill_in(box(page), "Save", text="Home on Friday, says the charge nurse.")
    story.is_closed("post-acute-watch")


def test_a_date_of_leaving_that_was_of_somebody_else(desk: Desk) -> None:
    story, _ = stay(desk, "MIXEDUP", "03")
    page = story.seen_by("coordinator", "post-acute-watch")
    fill_in(box(page), "Save", text="Home on Friday.")
    assert story.loop("post-acute-watch")["status"] == "completed"
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#said")).to_contain_text("Undone")
    story.is_open("coordinator", "post-acute-watch", "left-facility")


def test_a_family_is_called_after_discharge_to_hospice(desk: Desk) -> None:
    story, _ = stay(desk, "GENTLE", "50")
    story.seen_by("nurse", "hospice-plan")
    story.calls("nurse", "hospice-plan")
    story.is_closed("hospice-plan")


def test_a_family_that_wants_no_call(desk: Desk) -> None:
    story, _ = stay(desk, "QUIETLY", "50")
    story.calls("nurse", "hospice-plan", "Wrong number")
    story.is_open("nurse", "hospice-plan", "contact")
    story.says_no("nurse", "hospice-plan")


def test_where_somebody_went_is_decided(desk: Desk) -> None:
    story, _ = stay(desk, "WHITHER", "70")
    page = story.seen_by("coordinator", "disposition-review")
    fill_in(box(page), "Save", text="Rehabilitation at Elm House; we call there on Monday.")
    story.is_closed("disposition-review")


def test_a_decision_about_the_wrong_person_is_withdrawn(desk: Desk) -> None:
    story, _ = stay(desk, "HITHER", "70")
    page = story.seen_by("coordinator", "disposition-review")
    fill_in(box(page), "Save", text="Nothing follows.")
    assert story.loop("disposition-review")["status"] == "completed"
    story.withdraws("disposition-review", "decided")
    story.is_open("coordinator", "disposition-review", "decided")
