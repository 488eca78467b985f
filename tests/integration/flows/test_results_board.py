"""The results board from an order to the closing: lists, critical values, reading, telling, what follows."""

from decimal import Decimal
from typing import Any

import pytest
from tests.journeys.practice import Practice

from careloop.access.model import Role
from careloop.errors import Conflict, NotFound, NotPermitted, Rejected
from careloop.fhir.ids import new_id
from careloop.flows import results_acts as acts
from careloop.flows import results_board as board
from careloop.flows import routing, staffing, verifying
from careloop.flows.results_values import ResultRow
from careloop.loops import store

LABORATORY = [
    {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}
]


@pytest.fixture
def practice(app) -> Practice:
    found = Practice.open(app)
    found.move_to("2026-06-05 19:15")
    return found


def code(loinc: str, text: str) -> dict[str, Any]:
    return {"coding": [{"system": "http://loinc.org", "code": loinc}], "text": text}


def order(practice: Practice, patient: str, loinc: str, text: str, at: str = "2026-06-05T09:00:00-04:00") -> str:
    name = new_id()
    practice.write(
        {
            "resourceType": "ServiceRequest",
            "id": name,
            "status": "active",
            "intent": "order",
            "category": LABORATORY,
            "code": code(loinc, text),
            "subject": {"reference": f"Patient/{patient}"},
            "requester": {"reference": practice.reference("osei"), "display": "Ada Osei-Example"},
            "authoredOn": at,
        }
    )
    return name


def result(
    practice: Practice,
    patient: str,
    loinc: str,
    text: str,
    value: float,
    unit: str,
    *,
    of: str | None = None,
    status: str = "final",
    issued: str = "2026-06-05T19:10:00-04:00",
    flag: str = "",
    id_: str | None = None,
    ranged: tuple[float, float] | None = None,
) -> str:
    name = id_ or new_id()
    about = {"subject": {"reference": f"Patient/{patient}"}, "code": code(loinc, text), "issued": issued}
    observation: dict[str, Any] = {
        "resourceType": "Observation",
        "id": f"v-{name}"[:64],
        "status": status,
        "category": LABORATORY,
        "effectiveDateTime": issued,
        "valueQuantity": {
            "value": Decimal(str(value)),
            "unit": unit,
            "code": unit,
            "system": "http://unitsofmeasure.org",
        },
        **about,
    }
    if flag:
        system = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
        observation["interpretation"] = [{"coding": [{"system": system, "code": flag}]}]
    if ranged:
        observation["referenceRange"] = [
            {"low": {"value": Decimal(str(ranged[0]))}, "high": {"value": Decimal(str(ranged[1]))}}
        ]
    report: dict[str, Any] = {
        "resourceType": "DiagnosticReport",
        "id": name,
        "status": status,
        "category": LABORATORY,
        "effectiveDateTime": issued,
        "result": [{"reference": f"Observation/{observation['id']}"}],
        **about,
    }
    if of:
        report["basedOn"] = [{"reference": f"ServiceRequest/{of}"}]
    practice.write(observation, report)
    return name


def page(practice: Practice, key: str, who: str = "nia") -> board.ResultsPage:
    return practice.run(lambda tx: board.results_page(practice.app, tx, practice.user(who), key))


def only(practice: Practice, key: str, patient: str) -> ResultRow:
    rows = [row for row in page(practice, key).rows if row.patient_id == patient]
    assert len(rows) == 1
    return rows[0]


def do(practice: Practice, act: Any, who: str, **asked: Any) -> Any:
    return practice.run(lambda tx: act(practice.app, tx, practice.user(who), **asked))


def steps(practice: Practice, loop_id: str) -> dict[str, Any]:
    _, state = practice.run(lambda tx: board.result_row(practice.app, tx, practice.user("nia"), loop_id))
    return {step.step_id: step for step in state.steps}


