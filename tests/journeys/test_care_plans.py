"""One plan out of several: merged, decided, agreed, changed, reviewed; by the acts of its screen, on a real record."""

import pytest
from tests.conftest import StandingClock
from tests.journeys.practice import Practice

from careloop.careplans.model import Party, PlanState
from careloop.errors import Conflict, NotFound, NotPermitted, Rejected
from careloop.flows import plan_acts as acts
from careloop.flows import plan_pages, plan_reviews, plan_taking, questions
from careloop.flows.plan_desk import open_desk, review_loop
from careloop.loops import store


@pytest.fixture(scope="module")
def practice(_app):
    opened = Practice.open(_app.with_clock(StandingClock()))
    opened.move_to("2026-04-06 09:00")
    return opened


def do(practice, act, patient, who="nia", **more):
    """One act on the plan as it stands now."""
    app, user = practice.app, practice.user(who)
    if act not in (acts.note_step, acts.say_what_matters, acts.ask) and "version" not in more:
        more["version"] = desk(practice, patient).version
    return practice.run(lambda tx: act(app, tx, user, patient_id=patient, **more))


def desk(practice, patient):
    return practice.run(lambda tx: open_desk(practice.app, tx, patient))


def page(practice, patient, who="nia"):
    return practice.run(lambda tx: plan_pages.page(practice.app, tx, practice.user(who), patient))


def all_agree(practice, patient):
    do(practice, acts.agree, patient, party="patient", how="phone")
    do(practice, acts.agree, patient, "dana", party="lead", how="")
    return do(practice, acts.agree, patient, "osei", party="clinician", how="")


def loop_of(practice, patient):
    loops = practice.run(lambda tx: store.load_loops(tx, patients=[patient]))
    return next(one for one in loops if one.state.pathway == "care-plan-review")


def test_from_three_plans_to_one_that_all_agreed_to(practice):
    patient = practice.patient()
    practice.write({
        "resourceType": "Condition", "id": f"hf-{patient}", "subject": {"reference": f"Patient/{patient}"},
        "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical",
                                       "code": "active"}]},
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "I50.22"}]},
    })  # fmt: skip
    do(practice, acts.say_what_matters, patient, words="Walk to church again by Christmas")
    assert [one.id for one in page(practice, patient).offered] == ["heart-failure"]
    do(practice, acts.choose, patient, templates=["heart-failure", "diabetes", "ckd"])
    shown = page(practice, patient)
    assert shown.state is PlanState.DRAFT and shown.conflicts == () and shown.offered == ()
    assert shown.plan.goals[0].title == "Walk to church again by Christmas" == shown.matters[0]
    steps = {step.activity.does: step for block in shown.goals for step in block.steps}
    assert set(steps["lab/potassium-creatinine"].plans) == {"Heart failure", "Chronic kidney disease"}
    assert all(step.activity.goals for step in steps.values())
    assert review_loop_of(practice, patient) is not None
    assert all_agree(practice, patient) == "Everybody agreed. The plan holds."
    assert page(practice, patient).state is PlanState.CURRENT
    loop = loop_of(practice, patient)
    assert loop.state.status.value == "completed"
    assert [step.status for step in loop.state.steps] == ["completed", "completed"]
    plans = practice.run(lambda tx: practice.app.record.of_patient(tx, patient, ("CarePlan",)))
    assert [one.resource["addresses"] for one in plans] == [[{"reference": f"Condition/hf-{patient}"}]]


def review_loop_of(practice, patient):
    return practice.run(lambda tx: review_loop(tx, patient))


def test_a_conflict_goes_to_a_physician_with_both_sources_and_nobody_agrees_before(practice):
    patient = practice.patient()
    do(practice, acts.choose, patient, templates=["hypertension", "falls-frailty"])
    with pytest.raises(Rejected, match="upper blood pressure number"):
        do(practice, acts.agree, patient, party="patient", how="phone")
    with pytest.raises(NotPermitted):
        do(practice, acts.settle, patient, "dana", subject="systolic", holds="falls-frailty", why="I think so")
    do(practice, acts.ask, patient, "dana", subject="systolic", to=practice.reference("osei"), key=None)
    waiting = practice.run(lambda tx: questions.of_person(practice.app, tx, practice.user("osei"))).waiting
    card = next(one for one in waiting if one.patient_id == patient)
    assert [fact.split(":")[0] for fact in card.facts] == ["Falls and frailty", "High blood pressure"]
    do(practice, acts.settle, patient, "osei", subject="systolic", holds="falls-frailty", why="Fell twice")
    shown = page(practice, patient)
    [kept] = [one for one in shown.advice if one.subject == "systolic"]
    assert kept.says == "Upper number between 120 and 150" and shown.conflicts[0].settled.why == "Fell twice"
    do(practice, acts.agree, patient, party="patient", how="in-person")
    assert set(page(practice, patient).agreed) == {Party.PATIENT}


