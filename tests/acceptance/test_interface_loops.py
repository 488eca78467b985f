"""interface.md §4, sentence by sentence: loops as Tasks, deadlines, evidence, scores. The clock stands on Friday
6 March 2026, 17:00, in New York."""

import itertools
from dataclasses import dataclass
from typing import Any

import pytest
from tests.acceptance.messages import (
    ACT,
    Json,
    adt,
    concept,
    iso,
    new_id,
    outreach,
    patient,
    reconciliation,
    summary,
    visit,
)  # fmt: skip
from tests.acceptance.product import Fhir, Product
from tests.acceptance.telling import a_physician

_numbers = itertools.count(1)
LEFT = "2026-03-06 11:00"
LATER = "2026-03-06 15:00"
"""After the discharge and before now."""


@dataclass
class Stay:
    """Somebody who went home today and now has an open loop."""

    fhir: Fhir
    number: str
    patient: str
    encounter: str

    @property
    def loop(self) -> Json:
        [found] = self.fhir.loops(self.patient)
        return found

    def step(self, step_id: str) -> Json:
        return self.fhir.steps(self.loop)[step_id]


@pytest.fixture
def stay(product: Product, fhir: Fhir) -> Stay:
    return discharged(product, fhir)


def discharged(product: Product, fhir: Fhir, left: str = LEFT, admit: str = "2026-03-02 08:00", **more: Any) -> Stay:
    """Somebody new who was admitted and sent home."""
    number = f"L{next(_numbers)}"
    product.send(
        adt("A01", admit, mrn=number, visit=f"V{number}", family=f"LOOP{number}", **more),
        adt("A03", left, mrn=number, visit=f"V{number}", family=f"LOOP{number}", **{"disposition": "01", **more}),
    )
    return Stay(fhir=fhir, number=number, patient=fhir.patient_of(number), encounter=fhir.stay_of(f"V{number}")["id"])


def due(task: Json) -> str:
    return str(task["restriction"]["period"]["end"])


def clock(task: Json) -> str:
    coding = task["businessStatus"]["coding"][0]
    assert coding["system"] == "urn:careloop:clock"
    return str(coding["code"])


def is_open(task: Json) -> bool:
    return task["status"] in ("requested", "accepted", "in-progress", "on-hold")


def test_a_loop_is_a_task_with_the_promised_elements(stay: Stay) -> None:
    loop = stay.loop
    assert loop["code"]["coding"][0]["system"] == "urn:careloop:pathway"
    assert loop["instantiatesUri"].startswith("urn:careloop:pathway:discharge-transition|")
    assert is_open(loop)
    assert loop["for"]["reference"] == f"Patient/{stay.patient}"
    assert loop["focus"]["reference"].split("/_history")[0] == f"Encounter/{stay.encounter}"
    assert loop["owner"]["reference"].split("/")[0] in ("Practitioner", "PractitionerRole", "CareTeam")
    assert due(loop) == "2026-04-04T23:59:59-04:00"
    assert loop["executionPeriod"]["start"]
    assert "end" not in loop["executionPeriod"]
    assert "partOf" not in loop


def test_its_steps_are_tasks_that_are_part_of_it(stay: Stay) -> None:
    steps = stay.fhir.steps(stay.loop)
    assert {"contact", "medication-reconciliation", "visit", "discharge-summary", "home-visit"} <= set(steps)
    assert set(steps) <= {"contact", "medication-reconciliation", "visit", "discharge-summary", "pending-results",
                          "home-visit"}  # fmt: skip
    for step in steps.values():
        assert step["code"]["coding"][0]["system"] == "urn:careloop:step"
        assert step["partOf"][0]["reference"] == f"Task/{stay.loop['id']}"
        assert step["for"]["reference"] == f"Patient/{stay.patient}"
        assert step["owner"]["reference"]
        assert due(step)
        assert clock(step) in ("on-time", "due-soon", "overdue", "waiting")


def test_every_owner_can_be_read(stay: Stay) -> None:
    for task in (stay.loop, *stay.fhir.steps(stay.loop).values()):
        owner = stay.fhir.read(task["owner"]["reference"])
        if owner["resourceType"] == "CareTeam":
            assert owner["participant"][0]["member"]["reference"]


