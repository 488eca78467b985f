"""Whom an escalation calls has the loop on their list, at the step that it is about, whoever holds the loop."""

from dataclasses import replace
from zoneinfo import ZoneInfo

from careloop.flows import deadlines, engine
from careloop.loops import worklist as lists
from careloop.loops.rules.rank import rank_days


def test_an_escalation_puts_the_loop_on_the_list_of_whom_it_calls(practice) -> None:
    practice.move_to("2026-03-06 17:00")
    patient = practice.patient()
    practice.stay(patient, end="2026-03-06 16:30")
    practice.move_to("2026-03-11 12:00")
    deadlines.run(practice.app, practice.tenant)
    sql = "select loop_id::text as id, step_id, to_owner from escalation where stands order by at"
    called = practice.run(lambda tx: tx.rows(sql))
    assert called
    zone = ZoneInfo(practice.tenant.zone)
    asked = lists.Asked(
        owners=[], pathway=None, snoozed=False, limit=50, zone=zone.key, days=rank_days(practice.app.clock.now(), zone),
        weights=engine.rank_weights(practice.app.catalog),
    )  # fmt: skip
    for one in called:
        theirs = replace(asked, owners=[one["to_owner"]])
        steps = {row["step_id"] for row in called if row["to_owner"] == one["to_owner"] and row["id"] == one["id"]}
        for places in (
            practice.run(lambda tx: lists.page(tx, theirs)),  # noqa: B023
            practice.run(lambda tx: lists.page_and_totals(tx, theirs)).places,  # noqa: B023
        ):
            [place] = [place for place in places if place.loop_id == one["id"]]
            assert place.step_id in steps
            assert not place.waiting
