"""`/healthz` and `/readyz` tell the truth, and errors are worded by the edge that a path belongs to."""

from collections.abc import Iterator
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from careloop.cli.asgi import create_asgi
from careloop.db import Database
from careloop.flows.app import App


@pytest.fixture
def client(app: App) -> Iterator[TestClient[Litestar]]:
    with TestClient(create_asgi(app), raise_server_exceptions=False) as opened:
        yield opened


def test_a_working_installation_is_ready_and_says_what_is_waiting(client: TestClient[Litestar]) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["ready"] is True
    assert answer.json()["pending"] >= 0


def test_without_its_database_it_says_503_and_when_to_ask_again(app: App) -> None:
    from dataclasses import replace

    away = Database("postgresql://nobody@127.0.0.1:1/none", wait_seconds=0.2)
    away._pool.open(wait=False)
    try:
        with TestClient(create_asgi(replace(app, database=away))) as client:
            answer = client.get("/readyz")
            assert client.get("/healthz").status_code == 200
    finally:
        away.close()
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["database"] is False


def test_an_answer_may_not_be_kept(client: TestClient[Litestar]) -> None:
    assert client.get("/readyz").headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/fhir/Patient/1/2/3/4", "application/fhir+json"),
        ("/api/nothing", "application/json"),
        ("/nothing", "text/html"),
    ],
)
def test_an_unknown_path_is_worded_by_its_edge(client: TestClient[Litestar], path: str, kind: str) -> None:
    answer = client.get(path)
    assert answer.status_code in (401, 404)
    assert answer.headers["content-type"].startswith(kind)


def test_a_body_beyond_the_limit_is_refused_before_it_is_read(app: App) -> None:
    from dataclasses import replace

    small = replace(app, settings=replace(app.settings, max_body_bytes=1000))
    with TestClient(create_asgi(small)) as client:
        answer = client.post(
            "/oauth/token", content=b"x" * 2000, headers={"content-type": "application/x-www-form-urlencoded"}
        )
    assert answer.status_code == 413


def test_a_fault_of_ours_shows_an_id_and_nothing_else(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_app: App) -> Any:
        raise KeyError("Ann Smith")

    monkeypatch.setattr("careloop.api.health.readiness", fail)
    with TestClient(create_asgi(app), raise_server_exceptions=False) as client:
        answer = client.get("/readyz")
    assert answer.status_code == 500
    assert "Ann" not in answer.text