def test_the_pathway_is_readable_as_a_plan_definition(stay: Stay) -> None:
    url, version = stay.loop["instantiatesUri"].split("|")
    plan = stay.fhir.read("PlanDefinition/discharge-transition")
    assert (plan["url"], plan["version"]) == (url, version)
    assert [one["id"] for one in stay.fhir.find(f"PlanDefinition?url={url}")] == ["discharge-transition"]


def test_each_change_has_a_provenance(stay: Stay) -> None:
    stay.fhir.write(outreach(stay.patient, LATER))
    for task in (stay.loop, stay.step("contact")):
        assert task["relevantHistory"]
        for link in task["relevantHistory"]:
            provenance = stay.fhir.read(link["reference"])
            assert provenance["resourceType"] == "Provenance"
            assert any(target["reference"].startswith(f"Task/{task['id']}") for target in provenance["target"])


def test_deadlines_of_the_steps(stay: Stay) -> None:
    assert due(stay.step("contact")) == "2026-03-10T23:59:59-04:00"
    assert due(stay.step("visit")) == "2026-03-13T23:59:59-04:00"
    assert due(stay.step("medication-reconciliation")) == due(stay.step("visit"))
    assert due(stay.step("home-visit")) == "2026-03-09T12:00:00-04:00"
    assert due(stay.step("discharge-summary")) == "2026-03-13T12:00:00-04:00"


def test_medicines_follow_the_visit_that_was_booked(stay: Stay, fhir: Fhir) -> None:
    fhir.write({
        "resourceType": "Appointment", "id": new_id(), "status": "booked", "start": iso("2026-03-11 10:00"),
        "end": iso("2026-03-11 10:30"),
        "participant": [{"actor": {"reference": f"Patient/{stay.patient}"}, "status": "accepted"},
                        {"actor": {"reference": a_physician(fhir)}, "status": "accepted"}],
    })  # fmt: skip
    assert due(stay.step("medication-reconciliation")) == "2026-03-11T23:59:59-04:00"
    assert due(stay.step("visit")) == "2026-03-13T23:59:59-04:00"


def test_scores_that_cannot_be_known_say_why_and_the_tier_is_high(stay: Stay) -> None:
    assert "home-visit" in stay.fhir.steps(stay.loop)
    scores = stay.fhir.find(f"Observation?patient=Patient/{stay.patient}&code=urn:careloop:score|hospital")
    assert len(scores) == 1
    assert scores[0]["dataAbsentReason"]
    assert "valueInteger" not in scores[0]


def test_a_completed_call_closes_contact(stay: Stay) -> None:
    call = outreach(stay.patient, LATER)
    stay.fhir.write(call)
    contact = stay.step("contact")
    assert contact["status"] == "completed"
    [output] = contact["output"]
    assert output["type"]["coding"][0]["system"] == "urn:careloop:evidence"
    assert output["valueReference"]["reference"] == f"Communication/{call['id']}/_history/1"
    assert contact["executionPeriod"]["end"]


def test_a_call_before_the_discharge_never_counts(stay: Stay) -> None:
    stay.fhir.write(outreach(stay.patient, "2026-03-06 10:00"))
    assert is_open(stay.step("contact"))


def test_a_call_about_somebody_else_never_counts(stay: Stay, product: Product) -> None:
    other = discharged(product, stay.fhir)
    stay.fhir.write(outreach(other.patient, LATER))
    assert is_open(stay.step("contact"))


@pytest.mark.parametrize("outcome", ["no-answer", "left-message", "wrong-number", "busy"])
def test_a_call_that_reached_nobody_is_an_attempt(stay: Stay, outcome: str) -> None:
    stay.fhir.write(outreach(stay.patient, LATER, outcome=outcome))
    contact = stay.step("contact")
    assert is_open(contact)
    assert clock(contact) != "waiting"


def test_two_attempts_make_the_step_wait_until_contact(stay: Stay) -> None:
    stay.fhir.write(outreach(stay.patient, "2026-03-06 14:00", outcome="no-answer"))
    stay.fhir.write(outreach(stay.patient, LATER, outcome="left-message"))
    contact = stay.step("contact")
    assert is_open(contact)
    assert clock(contact) == "waiting"
    stay.fhir.write(outreach(stay.patient, "2026-03-06 16:00"))
    assert stay.step("contact")["status"] == "completed"


