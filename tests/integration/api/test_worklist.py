"""Work and stays for programs: `/api/worklist`, `/api/episodes`, and loops as Tasks over FHIR."""

import pytest
from litestar.testing import TestClient
from tests.journeys.practice import Practice

from careloop.access.clients import create_client
from careloop.access.tokens import issue_token
from careloop.fhir.ids import new_id
from careloop.loops.ids import step_task_id


@pytest.fixture
def practice(app):
    """Somebody went home on Friday; it is an hour later."""
    found = Practice.open(app)
    found.move_to("2026-03-06 17:00")
    return found


@pytest.fixture
def patient(practice):
    found = practice.patient()
    practice.stay(found, "stay-1", end="2026-03-06 16:30")
    return found


@pytest.fixture
def ask(app, practice, asgi):
    """Asks as a program with a scope."""
    with TestClient(asgi) as client:
        yield lambda method, path, scope="system/*.cruds", **more: client.request(
            method, path, headers=_headers(app, practice, scope, more.pop("headers", {})), **more
        )


def _headers(app, practice, scope, more):
    now = app.clock.now()

    def token(tx):
        made = create_client(tx, now, name=new_id(), scope=scope)
        return issue_token(tx, made.client.id, made.client.scopes, now)

    return {"Authorization": f"Bearer {practice.run(token)}", **more}


def test_a_program_reads_the_worklist_of_everybody(ask, practice, patient):
    answer = ask("GET", "/api/worklist", scope="system/*.rs")
    assert answer.status_code == 200
    rows = [row for group in answer.json()["groups"] for row in group["rows"]]
    assert [(row["loop_id"], row["patient_id"]) for row in rows] == [(practice.loop(patient).id, patient)]
    assert answer.headers["cache-control"] == "no-store"


def test_an_unknown_scope_of_the_list_is_refused_with_its_place(ask, patient):
    assert ask("GET", "/api/worklist?scope=hers").status_code == 400


def test_the_episode_of_a_stay_says_what_is_known_and_why_the_rest_is_not(ask, patient):
    found = ask("GET", "/api/episodes/stay-1", scope="system/*.rs").json()
    assert found["stay"] == ["stay-1"]
    assert found["index"] is True
    assert found["readmission_cms"] is False
    assert "unknown" in found["hospital"]
    assert found["tcm"]["code"] is None


def test_a_stay_that_is_not_there_and_one_of_another_practice_look_the_same(ask, app):
    other = Practice.open(app)
    other.stay(other.patient(), "foreign", end="2026-03-06 16:30")
    answers = [ask("GET", f"/api/episodes/{name}") for name in ("foreign", "nothing")]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json() == answers[1].json()


def test_without_a_scope_for_it_nothing_is_shown(ask, patient):
    assert ask("GET", "/api/worklist", scope="system/Observation.rs").status_code == 403
    assert ask("GET", "/api/episodes/stay-1", scope="system/Observation.rs").status_code == 403


def test_a_client_finds_the_open_loop_and_its_steps_and_completes_one_with_proof(ask, practice, patient):
    bundle = ask("GET", f"/fhir/Task?patient={patient}&code=urn:careloop:pathway|discharge-transition").json()
    [loop] = [entry["resource"] for entry in bundle["entry"]]
    steps = ask("GET", f"/fhir/Task?part-of=Task/{loop['id']}").json()
    assert {entry["resource"]["code"]["coding"][0]["code"] for entry in steps["entry"]} >= {"contact", "visit"}
    task_id = step_task_id(loop["id"], "contact")
    task = ask("GET", f"/fhir/Task/{task_id}")
    refused = ask("PUT", f"/fhir/Task/{task_id}", json={**task.json(), "status": "completed"})
    assert refused.status_code == 422
    call_id = practice.call(patient, sent="2026-03-06 16:45")
    done = ask("GET", f"/fhir/Task/{task_id}")
    assert done.json()["status"] == "completed"
    assert done.json()["output"][0]["valueReference"]["reference"] == f"Communication/{call_id}/_history/1"
    assert done.headers["etag"] != task.headers["etag"]