def test_a_critical_value_is_first_acknowledged_then_read_told_and_settled(practice: Practice) -> None:
    patient = practice.patient()
    earlier = "2026-05-03T09:00:00-04:00"
    result(practice, patient, "2823-3", "Potassium", 5.1, "mmol/L", issued=earlier, flag="N")
    asked = order(practice, patient, "2823-3", "Potassium")
    result(practice, patient, "2823-3", "Potassium", 6.4, "mmol/L", of=asked, flag="H", ranged=(3.5, 5.1))
    row = next(one for one in page(practice, "unseen").rows if one.patient_id == patient and one.page)
    assert page(practice, "unseen").rows[0].page
    value = row.values[0]
    assert (value.text, value.word, value.arrow, value.range) == ("6.4 mmol/L", "high", "▲", "3.5 to 5.1")
    assert value.before == "5.1 mmol/L on 3 May"
    assert (row.asked_by, row.finding) == ("Ada Osei-Example", "critical")

    heard = acts.Heard(told_by="Lee, laboratory", spoken=True, read_back=False)
    with pytest.raises(Rejected, match=r"read-back"):
        do(practice, acts.acknowledge, "nia", loop_id=row.loop_id, heard=heard)
    with pytest.raises(NotPermitted):
        do(practice, acts.acknowledge, "dana", loop_id=row.loop_id, heard=heard)
    heard = acts.Heard(told_by="Lee, laboratory", spoken=True, read_back=True)
    do(practice, acts.acknowledge, "nia", loop_id=row.loop_id, heard=heard)
    reviewed = steps(practice, row.loop_id)["reviewed"]
    assert (reviewed.rule_met, reviewed.status.is_open) == ("acknowledged", True)
    assert not only_of(practice, row).page

    with pytest.raises(NotPermitted):
        do(practice, acts.review, "nia", loop_id=row.loop_id, nothing_further=False)
    do(practice, acts.review, "osei", loop_id=row.loop_id, nothing_further=False)
    assert not steps(practice, row.loop_id)["reviewed"].status.is_open
    do(practice, acts.tell, "nia", loop_id=row.loop_id, way="PHONE", text="It is high", outcome="no-answer")
    assert steps(practice, row.loop_id)["patient-told"].status.is_open
    practice.move_to("2026-06-05 19:40")
    do(practice, acts.tell, "nia", loop_id=row.loop_id, way="PHONE", text="It is high. Come in.")
    assert not steps(practice, row.loop_id)["patient-told"].status.is_open
    assert only(practice, "follow-up", patient).loop_id == row.loop_id
    with pytest.raises(Rejected):
        do(practice, acts.settle, "osei", loop_id=row.loop_id, done=True, note=" ")
    do(practice, acts.settle, "osei", loop_id=row.loop_id, done=True, note="Repeat was 4.9")
    _, state = practice.run(lambda tx: board.result_row(practice.app, tx, practice.user("nia"), row.loop_id))
    assert state.status.value == "completed"


def only_of(practice: Practice, row: ResultRow) -> ResultRow:
    return practice.run(lambda tx: board.result_row(practice.app, tx, practice.user("nia"), row.loop_id))[0]


