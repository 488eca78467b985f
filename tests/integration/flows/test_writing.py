"""The one write door: who is told of a write."""

import pytest

from careloop.access.model import system_principal
from careloop.access.tenancy import change_settings
from careloop.errors import Rejected
from careloop.events import ChangeKind
from careloop.flows import writing
from careloop.record import Write

PATIENT = {"resourceType": "Patient", "name": [{"family": "Shaw"}], "identifier": [{"system": "urn:mrn", "value": "1"}]}


def stay(end: str | None = "2026-11-20T10:00:00-05:00", patient: str = "p", **more) -> dict:
    period = {"start": "2026-11-16T10:00:00-05:00"} | ({"end": end} if end else {})
    home = {"coding": [{"system": "https://www.nubc.org/patient-discharge", "code": "01"}]}
    return {
        "resourceType": "Encounter",
        "status": "finished" if end else "in-progress",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "subject": {"reference": f"Patient/{patient}"},
        "period": period,
        "hospitalization": {"dischargeDisposition": home},
        **more,
    }


@pytest.fixture
def write(app, tenant):
    def write(*pairs: tuple[str, dict | None]):
        writes = [
            Write(method="delete", resource_type=name.split("/")[0], id=name.split("/")[1])
            if resource is None
            else Write(method="update", resource_type=name.split("/")[0], id=name.split("/")[1], resource=resource)
            for name, resource in pairs
        ]
        principal = system_principal(tenant.id, "test")
        return app.database.run(tenant.id, lambda tx: writing.write(app, tx, principal, writes))

    return write


@pytest.fixture
def rows(app, tenant):
    def rows(sql: str):
        with app.database.transaction(tenant.id) as tx:
            return [tuple(row.values()) for row in tx.rows(sql)]

    return rows


def test_a_discharge_that_a_client_writes_opens_its_loop(write, rows):
    write(("Patient/p", PATIENT), ("Encounter/e", stay()))
    assert rows("select pathway, patient_id from loop") == [("discharge-transition", "p")]


def test_a_stay_that_moves_to_another_patient_takes_its_loop_along(write, rows):
    write(("Patient/p", PATIENT), ("Patient/q", {"resourceType": "Patient"}), ("Encounter/e", stay()))
    write(("Encounter/e", stay(patient="q")))
    open_loops = "select patient_id from loop where status not in ('cancelled', 'entered-in-error', 'completed')"
    assert rows(open_loops) == [("q",)]


def test_a_stay_that_is_deleted_leaves_no_open_loop(write, rows):
    write(("Patient/p", PATIENT), ("Encounter/e", stay()))
    write(("Encounter/e", None))
    open_loops = "select id from loop where status not in ('cancelled', 'entered-in-error', 'completed')"
    assert rows(open_loops) == []


def test_numbers_of_a_patient_follow_the_resource(write, rows):
    write(("Patient/p", PATIENT))
    assert rows("select value, patient_id from patient_identifier") == [("1", "p")]
    write(("Patient/p", {**PATIENT, "identifier": [{"system": "urn:mrn", "value": "2"}]}))
    assert rows("select value from patient_identifier") == [("2",)]
    write(("Patient/p", None))
    assert rows("select value from patient_identifier") == []


def test_an_unchanged_write_tells_nobody(write, rows):
    write(("Patient/p", PATIENT), ("Encounter/e", stay()))
    before = rows("select count(*) from change_feed")
    [again] = write(("Encounter/e", stay()))
    assert again.change is ChangeKind.UNCHANGED
    assert rows("select count(*) from change_feed") == before


def test_a_link_that_leads_nowhere_is_a_warning_unless_the_tenant_refuses_it(app, tenant, write):
    [written] = write(("Encounter/e", stay(end=None)))
    assert [fault.severity for fault in written.warnings] == ["warning"]
    with app.database.directory() as tx:
        change_settings(tx, tenant, refuse_dangling=True)
    with pytest.raises(Rejected):
        write(("Encounter/f", stay(end=None)))
    assert write(("Patient/p", PATIENT), ("Encounter/f", stay(end=None)))[1].warnings == ()


FAULTY = {**PATIENT, "telecom": [{"value": "555"}], "meta": {"profile": ["http://example.org/no-such-profile"]}}


def test_invariants_and_profiles_are_nobodys_business_unless_the_tenant_says_so(app, tenant, write):
    assert write(("Patient/p", FAULTY))[0].warnings == ()


