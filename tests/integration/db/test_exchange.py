"""Several statements in one exchange: rows in their order, one transaction, faults as ever."""

from datetime import UTC, datetime

import pytest
from psycopg import errors

from careloop.db.exchange import Statement


def test_rows_come_in_the_order_asked_whatever_the_plans(database, tenant):
    plans = ("force_custom_plan", "auto", "force_generic_plan", "auto", "force_custom_plan")
    asked = [Statement("select %s::int as n, %s as plan", (n, plan), plan) for n, plan in enumerate(plans)]
    with database.transaction(tenant.id) as tx:
        for _ in range(4):  # the second time they are prepared
            found = tx.ask_all(asked)
            assert [rows[0]["n"] for rows in found] == [0, 1, 2, 3, 4]
            assert [rows[0]["plan"] for rows in found] == list(plans)
        shown = tx.ask_all([Statement("select current_setting('plan_cache_mode') as mode", None, "force_generic_plan")])
        assert shown == [[{"mode": "force_generic_plan"}]]
    with database.transaction(tenant.id) as tx:
        assert tx.value("select current_setting('plan_cache_mode')") == "auto"


def test_values_come_and_go_as_with_the_driver(database, tenant):
    values = {"text": "a % \x1e ü", "many": [1, 2], "none": None, "at": datetime(2026, 1, 2, tzinfo=UTC), "yes": True}
    sql = (
        "select %(text)s::text as text, %(many)s::bigint[] as many, %(none)s::text as none, %(at)s::timestamptz as at,"
        " %(yes)s::bool as yes, %(text)s::text || '%%' as again"
    )
    with database.transaction(tenant.id) as tx:
        for _ in range(3):
            assert tx.ask_all([Statement(sql, values)]) == [tx.rows(sql, values)]
        assert tx.ask_all([]) == []
        assert tx.ask_all([Statement("select 1 as x where false"), Statement("select 2 as x")]) == [[], [{"x": 2}]]


def test_it_is_of_the_tenant_and_of_the_transaction(database, tenant, other_tenant):
    asked = [Statement("select current_setting('app.tenant') as tenant, txid_current() as id")]
    for one in (tenant, other_tenant):
        with database.transaction(one.id, actor="x") as tx:
            [[row]] = tx.ask_all(asked)
            assert row["tenant"] == str(one.id)
            assert tx.value("select txid_current()") == row["id"]


def test_a_snapshot_stays_one(database, tenant):
    with database.snapshot(tenant.id) as tx:
        [[row]] = tx.ask_all([Statement("show transaction_isolation")])
        assert row["transaction_isolation"] == "repeatable read"


def test_a_fault_ends_the_transaction_and_the_connection_goes_on(database, tenant):
    good = Statement("select 7 as n")
    for _ in range(6):  # every connection of the pool, with what it has prepared before the rollback
        with database.transaction(tenant.id) as tx:
            assert tx.ask_all([good, good]) == [[{"n": 7}], [{"n": 7}]]
        with pytest.raises(errors.DivisionByZero), database.transaction(tenant.id) as tx:
            tx.ask_all([good, Statement("select 1 / %s::int as n", (0,)), good])
        with database.transaction(tenant.id) as tx:
            assert tx.ask_all([good, good]) == [[{"n": 7}], [{"n": 7}]]
            prepared = tx.rows("select name from pg_prepared_statements where name like 'careloop%'")
            known = {name.decode() for name in tx._connection.known.names.values()}
            assert {row["name"] for row in prepared} == known  # nothing is left behind that nobody knows


def test_a_value_that_cannot_be_written_spoils_nothing(database, tenant):
    with pytest.raises(errors.DataError), database.transaction(tenant.id) as tx:
        tx.ask_all([Statement("select 1 as n"), Statement("select %s::text as text", ("a\x00",))])
    for _ in range(6):
        with database.transaction(tenant.id) as tx:
            assert tx.ask_all([Statement("select 3 as n")]) == [[{"n": 3}]]


def test_after_a_savepoint_was_undone_what_was_prepared_is_made_again(database, tenant):
    good = Statement("select 8 as n")
    with database.transaction(tenant.id) as tx:
        for _ in range(3):
            tx.ask_all([good])
        for _ in range(6):
            tx.rows("select 9 as n")  # the driver prepares too, and so has all dropped at a rollback
        with pytest.raises(KeyError), tx.savepoint():
            raise KeyError("undone")
        for _ in range(3):
            assert tx.ask_all([good]) == [[{"n": 8}]]
        assert tx.rows("select 9 as n") == [{"n": 9}]
        assert tx.ask_all([good]) == [[{"n": 8}]]


def test_inside_a_pipeline_each_is_asked_for_itself(database, tenant):
    with database.transaction(tenant.id) as tx, tx.pipeline():
        assert tx.ask_all([Statement("select %s::int as n", (1,))]) == [[{"n": 1}]]


def test_more_statements_than_are_kept_prepared(database, tenant):
    with database.transaction(tenant.id) as tx:
        for number in range(300):
            asked = Statement(f"select {number} as n")
            assert tx.ask_all([asked, asked]) == [[{"n": number}], [{"n": number}]]


def test_what_is_for_later_leaves_with_what_is_asked_next_in_its_order(database, tenant):
    with database.transaction(tenant.id) as tx:
        first = tx.later([Statement("select set_config('x.place', '1', true)"), Statement("select 1 as n")])
        second = tx.later([Statement("select current_setting('x.place') || 'b' as place")])
        before = tx.sent
        assert tx.value("select set_config('x.place', '2', true)") == "2"
        assert tx.sent == before + 1
        assert [first.rows[1], second.rows] == [[{"n": 1}], [[{"place": "1b"}]]]
        assert tx.sent == before + 1
        alone = tx.later([Statement("select 3 as n")])
        assert alone.rows == [[{"n": 3}]]
        with tx.savepoint():
            inside = tx.later([Statement("select 4 as n")])
        assert inside.rows == [[{"n": 4}]]
    with database.transaction(tenant.id) as tx, tx.pipeline():
        piped = tx.later([Statement("select 5 as n")])
        assert piped.rows == [[{"n": 5}]]


def test_what_is_for_later_is_never_left_out_and_its_faults_are_told(database, tenant):
    with pytest.raises(errors.DivisionByZero), database.transaction(tenant.id) as tx:
        tx.later([Statement("select 1 / %s::int", (0,))])  # nothing is asked after it: it leaves before the commit

    def refuse(rows):
        raise KeyError(str(rows))

    with pytest.raises(KeyError, match="7"), database.transaction(tenant.id) as tx:
        tx.later([Statement("select 7 as n")], check=refuse)
        tx.value("select 1")
    with database.transaction(tenant.id) as tx:
        undone = None
        with pytest.raises(ValueError, match="undone"), tx.savepoint():
            undone = tx.later([Statement("select 1 / %s::int", (0,))])
            raise ValueError("undone")
        assert tx.value("select 8") == 8
        with pytest.raises(RuntimeError):
            _ = undone.rows
