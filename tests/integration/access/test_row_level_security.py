"""Every table with a tenant's data is closed to other tenants. Tables are found in the catalog, so new ones count."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from careloop.db import Database, DatabaseUrls, Transaction

APP = "careloop_app"
WITHOUT_TENANT = {
    "tenant": "the directory: names of organisations, no person",
    "instance": "one row about the installation",
    "migration": "which files were run",
    "sign_in_throttle": "keyed hashes, counted before the tenant is known",
    "cds_issuer": "which practice an EHR belongs to, and its public keys: programs, no person",
    "ehr": "which practice an EHR opens the panel of: programs, no person; its secret is sealed",
    "process": "which processes are at work",
    "partner_code": "keyed hashes of codes and the practice that each belongs to, asked before the tenant is known",
}
"""Tables that may do without a tenant, each with its reason. A new one fails until it stands here."""

_TABLES = """
select class.relname as name, class.relrowsecurity as enabled, class.relforcerowsecurity as forced,
       owner.rolname as owner,
       exists (select 1 from pg_attribute
                where attrelid = class.oid and attname = 'tenant_id' and attnum > 0 and not attisdropped) as has_tenant
  from pg_class as class
  join pg_roles as owner on owner.oid = class.relowner
 where class.relnamespace = 'public'::regnamespace
   and class.relkind in ('r', 'p')
 order by class.relname
"""
_COLUMNS = """
select attname as name, format_type(atttypid, atttypmod) as type
  from pg_attribute
 where attrelid = %s::regclass and attnum > 0 and not attisdropped
   and attnotnull and not atthasdef and attidentity = '' and attgenerated = '' and attname <> 'tenant_id'
