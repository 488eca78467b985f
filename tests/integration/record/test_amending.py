"""Amending: what comes of it is what an update with the whole content would have made."""

from datetime import timedelta

import pytest
from tests.integration.record.conftest import NOW

from careloop.events import ChangeKind
from careloop.record import Amendment, store

LATER = NOW + timedelta(hours=1)
TASK = {
    "resourceType": "Task",
    "id": "t1",
    "status": "requested",
    "intent": "order",
    "businessStatus": {"coding": [{"system": "urn:careloop:clock", "code": "on-time"}]},
    "for": {"reference": "Patient/p1"},
    "authoredOn": "2026-11-01T09:00:00-05:00",
    "description": "Call within two days",
}
LATE = {
    "businessStatus": {"coding": [{"system": "urn:careloop:clock", "code": "overdue"}]},
    "relevantHistory": [{"reference": "Provenance/why"}],
}


def amend(chart, *amendments: Amendment):
    return chart.database.run(
        chart.tenant.id, lambda tx: chart.record.amend(tx, chart.principal, LATER, list(amendments))
    )


def late(task_id: str = "t1") -> Amendment:
    return Amendment(resource_type="Task", id=task_id, elements=LATE)


def read(chart, kind: str, identity: str):
    with chart.database.transaction(chart.tenant.id) as tx:
        return chart.record.read(tx, chart.principal, kind, identity)


def rows_of(chart, identity: str) -> dict:
    """Everything that the tables hold of a Task, but for its name."""
    with chart.database.transaction(chart.tenant.id) as tx:
        [row] = tx.rows("select * from resource where type = 'Task' and id = %s", (identity,))
        values = {"keys": [row["key"]]}
        beside = {
            table: sorted(
                str(sorted((name, value) for name, value in one.items() if name != "key"))
                for one in tx.rows(f"select * from {table} where key = any(%(keys)s)", values)
            )
            for table in ("resource_token", "resource_date", "resource_string", "resource_quantity", "resource_history")
        }
    named = {name: value for name, value in row.items() if name not in ("key", "id", "self", "body", "digest")}
    return {**named, "body": row["body"].replace(identity, "t"), "beside": str(beside).replace(identity, "t")}


def test_an_amended_task_is_one_that_was_written_whole(chart):
    chart.put(TASK, {**TASK, "id": "t2"})
    [done] = amend(chart, late())
    chart.put({**TASK, "id": "t2", **LATE}, at=LATER)
    assert (done.version, done.change, done.patient_id) == (2, ChangeKind.UPDATED, "p1")
    assert rows_of(chart, "t1") == rows_of(chart, "t2")
    assert chart.findings() == []


def test_an_amended_task_is_found_by_what_it_says_now(chart):
    chart.put(TASK)
    amend(chart, late())
    assert chart.ids("Task", "business-status=overdue") == ["t1"]
    assert chart.ids("Task", "business-status=on-time") == []
    assert chart.ids("Task", "patient=Patient/p1&authored-on=2026-11-01") == ["t1"]


def test_the_same_words_again_are_no_version(chart):
    chart.put(TASK)
    amend(chart, late())
    [again] = amend(chart, late())
    assert (again.version, again.change) == (2, ChangeKind.UNCHANGED)
    assert read(chart, "Task", "t1").version == 2


def test_where_one_does_not_stand_none_is_written(chart):
    chart.put(TASK)
    assert amend(chart, late(), late("nobody")) is None
    assert read(chart, "Task", "t1").version == 1


@pytest.mark.parametrize(
    "elements",
    [
        {"authoredOn": "2026-11-02T09:00:00-05:00"},
        {"for": {"reference": "Patient/p2"}},
        {"businessStatus": {"coding": [{"code": "x"}]}, "description": "x", "authoredOn": "2026-11-03"},
    ],
)
def test_what_would_change_more_than_tokens_is_left_to_a_whole_write(chart, elements):
    chart.put(TASK)
    assert amend(chart, Amendment(resource_type="Task", id="t1", elements=elements)) is None
    assert read(chart, "Task", "t1").version == 1


def test_a_parameter_that_reads_other_elements_too_is_left_to_a_whole_write(chart):
    seen = {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "valueCodeableConcept": {"text": "much"},
    }
    chart.put(seen)
    less = Amendment(resource_type="Observation", id="o1", elements={"valueCodeableConcept": {"text": "less"}})
    assert amend(chart, less) is None


def test_who_writes_in_between_is_not_lost_and_the_amendment_is_made_again(chart, monkeypatch):
    chart.put(TASK)
    read_whole, between = store.read_whole, [{**TASK, "description": "Call today"}]

    def and_somebody_writes(tx, references):
        found = read_whole(tx, references)
        while between:
            chart.put(between.pop(), at=LATER)
        return found

    monkeypatch.setattr(store, "read_whole", and_somebody_writes)
    [done] = amend(chart, late())
    assert done.version == 3
    stands = read(chart, "Task", "t1").resource
    assert (stands["description"], stands["businessStatus"]) == ("Call today", LATE["businessStatus"])
    assert chart.findings() == []
