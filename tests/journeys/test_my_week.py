"""The half-page of a clinician: what closed for their own patients, what is late on them, and its weekly link."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.conftest import StandingClock
from tests.journeys.practice import Practice

from careloop.engagement.notices import store as notices
from careloop.engagement.notices.model import Person
from careloop.errors import NotPermitted
from careloop.flows import acts, licence_use, questions, weekly_letters, weekly_page
from careloop.loops import referrals, store


@pytest.fixture(scope="module")
def practice(_app):
    opened = Practice.open(_app.with_clock(StandingClock()))
    opened.move_to("2026-04-06 09:00")
    return opened


def task(practice: Practice, patient: str, name: str) -> str:
    practice.write({
        "resourceType": "Task", "id": f"{name}-{patient}", "status": "requested", "intent": "order",
        "code": {"coding": [{"system": "urn:careloop:open", "code": "team-task"}], "text": name},
        "for": {"reference": f"Patient/{patient}"}, "authoredOn": practice.app.clock.now().isoformat(),
    })  # fmt: skip
    found = practice.run(lambda tx: store.load_loops(tx, patients=[patient]))
    return next(one.id for one in found if one.state.focus == f"Task/{name}-{patient}")


def mine(practice: Practice) -> str:
    patient = practice.patient()
    stored = practice.run(lambda tx: practice.app.record.fetch(tx, [f"Patient/{patient}"])[f"Patient/{patient}"])
    practice.write({**stored.resource, "generalPractitioner": [{"reference": practice.reference("osei")}]})
    return patient


def week(practice: Practice, who: str = "osei") -> weekly_page.Week:
    return practice.run(lambda tx: weekly_page.week(practice.app, tx, practice.user(who)))


def test_a_week_counts_what_closed_for_ones_own_patients_with_and_without_proof(practice):
    patient, other = mine(practice), practice.patient()
    done, dropped = task(practice, patient, "done"), task(practice, patient, "dropped")
    task(practice, other, "elsewhere")
    stored = practice.run(lambda tx: practice.app.record.fetch(tx, [f"Task/done-{patient}"])[f"Task/done-{patient}"])
    practice.write({**stored.resource, "status": "completed"})
    practice.run(lambda tx: acts.close_without_proof(
        practice.app, tx, practice.user("mo"), loop_id=dropped, step_id=None, reason="not-applicable", note="Moved on",
    ))  # fmt: skip
    page = week(practice)
    assert (page.patients, page.proven, page.unproven) == (1, 1, 1)
    assert {line.loop_id for one in page.closed for line in one.lines} == {done, dropped}
    assert "without proof: Moved on" in {line.says for one in page.closed for line in one.lines}
    assert week(practice, "nia").closed == []

    asked = [task(practice, patient, name) for name in ("one", "two", "three")]
    for loop in asked:
        practice.run(lambda tx, loop=loop: questions.ask(
            practice.app, tx, practice.user("dana"), loop_id=loop, to=practice.reference("osei"), text="May she?"
        ))  # fmt: skip
    page = week(practice)
    assert (len(page.decisions), page.more_decisions, page.late) == (2, 1, [])
    practice.move_to("2026-04-15 09:00")
    page = week(practice)
    assert (page.proven, page.unproven, page.open_late) == (0, 0, 3)
    practice.move_to("2026-04-06 09:00")


def test_only_clinicians_have_one(practice):
    for who in ("dana", "mo"):
        with pytest.raises(NotPermitted):
            week(practice, who)


def test_the_link_leaves_once_on_the_chosen_day_at_the_chosen_hour(practice):
    person = Person(person=practice.reference("osei"), address="osei@example.org")
    practice.run(lambda tx: notices.save_person(tx, person))
    app = replace(practice.app, settings=replace(practice.app.settings, smtp_host="localhost"))

    def write() -> int:
        return practice.run(lambda tx: weekly_letters.write(app, tx))

    practice.move_to("2026-04-10 07:00")  # a Friday, before 7:30
    assert write() == 0
    practice.move_to("2026-04-10 07:31")
    assert (write(), write()) == (1, 0)
    practice.run(lambda tx: weekly_page.choose_day(tx, practice.user("osei"), 1))
    practice.move_to("2026-04-13 08:00")
    assert write() == 1
    practice.run(lambda tx: weekly_page.choose_day(tx, practice.user("osei"), 0))
    practice.move_to("2026-04-20 08:00")
    assert write() == 0
    rows = practice.run(lambda tx: tx.rows("select about, payload from delivery where about = 'week'"))
    assert [row["payload"] for row in rows] == [{"to": practice.reference("osei")}] * 2


def test_a_call_of_the_team_that_a_doctor_made_could_be_delegated(practice):
    patient = practice.patient()
    practice.write({
        "resourceType": "Encounter", "id": f"ed-{patient}", "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "EMER"},
        "subject": {"reference": f"Patient/{patient}"},
        "period": {"start": "2026-04-19T20:00:00-04:00", "end": "2026-04-19T23:00:00-04:00"},
    })  # fmt: skip
    practice.move_to("2026-04-20 10:00")
    (loop,) = practice.run(lambda tx: store.load_loops(tx, patients=[patient]))
    asked = next(step.owner_role for step in loop.state.steps if step.step_id == "contact")
    practice.run(lambda tx: acts.log_call(
        practice.app, tx, practice.user("osei"), loop_id=loop.id, outcome="reached", minutes=4
    ))  # fmt: skip
    page = practice.run(lambda tx: licence_use.page(practice.app, tx, practice.user("mo")))
    lines = {(one.line.asked, one.line.done_by): one for one in page.below}
    assert f"Route it to a {asked}" in lines[(asked, "physician")].suggests
    with pytest.raises(NotPermitted):
        practice.run(lambda tx: licence_use.page(practice.app, tx, practice.user("nia")))


def test_a_visit_with_the_physician_is_no_work_below_a_licence(practice):
    patient = mine(practice)
    practice.stay(patient, id_=f"stay-{patient}", start="2026-04-18 11:00", end="2026-04-19 11:30")
    practice.write({
        "resourceType": "Encounter", "id": f"visit-{patient}", "status": "finished", "class": {"code": "AMB"},
        "subject": {"reference": f"Patient/{patient}"},
        "period": {"start": "2026-04-20T09:00:00-04:00", "end": "2026-04-20T09:30:00-04:00"},
        "participant": [{"individual": {"reference": practice.reference("osei")}}],
    })  # fmt: skip
    practice.move_to("2026-04-20 10:30")
    done = {one.step_id for one in practice.loop(patient).state.steps if one.evidence}
    assert "visit" in done
    page = practice.run(lambda tx: licence_use.page(practice.app, tx, practice.user("mo")))
    assert not [one for one in page.below if one.line.step_id == "visit"]


def test_a_wait_is_forecast_from_five_visits_on(practice):
    def seen(days: int, clinic: str = "Organization/heart") -> None:
        practice.run(lambda tx: tx.execute(
            "insert into referral (tenant_id, request_id, patient_id, clinic, clinic_name, service, payer, language,"
            " priority, state, is_open, due_because, clock_start, seen, ended, no_shows, silent)"
            " values (%(tenant)s, %(id)s, 'p', %(clinic)s, 'Heart', 'Cardiology', '', '', 'routine', 'closed', false,"
            " '', '2026-03-01', '2026-03-01T12:00:00-05:00'::timestamptz + %(days)s * interval '1 day', now(), 0, 0)",
            {"tenant": practice.tenant.id, "id": f"{clinic[-5:]}-{days}", "clinic": clinic, "days": days},
        ))  # fmt: skip

    for days in (3, 5, 8, 13):
        seen(days)
    practice.move_to("2026-04-06 09:00")
    since, zone = practice.app.clock.now() - timedelta(days=365), "America/New_York"
    found = practice.run(lambda tx: referrals.waits(tx, since, zone))
    assert found[("Organization/heart", "")].says == "too few visits to say (4)"
    seen(21)
    seen(34, "Organization/other")
    found = practice.run(lambda tx: referrals.waits(tx, since, zone))
    assert found[("Organization/heart", "Cardiology")].says == "visit in about 8 days (3 to 21, of 5 visits)"
    assert found[("", "Cardiology")].visits == 6
