"""The audit trail is written with what it tells of, and tampering with it is found."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from careloop.access.audit import AuditEntry, record_audit
from careloop.access.audit_events import read_audit_event, search_audit
from careloop.access.chain import Finding, seal, verify
from careloop.access.keys import Keyring
from careloop.access.model import Principal, PrincipalKind, Role, Tenant, system_principal
from careloop.db import Database, DatabaseUrls
from careloop.errors import NotFound, NotPermitted, Rejected

START = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)

KEYS = Keyring(root=b"k" * 32)


def manager(tenant: Tenant) -> Principal:
    return Principal(
        tenant_id=tenant.id,
        kind=PrincipalKind.USER,
        id="acc-1",
        name="Maria Example",
        roles=frozenset({Role.MANAGER}),
        practitioner_id="prac-1",
        address="10.0.0.7",
    )


def write(database: Database, tenant: Tenant, *patients: str, subtype: str = "read", query: str | None = None) -> None:
    with database.transaction(tenant.id) as tx:
        action = "E" if subtype == "search" else "R"
        record_audit(
            tx,
            AuditEntry(
                principal=manager(tenant),
                action=action,
                subtype=subtype,
                resource_type="Observation",
                resource_ids=["obs-1"],
                patient_ids=patients,
                query=query,
            ),
        )


@pytest.fixture
def sealed(database: Database, tenant: Tenant, tmp_path: Path) -> Path:
    """Nine entries under three seals; the data folder with their heads."""
    for batch in range(3):
        for number in range(3):
            write(database, tenant, f"patient-{batch}-{number}")
        assert seal(database, tenant, KEYS, tmp_path, START) is not None
    return tmp_path


@pytest.fixture
def tamper(database_urls: DatabaseUrls, tenant: Tenant) -> Iterator[Callable[..., None]]:
    """Runs SQL as the owner who has switched the protection off: somebody with full power over the database."""
    with psycopg.connect(database_urls.owner, autocommit=True) as connection:
        connection.execute("select set_config('app.tenant', %s, false)", (str(tenant.id),))
        for table in ("audit_event", "audit_seal"):
            connection.execute(f"alter table {table} disable trigger append_only")
        yield lambda statement: connection.execute(_of_tenant(statement, tenant.id))
        for table in ("audit_event", "audit_seal"):
            connection.execute(f"alter table {table} enable trigger append_only")


def _of_tenant(statement: str, tenant_id: int) -> str:
    """The statement for this tenant's rows only: the owner may be a superuser, whom row-level security lets pass."""
    if statement.startswith("insert"):
        return statement
    return f"{statement} {'and' if ' where ' in statement else 'where'} tenant_id = {tenant_id}"


def found(database: Database, tenant: Tenant, data_dir: Path) -> list[Finding]:
    with database.transaction(tenant.id) as tx:
        return verify(tx, tenant, KEYS, data_dir)


def kinds(findings: list[Finding]) -> set[str]:
    return {finding.kind for finding in findings}


def test_an_untouched_trail_verifies(database, tenant, sealed):
    assert found(database, tenant, sealed) == []


def test_a_changed_entry_is_found_and_named(database, tenant, sealed, tamper):
    tamper("update audit_event set agent_name = 'somebody else' where patient_ids = array['patient-1-1']")
    findings = found(database, tenant, sealed)
    assert [finding.kind for finding in findings] == ["changed"]
    assert findings[0].at.startswith("entry ")


def test_a_removed_entry_is_found(database, tenant, sealed, tamper):
    tamper("delete from audit_event where patient_ids = array['patient-1-1']")
    assert kinds(found(database, tenant, sealed)) == {"removed"}


def test_an_entry_removed_with_its_place_in_the_seal_is_found(database, tenant, sealed, tamper):
    tamper("delete from audit_event where patient_ids = array['patient-1-2']")
    tamper(
        "update audit_seal set event_ids = event_ids[1:2], digests = substring(digests from 1 for 64) where number = 2"
    )
    assert "changed" in kinds(found(database, tenant, sealed))


def test_reordered_entries_are_found(database, tenant, sealed, tamper):
    tamper(
        "update audit_seal set event_ids = array[event_ids[2], event_ids[1], event_ids[3]], digests ="
        " substring(digests from 33 for 32) || substring(digests from 1 for 32) || substring(digests from 65 for 32)"
        " where number = 2"
    )
    assert "reordered" in kinds(found(database, tenant, sealed))


def test_a_cut_tail_is_found_by_the_heads_outside_the_database(database, tenant, sealed, tamper):
    tamper("delete from audit_event where patient_ids[1] like 'patient-2-%'")
    tamper("delete from audit_seal where number = 3")
    assert kinds(found(database, tenant, sealed)) == {"cut"}


def test_an_entry_slipped_in_behind_the_seals_is_found(database, tenant, sealed, tamper):
    tamper(
        "insert into audit_event (transaction, action, subtype, outcome, agent_kind, agent_id, agent_name,"
        " agent_reference, purpose, resource_ids, patient_ids)"
        " values (1, 'R', 'read', '0', 'user', 'x', 'x', 'x', 'TREAT', '{}', '{}')"
    )
    assert kinds(found(database, tenant, sealed)) == {"added"}


