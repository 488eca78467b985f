"""Transactions under one tenant."""

import threading

import pytest

from careloop.access.model import Tenant
from careloop.db import Contended, Database, DatabaseUrls, UniqueViolation
from careloop.errors import Unavailable


@pytest.fixture(scope="session")
def thing_table(database_urls: DatabaseUrls) -> str:
    owner = Database(database_urls.owner, max_size=1).open()
    with owner.directory() as tx:
        tx.execute(
            "create table test_thing (tenant_id int not null, name text not null, n int default 0,"
            " primary key (tenant_id, name))"
        )
        tx.execute("select make_tenant_table('test_thing')")
    owner.close()
    return "test_thing"


def test_rows_of_another_tenant_do_not_exist(
    database: Database, tenant: Tenant, other_tenant: Tenant, thing_table: str
) -> None:
    with database.transaction(tenant.id) as tx:
        tx.execute("insert into test_thing (name) values ('mine')")
    with database.transaction(other_tenant.id) as tx:
        assert tx.rows("select name from test_thing") == []
        assert tx.execute("update test_thing set n = 1") == 0
    with database.directory() as tx:
        assert tx.rows("select name from test_thing") == []
    with database.transaction(tenant.id) as tx:
        assert tx.value("select name from test_thing") == "mine"


def test_a_row_cannot_be_written_for_another_tenant(
    database: Database, tenant: Tenant, other_tenant: Tenant, thing_table: str
) -> None:
    with pytest.raises(Exception, match="row-level security"), database.transaction(tenant.id) as tx:
        tx.execute("insert into test_thing (tenant_id, name) values (%s, 'theirs')", (other_tenant.id,))


def test_the_tenant_ends_with_the_transaction(database: Database, tenant: Tenant, thing_table: str) -> None:
    for _ in range(30):
        with database.transaction(tenant.id) as tx:
            tx.execute("select 1")
        with database.directory() as tx:
            assert tx.value("select current_setting('app.tenant', true)") in (None, "")


def test_an_error_undoes_the_transaction(database: Database, tenant: Tenant, thing_table: str) -> None:
    with pytest.raises(ZeroDivisionError), database.transaction(tenant.id) as tx:
        tx.execute("insert into test_thing (name) values ('undone')")
        raise ZeroDivisionError
    with database.transaction(tenant.id) as tx:
        assert tx.value("select count(*) from test_thing") == 0


def test_a_failed_savepoint_undoes_only_itself_even_as_the_first_thing(
    database: Database, tenant: Tenant, thing_table: str
) -> None:
    with database.transaction(tenant.id) as tx:
        with tx.savepoint():
            tx.execute("insert into test_thing (name) values ('first')")
        with pytest.raises(UniqueViolation), tx.savepoint():
            tx.execute("insert into test_thing (name) values ('first')")
        tx.execute("insert into test_thing (name) values ('second')")
    with database.transaction(tenant.id) as tx:
        assert tx.value("select count(*) from test_thing") == 2


def test_copy_as_the_first_thing_writes_for_the_tenant(database: Database, tenant: Tenant, thing_table: str) -> None:
    with database.transaction(tenant.id) as tx:
        assert tx.copy_in("test_thing", ["name", "n"], [("a", 1), ("b", 2)]) == 2
        assert tx.copy_in("test_thing", ["name", "n"], [("c", 4)]) == 1
    with database.transaction(tenant.id) as tx:
        assert tx.value("select sum(n) from test_thing") == 7


def test_a_deadlock_is_tried_again_from_the_start(database: Database, tenant: Tenant, thing_table: str) -> None:
    with database.transaction(tenant.id) as tx:
        tx.execute("insert into test_thing (name) values ('a'), ('b')")
    meet = threading.Barrier(2)
    first_try = threading.local()

    def work(names: tuple[str, str]) -> None:
        def both(tx):
            tx.execute("update test_thing set n = n + 1 where name = %s", (names[0],))
            if not getattr(first_try, "done", False):
                first_try.done = True
                meet.wait(10)
            tx.execute("update test_thing set n = n + 1 where name = %s", (names[1],))

        database.run(tenant.id, both)

    threads = [threading.Thread(target=work, args=(names,)) for names in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.transaction(tenant.id) as tx:
        assert tx.rows("select n from test_thing order by name") == [{"n": 2}, {"n": 2}]


def test_too_many_tries_end_as_unavailable(database: Database, tenant: Tenant, thing_table: str) -> None:
    def never(tx):
        tx.execute("do $$ begin raise exception sqlstate '40001'; end $$")

    with pytest.raises(Contended) as caught:
        database.run(tenant.id, never, tries=2)
    assert isinstance(caught.value, Unavailable)


def test_work_to_be_done_after_the_commit_is_not_done_after_an_error(database: Database, tenant: Tenant) -> None:
    done: list[str] = []
    with pytest.raises(ZeroDivisionError), database.transaction(tenant.id) as tx:
        tx.after_commit.append(lambda: done.append("undone"))
        raise ZeroDivisionError
    with database.transaction(tenant.id) as tx:
        tx.after_commit.append(lambda: done.append("committed"))
    assert done == ["committed"]
