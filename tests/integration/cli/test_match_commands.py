"""`careloop match`: a tenant's lines, weights learnt from a file, duplicates of the whole record."""

import io
import itertools
import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from careloop.access.model import Tenant, system_principal
from careloop.catalog import read_yaml
from careloop.cli.main import main
from careloop.flows.app import App
from careloop.flows.bulk import import_bundles
from careloop.flows.bulk_documents import Document

_numbers = itertools.count(1)
Command = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def careloop(database, settings, capsys, monkeypatch) -> Command:
    """Runs a command line on the session's installation: exit status and the JSON report."""
    if settings.database_url:
        monkeypatch.setenv("DATABASE_URL", settings.database_url)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))

    def run(*arguments: str) -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        status = main([*arguments, "--data-dir", str(settings.data_dir), "--json"])
        text = capsys.readouterr().out
        return status, json.loads(text) if text else {}

    return run


@pytest.fixture
def slug(careloop: Command) -> str:
    slug = f"match-{os.getpid()}-{next(_numbers)}"
    status, _ = careloop("tenant", "add", slug, "--name", "Hillside Practice", "--zone", "America/Chicago")
    assert status == 0
    return slug


def people(path: Path) -> Path:
    """A hundred and twenty people, thirty of them a second time with a slip in the family name."""
    chance = random.Random(3)
    with path.open("w") as out:
        for place in range(150):
            first = place % 120
            chance.seed(first)
            family, given = ("".join(chance.choices("bdfgklmnprst", k=1) + chance.choices("aeiou", k=1)) * 2
                             + chance.choice("xzvw") + str(chance.choice("aeiou")) for _ in range(2))  # fmt: skip
            family = family + ("q" if place >= 120 else "")
            born = f"19{chance.randrange(30, 99)}-0{chance.randrange(1, 9)}-1{chance.randrange(0, 9)}"
            out.write(json.dumps({
                "resourceType": "Patient", "id": f"c{place}", "birthDate": born,
                "name": [{"family": family, "given": [given]}],
                "address": [{"line": [f"{first} {family} Street"], "postalCode": f"{10000 + first}"}],
            }) + "\n")  # fmt: skip
    return path


def test_lines_are_shown_and_set_and_joins_are_off_at_first(careloop: Command, slug: str):
    assert careloop("match", "lines", "--tenant", slug)[1]["match_join"] == "off"
    status, told = careloop("match", "lines", "--tenant", slug, "--review", "20", "--join", "certain")
    assert (status, told["match_review_points"], told["match_join"], told["match_join_points"]) == (
        0,
        20,
        "certain",
        40,
    )
    assert careloop("match", "lines", "--tenant", slug)[1]["match_review_points"] == 20


def test_weights_are_learnt_from_a_file_of_patients(careloop: Command, tmp_path: Path):
    out = tmp_path / "weights.yaml"
    status, told = careloop("match", "train", "--people", str(people(tmp_path / "p.ndjson")), "--out", str(out))
    assert (status, told["people"]) == (0, 150)
    learnt = read_yaml(out.read_text())
    assert learnt["trained"]["people"] == 150
    assert any(line.startswith("family") for line in told["changed"])


def test_a_file_with_anything_but_patients_is_refused(careloop: Command, tmp_path: Path):
    (tmp_path / "p.ndjson").write_text('{"resourceType":"Observation"}\n')
    out = tmp_path / "w.yaml"
    assert careloop("match", "train", "--people", str(tmp_path / "p.ndjson"), "--out", str(out))[0] == 2
    assert not out.exists()


def test_a_batch_tells_what_it_found(careloop: Command, app: App, tenant: Tenant, tmp_path: Path):
    lines = people(tmp_path / "p.ndjson").read_bytes().splitlines()
    documents = (Document(label=str(place), text=line) for place, line in enumerate(lines))
    import_bundles(app, tenant, system_principal(tenant.id, "test"), documents)
    status, told = careloop("match", "batch", "--tenant", tenant.slug)
    assert (status, told["people"], told["asked"]) == (0, 150, 0)
    assert told["likely"] >= 30