def test_each_wait_has_its_list_and_a_correction_comes_back_with_both_values(practice: Practice) -> None:
    patient = practice.patient()
    asked = order(practice, patient, "718-7", "Hemoglobin")
    assert only(practice, "not-taken", patient).test == "Hemoglobin"
    specimen = {
        "resourceType": "Specimen",
        "id": new_id(),
        "status": "available",
        "subject": {"reference": f"Patient/{patient}"},
        "request": [{"reference": f"ServiceRequest/{asked}"}],
        "collection": {"collectedDateTime": "2026-06-05T10:00:00-04:00"},
    }
    practice.write(specimen)
    assert only(practice, "no-result", patient).results == ()
    with pytest.raises(Conflict):
        loop = only(practice, "no-result", patient).loop_id
        do(practice, acts.review, "osei", loop_id=loop, nothing_further=True)
    name = result(practice, patient, "718-7", "Hemoglobin", 7.8, "g/dL", of=asked, flag="L")
    row = only(practice, "unseen", patient)
    do(practice, acts.review, "osei", loop_id=row.loop_id, nothing_further=True)
    do(practice, acts.tell, "nia", loop_id=row.loop_id, way="MAILWRIT", text="A little low")
    assert all(not step.status.is_open for step in steps(practice, row.loop_id).values())

    practice.move_to("2026-06-06 09:00")
    corrected = {"status": "corrected", "issued": "2026-06-06T08:50:00-04:00", "id_": name}
    result(practice, patient, "718-7", "Hemoglobin", 11.2, "g/dL", of=asked, flag="L", **corrected)
    again = only(practice, "unseen", patient)
    assert (again.loop_id, again.status) == (row.loop_id, "corrected")
    assert (again.values[0].text, again.values[0].was) == ("11.2 g/dL", "7.8 g/dL")
    assert steps(practice, row.loop_id)["patient-told"].status.is_open


def test_a_portal_message_tells_only_when_it_was_read(practice: Practice) -> None:
    patient = practice.patient()
    result(practice, patient, "2823-3", "Potassium", 4.1, "mmol/L", flag="N")
    row = only(practice, "unseen", patient)
    do(practice, acts.review, "osei", loop_id=row.loop_id, nothing_further=True)
    receipt = do(practice, acts.tell, "nia", loop_id=row.loop_id, way="ONLINEWRIT", text="Normal")
    assert steps(practice, row.loop_id)["patient-told"].status.is_open
    kept = practice.run(lambda tx: practice.app.record.fetch(tx, [f"Communication/{receipt.act_id}"]))
    message = next(iter(kept.values())).resource
    practice.write(message | {"received": "2026-06-05T19:30:00-04:00"})
    assert not steps(practice, row.loop_id)["patient-told"].status.is_open


def test_normal_results_are_told_together_and_others_are_not(practice: Practice) -> None:
    people = [practice.patient() for _ in range(3)]
    for person in people:
        result(practice, person, "2823-3", "Potassium", 4.1, "mmol/L", flag="N")
    abnormal = practice.patient()
    result(practice, abnormal, "2823-3", "Potassium", 5.6, "mmol/L", flag="H")
    rows = [only(practice, "unseen", person) for person in (*people, abnormal)]
    for row in rows:
        do(practice, acts.review, "osei", loop_id=row.loop_id, nothing_further=True)
    asked = {"way": "MAILWRIT", "text": "Normal", "key": "k1"}
    with pytest.raises(Conflict):
        do(practice, acts.tell_together, "nia", loop_ids=[row.loop_id for row in rows], **asked)
    assert steps(practice, rows[0].loop_id)["patient-told"].status.is_open
    with pytest.raises(Rejected):
        do(practice, acts.tell_together, "nia", loop_ids=[new_id() for _ in range(21)], **asked)
    normal = [row.loop_id for row in rows[:3]]
    said = do(practice, acts.tell_together, "nia", loop_ids=normal, **asked)
    assert said.says == "3 messages sent"
    assert do(practice, acts.tell_together, "nia", loop_ids=normal, **asked).act_id == said.act_id
    assert all(not steps(practice, loop)["patient-told"].status.is_open for loop in normal)


def test_a_named_follow_up_is_waved_away_only_with_a_reason(practice: Practice) -> None:
    patient = practice.patient()
    name = result(practice, patient, "4548-4", "HbA1c", 9.8, "%", flag="H")
    row = only(practice, "unseen", patient)
    assert row.follow_up == "A1c at least 9.0 (new): visit or plan change"
    assert row.results == (f"DiagnosticReport/{name}",)
    with pytest.raises(Rejected, match="reason"):
        do(practice, acts.review, "osei", loop_id=row.loop_id, nothing_further=True)
    do(practice, acts.review, "osei", loop_id=row.loop_id, nothing_further=True, note="Known, plan changed last week")
    assert not steps(practice, row.loop_id)["follow-up"].status.is_open


