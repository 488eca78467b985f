"""A draft of a pathway on the facts of the last days, beside the active one; and nothing is written."""

import copy
import json

import psycopg
import pytest
from tests.journeys.practice import at

from careloop.cli.main import main
from careloop.db import Transaction
from careloop.flows import closing, rehearsing
from careloop.loops import store
from careloop.loops.rehearsal import KINDS, Days, happenings

PATHWAY = "discharge-transition"


@pytest.fixture
def lived(practice):
    """Three people came home: one was called the next day, one after four days, one never."""
    practice.move_to("2026-03-31 12:00")
    for name, day in (("early", "2026-03-03"), ("later", "2026-03-06"), ("never", "2026-03-24")):
        patient = practice.patient()
        practice.stay(patient, f"{name}-{patient}", start="2026-03-01 08:00", end=f"{day} 10:00")
        if name == "early":
            practice.call(patient, sent="2026-03-04 10:00")
        if name == "later":
            practice.call(patient, sent="2026-03-12 11:00")
    return practice


def draft(app, **changes):
    document = copy.deepcopy(dict(app.catalog.pathways[PATHWAY]))
    document["steps"][0]["due"] = {**document["steps"][0]["due"], **changes}
    return {**document, "version": "1.0.9", "status": "draft"}


def patients_of(tx):
    return [row["id"] for row in tx.rows("select id from resource where type = 'Patient'")]


def steps_of(report, side):
    return {one["step"]: one[side] for one in report["steps"]}


def test_clocks_of_the_draft_beside_those_of_the_active_one(lived, app):
    report = rehearsing.rehearse(app, lived.tenant, draft(app, within="5 business-days"), 30)
    assert (report["versions"], report["patients_read"]) == ({"draft": "1.0.9", "active": "1.0.0"}, 3)
    assert report["active"]["opened"] == report["draft"]["opened"] == 3
    assert steps_of(report, "active")["contact"] == {"due": 3, "late": 2, "escalated": 2}
    assert steps_of(report, "draft")["contact"] == {"due": 2}
    late = report["active"]["late"]
    assert report["difference"] | {"opened": 0, "late": -2} == report["difference"]
    assert sum(one["active"].get("late", 0) for one in report["days"]) == late
    assert sum(one["active"].get("late", 0) for one in report["owners"]) == late
    by_day = {one["day"]: one for one in report["days"]}
    assert by_day["2026-03-26"]["active"]["late"] == 1
    assert {"Dana Example", "Nia Example"} <= {one["owner"] for one in report["owners"]}


def test_what_the_draft_gives_to_another_role_goes_to_whom_routing_would_choose(lived, app):
    """The patient's lead, and not whoever has the least to do."""
    lived.hire_as("eve", "coordinator")
    given = draft(app)
    next(step for step in given["steps"] if step["owner"]["role"] == "nurse")["owner"] = {"role": "coordinator"}
    report = rehearsing.rehearse(app, lived.tenant, given, 30)
    contact = [one["owner"] for one in report["owners"] if one["role"] == "coordinator" and one["draft"]]
    assert contact == ["Dana Example"]


def test_the_active_pathway_rehearsed_gives_what_stands(lived, app):
    """The engine came to the same by living through it."""
    report = rehearsing.rehearse(app, lived.tenant, dict(app.catalog.pathways[PATHWAY]), 30)
    days = Days(since=at("2026-03-01 12:00"), until=at("2026-03-31 12:00"), zone=lived.zone)
    lived.run(lambda tx: closing.review(app, tx, patients_of(tx), "test"))
    stored = lived.run(lambda tx: store.load_loops(tx, patients=patients_of(tx)))
    found = [one for loop in stored if loop.state.pathway == PATHWAY for one in happenings(loop.state, days)]
    counts = {kind: sum(one.kind == kind for one in found) for kind in KINDS}
    assert {kind: report["active"][kind] for kind in KINDS} == counts
    assert report["draft"] == report["active"]
    assert not any(report["difference"].values())


def test_a_loop_whose_window_is_over_by_now_is_found_and_one_from_before_the_days_counts_in_them(practice, app):
    practice.move_to("2026-03-31 12:00")
    over, before = practice.patient(), practice.patient()
    practice.stay(over, start="2026-03-08 08:00", end="2026-03-10 10:00")
    practice.stay(before, start="2026-02-24 08:00", end="2026-02-27 10:00")
    short = {**draft(app), "window": {"within": "5 days", "rule": "TR-27"}}
    report = rehearsing.rehearse(app, practice.tenant, short, 30)
    assert report["draft"] | {"opened": 1, "ended": 2, "open": 0} == report["draft"]
    assert steps_of(report, "draft")["contact"]["due"] == 2


def test_nothing_is_written_and_the_server_refuses_it(lived, app, monkeypatch):
    before = lived.versions()
    report = rehearsing.rehearse(app, lived.tenant, draft(app), 30)
    assert report["draft"]["opened"] == 3
    assert lived.versions() == before

    def write_in_between(app_, tx, *rest):
        tx.execute("insert into loop_wake (patient_id, wake_at) values ('x', now())")

    monkeypatch.setattr(rehearsing, "_charts", write_in_between)
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        rehearsing.rehearse(app, lived.tenant, draft(app), 30)


def test_queries_do_not_grow_with_patients(lived, app, monkeypatch):
    counted = []
    run = Transaction._run
    monkeypatch.setattr(Transaction, "_run", lambda self, *given: counted.append(given[0]) or run(self, *given))
    rehearsing.rehearse(app, lived.tenant, draft(app), 30)
    few = len(counted)
    for number in range(8):
        lived.stay(lived.patient(), start="2026-03-08 08:00", end=f"2026-03-{10 + number} 10:00")
    counted.clear()
    rehearsing.rehearse(app, lived.tenant, draft(app), 30)
    assert len(counted) <= few


def test_the_command_tells_both_sides_and_refuses_what_content_check_refuses(lived, app, tmp_path, capsys):
    file = tmp_path / "draft.yaml"
    file.write_text(json.dumps(draft(app, within="5 business-days")))
    if app.settings.database_url:
        pytest.skip("the command finds its database by the data folder here")
    given = ["--tenant", lived.tenant.slug, "--data-dir", str(app.settings.data_dir)]
    assert main(["pathway", "rehearse", str(file), "--days", "366", "--json", *given]) == 0
    told = capsys.readouterr()
    report = json.loads(told.out)
    assert (report["draft"]["opened"], report["active"]["opened"], report["days_replayed"]) == (3, 3, 366)
    assert "patients: 3 of 3" in told.err
    assert main(["pathway", "rehearse", str(file), "--days", "366", *given]) == 0
    assert "contact: due 3 (3), late 1 (2)" in capsys.readouterr().out
    file.write_text(json.dumps({**draft(app), "steps": [{"id": "contact"}]}))
    assert main(["pathway", "rehearse", str(file), *given]) == 2
    assert "draft.yaml" in capsys.readouterr().err
