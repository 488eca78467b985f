"""`/api/inbox` as interface.md §3 names it."""

import pytest
from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.testing import TestClient
from tests.messages import adt

from careloop.api import inbox as edge
from careloop.api.inbox import list_items, replay
from careloop.errors import CareloopError


@pytest.fixture
def client(door):
    router = Router(
        path="/api",
        route_handlers=[list_items, replay],
        dependencies={"principal": Provide(lambda: door.principal, sync_to_thread=False)},
    )
    asgi = Litestar(
        [router], state=State({"careloop": door.app}), exception_handlers={CareloopError: edge.answer_error}
    )
    with TestClient(asgi) as client:
        yield client


def test_dead_letters_are_listed_by_status_and_control_id(door, client):
    door.send(adt("A01"), adt("A01", control_id="BAD", pid="X^Y||19510431|F"))
    body = client.get("/api/inbox", params={"status": "dead", "control_id": "BAD"}).json()
    assert set(body) == {"items", "total", "next"}
    [item] = body["items"]
    assert set(item) == {"id", "kind", "status", "control_id", "sender", "received", "stage", "at", "reason"}
    assert (item["control_id"], item["at"], body["total"]) == ("BAD", "PID-7", 1)
    assert client.get("/api/inbox", params={"control_id": "C1"}).json()["items"][0]["status"] == "processed"


def test_a_page_leads_to_the_next(door, client):
    door.send(*[adt("A01", control_id=f"B{n}", pid="X^Y||19510431|F") for n in range(3)])
    first = client.get("/api/inbox", params={"status": "dead", "_count": "2"}).json()
    second = client.get(first["next"]).json()
    assert [len(first["items"]), len(second["items"]), second["next"]] == [2, 1, None]


def test_a_replay_answers_with_the_item_and_may_be_repeated(door, client):
    door.send(adt("A01", control_id="BAD", pid="X^Y||19510431|F"))
    own_id = door.dead()[0].id
    for _ in range(2):
        answer = client.post(f"/api/inbox/{own_id}/replay")
        assert (answer.status_code, answer.json()["status"]) == (200, "dead")


def test_wrong_questions_are_answered_with_what_was_expected(client):
    assert client.get("/api/inbox", params={"status": "strange"}).status_code == 400
    assert client.post("/api/inbox/999999999/replay").status_code == 404
