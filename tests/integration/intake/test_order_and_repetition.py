"""The same facts in any order of arrival, any number of times, give the same record (engine.md §1.4, TR-05)."""

import random

import pytest
from tests.integration.intake.conftest import Door
from tests.messages import adt

from careloop.record import Stored

HISTORY = [
    adt("A04", control_id="H1", at="20261116080000-0500", patient_class="E", location="ER^1^1^STMARY"),
    adt("A06", control_id="H2", at="20261116120000-0500"),
    adt("A08", control_id="H3", at="20261116130000-0500", pid="RIVERA^ANA^MARIA||19510415|F|||9 OAK ST^^LYNN^MA^01901"),
    adt("A02", control_id="H4", at="20261117090000-0500", location="ICU^2^B^STMARY"),
    adt("A21", control_id="H5", at="20261118090000-0500"),
    adt("A22", control_id="H6", at="20261118190000-0500"),
    adt("A03", control_id="H7", at="20261119160000-0500", disposition="01", discharge="20261119160000-0500"),
    adt("A13", control_id="H8", at="20261119180000-0500"),
    adt("A03", control_id="H9", at="20261120100000-0500", disposition="03", discharge="20261120100000-0500"),
    adt("A08", control_id="H10", at="20261120120000-0500", disposition="01", discharge="20261120093000-0500"),
    adt(
        "A31", control_id="H11", at="20261121080000-0500", pid="RIVERA^ANA^MARIA||19510415|F|||9 OAK ST^^LYNN^MA^01902"
    ),
]


def content(stored: Stored):
    return {key: value for key, value in stored.resource.items() if key != "meta"}


def end_state(door: Door):
    with door.app.database.transaction(door.tenant.id) as tx:
        patient = door.patient()
        found = door.app.record.of_patient(tx, patient["id"], ["Patient", "Encounter", "RelatedPerson"])
    loops = {}
    with door.app.database.transaction(door.tenant.id) as tx:
        rows = tx.rows("select pathway, matter, status, deadline, next_due from loop order by pathway, matter")
        loops = [tuple(row.values()) for row in rows]
    return sorted((content(one) for one in found), key=lambda one: one["resourceType"]), loops


@pytest.mark.parametrize("seed", range(8))
def test_a_shuffled_and_repeated_history_ends_as_the_true_one(app, tenant, door, seed):
    door.send(*HISTORY)
    resources, loops = end_state(door)
    assert resources[0]["period"] == {"start": "2026-11-16T08:00:00-05:00", "end": "2026-11-20T09:30:00-05:00"}
    second = another_door(door)
    chance = random.Random(seed)
    told = HISTORY + chance.sample(HISTORY, 4)
    chance.shuffle(told)
    for start in range(0, len(told), 3):
        assert set(second.send(*told[start : start + 3])) == {"AA"}
    other_resources, other_loops = end_state(second)
    assert without_ids(other_resources) == without_ids(resources)
    standing = {
        ("discharge-transition", status) for pathway, _, status, *_ in loops if pathway == "discharge-transition"
    }
    assert {(p, s) for p, _, s, *_ in other_loops if p == "discharge-transition" and s != "cancelled"} == {
        one for one in standing if one[1] != "cancelled"
    }
    assert second.dead() == []


def another_door(door: Door) -> Door:
    """The same feed for a tenant of its own."""
    from tests.conftest import make_tenant

    from careloop.access.tenancy import change_settings
    from careloop.intake import Feed, add_feed

    tenant = make_tenant(door.app.database)
    with door.app.database.directory() as tx:
        tenant = change_settings(tx, tenant, accept_any_sender=True)
    with door.app.database.transaction(tenant.id) as tx:
        feed = Feed(id=None, kind="hl7v2", zone=door.feed.zone, port=20000 + tenant.id)
        feed = add_feed(tx, door.app.clock.now(), feed, any_sender=True)
    return Door(door.app, tenant, feed)


def without_ids(value):
    """Ids are derived with the tenant; everything else must be the same."""
    if isinstance(value, dict):
        return {key: without_ids(part) for key, part in value.items() if key not in ("id", "reference")}
    if isinstance(value, list):
        return [without_ids(part) for part in value]
    return value
