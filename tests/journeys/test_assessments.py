"""Forms arrive by any door: scores, proposals and loops follow (assessments.md, worked cases 2, 4, 11, 12, 14)."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient
from tests.journeys.practice import Practice, at

from careloop.access import sessions
from careloop.access.browser import SESSION_COOKIE
from careloop.access.sight import sight_of
from careloop.catalog import CONTENT, load_catalog
from careloop.cli.asgi import create_asgi
from careloop.engagement.notices import store as notices
from careloop.engagement.notices.model import OnCall
from careloop.fhir.ids import new_id
from careloop.flows import assessing_late, assessment_page, deadlines, rescreening
from careloop.loops import store
from careloop.record import Write

OFTEN = ["LA6568-5", "LA6569-3", "LA6570-1", "LA6571-9"]
PHQ_9 = ["44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8"]
HITS = ["95618-5", "95617-7", "95616-9", "95615-1"]
HOW_OFTEN = ["", "LA6270-8", "LA10066-1", "LA10082-8", "LA16644-9", "LA6482-9"]


def coded(link: str, code: str) -> dict[str, Any]:
    return {"linkId": link, "answer": [{"valueCoding": {"system": "http://loinc.org", "code": code}}]}


def form(patient: str, when: str, items: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "QuestionnaireResponse",
        "id": new_id(),
        "status": "completed",
        "subject": {"reference": f"Patient/{patient}"},
        "source": {"reference": f"Patient/{patient}"},
        "authored": at(when).isoformat(),
        "item": items,
        **more,
    }


def phq9(patient: str, when: str, points: list[int | None], **more: Any) -> dict[str, Any]:
    items = [coded(f"/{link}", OFTEN[one]) for link, one in zip(PHQ_9, points, strict=False) if one is not None]
    return form(patient, when, items, questionnaire="http://loinc.org/q/44249-1", **more)


def of(practice: Practice, patient: str, kind: str) -> list[dict[str, Any]]:
    found = practice.run(lambda tx: practice.app.record.of_patient(tx, patient, (kind,)))
    return [one.resource for one in found]


def totals(practice: Practice, patient: str) -> dict[str, dict[str, Any]]:
    return {
        coding["code"]: one
        for one in of(practice, patient, "Observation")
        for coding in one["code"].get("coding", ())
        if coding["system"] == "urn:careloop:score"
    }


def loops(practice: Practice, patient: str) -> dict[str, Any]:
    found = practice.run(lambda tx: store.load_loops(tx, patients=[patient]))
    return {one.state.pathway: one for one in found}


def test_item_9_opens_a_safety_loop_whatever_the_total(practice: Practice) -> None:
    practice.move_to("2026-03-09 10:00")
    patient = practice.patient()
    practice.write(phq9(patient, "2026-03-09 10:00", [1, 0, 0, 0, 0, 0, 0, 0, 1]))
    total = totals(practice, patient)["phq-9"]
    assert total["valueQuantity"]["value"] == 2
    assert {"system": "http://loinc.org", "code": "44261-6"} in total["code"]["coding"]
    assert total["derivedFrom"] and len(total["hasMember"]) == 9
    loop = loops(practice, patient)["safety-concern"]
    assert loop.state.status.is_open
    assert {step.step_id: step.due for step in loop.state.steps}["contact"] == at("2026-03-09 12:00")
    practice.write(phq9(patient, "2026-03-09 10:30", [0] * 9))
    assert loops(practice, patient)["safety-concern"].state.status.is_open


def test_item_9_at_ten_past_two_at_night_pages_and_calls_the_physician_an_hour_later(practice: Practice) -> None:
    practice.move_to("2026-03-09 02:10")
    patient = practice.patient()
    portal = [{"url": "urn:careloop:mode", "valueCode": "portal"}]
    night = OnCall(
        id=new_id(), person=practice.reference("osei"), starts=at("2026-03-08 20:00"), ends=at("2026-03-09 08:00")
    )
    practice.run(lambda tx: notices.add_on_call(tx, night, practice.reference("mo")))
    half_way = phq9(patient, "2026-03-09 02:10", [0, 0, 0, 0, 0, 0, 0, 0, 2], status="in-progress", extension=portal)
    practice.write(half_way)
    [page] = [
        one for one in of(practice, patient, "Communication") if one["category"][0]["coding"][0]["code"] == "page"
    ]
    assert page["sent"] == "2026-03-09T02:10:00-04:00"
    assert page["status"] == "in-progress"
    loop = loops(practice, patient)["safety-concern"]
    called = [loop.steps["contact"].owner, practice.reference("osei")]
    assert page["recipient"] == [{"reference": one} for one in called]
    practice.move_to("2026-03-09 03:11")
    deadlines.run(practice.app, practice.tenant)
    steps = {step.step_id: step for step in loops(practice, patient)["safety-concern"].state.steps}
    calls = [(call.to_role, call.at) for call in steps["contact"].escalations]
    assert calls == [("physician", at("2026-03-09 03:10"))]
    assert totals(practice, patient) == {}
    practice.write(half_way | {"status": "completed"})
    assert totals(practice, patient)["phq-9"]["valueQuantity"]["value"] == 2
    assert len(of(practice, patient, "Communication")) == 1


def test_a_form_that_was_loaded_in_bulk_is_scored_behind_the_writes(practice: Practice) -> None:
    practice.move_to("2026-03-09 10:00")
    patient = practice.patient()
    form = phq9(patient, "2026-03-09 09:00", [3, 3, 2, 2, 1, 0, 0, 0, 0])
    write = Write(method="update", resource_type="QuestionnaireResponse", id=form["id"], resource=form)
    practice.run(lambda tx: practice.app.record.write(tx, practice.system, practice.app.clock.now(), [write]))
    assert totals(practice, patient) == {}
    assert practice.run(lambda tx: assessing_late.catch_up(practice.app, tx, [form["id"]])) == 1
    assert totals(practice, patient)["phq-9"]["valueQuantity"]["value"] == 11
    assert practice.run(lambda tx: assessing_late.catch_up(practice.app, tx, [form["id"]])) == 0


def test_a_blank_item_9_has_no_total_and_asks_the_safety_question(practice: Practice) -> None:
    practice.move_to("2026-03-09 10:00")
    patient = practice.patient()
    practice.write(phq9(patient, "2026-03-09 10:00", [2, 2, 1, 1, 2, 1, 1, 1]))
    total = totals(practice, patient)["phq-9"]
    assert "valueQuantity" not in total
    assert total["dataAbsentReason"]["text"] == "Incomplete: 8 of 9 answered"
    assert "safety-concern" in loops(practice, patient)


@pytest.mark.parametrize(("points", "opens"), [([3, 3, 2, 2], False), ([3, 3, 3, 2], True)])
def test_hits_of_eleven_is_a_private_concern_that_no_proxy_sees(
    practice: Practice, points: list[int], opens: bool
) -> None:
    practice.move_to("2026-03-09 10:00")
    patient = practice.patient()
    items = [coded(f"/{link}", HOW_OFTEN[one]) for link, one in zip(HITS, points, strict=True)]
    food = coded("/88122-7", "LA6729-3")
    practice.write(form(patient, "2026-03-09 10:00", [*items, food], questionnaire="http://loinc.org/q/96777-8"))
    assert ("safety-concern" in loops(practice, patient)) is opens
    sight = sight_of(practice.tenant.id, ("patient/*.rs",), patient)
    assert sight is not None

    def seen(kind: str) -> list[str]:
        with practice.app.database.transaction(practice.tenant.id, sight=sight.settings) as tx:
            return [one.text for one in practice.app.record.of_patient(tx, patient, (kind,))]

    assert seen("QuestionnaireResponse") == []
    assert any("88122-7" in text for text in seen("Observation"))
    told = [text for kind in ("Observation", "Task", "Condition", "Communication") for text in seen(kind)]
    assert not [text for text in told if "safety-concern" in text or "95614-4" in text or "95618-5" in text]
    assert any("Not enough food" in text for text in told)


def test_needs_are_proposed_offered_and_declined(practice: Practice) -> None:
    practice.move_to("2026-03-09 10:00")
    patient = practice.patient()
    items = [
        coded("prapare/housing-worry", "LA33-6"),
        coded("prapare/transport", "LA30133-5"),
        coded("prapare/afraid", "LA33-6"),
        {"linkId": "offers/help-housing-instability", "answer": [{"valueCoding": {"code": "no"}}]},
        {"linkId": "offers/help-transportation-insecurity", "answer": [{"valueCoding": {"code": "yes"}}]},
    ]
    practice.write(form(patient, "2026-03-09 10:00", items, questionnaire="urn:careloop:questionnaire:prapare|1.0.0"))
    proposed = {
        one["code"]["text"]: [extension["valueCoding"]["code"] for extension in one["extension"]]
        for one in of(practice, patient, "Condition")
    }
    assert proposed == {
        "Housing may be lost": ["Z59.811", "Z59.819"],
        "No ride": ["Z59.82"],
        "Afraid of a partner": ["Z69.11"],
    }
    assert all(
        one["verificationStatus"]["coding"][0]["code"] == "unconfirmed" for one in of(practice, patient, "Condition")
    )
    found = practice.run(lambda tx: store.load_loops(tx, patients=[patient]))
    needs = [one for one in found if one.state.pathway == "social-need"]
    open_needs = [one for one in needs if one.state.status.is_open]
    closed = [one for one in needs if not one.state.status.is_open]
    assert len(open_needs) == 1
    assert [one.state.closure.reason for one in closed if one.state.closure] == ["patient-declined"]
    assert {step.step_id: step.status.value for step in open_needs[0].state.steps}["consent"] == "completed"
    assert "safety-concern" in loops(practice, patient)


def test_a_form_that_was_a_mistake_takes_back_what_followed(practice: Practice) -> None:
    practice.move_to("2026-03-09 10:00")
    patient = practice.patient()
    answered = phq9(patient, "2026-03-09 10:00", [1, 0, 0, 0, 0, 0, 0, 0, 1])
    practice.write(answered)
    practice.write(answered | {"status": "entered-in-error"})
    assert {one["status"] for one in of(practice, patient, "Observation")} == {"entered-in-error"}
    assert not loops(practice, patient)["safety-concern"].state.status.is_open


def test_an_old_form_is_scored_and_asks_for_nothing(practice: Practice) -> None:
    practice.move_to("2026-03-09 10:00")
    patient = practice.patient()
    practice.write(phq9(patient, "2025-11-09 10:00", [3] * 9))
    assert totals(practice, patient)["phq-9"]["valueQuantity"]["value"] == 27
    assert loops(practice, patient) == {}


def test_a_score_says_version_answers_who_how_and_in_which_language(practice: Practice) -> None:
    """AS-01."""
    practice.move_to("2026-03-09 10:00")
    patient = practice.patient()
    told = {"mode": [{"url": "urn:careloop:mode", "valueCode": "interview"}], "who": practice.reference("nia")}
    form = phq9(patient, "2026-03-09 10:00", [1] * 9, language="es", extension=told["mode"])
    practice.write(form | {"author": {"reference": told["who"], "display": "Nia"}})
    total = totals(practice, patient)["phq-9"]
    assert "1.0.0" in total["method"]["text"]
    assert total["derivedFrom"][0]["reference"].startswith(f"QuestionnaireResponse/{form['id']}")
    assert [one["reference"] for one in total["performer"]] == [told["who"]]
    assert total["language"] == "es"
    assert told["mode"][0] in total["extension"]
    assert len(total["hasMember"]) == 9


def test_new_rules_make_a_row_of_their_own_and_leave_the_old_score(practice: Practice, tmp_path: Path) -> None:
    """AS-02."""
    practice.move_to("2026-03-09 10:00")
    patient = practice.patient()
    form = phq9(patient, "2026-03-09 10:00", [1] * 9)
    practice.write(form)
    [old] = [one for one in of(practice, patient, "Observation") if "valueQuantity" in one]
    rules = (CONTENT / "assessments" / "phq-9.yaml").read_text()
    (tmp_path / "assessments").mkdir()
    changed = rules.replace("version: 1.0.0", "version: 2.0.0", 1).replace("to: 4, name: minimal", "to: 4, name: none")
    (tmp_path / "assessments" / "phq-9.yaml").write_text(changed)
    newer = replace(practice, app=replace(practice.app, catalog=load_catalog(tmp_path)))
    newer.write(form | {"status": "amended"})
    rows = {one["method"]["text"]: one for one in of(practice, patient, "Observation") if "valueQuantity" in one}
    assert len(rows) == 2
    assert rows[old["method"]["text"]] == old
    assert any("2.0.0" in name for name in rows)


def line_for(practice: Practice, patient: str) -> str:
    """What the page says about the next visit."""
    nia = practice.user("nia")
    return practice.run(lambda tx: assessment_page.page(practice.app, tx, nia, patient)).visit


def test_the_page_says_whether_the_screening_counts_for_the_next_visit(practice: Practice) -> None:
    practice.move_to("2026-03-09 10:00")
    patient = practice.patient()
    assert line_for(practice, patient) == ""
    practice.write({
        "resourceType": "Appointment", "id": f"next-{patient}", "status": "booked",
        "start": "2026-03-25T09:00:00-04:00",
        "participant": [{"actor": {"reference": f"Patient/{patient}"}, "status": "accepted"}],
    })  # fmt: skip
    assert line_for(practice, patient).endswith("no depression screening on record. Ask it within 14 days before.")
    practice.write(phq9(patient, "2026-03-09 10:00", [1] * 9))
    assert "does not count (16 days before, at most 14)" in line_for(practice, patient)
    practice.move_to("2026-03-11 10:00")
    practice.write(phq9(patient, "2026-03-11 10:00", [2, 2, 2, 2, 2, 0, 0, 0, 0]))
    assert line_for(practice, patient).endswith("the PHQ-9 of 11 Mar was positive. It wants a plan by 27 Mar.")
    practice.write({
        "resourceType": "Condition", "id": f"c-{patient}", "subject": {"reference": f"Patient/{patient}"},
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "F31.9"}]},
    })  # fmt: skip
    assert "no depression screening is asked for" in line_for(practice, patient)


@pytest.fixture
def pages(practice: Practice, app: Any, no_tries: None) -> Iterator[TestClient]:
    with TestClient(create_asgi(app), base_url="http://localhost", raise_server_exceptions=True) as client:
        yield client


def signed_in(practice: Practice, pages: TestClient, name: str) -> str:
    """The cookie of that member of the staff, set on the client; their CSRF token."""
    app = practice.app
    with app.database.transaction(practice.tenant.id) as tx:
        account = practice.staff[name].account_id
        token = sessions.open_session(tx, account, app.clock.now(), lasts=timedelta(hours=1))
    pages.cookies.set(SESSION_COOKIE, token)
    return sessions.csrf_token(token)


def form_of(page: str) -> dict[str, str]:
    """The hidden fields and the link of the form that answers a question."""
    found = dict(re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)"', page))
    first = re.search(r'type="(?:radio|checkbox)" name="answer" value="([^"]+)"', page)
    return {**found, **({"answer": first[1]} if first else {"answer": "My garden"})}


def test_a_check_in_is_shared_half_way_with_the_patient_and_finished_by_staff(
    practice: Practice, pages: TestClient
) -> None:
    practice.move_to("2026-03-09 10:00")
    patient = practice.patient(birthDate="1950-01-02")
    csrf = signed_in(practice, pages, "nia")
    post = {"csrf": csrf}
    head = {"Origin": "http://localhost"}
    assert pages.get(f"/patients/{patient}/assessments").status_code == 200
    started = pages.post(
        f"/patients/{patient}/assessments", data=post | {"what": "comprehensive"}, headers=head, follow_redirects=False
    )
    here = started.headers["location"]
    page = pages.get(here).text
    assert "What matters most to you right now?" in page
    pages.post(here, data=post | {"link": "matters/matters-most", "answer": "My garden"}, headers=head)
    pages.post(here, data=post | {"do": "share", "who": "patient", "section": ["health", "feelings"]}, headers=head)
    code = re.search(r'href="/p/([A-Za-z0-9_-]{22})"', pages.get(here).text)
    assert code is not None

    phone = TestClient(pages.app, base_url="http://localhost")
    door = f"/p/{code[1]}"
    assert phone.post(door, data={"birth_date": "1950-01-03"}).status_code == 422
    text = phone.post(door, data={"birth_date": "1950-01-02"}).text
    seen = []
    for _ in range(40):
        if "Thank you. That was all." in text:
            break
        form = form_of(text)
        assert "proof" in form, text
        if "You are not alone." in text:
            seen.append("crisis")
            text = phone.post(f"{door}/check-in", data={"proof": form["proof"], "do": "next"}).text
            continue
        link = form.get("link", "")
        seen.append(link)
        if link.startswith("phq-2/") or link == "phq-9/9":
            form["answer"] = OFTEN[2]
        if link == "health/hospital":
            form["answer"] = "1"
        text = phone.post(f"{door}/check-in", data={**form, "do": "answer"}).text
        if link == "health/general-health":
            text = phone.post(door, data={"birth_date": "1950-01-02"}).text
    assert seen.index("health/general-health") == 0
    assert {"phq-2/1", "phq-2/2", "phq-9/9", "crisis"} <= set(seen)
    assert seen[seen.index("phq-9/9") + 1] == "crisis"
    assert not [link for link in seen if link.startswith(("matters/", "ahc-hrsn/"))]
    assert phone.get(door).status_code == 404
    assert "safety-concern" in loops(practice, patient)
    assert "I take it" in pages.get(f"/patients/{patient}/assessments").text

    page = pages.get(here).text
    assert "answered" in page
    assert "general-health" not in form_of(page).get("link", "")
    done = pages.post(here, data=post | {"do": "finish"}, headers=head)
    assert done.status_code == 200, done.text
    total = totals(practice, patient)["phq-9"]["valueQuantity"]["value"]
    assert total == 6
    [goal] = of(practice, patient, "Goal")
    assert goal["description"]["text"] == "My garden"
    [answered] = of(practice, patient, "QuestionnaireResponse")
    told = {
        line["linkId"]: {
            part["url"]: part.get("valueString") or part.get("valueCode") for part in extension["extension"]
        }
        for group in answered["item"]
        for line in group["item"]
        for extension in line.get("answer", [{}])[0].get("extension", ())
    }
    assert told["matters/matters-most"] | {"at": ""} == {
        "by": "Nia Example", "as": "staff", "mode": "interview", "language": "en", "at": "",
    }  # fmt: skip
    assert told["phq-9/9"]["as"] == "patient"
    assert told["phq-9/9"]["mode"] == "link"
    trend = pages.get(f"/patients/{patient}/assessments/phq-9").text
    assert "6, mild" in trend
    assert "no hospital stay scored" in trend
    again = pages.post(
        f"/patients/{patient}/assessments", data=post | {"what": "comprehensive"}, headers=head, follow_redirects=False
    )
    page = pages.get(again.headers["location"]).text
    assert "My garden" in page
    assert "This has changed" in page


def test_points_of_the_own_copy_are_entered_and_asked_for_again(practice: Practice, pages: TestClient) -> None:
    practice.move_to("2026-03-09 10:00")
    patient = practice.patient()
    csrf = signed_in(practice, pages, "nia")
    form = {"csrf": csrf, "item-recall": "2", "item-clock": "0"}
    pages.post(f"/patients/{patient}/assessments/mini-cog", data=form, headers={"Origin": "http://localhost"})
    assert totals(practice, patient)["mini-cog"]["valueQuantity"]["value"] == 2
    follow_up = loops(practice, patient)["assessment-follow-up"]
    assert follow_up.state.steps[0].due == at("2026-03-23 23:59:59")
    practice.write(phq9(patient, "2026-03-09 10:00", [2, 2, 2, 2, 2, 0, 0, 0, 0]))
    assert rescreening.go_on(practice.app, practice.tenant) == 0
    practice.move_to("2026-04-06 12:00")
    assert rescreening.go_on(practice.app, practice.tenant) == 1
    assert rescreening.go_on(practice.app, practice.tenant) == 0
    assert loops(practice, patient)["screening-due"].state.status.is_open
    practice.write(phq9(patient, "2026-04-06 12:00", [1, 1, 0, 0, 0, 0, 0, 0, 0]))
    assert not loops(practice, patient)["screening-due"].state.status.is_open
