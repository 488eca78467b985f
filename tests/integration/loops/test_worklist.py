"""What SQL puts in order is what the rules explain: points, sections, order, at every instant, renewed or not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from careloop.catalog import load_catalog
from careloop.db import load_queries
from careloop.loops import places, worklist
from careloop.loops.rules.rank import rank_days, read_weights, timed_parts

WEIGHTS = read_weights(load_catalog().document("worklist", "rank"))
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
ZONE = ZoneInfo("America/New_York")
PATHWAYS = ("discharge-transition", "ed-visit", "referral")
moments = st.integers(min_value=-40 * 86_400, max_value=40 * 86_400).map(
    lambda seconds: NOW + timedelta(seconds=seconds)
)
QUERIES = load_queries("careloop.loops", "worklist.sql")
ADD = """insert into loop (id, pathway, version, patient_id, focus, matter, status, clock, owner, opened, deadline,
                           next_step, next_due, next_outside, next_owner, next_waiting, tier, safety, lasting_points,
                           as_of, task_version, state)
         select id, pathway, '1', patient_id, id::text, 'm', 'requested', clock, 'Practitioner/x', opened,
                next_due + interval '30 days', 'contact', next_due, next_outside, 'Practitioner/x', clock = 'waiting',
                tier, safety, lasting_points, opened, 1, '{}'
           from json_to_recordset(%(rows)s::json)
             as r (id uuid, pathway text, patient_id text, clock text, opened timestamptz, next_due timestamptz,
                   next_outside boolean, tier text, safety boolean, lasting_points int)"""


def asked(now=NOW, **more):
    return worklist.Asked(
        **{
            "owners": None, "pathway": None, "snoozed": False, "days": rank_days(now, ZONE), "weights": WEIGHTS,
            "limit": 1000, "zone": ZONE.key, **more,
        }
    )  # fmt: skip


def moment(now=NOW, weights=WEIGHTS):
    return places.Moment(days=rank_days(now, ZONE), zone=ZONE.key, weights=weights)


def points_by_rule(row, now=NOW, weights=WEIGHTS):
    parts = timed_parts(
        outside=row["next_outside"], due=row["next_due"], opened=row["opened"], waiting=row["clock"] == "waiting",
        days=rank_days(now, ZONE), weights=weights,
    )  # fmt: skip
    return row["lasting_points"] + sum(part.points for part in parts)


def section_by_rule(row, now, weights=WEIGHTS):
    if row["clock"] == "waiting" and not row["safety"]:
        return 4
    if row["safety"] or points_by_rule(row, now, weights) >= weights.now_from:
        return 1
    return 2 if row["next_due"] < rank_days(now, ZONE).tomorrow else 3


def order_by_rule(rows, now, weights=WEIGHTS):
    """The ids in the order that engine.md §4 wants: sections, safety first, points, earlier deadline, older."""
    return [
        row["id"]
        for row in sorted(
            rows,
            key=lambda row: (
                section_by_rule(row, now, weights), not row["safety"], -points_by_rule(row, now, weights),
                row["next_due"], row["opened"], UUID(row["id"]),
            ),
        )
    ]  # fmt: skip


@pytest.fixture
def rows(database, tenant):
    """400 open loops of every sort: round instants too, so that ties and midnights are among them."""
    random = Random(2111)
    made = [
        {
            "id": str(UUID(int=random.getrandbits(128))),
            "pathway": random.choice(PATHWAYS),
            "patient_id": f"p{number // 3}",
            "clock": random.choice(("on-time", "on-time", "due-soon", "overdue", "waiting")),
            "opened": NOW - timedelta(hours=random.choice((1, 24, 48, 100, 240, 700))),
            "next_due": NOW + timedelta(minutes=random.choice((-14_400, -1441, -1, 0, 30, 840, 2000, 9000, 40_000))),
            "next_outside": random.random() < 0.5,
            "tier": random.choice(("high", "standard")),
            "safety": random.random() < 0.05,
            "lasting_points": random.choice((0, 10, 25, 35)),
        }
        for number in range(400)
    ]
    with database.transaction(tenant.id) as tx:
        tx.execute(ADD, {"rows": msgspec.json.encode(made).decode()})
    return made


def ids(database, tenant, question):
    with database.transaction(tenant.id) as tx:
        return [place.loop_id for place in worklist.page(tx, question)]


def renewed(database, tenant, now, weights=WEIGHTS):
    with database.transaction(tenant.id) as tx:
        places.set_clock(tx, moment(now, weights))
        while places.renew(tx, moment(now, weights), 100):
            pass


def test_sql_and_rules_give_the_same_points_until_the_instant_that_sql_names(database, tenant):
    sql = f"""select {QUERIES["points"]} as points,
                     least(%(now)s + interval '60 days',
                           rank_until(%(opened)s, %(due)s, %(outside)s, %(waiting)s, %(now)s, %(zone)s,
                                      %(weights)s::int[])) as until
                from (select %(due)s::timestamptz as due, %(outside)s as outside, %(waiting)s as waiting) as c,
                     (select %(opened)s::timestamptz as opened, %(lasting)s as lasting_points) as p"""

    def in_sql(row, now):
        values = {
            **worklist._parameters(asked(now)), "due": row["next_due"], "opened": row["opened"], "zone": ZONE.key,
            "outside": row["next_outside"], "waiting": row["clock"] == "waiting", "lasting": row["lasting_points"],
        }  # fmt: skip
        with database.transaction(tenant.id) as tx:
            return tx.one(sql, values)

    @hypothesis_settings(max_examples=300, deadline=None)
    @given(moments, moments, st.booleans(), st.booleans(), st.integers(0, 60), moments, st.floats(0, 1))
    def agree(due, opened, outside, waiting, lasting, now, share):
        row = {
            "next_due": due, "opened": opened, "next_outside": outside, "clock": "waiting" if waiting else "on-time",
            "lasting_points": lasting, "safety": False,
        }  # fmt: skip
        found = in_sql(row, now)
        assert found["points"] == points_by_rule(row, now)
        until = found["until"]
        inside = min(now + (until - now) * share, until - timedelta(microseconds=1))
        assert now <= inside < until
        assert points_by_rule(row, inside) == found["points"]
        assert section_by_rule(row, inside) == section_by_rule(row, now)

    agree()


def test_the_list_of_an_owner_has_the_same_order_and_totals_from_kept_places_or_not(database, tenant, rows):
    """Everything is theirs here, and it waits where its loop does; weights that places were not reckoned by too."""
    other = replace(WEIGHTS, own_late=70, own_late_most=90)
    renewed(database, tenant, NOW)
    for now, weights in ((NOW, WEIGHTS), (NOW + timedelta(hours=14), WEIGHTS), (NOW, other)):
        question = asked(now, owners=["Practitioner/x"], weights=weights)
        with database.transaction(tenant.id) as tx:
            found = worklist.page_and_totals(tx, question)
        assert [place.loop_id for place in found.places] == order_by_rule(rows, now, weights)
        points = {row["id"]: points_by_rule(row, now, weights) for row in rows}
        assert {place.loop_id: place.points for place in found.places} == points
        assert sum(row["total"] for row in found.whole.rows) == len(rows)


@pytest.mark.parametrize("hours", [0, 1, 9.5, 14, 38, 24 * 6, -30])
def test_the_order_is_that_of_the_rules_whether_places_are_renewed_or_not(database, tenant, rows, hours):
    now = NOW + timedelta(hours=hours)
    wanted = order_by_rule(rows, now)
    assert ids(database, tenant, asked(now)) == wanted, "nothing was reckoned yet"
    renewed(database, tenant, NOW)
    assert ids(database, tenant, asked(now)) == wanted, "reckoned at another instant"
    renewed(database, tenant, now)
    assert ids(database, tenant, asked(now)) == wanted, "reckoned now"
    assert ids(database, tenant, asked(now, limit=7)) == wanted[:7]


def test_other_weights_give_another_order_at_once_and_after_weighing(database, tenant, rows):
    renewed(database, tenant, NOW)
    other = replace(WEIGHTS, own_late=70, own_late_most=90, day_open=5, day_open_most=60)
    wanted = order_by_rule(rows, NOW, other)
    assert wanted != order_by_rule(rows, NOW)
    assert ids(database, tenant, asked(weights=other)) == wanted
    renewed(database, tenant, NOW, other)
    assert ids(database, tenant, asked(weights=other)) == wanted


@pytest.mark.parametrize(
    ("more", "keeps"),
    [
        ({"pathway": "referral"}, lambda row: row["pathway"] == "referral"),
        ({"tier": "high"}, lambda row: row["tier"] == "high"),
        ({"due_before": NOW}, lambda row: row["next_due"] < NOW),
        ({"language": "Spanish"}, lambda row: int(row["patient_id"][1:]) % 4 == 0),
        ({"programme": "Asthma", "tier": "high"}, lambda row: row["patient_id"] == "p9" and row["tier"] == "high"),
    ],
)
@pytest.mark.parametrize("counted_to", [5000, 3])
def test_filters_keep_the_order_and_hide_nothing_that_passes(
    database, tenant, rows, more, keeps, counted_to, monkeypatch
):
    monkeypatch.setattr(worklist, "COUNTED_TO", counted_to)
    renewed(database, tenant, NOW)
    with database.transaction(tenant.id) as tx:
        places.set_traits(tx, {f"p{number}": [("language", "Spanish")] for number in range(0, 134, 4)})
        places.set_traits(tx, {"p9": [("programme", "Asthma")]})
        found = worklist.page(tx, asked(**more))
        places.count(tx, moment())
        totals = worklist.totals(tx, asked(**more))
    wanted = order_by_rule([row for row in rows if keeps(row)], NOW)
    assert wanted
    assert [place.loop_id for place in found] == wanted
    if not totals.beyond:
        assert sum(row["total"] for row in totals.rows) == len(wanted)
        late = [row for row in rows if keeps(row) and row["next_due"] < NOW]
        assert sum(row["late"] for row in totals.rows) == len(late)


def test_a_place_follows_its_loop_and_goes_with_it(database, tenant, rows):
    renewed(database, tenant, NOW)
    first, second, *_ = order_by_rule(rows, NOW)
    with database.transaction(tenant.id) as tx:
        tx.execute("update loop set next_due = %s, lasting_points = 0, safety = false where id = %s", [
            NOW + timedelta(days=90), first,
        ])  # fmt: skip
        tx.execute("update loop set status = 'completed', closed = %s where id = %s", [NOW, second])
    changed = [
        {**row, "next_due": NOW + timedelta(days=90), "lasting_points": 0, "safety": False}
        if row["id"] == first
        else row
        for row in rows
        if row["id"] != second
    ]
    assert ids(database, tenant, asked()) == order_by_rule(changed, NOW)


def test_what_is_snoozed_comes_back_by_itself(database, tenant, rows):
    renewed(database, tenant, NOW)
    first = order_by_rule(rows, NOW)[0]
    with database.transaction(tenant.id) as tx:
        tx.execute("update loop set snoozed_until = deadline where id = %s", [first])
        until = tx.value("select deadline from loop where id = %s", [first])
    assert first not in ids(database, tenant, asked())
    assert ids(database, tenant, asked(snoozed=True)) == [first]
    assert first in ids(database, tenant, asked(until + timedelta(seconds=1)))
