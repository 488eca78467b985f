"""The points that SQL computes are those that the rules explain."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from careloop.catalog import load_catalog
from careloop.db import load_queries
from careloop.loops import worklist
from careloop.loops.rules.rank import rank_days, read_weights, timed_parts

WEIGHTS = read_weights(load_catalog().document("worklist", "rank"))
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
ZONE = ZoneInfo("America/New_York")
moments = st.integers(min_value=-40 * 86_400, max_value=40 * 86_400).map(
    lambda seconds: NOW + timedelta(seconds=seconds)
)


def points_in_sql(database, tenant, due, opened, outside, waiting, lasting):
    asked = worklist.Asked(
        owners=None, pathway=None, snoozed=False, days=rank_days(NOW, ZONE), weights=WEIGHTS, limit=1
    )
    sql = f"""select {load_queries("careloop.loops", "worklist.sql")["points"]} as points
                from (select %(due)s::timestamptz as due, %(outside)s as outside, %(waiting)s as waiting) as c,
                     (select %(opened)s::timestamptz as opened, %(lasting)s as lasting_points) as l"""
    values = {
        **worklist._parameters(asked),
        "due": due,
        "opened": opened,
        "outside": outside,
        "waiting": waiting,
        "lasting": lasting,
    }
    with database.transaction(tenant.id) as tx:
        return tx.value(sql, values)


def test_sql_and_rules_give_the_same_points(database, tenant):
    @hypothesis_settings(max_examples=300, deadline=None)
    @given(due=moments, opened=moments, outside=st.booleans(), waiting=st.booleans(), lasting=st.integers(0, 60))
    def agree(due, opened, outside, waiting, lasting):
        parts = timed_parts(
            outside=outside, due=due, opened=opened, waiting=waiting, days=rank_days(NOW, ZONE), weights=WEIGHTS
        )
        expected = lasting + sum(part.points for part in parts)
        assert points_in_sql(database, tenant, due, opened, outside, waiting, lasting) == expected

    agree()
