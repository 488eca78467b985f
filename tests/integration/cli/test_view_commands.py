"""`careloop view`: a view as a file and as a table."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from careloop.access.model import system_principal
from careloop.cli.main import main
from careloop.flows.writing import write
from careloop.record import Write

Command = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def careloop(database, settings, capsys, monkeypatch) -> Command:
    if settings.database_url:
        monkeypatch.setenv("DATABASE_URL", settings.database_url)

    def run(*arguments: str) -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        status = main(["view", *arguments, "--data-dir", str(settings.data_dir), "--json"])
        text = capsys.readouterr().out
        return status, json.loads(text) if text else {}

    return run


@pytest.fixture
def somebody(app, tenant) -> str:
    patient = {"resourceType": "Patient", "id": "cli1", "name": [{"family": "Quimby"}]}
    with app.database.transaction(tenant.id) as tx:
        one = Write(method="update", resource_type="Patient", id="cli1", resource=patient)
        write(app, tx, system_principal(tenant.id, "test"), [one])
    return tenant.slug


def test_a_view_is_written_to_a_file_by_its_ending(careloop, somebody, tmp_path: Path) -> None:
    for ending in ("csv", "ndjson", "parquet"):
        out = tmp_path / f"people.{ending}"
        status, done = careloop("run", "patient_demographics", "--tenant", somebody, "--out", str(out))
        assert (status, done["rows"], done["format"]) == (0, 1, ending)
        assert out.stat().st_size > 0
    assert '"family":"Quimby"' in (tmp_path / "people.ndjson").read_text()


def test_a_view_of_a_file_is_published_and_listed(careloop, app, tenant, somebody, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    column = {"name": "who", "path": "name.family", "type": "string"}
    path.write_text(json.dumps({"name": "mine", "resource": "Patient", "select": [{"column": [column]}]}))
    status, done = careloop("publish", str(path), "--tenant", somebody)
    assert status == 0 and done["published"][0]["table"] == f"views_{tenant.id}.mine"
    with app.database.transaction(tenant.id) as tx:
        assert tx.rows(f"select who from views_{tenant.id}.mine") == [{"who": "Quimby"}]
    status, listed = careloop("list", "--tenant", somebody)
    assert [one["name"] for one in listed["published"]] == ["mine"] and "loops" in listed["ours"]


def test_what_cannot_be_a_view_is_told_and_leaves_no_file(careloop, somebody, tmp_path: Path) -> None:
    path = tmp_path / "wrong.json"
    path.write_text('{"resource": "Patient", "select": []}')
    out = tmp_path / "out.csv"
    assert careloop("run", str(path), "--tenant", somebody, "--out", str(out))[0] == 2
    assert careloop("run", "no_such_view", "--tenant", somebody, "--out", str(out))[0] == 2
    assert careloop("run", "loops", "--tenant", somebody, "--out", str(tmp_path / "out.xyz"))[0] == 2
    assert not out.exists()