def test_a_change_takes_the_mark_away_and_says_what_changed(practice):
    patient = practice.patient()
    do(practice, acts.choose, patient, templates=["heart-failure"])
    all_agree(practice, patient)
    given = {"does": "monitor/weight", "amount": 2, "unit": "day", "owner": "patient", "why": "Too much each day"}
    do(practice, acts.change_step, patient, **given)
    do(practice, acts.stop_step, patient, does="habit/salt", why="Eats at her daughter's")
    shown = page(practice, patient)
    assert shown.state is PlanState.CHANGED and shown.since.isoformat() == "2026-04-06"
    assert [one.says for one in shown.changes] == [
        "Weigh every morning and write it down: every 2 days (was each day)",
        "Eat less salt: Eats at her daughter's",
    ]
    do(practice, acts.choose, patient, templates=["heart-failure", "copd"])
    steps = {one.does: one for one in page(practice, patient).plan.activities}
    assert steps["monitor/weight"].every.words == "every 2 days" and steps["habit/salt"].stopped
    assert practice.run(lambda tx: len(store.load_loops(tx, patients=[patient]))) == 2


def test_two_people_do_not_overwrite_each_other(practice):
    patient = practice.patient()
    do(practice, acts.choose, patient, templates=["heart-failure"])
    stale = desk(practice, patient).version
    do(practice, acts.stop_step, patient, does="habit/salt", why="Not now")
    with pytest.raises(Conflict):
        do(practice, acts.stop_step, patient, "dana", does="monitor/weight", why="Not now", version=stale)
    assert [one.does for one in page(practice, patient).stopped] == ["habit/salt"]


def test_a_plan_whose_day_has_passed_is_looked_at_once(practice):
    patient = practice.patient()
    do(practice, acts.choose, patient, templates=["copd"])
    all_agree(practice, patient)
    due = page(practice, patient).plan.review_by
    before = practice.app.clock.now()
    try:
        practice.move_to(f"{due.isoformat()} 12:00")
        plan_reviews.go_on(practice.app, practice.app.tenant(practice.tenant.id))
        assert review_loop_of(practice, patient) is None
        practice.app.clock.move_by(days=1)
        for _ in range(2):
            plan_reviews.go_on(practice.app, practice.app.tenant(practice.tenant.id))
        assert page(practice, patient).state is PlanState.STALE
        assert review_loop_of(practice, patient) is not None
        assert practice.run(lambda tx: len(store.load_loops(tx, patients=[patient]))) == 2
    finally:
        practice.app.clock.move_to(before)


def test_how_far_it_is_kept_to_and_whose_matter_it_is(practice):
    patient = practice.patient()
    do(practice, acts.choose, patient, templates=["heart-failure"])
    before = practice.app.clock.now()
    try:
        practice.move_to("2026-04-25 09:00")
        weights = [f"2026-04-{day:02}" for day in range(6, 16)]
        practice.write(*({
            "resourceType": "Observation", "id": f"w-{patient}-{day}", "status": "final",
            "subject": {"reference": f"Patient/{patient}"}, "effectiveDateTime": f"{day}T07:00:00-04:00",
            "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
            "valueQuantity": {"value": 80, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
        } for day in weights))  # fmt: skip
        do(practice, acts.note_step, patient, does="monitor/weight", on="2026-04-20", result="no-device")
        do(practice, acts.note_step, patient, does="monitor/weight", on="2026-04-20", result="no-device")
        do(practice, acts.note_step, patient, does="contact/nurse-call", on="", result="not-called")
        shown = page(practice, patient)
        steps = {step.activity.does: step.kept for block in shown.goals for step in block.steps}
        assert (steps["monitor/weight"].done, steps["monitor/weight"].expected) == (10, 19)
        assert steps["monitor/weight"].reasons == (("no-device", 1),)
        assert {who.value: count for who, count in shown.whose.items()} == {"patient": 0, "practice": 1, "system": 1}
        with pytest.raises(Rejected):
            do(practice, acts.note_step, patient, does="monitor/weight", on="2026-04-26", result="done")
    finally:
        practice.app.clock.move_to(before)


def test_what_is_wrong_is_refused_and_changes_nothing(practice):
    patient = practice.patient()
    for act, given, error in (
        (acts.choose, {"templates": ["magic"]}, Rejected),
        (acts.choose, {"templates": []}, Rejected),
        (acts.stop_step, {"does": "monitor/weight", "why": "x"}, NotFound),
        (acts.agree, {"party": "patient", "how": "phone"}, Rejected),
    ):
        with pytest.raises(error):
            do(practice, act, patient, **given)
    assert desk(practice, patient).version == 0
    with pytest.raises(NotFound):
        do(practice, acts.choose, "nobody", templates=["copd"])


def another_plan(practice, patient, name="c", fluid="Fluid restriction 1.5 L a day"):
    about, source = {"reference": f"Patient/{patient}"}, f"hill-{patient}"
    practice.write(
        {"resourceType": "Organization", "id": source, "name": "Hill Cardiology"},
        {"resourceType": "Goal", "id": f"g{name}-{patient}", "lifecycleStatus": "active", "subject": about,
         "description": {"text": "No night in hospital for the heart"}, "expressedBy": {"reference": "Practitioner/x"}},
        {"resourceType": "ServiceRequest", "id": f"s{name}-{patient}", "status": "active", "intent": "plan",
         "subject": about, "code": {"text": "Cardiac rehabilitation"},
         "occurrenceTiming": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "wk"}}},
        {"resourceType": "CarePlan", "id": f"{name}-{patient}", "status": "active", "intent": "plan", "subject": about,
         "title": "Heart plan", "created": "2026-04-01", "author": {"reference": f"Organization/{source}"},
         "goal": [{"reference": f"Goal/g{name}-{patient}"}],
         "activity": [
             {"reference": {"reference": f"ServiceRequest/s{name}-{patient}"}},
             {"detail": {"status": "in-progress", "code": {"text": fluid},
                         "goal": [{"reference": f"Goal/g{name}-{patient}"}]}},
             {"detail": {"status": "in-progress", "code": {"text": "Weigh"},
                         "scheduledTiming": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "wk"}}}},
         ]},
    )  # fmt: skip
    return f"{name}-{patient}"


