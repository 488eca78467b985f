"""The capture box: what one save writes is shown first, written as one act, and taken back as one."""

from datetime import timedelta
from decimal import Decimal

import pytest
from tests.conftest import StandingClock
from tests.journeys.practice import Practice

from careloop.engagement import minutes as ledger
from careloop.errors import Conflict, Rejected
from careloop.flows import acts, capturing, notices, one_act, plan_acts, plan_desk, telling
from careloop.flows.calls import Call
from careloop.loops import store


@pytest.fixture(scope="module")
def practice(_app):
    opened = Practice.open(_app.with_clock(StandingClock()))
    opened.move_to("2026-04-06 09:00")
    return opened


@pytest.fixture
def patient(practice: Practice) -> str:
    """Somebody with an open emergency visit to be called about."""
    found = practice.patient()
    practice.write({
        "resourceType": "Encounter", "id": f"ed-{found}", "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "EMER"},
        "subject": {"reference": f"Patient/{found}"},
        "period": {"start": "2026-04-05T20:00:00-04:00", "end": "2026-04-05T23:00:00-04:00"},
    })  # fmt: skip
    return found


def shown(practice: Practice, patient: str, text: str) -> capturing.Preview:
    return practice.run(lambda tx: capturing.preview(practice.app, tx, practice.user("dana"), patient, text))


def save(practice: Practice, patient: str, text: str, *, sure=(), promise=None, **more):
    given = promise if promise is not None else shown(practice, patient, text).promise
    return practice.run(
        lambda tx: capturing.save(
            practice.app, tx, practice.user("dana"), patient, text, promise=given, sure=sure, **more
        )
    )


def facts(practice: Practice, patient: str, kind: str) -> list[dict]:
    found = practice.run(lambda tx: practice.app.record.of_patient(tx, patient, (kind,)))
    return [one.resource for one in found if "entered-in-error" not in (one.resource.get("status"),)]


def spent(practice: Practice, patient: str) -> list[ledger.Spent]:
    now = practice.app.clock.now()
    return practice.run(lambda tx: ledger.of_patient(tx, patient, now - timedelta(days=2), now + timedelta(days=1)))


def loops(practice: Practice, patient: str) -> dict[str, store.StoredLoop]:
    return {one.state.pathway: one for one in practice.run(lambda tx: store.load_loops(tx, patients=[patient]))}


WHOLE = """She slept well.
/call reached 12 min /task nurse by Fri "Ask for the blister pack"
/weight 178 lb
/message "Please bring your pills on Friday"
/plan "Weigh every morning"
"""


def test_one_save_writes_what_was_shown_and_undo_takes_it_all_back(practice, patient):
    card = shown(practice, patient, WHOLE)
    assert card.is_good and not card.asks and not card.faults
    assert facts(practice, patient, "Observation") == []  # the rehearsal left nothing behind
    assert "Proof: “" in " ".join(says for kind, says in card.lines if kind == "proof")
    receipt = save(practice, patient, WHOLE, key="one")
    assert list(receipt.outputs) == [says for _, says in card.lines]
    assert receipt == save(practice, patient, WHOLE, key="one")

    (weight,) = facts(practice, patient, "Observation")
    assert weight["valueQuantity"]["code"] == "[lb_av]" and weight["valueQuantity"]["value"] == Decimal(178)
    (canonical,) = [one["valueQuantity"] for one in weight["valueQuantity"]["extension"]]
    assert (canonical["value"], canonical["code"]) == (Decimal("80.73944186"), "kg")
    said = {one["payload"][0]["contentString"] for one in facts(practice, patient, "Communication")}
    assert said == {"She slept well.", "Please bring your pills on Friday"}
    standing = loops(practice, patient)
    assert not [s for s in standing["ed-visit"].state.steps if s.step_id == "contact" and s.status.is_open]
    assert standing["team-task"].owner == practice.reference("nia")
    assert standing["care-plan-review"].state.status.is_open
    assert [(one.activity, one.seconds, one.who) for one in spent(practice, patient)] == [
        ("call", 720, practice.reference("dana"))
    ]
    provenance = practice.run(lambda tx: one_act.find(practice.app, tx, receipt.act_id))
    assert len(provenance.resource["target"]) == 5

    practice.run(lambda tx: acts.undo(practice.app, tx, practice.user("dana"), act_id=receipt.act_id))
    assert facts(practice, patient, "Observation") == []
    assert spent(practice, patient) == []
    standing = loops(practice, patient)
    assert [s for s in standing["ed-visit"].state.steps if s.step_id == "contact" and s.status.is_open]
    assert not standing["team-task"].state.status.is_open
    assert not standing["care-plan-review"].state.status.is_open
    with pytest.raises(Conflict):
        practice.run(lambda tx: acts.undo(practice.app, tx, practice.user("dana"), act_id=receipt.act_id))


