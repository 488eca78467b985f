"""Migrations: once, in order, whole or not at all."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from careloop.db import DatabaseUrls
from careloop.db.migrate import Migration, migrate, shipped_migrations
from careloop.errors import Unavailable

FIRST = Migration(number=1, name="0001_pre_one.sql", text="create table one (n int); insert into one values (1);")
SECOND = Migration(number=2, name="0002_pre_two.sql", text="create table two (n int)")


@pytest.fixture
def empty(database_urls: DatabaseUrls) -> Iterator[str]:
    """An empty database beside the real one."""
    with psycopg.connect(database_urls.owner, autocommit=True) as connection:
        connection.execute("drop database if exists migrate_test")
        connection.execute("create database migrate_test")
        yield make_conninfo(database_urls.owner, dbname="migrate_test")
        connection.execute("drop database migrate_test with (force)")


def tables(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        found = connection.execute("select tablename::text from pg_tables where schemaname = 'public' order by 1")
        return [row[0] for row in found]


def test_each_file_runs_once(empty: str) -> None:
    assert migrate(empty, [FIRST]) == ["0001_pre_one.sql"]
    assert migrate(empty, [FIRST, SECOND]) == ["0002_pre_two.sql"]
    assert migrate(empty, [FIRST, SECOND]) == []
    assert tables(empty) == ["migration", "one", "two"]


def test_a_file_that_fails_leaves_nothing_of_itself(empty: str) -> None:
    broken = Migration(number=2, name="0002_pre_two.sql", text="create table two (n int); select 1/0")
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(empty, [FIRST, broken])
    assert tables(empty) == ["migration", "one"]


def test_a_file_changed_after_it_ran_is_refused(empty: str) -> None:
    migrate(empty, [FIRST])
    changed = Migration(number=1, name="0001_pre_one.sql", text="create table other (n int)")
    with pytest.raises(Unavailable, match="0001_pre_one"):
        migrate(empty, [changed])


def test_a_database_of_a_newer_version_is_refused(empty: str) -> None:
    migrate(empty, [FIRST, SECOND])
    with pytest.raises(Unavailable, match="0002"):
        migrate(empty, [FIRST])


def test_the_shipped_files_run_on_an_empty_database(empty: str) -> None:
    assert migrate(empty) == [one.name for one in shipped_migrations()]
