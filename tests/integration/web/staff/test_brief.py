"""The brief counts from the last look, each line leads to its source; results have lines; packets are audited."""

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from litestar.testing import TestClient
from tests.journeys.practice import Practice

from careloop.access import sessions
from careloop.access.browser import SESSION_COOKIE
from careloop.fhir.ids import new_id
from careloop.flows.app import App

ORIGIN = "http://testserver.local"
_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_ALLERGY = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
_FLAG = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
_LABEL = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}


@pytest.fixture
def practice(app: App) -> Practice:
    found = Practice.open(app)
    found.move_to("2026-06-05 09:00")
    return found


@pytest.fixture
def web(app: App, practice: Practice, asgi: Any) -> Iterator[Any]:
    with TestClient(asgi, base_url=ORIGIN) as client:

        def sign_in(name: str) -> TestClient[Any]:
            account = practice.staff[name].account_id
            begun = app.clock.now()
            token = practice.run(lambda tx: sessions.open_session(tx, account, begun, lasts=timedelta(hours=9)))
            client.cookies.set(SESSION_COOKIE, token)
            client.headers.update({"origin": ORIGIN, "x-csrf-token": sessions.csrf_token(token)})
            return client

        yield sign_in


def problem(patient: str, text: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Condition",
        "id": new_id(),
        "clinicalStatus": {"coding": [{"system": _CLINICAL, "code": "active"}]},
        "code": {"text": text},
        "subject": {"reference": f"Patient/{patient}"},
        **more,
    }


