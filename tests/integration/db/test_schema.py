"""The page that shows the whole schema is what the migrations make, and every table keeps its tenants apart."""

import sys
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from careloop.db import DatabaseUrls
from careloop.db.migrate import migrate
from careloop.settings import Settings

ROOT = Path(__file__).parents[3]
DIRECTORY = {"tenant", "instance", "process", "migration", "sign_in_throttle", "partner_code", "cds_issuer", "ehr"}
"""Tables that hold no tenant's data."""


@pytest.fixture
def fresh(database_urls: DatabaseUrls) -> str:
    """An own database with the shipped migrations and nothing that other tests made."""
    with psycopg.connect(database_urls.owner, autocommit=True) as connection:
        connection.execute("drop database if exists schema_test with (force)")
        connection.execute("create database schema_test")
    url = make_conninfo(database_urls.owner, dbname="schema_test")
    migrate(url)
    return url


def test_the_schema_page_is_what_the_migrations_make(fresh: str, settings: Settings) -> None:
    sys.path.insert(0, str(ROOT))
    from tools.schema import PAGE, dump

    if not settings.is_embedded:
        pytest.skip("pg_dump of the embedded server is needed")
    assert PAGE.read_text() == dump(settings, fresh), "run: PYTHONPATH=src python -m tools.schema"


def test_every_table_with_a_tenant_forces_row_level_security(fresh: str) -> None:
    with psycopg.connect(fresh) as connection:
        rows = connection.execute(
            "select relname::text, relrowsecurity and relforcerowsecurity,"
            " exists (select 1 from pg_attribute"
            " where attrelid = pg_class.oid and attname = 'tenant_id' and attnotnull),"
            " exists (select 1 from pg_policy where polrelid = pg_class.oid)"
            " from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace order by 1"
        ).fetchall()
    assert len(rows) > 10
    open_tables = {name for name, forced, has_tenant, has_policy in rows if not (forced and has_tenant and has_policy)}
    assert open_tables <= DIRECTORY


def test_the_app_role_owns_nothing_and_cannot_change_the_schema(fresh: str) -> None:
    with psycopg.connect(fresh) as connection:
        owned = connection.execute(
            "select count(*) from pg_class join pg_roles on pg_roles.oid = relowner where rolname = 'careloop_app'"
        ).fetchone()
        assert owned == (0,)
        may = connection.execute("select has_schema_privilege('careloop_app', 'public', 'create')").fetchone()
        assert may == (False,)
