"""Readings from home: from the scale to a closed loop; nights, withdrawals, silence, limits (monitoring.md)."""

from decimal import Decimal

import pytest
from tests.conftest import StandingClock
from tests.journeys.practice import Practice, at

from careloop.errors import Conflict, NotPermitted, Rejected
from careloop.flows import deadlines, home_acts, home_enrolling, monitoring
from careloop.flows.home_acts import Done
from careloop.flows.home_enrolling import Enrolment
from careloop.loops import store as loops
from careloop.monitoring import store

HEART = Enrolment(programmes=("heart-failure",), on_call=True, told=True)


class Home:
    """A patient who measures at home, and the worker behind."""

    def __init__(self, practice: Practice, **enrolment):
        self.practice = practice
        self.patient = practice.patient()
        self.number = 0
        if enrolment.get("enrolled", True):
            self.by("nia", lambda tx, who: home_enrolling.enrol(practice.app, tx, who, self.patient, HEART))

    def by(self, name, work):
        return self.practice.run(lambda tx: work(tx, self.practice.user(name)))

    def weighs(self, kg, when, own_id=None, status="final"):
        self.number += 1
        self.practice.write({
            "resourceType": "Observation", "id": own_id or f"{self.patient[:8]}-{self.number}", "status": status,
            "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
            "subject": {"reference": f"Patient/{self.patient}"}, "device": {"display": "Scale"},
            "effectiveDateTime": at(when).isoformat(),
            "valueQuantity": {"value": Decimal(kg), "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
        })  # fmt: skip

    def morning(self, kg, day):
        """It is 7:00 of that day, the patient weighs, the worker looks."""
        self.practice.move_to(f"{day} 07:00")
        self.weighs(kg, f"{day} 07:00")
        self.work()

    def work(self):
        for _ in range(3):
            monitoring.go_on(self.practice.app, self.practice.tenant)

    @property
    def alerts(self):
        return self.practice.run(lambda tx: [dict(one) for one in store.rows_of(tx, "alerts", patients=[self.patient])])

    def loop(self, number=0):
        row = self.alerts[number]
        return self.practice.run(lambda tx: loops.load_loops(tx, focuses=[f"DetectedIssue/{row['id']}"])[-1])

    def due(self, step, number=0):
        return next(one.due for one in self.loop(number).state.steps if one.step_id == step).isoformat()


@pytest.fixture(scope="module")
def practice(_app):
    opened = Practice.open(_app.with_clock(StandingClock()))
    opened.move_to("2026-03-02 06:00")
    return opened


@pytest.fixture
def home(practice):
    practice.move_to("2026-03-02 06:00")
    return Home(practice)


def test_a_weight_gain_opens_a_loop_is_upgraded_and_closed_with_an_action(home, practice):
    home.morning("80.0", "2026-03-02")
    assert home.alerts == []
    home.morning("81.0", "2026-03-03")
    [alert] = home.alerts
    assert (alert["alert"], alert["tier"], alert["state"]) == ("weight-gain", "yellow", "open")
    assert home.due("triage") == "2026-03-04T23:59:59-05:00"
    home.morning("82.3", "2026-03-04")
    [alert] = home.alerts
    assert (alert["tier"], alert["readings"][-1].partition("#")[2]) == ("red", "0")
    assert home.due("triage") == "2026-03-04T08:00:00-05:00"
    issue = practice.run(lambda tx: practice.app.record.fetch(tx, [f"DetectedIssue/{alert['id']}"]))
    [resource] = [one.resource for one in issue.values()]
    assert resource["severity"] == "high"
    assert "5 lb" in resource["detail"]
    practice.move_to("2026-03-04 07:20")
    done = Done(action="called", note="No more swelling, took the missed dose")
    home.by("nia", lambda tx, who: home_acts.close(practice.app, tx, who, alert["id"], done))
    assert home.loop().state.status == "completed"
    assert (home.alerts[0]["state"], home.alerts[0]["action"]) == ("closed", "called")
    home.work()
    before = practice.run(lambda tx: loops.versions_in_all(tx))
    home.work()
    assert practice.run(lambda tx: loops.versions_in_all(tx)) == before


def test_nobody_closes_without_what_was_done_and_only_clinicians_do(home, practice):
    home.morning("80.0", "2026-03-02")
    home.morning("81.0", "2026-03-03")
    alert = home.alerts[0]["id"]
    with pytest.raises(NotPermitted):
        home.by("dana", lambda tx, who: home_acts.close(practice.app, tx, who, alert, Done(action="called")))
    with pytest.raises(Rejected):
        home.by("nia", lambda tx, who: home_acts.close(practice.app, tx, who, alert, Done(action="no-action")))
    done = Done(action="no-action", note="Weighed with shoes on")
    home.by("nia", lambda tx, who: home_acts.close(practice.app, tx, who, alert, done))
    assert home.loop().state.status == "completed"
    assert [(one["state"], one["action"]) for one in home.alerts] == [("closed", "no-action")]
    with pytest.raises(Conflict):
        home.by("nia", lambda tx, who: home_acts.close(practice.app, tx, who, alert, done))


def test_a_red_on_saturday_night_is_due_in_an_hour_and_then_others_are_called(home, practice):
    practice.move_to("2026-03-07 22:00")
    home.practice.write({
        "resourceType": "Observation", "id": f"bp-{home.patient[:8]}", "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]},
        "subject": {"reference": f"Patient/{home.patient}"}, "device": {"display": "Cuff"},
        "effectiveDateTime": at("2026-03-07 22:00").isoformat(),
        "component": [
            {"code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]},
             "valueQuantity": {"value": 184, "unit": "mmHg", "code": "mm[Hg]"}},
            {"code": {"coding": [{"system": "http://loinc.org", "code": "8462-4"}]},
             "valueQuantity": {"value": 90, "unit": "mmHg", "code": "mm[Hg]"}},
        ],
    })  # fmt: skip
    home.work()
    assert [one["alert"] for one in home.alerts] == ["silent"]
    practice.move_to("2026-03-07 22:15")
    home.work()
    high = next(place for place, one in enumerate(home.alerts) if one["alert"] == "systolic-high")
    assert home.due("triage", high) == "2026-03-07T23:15:00-05:00"
    practice.move_to("2026-03-08 01:30")
    deadlines.run(practice.app, practice.tenant)
    triage = next(one for one in home.loop(high).state.steps if one.step_id == "triage")
    assert [one.to_role for one in triage.escalations] == ["physician", "manager"]


def test_a_reading_that_is_withdrawn_takes_its_alert_with_it(home, practice):
    home.morning("80.0", "2026-03-02")
    practice.move_to("2026-03-03 07:00")
    home.weighs("81.0", "2026-03-03 07:00", own_id=f"w-{home.patient[:8]}")
    home.work()
    home.weighs("81.0", "2026-03-03 07:00", own_id=f"w-{home.patient[:8]}", status="entered-in-error")
    home.work()
    assert home.alerts[0]["state"] == "withdrawn"
    closure = home.loop().state.closure
    assert closure is not None and closure.reason == "entered-in-error"


def test_silence_calls_after_three_days_and_a_yellow_that_was_seen_ends_by_itself(home, practice):
    home.morning("80.0", "2026-03-02")
    practice.move_to("2026-03-05 07:00")
    home.work()
    [alert] = home.alerts
    assert alert["alert"] == "silent"
    home.by("nia", lambda tx, who: home_acts.see(practice.app, tx, who, alert["id"]))
    for day in ("2026-03-05", "2026-03-06", "2026-03-07"):
        practice.move_to(f"{day} 09:00")
        home.weighs("80.1", f"{day} 09:00")
        home.work()
    assert home.alerts[0]["state"] == "settled"
    assert home.loop().state.status == "cancelled"


def test_the_same_readings_in_another_order_give_the_same_alerts(practice):
    lines = [("80.0", "2026-03-02 07:00"), ("81.0", "2026-03-03 07:00"), ("82.3", "2026-03-04 07:00")]
    found = []
    for order in (lines, lines[::-1], [*lines[1:], *lines]):
        practice.move_to("2026-03-02 06:00")
        home = Home(practice)
        practice.move_to("2026-03-04 08:00")
        for kg, when in order:
            home.weighs(kg, when, own_id=f"{home.patient[:8]}-{when[8:10]}")
            home.work()
        found.append([(one["alert"], one["tier"], len(one["readings"])) for one in home.alerts])
    assert found[0] == found[1] == found[2] == [("weight-gain", "red", 2)]


def test_limits_are_signed_by_a_physician_and_hold_from_then_on(home, practice):
    with pytest.raises(NotPermitted):
        home.by("nia", lambda tx, who: home_enrolling.sign_limits(practice.app, tx, who, home.patient, {}))
    values = {"weight-day": Decimal("4")}
    home.by("osei", lambda tx, who: home_enrolling.sign_limits(practice.app, tx, who, home.patient, values))
    home.morning("80.0", "2026-03-02")
    home.morning("81.0", "2026-03-03")
    assert home.alerts == []
    plan = practice.run(lambda tx: home_enrolling.plan_of(tx, home.patient))
    assert [(one.by, dict(one.values)) for one in plan.limits] == [(practice.reference("osei"), values)]


def test_nobody_on_call_and_the_patient_not_told_is_refused_in_words(practice):
    patient = practice.patient()
    new = Enrolment(programmes=("heart-failure",), on_call=False, told=False)
    with pytest.raises(Rejected, match="not an emergency service"):
        practice.run(lambda tx: home_enrolling.enrol(practice.app, tx, practice.user("nia"), patient, new))


def test_a_measurement_of_a_visit_calls_nobody(home, practice):
    practice.move_to("2026-03-02 10:00")
    practice.write({
        "resourceType": "Observation", "id": f"visit-{home.patient[:8]}", "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]},
        "subject": {"reference": f"Patient/{home.patient}"}, "encounter": {"reference": "Encounter/x"},
        "effectiveDateTime": at("2026-03-02 10:00").isoformat(),
        "valueQuantity": {"value": 210, "unit": "mmHg", "code": "mm[Hg]"},
    })  # fmt: skip
    practice.move_to("2026-03-02 11:00")
    home.work()
    assert home.alerts == []