@pytest.mark.parametrize("medium", ["SMSWRIT", "EMAILWRIT", "MAILWRIT"])
def test_a_written_message_is_an_attempt_until_it_is_received(stay: Stay, medium: str) -> None:
    message = outreach(stay.patient, LATER, medium=medium)
    stay.fhir.write(message)
    assert is_open(stay.step("contact"))
    stay.fhir.write({**message, "received": iso("2026-03-06 16:00")})
    assert stay.step("contact")["status"] == "completed"


def test_a_written_message_that_was_answered_is_contact(stay: Stay, fhir: Fhir) -> None:
    message = outreach(stay.patient, LATER, medium="SMSWRIT")
    stay.fhir.write(message)
    assert is_open(stay.step("contact"))
    reply = {
        **outreach(stay.patient, "2026-03-06 16:00", medium="SMSWRIT"),
        "sender": {"reference": f"Patient/{stay.patient}"}, "recipient": [{"reference": a_physician(fhir)}],
        "inResponseTo": [{"reference": f"Communication/{message['id']}"}],
    }  # fmt: skip
    stay.fhir.write(reply)
    assert stay.step("contact")["status"] == "completed"


@pytest.mark.parametrize("code", ["VR", "AMB", "HH"])
def test_a_finished_meeting_with_clinical_staff_is_contact(stay: Stay, code: str) -> None:
    stay.fhir.write(visit(stay.patient, LATER, a_physician(stay.fhir), code=code))
    assert stay.step("contact")["status"] == "completed"
    assert stay.step("visit")["status"] == "completed"


def test_a_visit_by_who_may_not_bill_is_no_visit(stay: Stay, fhir: Fhir) -> None:
    nurse = fhir.find("PractitionerRole?role=urn:careloop:role|nurse")[0]["practitioner"]["reference"]
    fhir.write(visit(stay.patient, LATER, nurse))
    assert is_open(stay.step("visit"))
    assert stay.step("contact")["status"] == "completed"


def test_a_visit_that_is_not_finished_is_no_visit(stay: Stay) -> None:
    stay.fhir.write({**visit(stay.patient, LATER, a_physician(stay.fhir)), "status": "planned"})
    assert is_open(stay.step("visit"))


def test_a_home_visit_closes_its_step(stay: Stay) -> None:
    stay.fhir.write(visit(stay.patient, LATER, a_physician(stay.fhir), code="HH"))
    assert stay.step("home-visit")["status"] == "completed"


def test_medicines_and_summary_close_their_steps(stay: Stay) -> None:
    stay.fhir.write(reconciliation(stay.patient, LATER), summary(stay.patient, LATER))
    assert stay.step("medication-reconciliation")["status"] == "completed"
    assert stay.step("discharge-summary")["status"] == "completed"


def test_the_loop_closes_with_its_last_step(stay: Stay) -> None:
    physician = a_physician(stay.fhir)
    stay.fhir.write(visit(stay.patient, LATER, physician, code="HH"), reconciliation(stay.patient, LATER),
                    summary(stay.patient, LATER))  # fmt: skip
    assert stay.loop["status"] == "completed"
    assert stay.loop["executionPeriod"]["end"]


def test_a_tie_to_the_step_always_counts(stay: Stay) -> None:
    step = stay.step("medication-reconciliation")
    procedure = reconciliation(stay.patient, LATER, basedOn=[{"reference": f"Task/{step['id']}"}])
    procedure["code"] = {"text": "talked through all the medicines"}
    stay.fhir.write(procedure)
    assert stay.step("medication-reconciliation")["status"] == "completed"


@pytest.mark.parametrize("how", ["entered-in-error", "delete"])
def test_withdrawn_evidence_opens_the_step_again(stay: Stay, how: str) -> None:
    before = due(stay.step("contact"))
    call = outreach(stay.patient, LATER)
    stay.fhir.write(call)
    assert stay.step("contact")["status"] == "completed"
    if how == "delete":
        stay.fhir.delete(f"Communication/{call['id']}")
    else:
        stay.fhir.write({**call, "status": "entered-in-error"})
    contact = stay.step("contact")
    assert is_open(contact)
    assert due(contact) == before
    assert not contact.get("output")


def test_a_client_completes_a_step_with_evidence(stay: Stay) -> None:
    document = summary(stay.patient, LATER)
    document["type"] = {"text": "letter"}
    stay.fhir.write(document)
    step = stay.step("discharge-summary")
    output = [{"type": concept("urn:careloop:evidence", "document"),
               "valueReference": {"reference": f"DocumentReference/{document['id']}"}}]  # fmt: skip
    answer = stay.fhir.put({**step, "status": "completed", "output": output})
    assert answer.status_code == 200, answer.text
    after = stay.step("discharge-summary")
    assert after["status"] == "completed"
    assert after["output"][0]["valueReference"]["reference"].startswith(f"DocumentReference/{document['id']}/_history/")