def test_what_is_no_test_is_not_shown_and_a_biller_sees_nothing(practice: Practice) -> None:
    with pytest.raises(NotFound):
        practice.run(lambda tx: board.result_row(practice.app, tx, practice.user("nia"), new_id()))
    practice.hire_as("bill", Role.BILLER)
    with pytest.raises(NotPermitted):
        page(practice, "unseen", "bill")


def test_a_result_is_read_by_who_asked_for_it_and_without_an_order_by_the_patient_s_own_physician(
    practice: Practice,
) -> None:
    """RE-02 and worked case 12."""
    practice.hire_as("gray", Role.PHYSICIAN)
    own = {"generalPractitioner": [{"reference": practice.reference("gray")}]}
    asked_for, brought = practice.patient(**own), practice.patient(**own)
    asked = order(practice, asked_for, "2823-3", "Potassium")
    result(practice, asked_for, "2823-3", "Potassium", 4.1, "mmol/L", of=asked, flag="N")
    result(practice, brought, "2823-3", "Potassium", 4.1, "mmol/L", flag="N")
    for patient, owner in ((asked_for, "osei"), (brought, "gray")):
        loop = only(practice, "unseen", patient).loop_id
        found = practice.run(lambda tx, loop=loop: store.load_loops(tx, ids=[loop]))[0]
        assert found.steps["reviewed"].owner == practice.reference(owner)


def test_when_the_owner_leaves_the_pool_has_the_results_each_is_taken_and_nothing_closes(practice: Practice) -> None:
    """RE-02 and worked case 13."""
    practice.hire_as("gray", Role.PHYSICIAN)
    patients = [practice.patient(), practice.patient()]
    for patient in patients:
        asked = order(practice, patient, "2823-3", "Potassium")
        result(practice, patient, "2823-3", "Potassium", 5.6, "mmol/L", of=asked, flag="H")
    staffing.disable(practice.app, practice.system, practice.tenant, "osei")
    queue = routing.queue_reference(practice.tenant.id)
    found = [practice.loops(patient, pathway="test-result")[0] for patient in patients]
    assert [(one.state.status.is_open, one.steps["reviewed"].owner) for one in found] == [(True, queue), (True, queue)]
    assert not verifying.verify_tenant(practice.app, practice.tenant)


def test_an_order_of_the_same_test_20_hours_earlier_is_suggested_and_joined_by_a_person(practice: Practice) -> None:
    """RE-08 and worked case 12."""
    patient = practice.patient()
    early, asked = (
        "2026-06-04T23:10:00-04:00",
        order(practice, patient, "2823-3", "Potassium", "2026-06-01T09:00:00-04:00"),
    )
    near = order(practice, patient, "2823-3", "Potassium", early)
    result(practice, patient, "2823-3", "Potassium", 4.1, "mmol/L", flag="N")
    row = only(practice, "unseen", patient)
    assert not row.has_order
    found = practice.run(lambda tx: board.suggestions(practice.app, tx, practice.user("nia"), row))
    assert [(one.order, one.sure, one.hours_apart) for one in found] == [(f"ServiceRequest/{near}", False, 20)]
    with pytest.raises(Rejected):
        do(practice, acts.attach, "nia", loop_id=row.loop_id, order=f"ServiceRequest/{asked}")
    do(practice, acts.attach, "nia", loop_id=row.loop_id, order=f"ServiceRequest/{near}")
    joined = only(practice, "unseen", patient)
    assert joined.has_order and joined.loop_id != row.loop_id
    assert [one.loop_id for one in page(practice, "not-taken").rows if one.patient_id == patient] != [joined.loop_id]