def test_a_chain_rewritten_without_the_key_is_found(database, tenant, sealed, tamper, tmp_path):
    forged = tmp_path / "forged"
    tamper("update audit_event set agent_name = 'somebody else'")
    tamper("delete from audit_seal")
    seal(database, tenant, Keyring(root=b"x" * 32), forged, START)
    (sealed / "audit" / f"{tenant.slug}.heads").write_bytes((forged / "audit" / f"{tenant.slug}.heads").read_bytes())
    assert "forged" in kinds(found(database, tenant, sealed))


def test_the_app_role_cannot_change_the_trail(database, tenant, sealed):
    for statement in (
        "update audit_event set agent_name = ''",
        "delete from audit_event",
        "truncate audit_event",
        "update audit_seal set digest = ''",
        "delete from audit_seal",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), database.transaction(tenant.id) as tx:
            tx.execute(statement)


def test_the_owner_is_stopped_by_the_trigger(database_urls, tenant, sealed):
    with psycopg.connect(database_urls.owner) as connection:
        connection.execute("select set_config('app.tenant', %s, false)", (str(tenant.id),))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("delete from audit_event")


def test_entries_of_a_transaction_that_ends_late_are_sealed_later_and_once(database, tenant, tmp_path):
    with database.transaction(tenant.id) as slow:
        record_audit(slow, AuditEntry(principal=manager(tenant), action="R", subtype="read", patient_ids=["slow"]))
        write(database, tenant, "quick")
        first = seal(database, tenant, KEYS, tmp_path, START)
        assert first is not None and first.entries == 1
        assert seal(database, tenant, KEYS, tmp_path, START) is None
    second = seal(database, tenant, KEYS, tmp_path, START)
    assert second is not None and second.entries == 1
    assert found(database, tenant, tmp_path) == []


def test_an_entry_is_gone_when_its_transaction_is(database, tenant, tmp_path):
    with pytest.raises(RuntimeError), database.transaction(tenant.id) as tx:
        record_audit(tx, AuditEntry(principal=manager(tenant), action="R", subtype="read"))
        raise RuntimeError
    assert seal(database, tenant, KEYS, tmp_path, START) is None


def test_a_search_for_one_patient_names_no_other(database, tenant):
    write(database, tenant, "anna", "bert", subtype="search", query="name=x")
    write(database, tenant, "bert")
    with database.transaction(tenant.id) as tx:
        page = search_audit(tx, manager(tenant), [("patient", "Patient/anna")])
    assert len(page.events) == 1
    assert "bert" not in str(page.events)
    assert page.events[0]["entity"][0]["what"] == {"reference": "Patient/anna"}
    assert page.events[0]["meta"]["profile"][0].endswith("IHE.BasicAudit.PatientQuery")


def test_pages_of_the_trail_follow_each_other_without_gap_or_repetition(database, tenant):
    for number in range(7):
        write(database, tenant, f"p{number}", f"q{number}")
    seen, cursor = [], None
    with database.transaction(tenant.id) as tx:
        while True:
            page = search_audit(tx, manager(tenant), [("_count", "3"), *([("_cursor", cursor)] if cursor else [])])
            seen += [event["id"] for event in page.events]
            cursor = page.next_cursor
            if cursor is None:
                break
    assert len(seen) == len(set(seen)) == 14


def test_one_audit_event_can_be_read_by_its_id(database, tenant):
    write(database, tenant, "anna", "bert")
    with database.transaction(tenant.id) as tx:
        events = search_audit(tx, manager(tenant), []).events
        assert read_audit_event(tx, manager(tenant), events[0]["id"]) == events[0]
        with pytest.raises(NotFound):
            read_audit_event(tx, manager(tenant), "999999999")
        with pytest.raises(NotFound):
            read_audit_event(tx, manager(tenant), "not-an-id")


@pytest.mark.parametrize("parameters", [[("color", "red")], [("_id", "abc")], [("_count", "0")], [("date", "zz2020")]])
def test_a_search_that_is_not_understood_is_refused(database, tenant, parameters):
    with database.transaction(tenant.id) as tx, pytest.raises(Rejected):
        search_audit(tx, manager(tenant), parameters)


def test_only_who_may_see_the_trail_sees_it(database, tenant):
    nurse = Principal(tenant_id=tenant.id, kind=PrincipalKind.USER, id="n", name="n", roles=frozenset({Role.NURSE}))
    with database.transaction(tenant.id) as tx, pytest.raises(NotPermitted):
        search_audit(tx, nurse, [])


def test_dates_narrow_the_search(database, tenant):
    write(database, tenant, "anna")
    with database.transaction(tenant.id) as tx:
        system = system_principal(tenant.id, "test")
        assert len(search_audit(tx, system, [("date", "ge2000-01-01"), ("date", "lt2100")]).events) == 1
        assert search_audit(tx, system, [("date", "lt2000")]).events == []
        assert search_audit(tx, system, [("date", "2001-02")]).events == []
