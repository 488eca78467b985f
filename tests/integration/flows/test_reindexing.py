"""The worker, the command and the CapabilityStatement around a search parameter that a site adds."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from careloop.access.model import system_principal
from careloop.api.fhir_capabilities import capability_statement
from careloop.cli.main import main
from careloop.flows import reindexing
from careloop.flows.app import App, site_folders
from careloop.record import Record, Write

PARAMETER = {
    "resourceType": "SearchParameter", "id": "own-marital", "url": "http://own/marital", "name": "Marital",
    "status": "active", "description": "x", "code": "marital", "base": ["Patient"], "type": "token",
    "expression": "Patient.maritalStatus",
}  # fmt: skip


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """A site's content folder with one search parameter."""
    folder = tmp_path / "searchparameters"
    folder.mkdir()
    (folder / "marital.json").write_text(json.dumps(PARAMETER))
    return tmp_path


@pytest.fixture
def loaded(app: App, tenant) -> App:
    writes = [Write(method="update", resource_type="Patient", id=f"p{number}", resource={
        "resourceType": "Patient", "id": f"p{number}", "maritalStatus": {"coding": [{"system": "urn:m", "code": "M"}]},
    }) for number in range(25)]  # fmt: skip
    principal = system_principal(tenant.id, "test")
    app.database.run(tenant.id, lambda tx: app.record.write(tx, principal, app.clock.now(), writes))
    return app


def parameters_of(app: App) -> set[str]:
    statement = capability_statement(reindexing.offered_to_all(app), "http://x/fhir", app.clock.now(), ())
    [patient] = [one for one in statement["rest"][0]["resource"] if one["type"] == "Patient"]
    return {one["name"] for one in patient["searchParam"]}


def test_the_worker_indexes_in_rounds_and_then_everybody_is_told(loaded, tenant, content, monkeypatch) -> None:
    later = replace(loaded, record=Record.load(site_folders(content)))
    monkeypatch.setattr(App, "tenants", lambda self: [tenant])
    monkeypatch.setattr(reindexing, "SET", 5)
    monkeypatch.setattr(reindexing, "SETS_OF_A_ROUND", 3)
    assert "marital" not in parameters_of(later)
    assert reindexing.go_on(later, tenant) == 15
    assert "marital" not in parameters_of(later)
    assert reindexing.go_on(later, tenant) == 10
    assert "marital" in parameters_of(later)
    assert reindexing.go_on(later, tenant) == 0
    with loaded.database.transaction(tenant.id) as tx:
        now = loaded.clock.now() + timedelta(minutes=1)
        found = later.record.search(tx, system_principal(tenant.id, "t"), "Patient", [("marital", "urn:m|M")], now)
    assert found.total == 25


def test_the_command_indexes_at_once(loaded, tenant, content, settings, capsys, monkeypatch) -> None:
    if settings.database_url:
        monkeypatch.setenv("DATABASE_URL", settings.database_url)
    monkeypatch.setenv("CARELOOP_CONTENT_DIR", str(content))
    asked = ["reindex", "--tenant", tenant.slug, "--data-dir", str(settings.data_dir), "--json"]
    for more, expected in ([], 25), ([], 0), (["--everything"], 25):
        capsys.readouterr()
        assert main([*asked, *more]) == 0
        assert json.loads(capsys.readouterr().out)["indexed"] == {tenant.slug: expected}
