"""The pages of the results board: acknowledged with read-back, read, told one by one and together, without a script."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from litestar.testing import TestClient
from tests.journeys.practice import Practice

from careloop.access import sessions
from careloop.access.browser import SESSION_COOKIE
from careloop.fhir.ids import new_id
from careloop.flows.app import App

ORIGIN = "http://testserver.local"


@pytest.fixture
def practice(app: App) -> Practice:
    found = Practice.open(app)
    found.move_to("2026-06-05 19:15")
    return found


@pytest.fixture
def web(app: App, practice: Practice, asgi) -> Iterator[Any]:
    with TestClient(asgi, base_url=ORIGIN) as client:

        def sign_in(name: str) -> TestClient[Any]:
            now = app.clock.now()
            account = practice.staff[name].account_id
            token = practice.run(lambda tx: sessions.open_session(tx, account, now, lasts=timedelta(hours=1)))
            client.cookies.set(SESSION_COOKIE, token)
            client.headers.update({"origin": ORIGIN, "x-csrf-token": sessions.csrf_token(token)})
            return client

        yield sign_in


def result(practice: Practice, patient: str, value: str, flag: str) -> None:
    about = {
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3"}], "text": "Potassium"},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": "2026-06-05T18:00:00-04:00",
        "issued": "2026-06-05T19:10:00-04:00",
    }
    system = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
    observation = {
        "resourceType": "Observation",
        "id": new_id(),
        "valueQuantity": {"value": Decimal(value), "unit": "mmol/L", "code": "mmol/L"},
        "interpretation": [{"coding": [{"system": system, "code": flag}]}],
        **about,
    }
    reference = {"reference": f"Observation/{observation['id']}"}
    practice.write(observation, {"resourceType": "DiagnosticReport", "id": new_id(), "result": [reference], **about})


def link_to_test(text: str) -> str:
    return "/results/" + text.split('href="/results/')[1].split('"')[0]


def test_a_critical_result_from_the_list_to_the_patient(web: Any, practice: Practice) -> None:
    result(practice, practice.patient(name=[{"family": "Okafor", "given": ["James"]}]), "6.4", "H")
    nurse = web("nia")
    shown = nurse.get("/results").text
    assert "Critical, call now" in shown and "6.4 mmol/L" in shown and "high" in shown and "James Okafor" in shown
    path = link_to_test(shown)
    page = nurse.get(path).text
    assert "A physician has to read it" in page and 'class="ident"' in page
    refused = nurse.post(path, data={"act": "acknowledge", "how": "spoken", "told_by": "Lee"})
    assert refused.status_code == 422
    assert "the read-back" in refused.text and 'value="Lee"' in refused.text
    heard = {"act": "acknowledge", "how": "spoken", "told_by": "Lee", "read_back": "yes"}
    assert "acknowledged" in nurse.post(path, data=heard).text
    assert nurse.post(path, data={"act": "review", "next": "follow"}).status_code == 403
    assert nurse.post(path, data={"act": "nonsense"}).status_code == 422
    physician = web("osei")
    assert "Mark as read" in physician.get(path).text
    read = physician.post(path, data={"act": "review", "next": "follow"}).text
    assert "Mark as read" not in read and "Tell patient" in read
    told = web("nia").post(path, data={"act": "tell", "way": "PHONE", "outcome": "reached", "text": "It is high"})
    assert "The patient is told" in told.text
    assert path in web("nia").get("/results?which=follow-up").text
    settled = web("nia").post(path, data={"act": "done", "note": "Repeat 4.9"}).text
    assert "Follow-up</h2>" not in settled


def test_normal_results_are_shown_as_a_list_before_they_are_told(web: Any, practice: Practice) -> None:
    for name in ("Adams", "Brown"):
        result(practice, practice.patient(name=[{"family": name}]), "4.1", "N")
    physician = web("osei")
    paths = {part.split('"')[0] for part in physician.get("/results").text.split('href="/results/')[1:]}
    loops = sorted(path for path in paths if len(path) == 36)
    assert len(loops) == 2
    for loop in loops:
        physician.post(f"/results/{loop}", data={"act": "review", "next": "nothing"})
    nurse = web("nia")
    assert nurse.get("/results?which=untold").text.count('type="checkbox"') == 2
    asked = nurse.get("/results/tell", params={"loop": loops}).text
    assert "Adams" in asked and "Brown" in asked and "Send to 2" in asked
    sent = nurse.post("/results/tell", data={"loop": loops, "way": "MAILWRIT", "text": "Normal", "key": "k"})
    assert "2 messages sent" in sent.text
    assert "Every patient was told" in sent.text
    again = nurse.post("/results/tell", data={"loop": loops, "way": "MAILWRIT", "text": "Normal", "key": "other"})
    assert again.status_code == 422 and "told by now" in again.text


def test_empty_lists_say_that_all_is_well_and_a_strange_loop_is_not_found(web: Any) -> None:
    nurse = web("nia")
    for which in ("unseen", "untold", "follow-up", "not-taken", "no-result", "strange"):
        answer = nurse.get(f"/results?which={which}")
        assert answer.status_code == 200 and 'class="empty"' in answer.text
        assert answer.headers["cache-control"] == "no-store"
    assert nurse.get(f"/results/{new_id()}").status_code == 404
    assert nurse.get("/results/nonsense").status_code == 404
    assert "Nobody is marked" in nurse.get("/results/tell").text


def scan(practice: Practice, patient: str) -> None:
    practice.write(
        {
            "resourceType": "DiagnosticReport",
            "id": new_id(),
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "24627-2"}], "text": "CT chest"},
            "subject": {"reference": f"Patient/{patient}"},
            "effectiveDateTime": "2026-06-05T09:00:00-04:00",
            "issued": "2026-06-05T12:00:00-04:00",
            "conclusion": "Solid nodule 6 x 5 mm in the right upper lobe.",
        }
    )


def test_a_lung_nodule_that_is_written_down_gives_the_next_scan_its_dates(web: Any, practice: Practice) -> None:
    """Worked cases 10 and 11 of results.md, by the screen."""
    old, young = practice.patient(birthDate="1976-01-01"), practice.patient(birthDate="1996-01-01")
    asked = {"act": "nodule", "type": "solid", "count": "single", "long_mm": "6", "short_mm": "5", "risk": "high"}
    doctor = web("osei")
    pages = {}
    for patient in (old, young):
        scan(practice, patient)
        sql = "select id::text from loop where patient_id = %(patient)s and pathway = 'test-result'"
        loop = practice.run(lambda tx, patient=patient, sql=sql: tx.one(sql, {"patient": patient}))["id"]
        wrong = doctor.post(f"/results/{loop}", data={**asked, "short_mm": "9"})
        assert wrong.status_code == 422 and "short axis" in wrong.text
        pages[patient] = doctor.post(f"/results/{loop}", data=asked).text
    assert "6 mm: CT then CT, 2026-12-05 to 2027-06-05, then 18-24 months (Fleischner 2017)" in pages[old]
    assert "does not apply: under 35 years; a specialist decides" in pages[young]
    found = {}
    for patient in (old, young):
        [loop] = practice.loops(patient, pathway="test-result")
        step = next(one for one in loop.state.steps if one.step_id == "follow-up")
        found[patient] = [str(at.astimezone(practice.zone).date()) for at in (step.target, step.due) if at]
    assert found == {old: ["2026-12-05", "2027-07-05"], young: ["2026-06-19"]}