def test_a_client_completes_a_step_with_a_reason_and_a_note(stay: Stay) -> None:
    step = stay.step("discharge-summary")
    more = {"statusReason": concept("urn:careloop:reason", "done-elsewhere"), "note": [{"text": "the clinic has it"}]}
    answer = stay.fhir.put({**step, "status": "completed", **more})
    assert answer.status_code == 200, answer.text
    after = stay.step("discharge-summary")
    assert after["status"] == "completed"
    coding = after["statusReason"]["coding"][0]
    assert (coding["system"], coding["code"]) == ("urn:careloop:reason", "done-elsewhere")


@pytest.mark.parametrize("more", [
    {}, {"statusReason": concept("urn:careloop:reason", "other")}, {"note": [{"text": "it is done"}]},
    {"statusReason": {"text": "done"}, "note": [{"text": "it is done"}]},
    {"statusReason": concept("urn:careloop:reason", "no-such-reason"), "note": [{"text": "it is done"}]},
    {"output": [{"type": concept("urn:careloop:evidence", "x"), "valueString": "trust me"}]},
], ids=["nothing", "no note", "no reason", "uncoded reason", "unknown reason", "words as evidence"])  # fmt: skip
def test_without_evidence_a_client_cannot_complete_a_step(stay: Stay, more: Json) -> None:
    step = stay.step("discharge-summary")
    assert stay.fhir.put({**step, "status": "completed", **more}).status_code == 422
    assert is_open(stay.step("discharge-summary"))


def test_evidence_that_does_not_exist_is_refused(stay: Stay) -> None:
    output = [{"type": concept("urn:careloop:evidence", "x"), "valueReference": {"reference": "Procedure/no-such"}}]
    step = stay.step("medication-reconciliation")
    assert stay.fhir.put({**step, "status": "completed", "output": output}).status_code == 422


def test_evidence_about_somebody_else_is_refused(stay: Stay, product: Product) -> None:
    other = discharged(product, stay.fhir)
    procedure = reconciliation(other.patient, LATER)
    stay.fhir.write(procedure)
    output = [{"type": concept("urn:careloop:evidence", "x"),
               "valueReference": {"reference": f"Procedure/{procedure['id']}"}}]  # fmt: skip
    step = stay.step("medication-reconciliation")
    assert stay.fhir.put({**step, "status": "completed", "output": output}).status_code == 422


def test_patch_completes_a_step_by_the_same_rule(stay: Stay) -> None:
    step = stay.step("discharge-summary")
    header = {"Content-Type": "application/json-patch+json"}
    status = {"op": "replace", "path": "/status", "value": "completed"}
    refused = stay.fhir.request("PATCH", f"/fhir/Task/{step['id']}", body=[status], headers=header)
    assert refused.status_code == 422
    reason = {"op": "add", "path": "/statusReason", "value": concept("urn:careloop:reason", "other")}
    note = {"op": "add", "path": "/note", "value": [{"text": "it came by post"}]}
    done = stay.fhir.request("PATCH", f"/fhir/Task/{step['id']}", body=[status, reason, note], headers=header)
    assert done.status_code == 200, done.text
    assert stay.step("discharge-summary")["status"] == "completed"


def test_nobody_deletes_a_loop_or_its_steps(stay: Stay) -> None:
    loop = stay.loop
    assert stay.fhir.delete(f"Task/{stay.step('contact')['id']}").status_code in (403, 405, 409, 422)
    assert stay.fhir.delete(f"Task/{loop['id']}").status_code in (403, 405, 409, 422)
    assert is_open(stay.step("contact"))


def test_the_owner_is_never_taken_away(stay: Stay) -> None:
    contact = stay.step("contact")
    stay.fhir.put({key: value for key, value in contact.items() if key != "owner"})
    assert stay.step("contact")["owner"]["reference"] == contact["owner"]["reference"]


def test_a_discharge_that_becomes_known_late_is_overdue_at_once(product: Product, fhir: Fhir) -> None:
    stay = discharged(product, fhir, left="2026-02-20 11:00", admit="2026-02-16 08:00")
    assert due(stay.step("contact")) == "2026-02-24T23:59:59-05:00"
    assert clock(stay.step("contact")) == "overdue"
    assert clock(stay.loop) == "overdue"


