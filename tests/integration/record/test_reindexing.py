"""A search parameter comes while the record is in use: indexed in sets, beside writers, offered when it is done."""

import json
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from tests.integration.record.conftest import NOW, Chart

from careloop.errors import Rejected
from careloop.record import Record

MARITAL = {
    "resourceType": "SearchParameter", "id": "own-marital", "url": "http://own/marital", "name": "Marital",
    "status": "active", "description": "x", "code": "marital", "base": ["Patient"], "type": "token",
    "expression": "Patient.maritalStatus",
}  # fmt: skip


def patient(number: int, status: str = "M") -> dict:
    coding = {"system": "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "code": status}
    return {"resourceType": "Patient", "id": f"p{number:03}", "maritalStatus": {"coding": [coding]}}


def site(folder: Path, **changes: str) -> Record:
    """A record of a process that was started with one more search parameter."""
    folder.mkdir(exist_ok=True)
    (folder / "marital.json").write_text(json.dumps({**MARITAL, **changes}))
    return Record.load([folder])


@pytest.fixture
def old(chart) -> Chart:
    """Thirty people, written by a process that did not know the parameter."""
    chart.put(*[patient(number, "M" if number % 2 else "S") for number in range(30)])
    return chart


@pytest.fixture
def new(old, tmp_path) -> Chart:
    """The same tenant in a process that knows it."""
    return Chart(old.database, site(tmp_path / "site"), old.tenant)


def steps(chart: Chart, limit: int, most: int = 1000) -> int:
    """So many sets of the run; how many resources they indexed."""
    total = 0
    for _ in range(most):
        step = chart.database.run(chart.tenant.id, lambda tx: chart.record.index.step(tx, limit))
        total += step.indexed
        if step.complete:
            break
    return total


def test_a_new_parameter_is_offered_when_everything_is_indexed_by_it(new: Chart) -> None:
    with pytest.raises(Rejected):
        new.ids("Patient", "marital=M")
    assert steps(new, 10, most=2) == 20
    with pytest.raises(Rejected):
        new.ids("Patient", "marital=M")
    new.put(patient(1, "D"), patient(29, "D"), patient(50, "D"), at=NOW + timedelta(minutes=1))
    steps(new, 10)
    assert new.ids("Patient", "marital=D") == ["p001", "p029", "p050"]
    assert len(new.ids("Patient", "marital=M")) == 13
    assert new.findings() == []


def test_a_run_that_was_broken_off_goes_on_where_it_ended(new: Chart, tmp_path: Path) -> None:
    assert steps(new, 12, most=2) == 24
    again = Chart(new.database, site(tmp_path / "site"), new.tenant)
    assert steps(again, 12) == 6
    assert len(again.ids("Patient", "marital=M")) == 15
    assert steps(again, 12) == 0


def test_versions_and_feed_stay_as_they_are(new: Chart) -> None:
    def told() -> list:
        with new.database.transaction(new.tenant.id) as tx:
            rows = tx.rows("select key, version, body, digest from resource order by key")
            counts = [tx.value(f"select count(*) from {table}") for table in ("change_feed", "resource_history")]
            return [rows, *counts]

    before = told()
    steps(new, 7)
    assert told() == before


def test_writers_go_on_while_the_index_is_built(new: Chart) -> None:
    stop, failures, rounds = threading.Event(), [], [0]

    def write() -> None:
        moment = NOW
        while not stop.is_set():
            moment += timedelta(seconds=1)
            rounds[0] += 1
            try:
                new.put(*[patient(number, "W" if rounds[0] % 2 else "D") for number in range(0, 30, 3)], at=moment)
                new.put(patient(100 + rounds[0], "W"), at=moment)
            except Exception as error:  # noqa: BLE001 - whatever a writer meets fails the test
                failures.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    steps(new, 3)
    for _ in range(2):
        new.database.run(new.tenant.id, new.record.index.forget)
        steps(new, 3)
    stop.set()
    writer.join()
    assert failures == [] and rounds[0] > 3
    assert new.findings() == []
    found = set(new.every_id("Patient", "marital=W,D"))
    assert found == {f"p{number:03}" for number in range(0, 30, 3)} | {
        f"p{100 + one:03}" for one in range(1, rounds[0] + 1)
    }


def test_a_parameter_with_another_meaning_is_not_offered_until_the_index_has_it(new: Chart, tmp_path: Path) -> None:
    steps(new, 100)
    other = Chart(new.database, site(tmp_path / "site", expression="Patient.communication.language"), new.tenant)
    with pytest.raises(Rejected):
        other.ids("Patient", "marital=M")
    assert steps(other, 100) == 30
    assert other.ids("Patient", "marital=M") == []
    assert other.findings() == []


def test_a_parameter_that_went_leaves_nothing_behind(old: Chart, new: Chart) -> None:
    steps(new, 100)
    assert old.findings() != []
    assert steps(old, 100) == 30
    assert old.findings() == []


def test_only_types_that_the_parameter_concerns_are_indexed_anew(new: Chart) -> None:
    new.put({"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"}})
    assert steps(new, 100) == 30


def test_a_fresh_tenant_needs_no_run(chart, tmp_path: Path) -> None:
    fresh = Chart(chart.database, site(tmp_path / "site"), chart.tenant)
    fresh.put(patient(1))
    assert fresh.ids("Patient", "marital=M") == ["p001"]
    assert steps(fresh, 10) == 0