def test_a_plan_of_another_source_that_contradicts_becomes_work_and_is_taken_over_with_its_origin(practice):
    patient = practice.patient()
    do(practice, acts.choose, patient, templates=["heart-failure"])
    all_agree(practice, patient)
    tenant = practice.app.tenant(practice.tenant.id)
    plan_reviews.go_on(practice.app, tenant)
    assert review_loop_of(practice, patient) is None
    other = another_plan(practice, patient)
    assert page(practice, patient).state is PlanState.CHANGED
    assert plan_reviews.go_on(practice.app, tenant) > 0
    assert plan_reviews.go_on(practice.app, tenant) == 0
    asked = practice.task(review_loop_of(practice, patient).state.focus.split("/")[1])
    assert asked["code"]["text"].startswith("Another plan says something else: fluid a day")
    assert desk(practice, patient).saved.open_conflicts
    shown = page(practice, patient)
    assert {one.subject for one in shown.conflicts} == {"fluid", "timing/monitor/weight"}
    assert shown.matters == () and [one.plan.source for one in shown.others] == ["Hill Cardiology"]
    with pytest.raises(Rejected, match="fluid a day"):
        do(practice, acts.agree, patient, party="patient", how="phone")
    said = do(practice, plan_taking.take, patient, other=other, everything=True)
    assert said == "Taken over from Hill Cardiology. 2 to decide by a clinician."
    now = page(practice, patient)
    steps = {step.activity.title: step for block in now.goals for step in block.steps}
    assert steps["Cardiac rehabilitation"].plans == ("Hill Cardiology",)
    assert "No night in hospital for the heart" in {block.goal.title for block in now.goals}
    target = [("target", f"CarePlan/{now.plan.id}")]
    origin = practice.run(lambda tx: practice.app.record.follow(tx, "Provenance", target))
    assert {"reference": f"CarePlan/{other}"} in [one["what"] for each in origin for one in each.resource["entity"]]
    do(practice, acts.settle, patient, "osei", subject="fluid", holds=f"from/{other}", why="Cardiology treats it")
    do(practice, acts.settle, patient, "osei", subject="timing/monitor/weight", holds="ours", why="Daily is safer")
    assert all_agree(practice, patient) == "Everybody agreed. The plan holds."
    [fluid] = [one for one in page(practice, patient).advice if one.subject == "fluid"]
    assert fluid.says == "Fluid restriction 1.5 L a day"
    do(practice, acts.choose, patient, templates=["heart-failure", "copd"])
    again = page(practice, patient)
    assert "Cardiac rehabilitation" in {one.title for one in again.plan.running} and again.plan.open_conflicts == ()
    with pytest.raises(Rejected):
        do(practice, plan_taking.take, patient, other=other, everything=True)
    with pytest.raises(NotFound):
        do(practice, plan_taking.take, patient, other="unknown", everything=True)


def test_how_often_is_as_the_clinician_decided(practice):
    patient = practice.patient()
    do(practice, acts.choose, patient, templates=["heart-failure"])
    other = another_plan(practice, patient, fluid="Drink at most 2 L a day")
    assert [one.subject for one in page(practice, patient).conflicts] == ["timing/monitor/weight"]
    do(practice, acts.settle, patient, "osei", subject="timing/monitor/weight", holds=f"from/{other}", why="Stable")
    shown = page(practice, patient)
    weigh = next(one for one in shown.plan.running if one.does == "monitor/weight")
    assert (weigh.every.words, weigh.changed, shown.conflicts) == ("each week", "Stable", ())