def test_a_discharge_whose_window_is_over_opens_nothing_and_says_so(product: Product, fhir: Fhir) -> None:
    stay = discharged(product, fhir, left="2026-01-20 11:00", admit="2026-01-16 08:00")
    assert [loop for loop in fhir.loops(stay.patient) if is_open(loop)] == []
    found = fhir.get(f"Provenance?patient=Patient/{stay.patient}").text + \
        fhir.get(f"Provenance?target=Encounter/{stay.encounter}").text  # fmt: skip
    assert "window-over" in found


def test_pending_results_wait_for_the_expected_time_and_a_business_day(product: Product, fhir: Fhir) -> None:
    number = f"L{next(_numbers)}"
    product.send(adt("A01", "2026-03-02 08:00", mrn=number, visit=f"V{number}", family=f"LOOP{number}"))
    someone = fhir.patient_of(number)
    stay_id = fhir.stay_of(f"V{number}")["id"]
    report = {
        "resourceType": "DiagnosticReport", "id": new_id(), "status": "registered",
        "code": concept("http://loinc.org", "600-7"), "subject": {"reference": f"Patient/{someone}"},
        "encounter": {"reference": f"Encounter/{stay_id}"}, "effectiveDateTime": iso("2026-03-06 08:00"),
    }  # fmt: skip
    fhir.write(report)
    product.send(adt("A03", LEFT, mrn=number, visit=f"V{number}", family=f"LOOP{number}", disposition="01"))
    stay = Stay(fhir=fhir, number=number, patient=someone, encounter=stay_id)
    pending = stay.step("pending-results")
    assert is_open(pending)
    assert due(pending) >= "2026-03-07"
    fhir.write({**report, "status": "final", "issued": iso(LATER)})
    assert is_open(stay.step("pending-results")), "final alone is not enough: accepted, reviewed, patient told"


def test_an_emergency_visit_without_admission_opens_its_own_loop(product: Product, fhir: Fhir) -> None:
    number = f"L{next(_numbers)}"
    more = {"mrn": number, "visit": f"V{number}", "kind": "E", "family": f"LOOP{number}"}
    product.send(adt("A04", "2026-03-06 09:00", **more), adt("A03", LEFT, disposition="01", **more))
    [loop] = fhir.loops(fhir.patient_of(number), "ed-visit")
    steps = fhir.steps(loop)
    assert set(steps) == {"contact", "follow-up-decided"}
    assert due(steps["contact"]) == "2026-03-09T12:00:00-04:00"
    assert due(steps["follow-up-decided"]).startswith("2026-03-13")
    assert due(loop).startswith(("2026-04-05", "2026-04-04"))


def test_an_encounter_written_by_fhir_opens_the_loop_too(fhir: Fhir, product: Product) -> None:
    person = patient(f"L{next(_numbers)}")
    encounter = {
        "resourceType": "Encounter", "id": new_id(), "status": "finished", "class": {"system": ACT, "code": "IMP"},
        "subject": {"reference": f"Patient/{person['id']}"},
        "period": {"start": iso("2026-03-02 08:00"), "end": iso(LEFT)},
        "hospitalization": {"dischargeDisposition": concept("https://www.nubc.org/patient-discharge", "01")},
    }  # fmt: skip
    fhir.write(person, encounter)
    [loop] = fhir.loops(person["id"])
    assert due(fhir.steps(loop)["contact"]) == "2026-03-10T23:59:59-04:00"


def test_on_hold_says_why_and_when_it_wakes(stay: Stay) -> None:
    step = stay.step("visit")
    wake = [{"url": "urn:careloop:wake", "valueDateTime": iso("2026-03-09 09:00")}]
    more = {"statusReason": concept("urn:careloop:reason", "patient-declined"), "extension": wake}
    assert stay.fhir.put({**step, "status": "on-hold"}).status_code == 422
    answer = stay.fhir.put({**step, "status": "on-hold", **more})
    assert answer.status_code == 200, answer.text
    assert stay.step("visit")["status"] == "on-hold"
    assert clock(stay.step("visit")) == "waiting"


def test_the_worklist_answers_over_the_api(product: Product, stay: Stay) -> None:
    answer = product.client().api("worklist")
    assert stay.loop["identifier"][0]["value"] in str(answer)
