"""What patients measure and answer comes by doors of its own: HL7v2 messages, files of history (MO-04, AS-01)."""

import json

from tests.journeys.practice import Practice, at
from tests.messages import stamp
from tests.messages.clinical import message

from careloop.flows import home_acts, home_enrolling, monitoring
from careloop.flows.home_acts import Done
from careloop.flows.home_enrolling import Enrolment
from careloop.flows.loading import Loader
from careloop.intake.files import pieces
from careloop.loops import store as loops
from careloop.monitoring import store

HEART = Enrolment(programmes=("heart-failure",), on_call=True, told=True)


def weighed(mrn: str, pounds: str, when: str, device: str = "SCALE7^HOMEHUB") -> bytes:
    """What a hub at home sends: one weight in pounds, and the scale that took it (OBX-18)."""
    moment = stamp(at(when))
    kind = "29463-7^Body weight^LN"
    return message(
        "ORU^R01^ORU_R01",
        "{pid}",
        f"OBR|1|||{kind}|||{moment}|||||||||||||||{moment}|||F",
        f"OBX|1|NM|{kind}||{pounds}|[lb_av]^pound^UCUM|||||F|||{moment}||||{device}",
        control_id=f"W{mrn}{moment[:12]}{device[:1]}",
        at=moment,
        sender="HUB|HOME",
        mrn=mrn,
    )


def at_home(practice: Practice, mrn: str) -> str:
    practice.move_to("2026-03-02 06:00")
    patient = practice.known(mrn)
    practice.run(lambda tx: home_enrolling.enrol(practice.app, tx, practice.user("nia"), patient, HEART))
    return patient


def alerts(practice: Practice, patient: str) -> list[dict]:
    for _ in range(3):
        monitoring.go_on(practice.app, practice.tenant)
    return practice.run(lambda tx: [dict(one) for one in store.rows_of(tx, "alerts", patients=[patient])])


def test_weights_by_message_become_an_alert_and_a_loop_that_a_nurse_closes(practice: Practice) -> None:
    patient = at_home(practice, "710001")
    practice.move_to("2026-03-02 07:00")
    practice.send(weighed("710001", "176.4", "2026-03-02 07:00"))
    assert alerts(practice, patient) == []
    practice.move_to("2026-03-03 07:00")
    practice.send(weighed("710001", "181.9", "2026-03-03 07:00"))
    [alert] = alerts(practice, patient)
    assert (alert["alert"], alert["tier"], alert["state"]) == ("weight-gain", "red", "open")
    [loop] = practice.run(lambda tx: loops.load_loops(tx, focuses=[f"DetectedIssue/{alert['id']}"]))
    due = {step.step_id: step.due for step in loop.state.steps}
    assert (loop.state.pathway, due["triage"]) == ("symptom-alert", at("2026-03-03 08:00"))
    weights = practice.run(lambda tx: practice.app.record.of_patient(tx, patient, ("Observation",)))
    newest = max(weights, key=lambda one: one.resource["effectiveDateTime"]).resource
    assert (str(newest["valueQuantity"]["value"]), newest["valueQuantity"]["code"]) == ("181.9", "[lb_av]")
    practice.send(weighed("710001", "181.9", "2026-03-03 07:00"))
    assert [one["readings"] for one in alerts(practice, patient)] == [alert["readings"]], "MO-04: the same again"
    practice.move_to("2026-03-03 07:20")
    done = Done(action="called", note="Took the missed water pill")
    practice.run(lambda tx: home_acts.close(practice.app, tx, practice.user("nia"), alert["id"], done))
    [loop] = practice.run(lambda tx: loops.load_loops(tx, focuses=[f"DetectedIssue/{alert['id']}"]))
    assert loop.state.status == "completed"


def test_a_weight_of_a_visit_by_message_calls_nobody(practice: Practice) -> None:
    patient = at_home(practice, "710002")
    for day, pounds in (("02", "176.4"), ("03", "181.9")):
        practice.move_to(f"2026-03-{day} 07:00")
        practice.send(weighed("710002", pounds, f"2026-03-{day} 07:00", device=""))
    assert alerts(practice, patient) == []


def test_forms_of_a_file_of_history_are_scored_and_item_9_of_yesterday_is_work(
    practice: Practice, tmp_path: object
) -> None:
    """A real bulk load: NDJSON by the loader, then the worker; what is old asks for nothing, what is fresh does."""
    practice.move_to("2026-03-09 10:00")
    fresh, old = practice.patient(), practice.patient()
    often = ["LA6568-5", "LA6569-3", "LA6570-1", "LA6571-9"]
    items = ["44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8"]

    def form(patient: str, when: str) -> str:
        said = [
            {"linkId": f"/{code}", "answer": [{"valueCoding": {"system": "http://loinc.org", "code": often[points]}}]}
            for code, points in zip(items, [1, 0, 0, 0, 0, 0, 0, 0, 1], strict=True)
        ]
        return json.dumps({
            "resourceType": "QuestionnaireResponse", "id": f"q-{patient[:8]}", "status": "completed",
            "questionnaire": "http://loinc.org/q/44249-1", "subject": {"reference": f"Patient/{patient}"},
            "source": {"reference": f"Patient/{patient}"}, "authored": at(when).isoformat(), "item": said,
        })  # fmt: skip

    path = tmp_path / "forms.ndjson"  # type: ignore[operator]
    path.write_text("\n".join([form(fresh, "2026-03-08 09:00"), form(old, "2024-03-08 09:00")]))
    loader = Loader(practice.app, practice.tenant, practice.system)
    loader.load(pieces(path), lambda _: None)
    assert (loader.loaded.resources, loader.loaded.rejects) == (2, [])

    def totals(patient: str) -> list[object]:
        found = practice.run(lambda tx: practice.app.record.of_patient(tx, patient, ("Observation",)))
        codes = [
            (coding["system"], coding["code"], one.resource)
            for one in found
            for coding in one.resource["code"]["coding"]
        ]
        return [
            one["valueQuantity"]["value"]
            for system, code, one in codes
            if (system, code) == ("urn:careloop:score", "phq-9")
        ]

    for _ in range(3):
        monitoring.go_on(practice.app, practice.tenant)
    assert (totals(fresh), totals(old)) == ([2], [2])
    opened = practice.run(lambda tx: loops.load_loops(tx, patients=[fresh, old]))
    assert [(one.state.pathway, one.patient_id == fresh) for one in opened] == [("safety-concern", True)]