def potassium(patient: str, value: str, day: str, flag: str = "") -> dict[str, Any]:
    called = {"interpretation": [{"coding": [{"system": _FLAG, "code": flag}]}]} if flag else {}
    unit = {"unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"}
    return {
        "resourceType": "Observation",
        "id": new_id(),
        "status": "final",
        "category": [{"coding": [{"code": "laboratory"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3"}], "text": "Potassium"},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": f"{day}T08:00:00-04:00",
        "valueQuantity": {"value": Decimal(value), **unit},
        "referenceRange": [{"low": {"value": Decimal("3.5"), **unit}, "high": {"value": Decimal("5.1"), **unit}}],
        **called,
    }


def somebody(practice: Practice) -> str:
    patient = practice.patient(name=[{"family": "Okafor", "given": ["James"]}])
    me = {"reference": f"Patient/{patient}"}
    practice.write(
        {"resourceType": "Goal", "id": new_id(), "lifecycleStatus": "active", "subject": me,
         "description": {"text": "Fish with my brother in the summer"}, "startDate": "2026-05-01"},
        {"resourceType": "AllergyIntolerance", "id": new_id(), "patient": me, "code": {"text": "Penicillin"},
         "clinicalStatus": {"coding": [{"system": _ALLERGY, "code": "active"}]}},
        problem(patient, "Heart failure"),
        potassium(patient, "4.4", "2026-05-04"),
    )  # fmt: skip
    return patient


def text_of(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def lines_of(page: str) -> list[str]:
    return [text_of(one) for one in re.findall(r'<li data-rule="[^"]*">.*?<span>(.*?)</span>', page, re.DOTALL)]


def entries(practice: Practice, patient: str) -> list[tuple[str, str, str]]:
    rows = practice.run(
        lambda tx: tx.rows(
            "select subtype, purpose, detail from audit_event where patient_ids @> %(one)s::text[] "
            "and detail is not null order by id",
            {"one": [patient]},
        )
    )
    return [(row["subtype"], row["purpose"], row["detail"]) for row in rows]


def test_the_brief_counts_from_the_last_look_and_each_line_leads_to_its_source(web: Any, practice: Practice) -> None:
    patient = somebody(practice)
    path = f"/patients/{patient}/brief"
    nurse = web("nia")
    first = nurse.get(path).text
    assert "Your first look" in first
    said = lines_of(first)
    assert said[:2] == ["“Fish with my brother in the summer”", "Allergic to Penicillin"]
    assert "New problem: Heart failure" in said
    practice.move_to("2026-06-05 09:10")
    assert lines_of(nurse.get(path).text) == said, "the same look: nothing that was read is gone"
    practice.move_to("2026-06-05 14:00")
    practice.write(
        potassium(patient, "6.8", "2026-06-05", "HH"),
        problem(patient, "Something told in private", meta={"security": [_LABEL]}),
    )
    nurse = web("nia")
    page = nurse.get(path).text
    assert "since you last looked" in page
    later = lines_of(page)
    assert "Critical: Potassium 6.8 mmol/L, was 4.4 mmol/L" in later
    assert "New problem: Something told in private" in later
    assert "New problem: Heart failure" not in later
    for link in set(re.findall(r'<span class="of small">.*?href="([^"]+)"', page, re.DOTALL)):
        assert nurse.get(unescape(link)).status_code == 200, link
    words = int(re.search(r"(\d+) words of at most 300", page)[1])  # type: ignore[index]
    assert words <= 300
    assert ("read", "TREAT", "two-minute brief") in entries(practice, patient)
    practice.hire_as("paula", "community-health-worker")
    others = web("paula").get(path).text
    assert "Something told in private" not in others
    assert "1 private fact is not shown here" in others
    assert web("nia").get(f"/patients/{new_id()}/brief").status_code == 404


@pytest.mark.parametrize(("value", "critical"), [("6.3", True), ("6.2", False)])
def test_our_table_says_what_is_critical_though_the_laboratory_said_nothing(
    web: Any, practice: Practice, value: str, critical: bool
) -> None:
    """critical-values.csv: potassium above 6.2 mmol/L."""
    patient = somebody(practice)
    practice.write(potassium(patient, value, "2026-06-05"))
    said = " ".join(lines_of(web("nia").get(f"/patients/{patient}/brief").text))
    assert (f"Critical: Potassium {value} mmol/L" in said) is critical
    assert "medicine tables are not reviewed by a clinician" in web("nia").get(f"/patients/{patient}/brief").text
    assert critical or f"Potassium {value} mmol/L high" in said


def test_results_have_a_line_and_a_page_with_every_value(web: Any, practice: Practice) -> None:
    patient = somebody(practice)
    practice.write(potassium(patient, "5.6", "2026-06-04"), potassium(patient, "4.9", "2026-05-20"))
    nurse = web("nia")
    listed = nurse.get(f"/patients/{patient}/results").text
    assert "Potassium: 3 values, from 4.4 mmol/L to 5.6 mmol/L" in listed
    key = re.search(rf"/patients/{patient}/results/([0-9a-f]+)", listed)
    assert key is not None
    assert key[0] in nurse.get(f"/patients/{patient}").text, "the patient page has the line too"
    page = nurse.get(key[0]).text
    assert 'class="band"' in page and page.count("<tr>") == 4
    assert "high" in text_of(page) and "3.5 to 5.1" in text_of(page)
    assert nurse.get(f"/patients/{patient}/results/{'0' * 18}").status_code == 404


def test_a_packet_is_chosen_printed_and_audited_with_its_purpose(web: Any, practice: Practice) -> None:
    patient = somebody(practice)
    practice.write(
        potassium(patient, "6.8", "2026-06-04", "HH"),
        problem(patient, "Something told in private", meta={"security": [_LABEL]}),
    )
    path = f"/patients/{patient}/packet"
    nurse = web("nia")
    assert 'value="own-copy"' in nurse.get(path).text
    refused = nurse.post(path, data={"part": "problems", "do": "paper"})
    assert refused.status_code == 422 and "what it is for" in refused.text
    parts = ["brief", "problems", "results", "allergies", "medicines", "plan", "team", "visits", "contacts"]
    shared = text_of(nurse.post(path, data={"part": parts, "purpose": "other-practice", "private": "yes"}).text)
    assert "James Okafor" in shared and "Printed 5 June 2026, 9:00 am by Nia" in shared
    assert "Heart failure" in shared and "6.8 mmol/L critical" in shared
    assert "Something told in private" not in shared and "1 private fact is left out" in shared
    for_care = text_of(nurse.post(path, data={"part": "problems", "purpose": "visit", "private": "yes"}).text)
    assert "Something told in private" in for_care
    own = text_of(nurse.post(path, data={"part": parts, "purpose": "own-copy", "private": "yes"}).text)
    assert "Potassium: 6.8 mmol/L. This is far from usual." in own
    assert "Two-minute brief" not in own and "Something told in private" not in own
    pdf = nurse.post(path, data={"part": ["allergies", "results"], "purpose": "visit", "do": "pdf"})
    assert pdf.headers["content-type"].startswith("application/pdf") and pdf.content.startswith(b"%PDF")
    told = [one for one in entries(practice, patient) if one[0] == "export"]
    assert [(purpose, detail.split(":")[0]) for _, purpose, detail in told] == [
        ("COC", "packet as paper (other-practice)"),
        ("TREAT", "packet as paper (visit)"),
        ("PATRQT", "packet as paper (own-copy)"),
        ("TREAT", "packet as pdf (visit)"),
    ]
