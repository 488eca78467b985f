"""Writing: versions, history, premises, races."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from careloop.access.model import system_principal
from careloop.errors import Conflict, Gone, NotFound, PreconditionFailed, Rejected
from careloop.events import ChangeKind
from careloop.record import Record, Write

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def record() -> Record:
    return Record.load()


def patient(family: str = "Shaw", **more: object) -> dict:
    return {"resourceType": "Patient", "name": [{"family": family, "given": ["Amy"]}], **more}


def update(resource: dict, identity: str, **more) -> Write:
    return Write(method="update", resource_type=resource["resourceType"], id=identity, resource=resource, **more)


def write(database, record, tenant, *writes: Write, at=NOW):
    principal = system_principal(tenant.id, "test")
    return database.run(tenant.id, lambda tx: record.write(tx, principal, at, writes))


def read(database, record, tenant, kind: str, identity: str):
    with database.transaction(tenant.id) as tx:
        return record.read(tx, system_principal(tenant.id, "test"), kind, identity)


def test_a_create_gets_an_id_and_version_1(database, record, tenant):
    [done] = write(database, record, tenant, Write(method="create", resource_type="Patient", resource=patient()))
    assert (done.version, done.change) == (1, ChangeKind.CREATED)
    stored = read(database, record, tenant, "Patient", done.id)
    assert stored.resource["meta"] == {"versionId": "1", "lastUpdated": "2026-11-23T15:00:00.000Z"}
    assert stored.patient_id == done.id


def test_decimals_and_unknown_extensions_come_back_as_they_went_in(database, record, tenant):
    resource = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "meta": {"profile": ["http://example.org/p"], "versionId": "77", "tag": [{"code": "t"}]},
        "valueQuantity": {"value": Decimal("72.50"), "extension": [{"url": "urn:x", "valueDecimal": Decimal("1.0")}]},
    }
    write(database, record, tenant, update(resource, "o1"))
    stored = read(database, record, tenant, "Observation", "o1")
    assert '"value":72.50' in stored.text and '"valueDecimal":1.0' in stored.text
    assert stored.resource["meta"]["profile"] == ["http://example.org/p"]
    assert stored.resource["meta"]["versionId"] == "1"


def test_the_same_content_makes_no_new_version(database, record, tenant):
    write(database, record, tenant, update(patient(), "p1"))
    [again] = write(database, record, tenant, update(patient(meta={"versionId": "9"}), "p1"))
    assert (again.change, again.version) == (ChangeKind.UNCHANGED, 1)


def test_an_update_keeps_the_superseded_version(database, record, tenant):
    write(database, record, tenant, update(patient("Old"), "p1"))
    [done] = write(database, record, tenant, update(patient("New"), "p1"), at=NOW + timedelta(hours=1))
    assert (done.change, done.version) == (ChangeKind.UPDATED, 2)
    with database.transaction(tenant.id) as tx:
        principal = system_principal(tenant.id, "test")
        assert '"Old"' in record.read_version(tx, principal, "Patient", "p1", 1).text
        assert '"New"' in record.read_version(tx, principal, "Patient", "p1", 2).text
        with pytest.raises(NotFound):
            record.read_version(tx, principal, "Patient", "p1", 3)
        page = record.history(tx, principal, "Patient", "p1")
        assert [entry.stored.version for entry in page.entries] == [2, 1]
        everything = record.history(tx, principal)
        assert [entry.change for entry in everything.entries] == [ChangeKind.UPDATED, ChangeKind.CREATED]


def test_a_put_after_a_delete_makes_the_next_version(database, record, tenant):
    write(database, record, tenant, update(patient(), "p1"))
    [gone] = write(database, record, tenant, Write(method="delete", resource_type="Patient", id="p1"))
    assert (gone.version, gone.change, gone.patient_id) == (2, ChangeKind.DELETED, "p1")
    with pytest.raises(Gone):
        read(database, record, tenant, "Patient", "p1")
    [again] = write(database, record, tenant, Write(method="delete", resource_type="Patient", id="p1"))
    assert again.change is ChangeKind.UNCHANGED
    [back] = write(database, record, tenant, update(patient(), "p1"))
    assert (back.version, back.change) == (3, ChangeKind.CREATED)
    assert read(database, record, tenant, "Patient", "p1").version == 3


def test_a_stale_version_is_refused_and_nothing_else_of_the_set_is_written(database, record, tenant):
    write(database, record, tenant, update(patient(), "p1"))
    with pytest.raises(PreconditionFailed):
        write(database, record, tenant, update(patient(), "p2"), update(patient("New"), "p1", if_match=2))
    with pytest.raises(NotFound):
        read(database, record, tenant, "Patient", "p2")


def test_a_create_under_a_taken_id_is_a_conflict(database, record, tenant):
    write(database, record, tenant, update(patient(), "p1"))
    with pytest.raises(Conflict):
        write(database, record, tenant, Write(method="create", resource_type="Patient", id="p1", resource=patient()))


def test_faults_name_their_place(database, record, tenant):
    with pytest.raises(Rejected) as caught:
        write(database, record, tenant, update(patient(birthDate="2024-02-31"), "p1"))
    assert caught.value.at == "Patient.birthDate"


def test_an_id_with_strange_letters_is_refused(database, record, tenant):
    with pytest.raises(Rejected):
        write(database, record, tenant, update(patient(), "a/b"))


def test_an_audit_event_cannot_be_written(database, record, tenant):
    with pytest.raises(Rejected) as caught:
        write(database, record, tenant, update({"resourceType": "AuditEvent"}, "a"))
    assert caught.value.issue_code in ("not-supported", "required")


def test_another_tenant_sees_nothing(database, record, tenant, other_tenant):
    write(database, record, tenant, update(patient(), "p1"))
    with pytest.raises(NotFound):
        read(database, record, other_tenant, "Patient", "p1")
    write(database, record, other_tenant, update(patient("Other"), "p1"))
    assert '"Shaw"' in read(database, record, tenant, "Patient", "p1").text


def test_eight_writers_of_25_increments_each_make_200(database, record, tenant):
    counter = {"resourceType": "Basic", "code": {"text": "counter"}, "extension": [{"url": "urn:n", "valueInteger": 0}]}
    write(database, record, tenant, update(counter, "counter"))

    def increments(_: int) -> None:
        for _ in range(25):
            while True:
                stored = read(database, record, tenant, "Basic", "counter")
                new = stored.resource | {
                    "extension": [{"url": "urn:n", "valueInteger": stored.resource["extension"][0]["valueInteger"] + 1}]
                }
                try:
                    write(database, record, tenant, update(new, "counter", if_match=stored.version))
                    break
                except PreconditionFailed:
                    continue

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(increments, range(8)))
    stored = read(database, record, tenant, "Basic", "counter")
    assert stored.resource["extension"][0]["valueInteger"] == 200
    assert stored.version == 201


def test_sixteen_writers_of_one_new_id_make_one_resource(database, record, tenant):
    with ThreadPoolExecutor(16) as threads:
        done = list(
            threads.map(
                lambda number: write(database, record, tenant, update(patient(f"F{number}"), "same"))[0], range(16)
            )
        )
    assert sorted(one.version for one in done) == list(range(1, 17))


def test_large_sets_that_cross_each_other_all_arrive(database, record, tenant):
    sets = [[update(patient(f"F{number}"), f"p{index}") for index in range(150)] for number in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda writes: write(database, record, tenant, *writes), sets))
    with database.transaction(tenant.id) as tx:
        assert tx.value("select sum(version) from resource") == 4 * 150
        assert record.verify(tx) == []


def test_verify_finds_a_lost_token_and_a_lost_version(database, record, tenant):
    write(database, record, tenant, update(patient("A", gender="female"), "p1"))
    write(database, record, tenant, update(patient("B", gender="female"), "p1"))
    with database.transaction(tenant.id) as tx:
        assert record.verify(tx) == []
        tx.execute("delete from resource_token where token = (select min(token) from resource_token)")
        tx.execute("delete from resource_history")
        tx.execute("delete from resource_string")
        found = {finding.expected for finding in record.verify(tx)}
        assert len(found) >= 4


def test_the_feed_tells_of_every_write(database, record, tenant):
    write(database, record, tenant, update(patient(), "p1"))
    write(database, record, tenant, update(patient(), "p1"))
    write(database, record, tenant, Write(method="delete", resource_type="Patient", id="p1"))
    with database.transaction(tenant.id) as tx:
        rows = tx.rows("select change, version, patient_id from change_feed order by seq")
    assert [tuple(row.values()) for row in rows] == [("created", 1, "p1"), ("deleted", 2, "p1")]