"""
_VALUES = {"jsonb": "{}", "json": "{}", "boolean": "true", "bytea": "\\x00", "date": "2026-01-01", "uuid": "0" * 32}


def value_of(kind: str) -> str:
    """Some value of a type, as text."""
    if kind.endswith("[]"):
        return "{}"
    if "range" in kind:
        return "empty"
    if kind.startswith("timestamp"):
        return "2026-01-01T00:00:00Z"
    return _VALUES.get(kind, "1")


@contextmanager
def as_owner(urls: DatabaseUrls) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    """A transaction of the owner that leaves nothing behind."""
    with psycopg.connect(urls.owner, row_factory=dict_row) as connection:
        yield connection
        connection.rollback()


def tables(urls: DatabaseUrls) -> list[dict[str, Any]]:
    with as_owner(urls) as connection:
        return connection.execute(_TABLES).fetchall()


def see(connection: psycopg.Connection[dict[str, Any]], tenant: int | None) -> None:
    """From here on the connection is a request of this tenant (None: of no tenant)."""
    connection.execute(sql.SQL("set local role {}").format(sql.Identifier(APP)))
    connection.execute("select set_config('app.tenant', %s, true)", (str(tenant or ""),))


def without_other_rules(connection: psycopg.Connection[dict[str, Any]], name: str) -> None:
    """Inside the transaction the table keeps its row-level security and loses every other rule."""
    table = sql.Identifier(name)
    connection.execute(sql.SQL("alter table {} disable trigger user").format(table))
    rules = connection.execute(
        "select conname from pg_constraint where conrelid = %s::regclass and contype in ('c', 'f')", (name,)
    ).fetchall()
    for rule in rules:
        connection.execute(sql.SQL("alter table {} drop constraint {}").format(table, sql.Identifier(rule["conname"])))


def insert(connection: psycopg.Connection[dict[str, Any]], name: str, tenant: int) -> None:
    """A row of this tenant with some value in every column that needs one."""
    columns = connection.execute(_COLUMNS, (name,)).fetchall()
    names = [sql.Identifier("tenant_id"), *(sql.Identifier(column["name"]) for column in columns)]
    values = [
        sql.Literal(tenant),
        *(
            sql.SQL("{}::{}").format(sql.Literal(value_of(column["type"])), sql.SQL(column["type"]))
            for column in columns
        ),
    ]
    connection.execute(
        sql.SQL("insert into {} ({}) values ({})").format(
            sql.Identifier(name), sql.SQL(", ").join(names), sql.SQL(", ").join(values)
        )
    )


def refused(connection: psycopg.Connection[dict[str, Any]], statement: sql.Composable | str) -> int:
    """How many rows the statement touched; -1 where it was not permitted at all."""
    try:
        with connection.transaction():
            return connection.execute(statement).rowcount
    except psycopg.errors.InsufficientPrivilege:
        return -1


def test_every_table_has_a_tenant_or_a_reason(database_urls):
    without = {table["name"] for table in tables(database_urls) if not table["has_tenant"]}
    assert without <= set(WITHOUT_TENANT), f"make_tenant_table is missing for {without - set(WITHOUT_TENANT)}"


def test_row_level_security_is_enabled_and_forced_and_the_app_role_owns_nothing(database_urls):
    for table in tables(database_urls):
        assert table["owner"] != APP
        if table["has_tenant"]:
            assert table["enabled"] and table["forced"], table["name"]


def test_the_app_role_is_bound_by_it(database_urls):
    with as_owner(database_urls) as connection:
        role = connection.execute(
            "select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb from pg_roles where rolname = %s", (APP,)
        ).fetchone()
        schema = connection.execute("select has_schema_privilege(%s, 'public', 'create') as may", (APP,)).fetchone()
    assert not any(role.values())
    assert not schema["may"]


def test_each_table_has_one_policy_and_no_other_that_would_widen_it(database_urls):
    with as_owner(database_urls) as connection:
        found = connection.execute(
            "select tablename, policyname, permissive, cmd, roles::text[] as roles, qual, with_check from pg_policies"
            " where schemaname = 'public'"
        ).fetchall()
    by_table: dict[str, list[dict[str, Any]]] = {}
    for policy in found:
        by_table.setdefault(policy["tablename"], []).append(policy)
    for table in tables(database_urls):
        if not table["has_tenant"]:
            continue
        (policy,) = [one for one in by_table[table["name"]] if one["permissive"] == "PERMISSIVE"]
        assert (policy["cmd"], policy["roles"]) == ("ALL", ["public"])
        assert "app.tenant" in policy["qual"] and "app.tenant" in policy["with_check"]
        narrowing = [one for one in by_table[table["name"]] if one["permissive"] != "PERMISSIVE"]
        kinds = {(one["permissive"], tuple(one["roles"])) for one in narrowing}
        assert kinds <= {("RESTRICTIVE", ("careloop_narrow",))}


def test_nothing_runs_with_the_rights_of_the_owner(database_urls):
    with as_owner(database_urls) as connection:
        functions = connection.execute(
            "select proname from pg_proc where pronamespace = 'public'::regnamespace and prosecdef"
        ).fetchall()
        views = connection.execute(
            "select relname, reloptions from pg_class where relnamespace = 'public'::regnamespace"
            " and relkind in ('v', 'm')"
        ).fetchall()
    assert functions == []
    assert all("security_invoker=true" in (view["reloptions"] or []) for view in views), views


def test_no_table_shows_or_takes_a_row_of_another_tenant(database_urls, tenant, other_tenant):
    """Each table in turn: its own tenant sees the row (the positive control), nobody else sees or touches it."""
    looked_at = [table["name"] for table in tables(database_urls) if table["has_tenant"]]
    assert len(looked_at) > 10
    for name in looked_at:
        table = sql.Identifier(name)
        count = sql.SQL("select count(*) as n from {}").format(table)
        with as_owner(database_urls) as connection:
            without_other_rules(connection, name)
            connection.execute("select set_config('app.tenant', %s, true)", (str(tenant.id),))
            insert(connection, name, tenant.id)
            see(connection, tenant.id)
            assert connection.execute(count).fetchone()["n"] == 1, name
            for stranger in (other_tenant.id, None):
                see(connection, stranger)
                assert connection.execute(count).fetchone()["n"] == 0, name
                assert refused(connection, sql.SQL("delete from {}").format(table)) in (0, -1), name
                assert refused(connection, sql.SQL("update {} set tenant_id = tenant_id").format(table)) in (0, -1), (
                    name
                )
                with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                    insert(connection, name, tenant.id)


def test_a_row_cannot_be_moved_to_another_tenant(database_urls, tenant, other_tenant):
    for name in [table["name"] for table in tables(database_urls) if table["has_tenant"]]:
        with as_owner(database_urls) as connection:
            without_other_rules(connection, name)
            connection.execute("select set_config('app.tenant', %s, true)", (str(tenant.id),))
            insert(connection, name, tenant.id)
            see(connection, tenant.id)
            move = sql.SQL("update {} set tenant_id = {}").format(sql.Identifier(name), sql.Literal(other_tenant.id))
            assert refused(connection, move) == -1, name


def test_the_tenant_of_one_transaction_is_gone_in_the_next_on_the_same_connection(database_urls, tenant, other_tenant):
    narrow = Database(database_urls.app, max_size=1).open()
    try:
        with narrow.transaction(tenant.id) as tx:
            _note(tx)
            assert tx.value("select count(*) from audit_event") == 1
        with narrow.transaction(other_tenant.id) as tx:
            assert tx.value("select count(*) from audit_event") == 0
        with narrow.directory() as tx:
            assert tx.value("select count(*) from audit_event") == 0
        with pytest.raises(RuntimeError), narrow.transaction(tenant.id) as tx:
            _note(tx)
            raise RuntimeError
        with narrow.directory() as tx:
            assert tx.value("select count(*) from audit_event") == 0
        with narrow.transaction(tenant.id) as tx:
            assert tx.value("select count(*) from audit_event") == 1
    finally:
        narrow.close()


def _note(tx: Transaction) -> None:
    tx.execute(
        "insert into audit_event (action, subtype, outcome, agent_kind, agent_id, agent_name, agent_reference, purpose,"
        " resource_ids, patient_ids) values ('R', 'read', '0', 'user', 'x', 'x', 'x', 'TREAT', '{}', '{}')"
    )
