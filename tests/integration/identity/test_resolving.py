"""One person is one patient, whoever reports them first, on real PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pytest

from careloop import identity
from careloop.access.model import Tenant
from careloop.db import Database
from careloop.errors import Rejected
from careloop.identity import Identifier
from careloop.record import Record

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
STMARY = "urn:careloop:authority:STMARY"


def mr(value: str, system: str = STMARY) -> Identifier:
    """A medical record number."""
    return Identifier(system=system, value=value, type="MR")


@pytest.fixture(scope="module")
def record() -> Record:
    """The record on the shipped definitions."""
    return Record.load()


def patient(patient_id: str, number: str, **fields: object) -> dict[str, object]:
    """A Patient with one record number."""
    kind = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]}
    return {
        "resourceType": "Patient",
        "id": patient_id,
        "identifier": [{"system": STMARY, "value": number, "type": kind}],
        **fields,
    }


ANA = {
    "name": [{"family": "Rivera", "given": ["Ana"]}],
    "birthDate": "1951-04-15",
    "gender": "female",
    "telecom": [{"system": "phone", "value": "413 555 0101"}],
}


def test_the_first_report_makes_a_patient_and_the_second_finds_it(database: Database, tenant: Tenant, record: Record):
    with database.transaction(tenant.id) as tx:
        first = identity.resolve(tx, record, NOW, [mr("100234")])
        again = identity.resolve(tx, record, NOW, [mr(" 100234 ")])
    assert first.created
    assert not again.created
    assert again.patient_id == first.patient_id


def test_several_people_at_once_are_found_as_one_after_another(database: Database, tenant: Tenant, record: Record):
    with database.transaction(tenant.id) as tx:
        known = identity.resolve(tx, record, NOW, [mr("1")])
        found = identity.resolve_all(tx, record, NOW, [[mr("1")], [mr("2")], [mr("2"), mr("3")], [mr("3")]])
    assert found[0].patient_id == known.patient_id
    assert [one.created for one in found] == [False, True, False, False]
    assert len({one.patient_id for one in found[1:]}) == 1


def test_sixteen_connections_reporting_one_new_person_at_once_give_one_patient(
    database: Database, tenant: Tenant, record: Record
):
    start = Barrier(16)

    def report(turn: int) -> identity.Resolution:
        numbers = [mr("7001"), mr(f"own-{turn % 4}")] if turn % 2 else [mr(f"own-{turn % 4}"), mr("7001")]
        start.wait()
        return database.run(tenant.id, lambda tx: identity.resolve(tx, record, NOW, numbers))

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(report, range(16)))
    with database.transaction(tenant.id) as tx:
        held = tx.rows("select distinct patient_id from patient_identifier")
    assert len({one.patient_id for one in found}) == 1
    assert sum(one.created for one in found) == 1
    assert len(held) == 1


def test_another_tenant_has_its_own_person_of_that_number(
    database: Database, tenant: Tenant, other_tenant: Tenant, record: Record
):
    with database.transaction(tenant.id) as tx:
        here = identity.resolve(tx, record, NOW, [mr("1")])
    with database.transaction(other_tenant.id) as tx:
        there = identity.resolve(tx, record, NOW, [mr("1")])
    assert there.created
    assert here.patient_id != there.patient_id


def test_a_look_alike_is_asked_about_and_not_joined(database: Database, tenant: Tenant, record: Record):
    with database.transaction(tenant.id) as tx:
        one = identity.resolve(tx, record, NOW, [mr("A100234")])
        other = identity.resolve(tx, record, NOW, [mr("A1OO234")])
        waiting = tx.rows("select reason, state from person_match")
    assert one.patient_id != other.patient_id
    assert [(row["reason"], row["state"]) for row in waiting] == [("look-alike", "open")]


def test_numbers_of_two_patients_in_one_message_go_to_a_person(database: Database, tenant: Tenant, record: Record):
    with database.transaction(tenant.id) as tx:
        one = identity.resolve(tx, record, NOW, [mr("1")])
        other = identity.resolve(tx, record, NOW, [mr("2")])
        both = identity.resolve(tx, record, NOW, [mr("1"), mr("2")])
        still = identity.resolve(tx, record, NOW, [mr("2")])
    assert both.patient_id == one.patient_id
    assert [one.reason for one in both.candidates] == [identity.Reason.IDENTIFIER]
    assert still.patient_id == other.patient_id


def test_a_social_security_number_alone_never_finds_a_patient_with_a_record_number(
    database: Database, tenant: Tenant, record: Record
):
    ssn = Identifier(system="http://hl7.org/fhir/sid/us-ssn", value="999-12-3456", type="SS")
    with database.transaction(tenant.id) as tx:
        known = identity.resolve(tx, record, NOW, [mr("1"), ssn])
        only_ssn = identity.resolve(tx, record, NOW, [ssn])
        same_again = identity.resolve(tx, record, NOW, [ssn])
    assert only_ssn.patient_id != known.patient_id
    assert same_again.patient_id == only_ssn.patient_id


def test_a_message_that_names_nobody_is_refused_with_its_place(database: Database, tenant: Tenant, record: Record):
    with database.transaction(tenant.id) as tx, pytest.raises(Rejected) as refused:
        identity.resolve(tx, record, NOW, [Identifier(system=STMARY, value="V1", type="VN")])
    assert refused.value.at == "PID-3"


def test_two_people_alike_are_asked_about_once_and_never_joined(database: Database, tenant: Tenant):
    with database.transaction(tenant.id) as tx:
        identity.note_patients(tx, NOW, [patient("a", "1", **ANA)])
        found = identity.note_patients(tx, NOW, [patient("b", "2", **ANA)])
        again = identity.note_patients(tx, NOW, [patient("b", "2", **ANA)])
        waiting = tx.rows("select left_id, right_id, state from person_match")
    assert [(one.left, one.right) for one in found.candidates] == [("a", "b")]
    assert again.candidates == ()
    assert waiting == [{"left_id": "a", "right_id": "b", "state": "open"}]


def test_a_corrected_birth_date_withdraws_the_question(database: Database, tenant: Tenant):
    with database.transaction(tenant.id) as tx:
        identity.note_patients(tx, NOW, [patient("a", "1", **ANA), patient("b", "2", **ANA)])
        identity.note_patients(tx, NOW, [patient("b", "2", **{**ANA, "birthDate": "1990-01-02"})])
        state = tx.value("select state from person_match")
    assert state == "withdrawn"


def test_a_pair_that_a_person_kept_apart_is_not_asked_again(database: Database, tenant: Tenant):
    with database.transaction(tenant.id) as tx:
        identity.note_patients(tx, NOW, [patient("a", "1", **ANA), patient("b", "2", **ANA)])
        tx.execute("update person_match set state = 'different', decided = %s, decided_by = 'x', why = 'x'", (NOW,))
        identity.note_patients(tx, NOW, [patient("b", "2", **{**ANA, "gender": "unknown"})])
        state = tx.value("select state from person_match")
    assert state == "different"


def test_a_number_taken_from_a_patient_is_free_again(database: Database, tenant: Tenant, record: Record):
    with database.transaction(tenant.id) as tx:
        identity.note_patients(tx, NOW, [patient("a", "1")])
        identity.note_patients(tx, NOW, [patient("a", "2")])
        found = identity.resolve(tx, record, NOW, [mr("1")])
        mine = identity.resolve(tx, record, NOW, [mr("2")])
    assert found.created
    assert mine.patient_id == "a"


def test_match_answers_with_grades_best_first(database: Database, tenant: Tenant):
    with database.transaction(tenant.id) as tx:
        other_day = {**ANA, "birthDate": "1951-04-16"}
        identity.note_patients(tx, NOW, [patient("a", "1", **ANA), patient("c", "3", **other_day)])
        by_looks = identity.match(tx, identity.demographics_of(ANA), [])
        by_number = identity.match(tx, identity.demographics_of({}), [mr("3")])
    assert [one.patient_id for one in by_looks] == ["a", "c"]
    assert [(one.patient_id, one.grade) for one in by_number] == [("c", "certain")]


def test_a_deleted_patient_holds_no_number_and_is_nobodys_likeness(database: Database, tenant: Tenant):
    with database.transaction(tenant.id) as tx:
        identity.note_patients(tx, NOW, [patient("a", "1", **ANA), patient("b", "2", **ANA)])
        identity.forget_patients(tx, ["a"])
        left = tx.rows("select patient_id from patient_identifier union select patient_id from patient_key")
        state = tx.value("select state from person_match")
    assert [row["patient_id"] for row in left] == ["b"]
    assert state == "withdrawn"