def test_a_message_to_the_team_waits_with_whom_it_is_for_and_reaches_no_patient(practice, patient):
    text = '/message to nurse "Her daughter asks whether the scale is broken"\n/message Nia calls you tomorrow'
    card = shown(practice, patient, text)
    says = [words for kind, words in card.lines if kind == "wrote"]
    assert says == [
        "Message to Nia Example: Her daughter asks whether the scale is broken",
        "Message to the patient: Nia calls you tomorrow",
    ]
    save(practice, patient, text)
    team, own = sorted(facts(practice, patient, "Communication"), key=lambda one: one["payload"][0]["contentString"])
    assert (team["recipient"], own["recipient"]) == (
        [{"reference": practice.reference("nia")}],
        [{"reference": f"Patient/{patient}"}],
    )
    loop = loops(practice, patient)["team-task"]
    assert (loop.owner, loop.state.status.is_open) == (practice.reference("nia"), True)
    assert [one["reference"] for one in team["about"]] == [loop.state.focus]

    (task,) = [one for one in facts(practice, patient, "Task") if f"Task/{one['id']}" == loop.state.focus]
    note = {"text": "A new one comes on Friday", "authorReference": {"reference": practice.reference("nia")}}
    practice.write(task | {"status": "completed", "note": [note]})
    telling.go_on(practice.app, practice.tenant)
    mine = practice.run(lambda tx: notices.page(practice.app, tx, practice.user("dana"))).waiting
    (told,) = [one for one in mine if one.kind == "answered"]
    assert told.says == [
        "Answered: Message: Her daughter asks whether the scale is broken. “A new one comes on Friday”"
    ]
    assert told.loop_id == loop.id
    practice.write(task | {"status": "completed", "note": [note]})
    telling.go_on(practice.app, practice.tenant)
    hers = practice.run(lambda tx: notices.page(practice.app, tx, practice.user("nia"))).waiting
    assert "answered" not in {one.kind for one in hers}


def plan_of(practice: Practice, patient: str) -> plan_desk.PlanDesk:
    return practice.run(lambda tx: plan_desk.open_desk(practice.app, tx, patient))


def test_plan_and_goal_change_the_care_plan_itself_and_undo_gives_it_back(practice):
    patient = practice.patient()
    nurse = practice.user("nia")
    practice.run(
        lambda tx: plan_acts.choose(practice.app, tx, nurse, patient_id=patient, version=0, templates=["heart-failure"])
    )
    before = plan_of(practice, patient)
    text = """/call reached 6 min "Ankles are thinner."
/goal "Dance at the wedding"
/plan "Walk every 2 days"
/plan stop "Eat less salt" "Her daughter cooks"
/plan weekly nurse "Daily weight"
"""
    receipt = save(practice, patient, text)
    assert [one for one in receipt.outputs if "plan" in one] == [
        "Care plan: Walk every 2 days, by the patient, for “Dance at the wedding”",
        "Care plan: stops “Eat less salt”",
        "Care plan: Weigh every morning and write it down, each week, by the nurse",
    ]
    plan = plan_of(practice, patient).plan
    steps = {one.title: one for one in plan.activities}
    assert plan.goals[0].title == "Dance at the wedding" and steps["Walk every 2 days"].goals == (plan.goals[0].key,)
    assert steps["Eat less salt"].stopped == "Her daughter cooks"
    assert steps["Weigh every morning and write it down"].every.words == "each week"
    practice.run(lambda tx: acts.undo(practice.app, tx, practice.user("dana"), act_id=receipt.act_id))
    after = plan_of(practice, patient)
    assert after.plan == before.plan and after.own_goals == []
    for wrong in ('/plan stop "Juggle"', '/plan "Eat less salt"', '/plan again "Juggle"'):
        assert shown(practice, patient, wrong).faults


