"""One list, one next step, and the reasons for its order."""

from datetime import timedelta

import pytest
from tests.journeys.practice import at

from careloop.access.model import Role
from careloop.errors import NotFound, NotPermitted
from careloop.flows import acts, worklist
from careloop.flows import board as board_flow
from careloop.flows.worklist import next_loop
from careloop.loops.model import ClockState


@pytest.fixture
def patients(practice):
    """Three people who went home on three days, and one who is still in hospital; it is Tuesday morning."""
    found = []
    for day in ("2026-03-03", "2026-03-06", "2026-03-09"):
        practice.move_to(f"{day} 17:00")
        patient = practice.patient()
        practice.stay(patient, start="2026-03-01 08:00", end=f"{day} 16:30")
        found.append(patient)
    practice.move_to("2026-03-10 09:00")
    practice.stay(practice.patient(), start="2026-03-09 20:00")
    return found


def page(practice, name="dana", **more):
    return practice.run(lambda tx: worklist.page(practice.app, tx, practice.user(name), **more))


def rows(page):
    return [row for group in page.groups for row in group.rows]


def test_the_late_call_comes_first_then_the_one_that_ends_today(practice, patients):
    found = page(practice)
    shown = [(row.patient_id, row.step_id) for row in rows(found)]
    assert shown[:2] == [(patients[0], "contact"), (patients[1], "contact")]
    assert rows(found)[0].clock is ClockState.OVERDUE
    assert [group.key for group in found.groups] == ["now", "today", "week", "waiting"]
    assert found.open_total == 3
    assert found.late_total == 1
    assert found.type_counts == {"discharge-transition": 3}


def test_the_points_of_a_row_are_the_sum_of_the_parts_that_its_pane_shows(practice, patients):
    for row in rows(page(practice)):
        detail = practice.run(lambda tx, row=row: worklist.detail(practice.app, tx, practice.user("dana"), row.loop_id))
        assert sum(part.points for part in detail.rank) == row.points
        assert detail.position is not None
        assert rows(page(practice))[detail.position - 1].loop_id == row.loop_id


def test_the_same_data_give_the_same_order(practice, patients):
    assert page(practice) == page(practice)


def test_everybody_sees_their_own_steps_and_the_team_sees_all(practice, patients):
    nurse = page(practice, "nia")
    assert {row.step_id for row in rows(nurse)} <= {"medication-reconciliation", "home-visit"}
    assert len(rows(page(practice, "osei", scope="team"))) == 3
    assert rows(page(practice, scope="queue")) == []


def test_a_snoozed_loop_is_behind_its_chip_and_nothing_is_hidden(practice, patients):
    last = rows(page(practice))[-1]
    until = min(last.due, at("2026-03-11 09:00"))
    practice.run(lambda tx: acts.snooze(practice.app, tx, practice.user("dana"), loop_id=last.loop_id, until=until))
    found = page(practice)
    assert last.loop_id not in {row.loop_id for row in rows(found)}
    assert (found.snoozed_total, found.open_total) == (1, 3)
    assert [row.loop_id for row in rows(page(practice, snoozed=True))] == [last.loop_id]


def test_after_a_call_the_receipt_names_the_next_loop(practice, patients):
    first, second = rows(page(practice))[:2]
    receipt = practice.run(
        lambda tx: acts.log_call(
            practice.app, tx, practice.user("dana"), loop_id=first.loop_id, outcome="reached", minutes=5
        )
    )
    assert receipt.next_loop_id == second.loop_id
    assert practice.run(lambda tx: next_loop(practice.app, tx, practice.user("dana"), without=[])) is not None


def test_a_list_is_audited_as_one_search_that_names_its_patients(practice, patients):
    before = practice.run(lambda tx: tx.value("select count(*) from audit_event"))
    page(practice)
    found = practice.run(lambda tx: tx.rows("select * from audit_event order by id desc limit 1"))[0]
    assert practice.run(lambda tx: tx.value("select count(*) from audit_event")) == before + 1
    assert (found["subtype"], set(found["patient_ids"])) == ("search", set(patients))


def test_who_may_not_see_work_sees_none(practice, patients):
    practice.hire_as("bill", Role.BILLER)
    with pytest.raises(NotPermitted):
        page(practice, "bill")


def test_the_pane_says_what_closes_the_loop_and_what_happened(practice, patients):
    loop = practice.loop(patients[0])
    detail = practice.run(lambda tx: worklist.detail(practice.app, tx, practice.user("dana"), loop.id))
    assert [phone.dial for phone in detail.phones] == ["4135550101"]
    assert {step.step_id for step in detail.steps} >= {"contact", "visit", "medication-reconciliation"}
    assert any(line.text.startswith("Opened") for line in detail.history)
    assert any(line.text.startswith("Owner: Dana Example") for line in detail.history)


def test_a_loop_that_is_not_there_and_one_of_another_practice_look_the_same(practice, patients, app):
    for loop_id in ("00000000-0000-0000-0000-000000000000", "not-an-id"):
        with pytest.raises(NotFound):
            practice.run(lambda tx, loop_id=loop_id: worklist.detail(app, tx, practice.user("dana"), loop_id))


def test_the_board_shows_each_person_in_one_stage(practice, patients):
    found = practice.run(lambda tx: board_flow.board(practice.app, tx, practice.user("dana")))
    assert [(column.key, column.total, column.late) for column in found.columns] == [
        ("in-hospital", 1, 0),
        ("call-due", 3, 2),
        ("medicines-due", 0, 0),
        ("visit-due", 0, 0),
        ("day-30-watch", 0, 0),
    ]
    assert [card.patient_id for card in found.columns[1].cards] == patients
    assert found.last_notice is not None


def test_owners_to_hand_over_to_are_the_queue_and_the_active_staff(practice, patients):
    found = practice.run(lambda tx: worklist.owners(practice.app, tx))
    assert [name for _, name, _ in found] == [
        "Queue",
        "Ada Osei-Example",
        "Dana Example",
        "Manager Riverbend Practice",
        "Nia Example",
    ]


def test_a_card_says_where_somebody_was_and_why(practice):
    hospital = {"resourceType": "Organization", "id": "stmary", "name": "STMARY"}
    practice.write(hospital)
    patient = practice.patient()
    start, end = practice.app.clock.now() - timedelta(days=3), practice.app.clock.now() - timedelta(hours=1)
    practice.stay(
        patient, start=f"{start:%Y-%m-%d %H:%M}", end=f"{end:%Y-%m-%d %H:%M}", reasonCode=[{"text": "COPD, worse"}],
        serviceProvider={"reference": "Organization/stmary", "display": "STMARY"},
    )  # fmt: skip
    practice.write({**hospital, "name": "St. Mary Riverbend"})  # named after the patient came

    def line() -> str:
        found = practice.run(lambda tx: board_flow.board(practice.app, tx, practice.user("dana")))
        return next(card.place_line for column in found.columns for card in column.cards if card.patient_id == patient)

    assert line() == "St. Mary Riverbend, home since today, COPD, worse"