def test_a_tenant_that_warns_keeps_what_breaks_an_invariant_and_is_told(app, tenant, write):
    with app.database.directory() as tx:
        change_settings(tx, tenant, validation="warn")
    [written] = write(("Patient/p", FAULTY))
    assert written.change is ChangeKind.CREATED
    assert {(fault.at, fault.severity) for fault in written.warnings} == {
        ("Patient.telecom[0]", "warning"),
        ("Patient.meta.profile[0]", "warning"),
    }


def test_a_tenant_that_refuses_takes_nothing_that_breaks_an_invariant(app, tenant, write):
    with app.database.directory() as tx:
        change_settings(tx, tenant, validation="refuse")
    with pytest.raises(Rejected) as refused:
        write(("Patient/p", FAULTY))
    assert refused.value.at == "Patient.telecom[0]"
    [written] = write(("Patient/p", {**FAULTY, "telecom": [{"system": "phone", "value": "555"}]}))
    assert [fault.at for fault in written.warnings] == ["Patient.meta.profile[0]"]


@pytest.mark.parametrize("setting", ["off", "warn", "refuse"])
def test_faults_of_structure_are_refused_whatever_the_tenant_says(app, tenant, write, setting):
    with app.database.directory() as tx:
        change_settings(tx, tenant, validation=setting)
    with pytest.raises(Rejected):
        write(("Patient/p", {**PATIENT, "birthDate": "someday"}))


def test_a_step_is_not_completed_by_a_client_without_proof(app, tenant, write, rows):
    write(("Patient/p", PATIENT), ("Encounter/e", stay()))
    with app.database.transaction(tenant.id) as tx:
        [task] = app.record.follow(tx, "Task", [("code", "urn:careloop:step|contact")])
    with pytest.raises(Rejected):
        write((task.reference, {**task.resource, "status": "completed"}))
    proof = {
        "resourceType": "Communication",
        "status": "completed",
        "subject": {"reference": "Patient/p"},
        "recipient": [{"reference": "Patient/p"}],
        "category": [{"coding": [{"system": "urn:careloop:communication", "code": "outreach"}]}],
        "medium": [{"coding": [{"code": "PHONE"}]}],
        "sent": "2026-11-23T09:00:00-05:00",
    }
    write(("Communication/c", proof))
    with app.database.transaction(tenant.id) as tx:
        [task] = app.record.follow(tx, "Task", [("code", "urn:careloop:step|contact")])
    assert task.resource["status"] == "completed"
    assert task.resource["output"][0]["valueReference"]["reference"] == "Communication/c/_history/1"


def test_a_number_that_a_deletion_frees_is_the_next_patients_in_the_same_set(write, rows):
    write(("Patient/p", PATIENT))
    write(("Patient/p", None), ("Patient/q", PATIENT))
    assert rows("select patient_id from patient_identifier") == [("q",)]
    assert rows("select 1 from person_match") == []


def test_one_number_of_two_patients_in_one_set_is_asked_about(write, rows):
    write(("Patient/p", PATIENT), ("Patient/q", PATIENT))
    assert len(rows("select patient_id from patient_identifier")) == 1
    assert rows("select left_id, right_id, reason from person_match") == [("p", "q", "identifier-conflict")]


def test_a_set_of_writes_leaves_in_few_exchanges(app, tenant):
    """One to lock and to look, one that writes and asks what must be known afterwards; the third commits."""
    blood = {"resourceType": "Observation", "status": "final", "code": {"text": "x"},
             "subject": {"reference": "Patient/p"}}  # fmt: skip
    principal = system_principal(tenant.id, "test")

    def put(kind: str, own_id: str, resource: dict) -> Write:
        return Write(method="update", resource_type=kind, id=own_id, resource=resource)

    def sent(*writes: Write) -> int:
        def work(tx) -> int:
            writing.write(app, tx, principal, writes, each=True)
            return tx.sent

        return app.database.run(tenant.id, work)

    sent(put("Patient", "p", PATIENT), put("Observation", "o", blood))  # the block of keys is there now
    fresh = {**PATIENT, "identifier": [{"system": "urn:mrn", "value": "2"}], "gender": "female"}
    assert sent(put("Patient", "q", fresh), put("Observation", "r", blood)) == 2
    assert sent(put("Patient", "q", {**fresh, "gender": "male"}), put("Observation", "r", {**blood, "id": "r"})) == 2