def test_nothing_is_written_where_one_part_cannot_be_read(practice, patient):
    card = shown(practice, patient, '/weight 80 kg\n/task by 12/04 "call"')
    assert not card.is_good and card.faults[0].what == "12/04"
    with pytest.raises(Rejected):
        save(practice, patient, '/weight 80 kg\n/task by 12/04 "call"', promise="")
    assert facts(practice, patient, "Observation") == []


def test_what_is_hard_to_believe_is_asked_again(practice, patient):
    save(practice, patient, "/weight 80 kg")
    card = shown(practice, patient, "/weight 62 kg")
    assert [one.rule for one in card.asks] == ["MO-03"]
    with pytest.raises(capturing.NotAsShown):
        save(practice, patient, "/weight 62 kg")
    assert len(facts(practice, patient, "Observation")) == 1
    save(practice, patient, "/weight 62 kg", sure=["weight-change"])
    confirmed = [one for one in facts(practice, patient, "Observation") if "extension" in one]
    assert "MO-03" in confirmed[0]["extension"][0]["valueString"]


def test_what_a_device_told_today_is_said(practice, patient):
    practice.write({
        "resourceType": "Observation", "id": f"w-{patient}", "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "subject": {"reference": f"Patient/{patient}"}, "device": {"display": "Home scale"},
        "effectiveDateTime": "2026-04-06T08:00:00-04:00",
        "valueQuantity": {"value": 178, "unit": "lb", "system": "http://unitsofmeasure.org", "code": "[lb_av]"},
    })  # fmt: skip
    card = shown(practice, patient, "/weight 178 lb")
    assert "178 lb from Home scale" in card.known[0]
    assert [one.key for one in card.asks] == ["weight-known"]


def test_a_save_that_would_write_something_else_is_shown_again(practice, patient):
    text = "/call reached 5 min"
    before = shown(practice, patient, text).promise
    practice.write({**facts(practice, patient, "Encounter")[0], "status": "entered-in-error"})
    with pytest.raises(capturing.NotAsShown) as told:
        save(practice, patient, text, promise=before)
    assert "proof" not in dict(told.value.preview.lines) and facts(practice, patient, "Communication") == []


def test_a_referral_that_was_asked_for_is_asked_again(practice, patient):
    text = '/referral cardiology "May she fly?"'
    first = save(practice, patient, text)
    assert "Referral, not sent yet" in first.outputs[0]
    assert [one.key for one in shown(practice, patient, text).asks] == ["referral-again"]
    practice.run(lambda tx: acts.undo(practice.app, tx, practice.user("dana"), act_id=first.act_id))
    assert shown(practice, patient, text).asks == []


def test_undo_refuses_what_somebody_changed_meanwhile(practice, patient):
    receipt = save(practice, patient, "/goal walk to church")
    (goal,) = facts(practice, patient, "Goal")
    practice.write({**goal, "lifecycleStatus": "active"})
    with pytest.raises(Conflict):
        practice.run(lambda tx: acts.undo(practice.app, tx, practice.user("dana"), act_id=receipt.act_id))


def test_a_call_from_the_worklist_is_one_act_with_what_follows(practice, patient):
    loop = loops(practice, patient)["ed-visit"]
    call = Call(outcome="reached", minutes=Decimal(7), note="Feels fine", medium="PHONE", spoke_with="patient")

    def work(tx):
        more = '/task by tomorrow "Call about the X-ray"\n/message "We call again"'
        return capturing.save_call(practice.app, tx, practice.user("dana"), loop_id=loop.id, call=call, more=more)

    receipt = practice.run(work)
    assert [one.split(":")[0] for one in receipt.outputs][:5] == [
        "Call", "7 minutes", "Note of the call", "Task by Tue 7 Apr", "Message to the patient",
    ]  # fmt: skip
    assert loops(practice, patient)["team-task"].state.deadline.date().isoformat() >= "2026-04-07"
    practice.run(lambda tx: acts.undo(practice.app, tx, practice.user("dana"), act_id=receipt.act_id))
    assert facts(practice, patient, "Communication") == [] and spent(practice, patient) == []


def test_what_a_role_may_not_write_is_a_fault_and_nothing_is_written(practice, patient):
    practice.hire_as("chris", "community-health-worker")

    def look(text: str) -> capturing.Preview:
        who = practice.user("chris")
        return practice.run(lambda tx: capturing.preview(practice.app, tx, who, patient, text))

    assert look("/call reached 5 min").is_good
    refused = look("Lives alone")
    assert not refused.is_good and "your role may write" in refused.faults[0].says
