"""Whatever comes in whatever order: no two bookings of one actor overlap but those that are marked, and each mark is
true."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from careloop.scheduling import store
from careloop.scheduling.model import Taken, Window

DAY = datetime(2026, 11, 1, 5, tzinfo=UTC)
"""The day on which the clocks of New York go back: 25 hours."""


def some(chance: random.Random, holder: str) -> list[Taken]:
    start = DAY + timedelta(minutes=chance.randrange(0, 25 * 60, 5))
    window = Window(start, start + timedelta(minutes=chance.choice((5, 20, 30, 45, 60, 180))))
    kind = chance.choice(("visit", "visit", "visit", "away", "hold"))
    actors = chance.sample(["Practitioner/a", "Practitioner/b", "Patient/p", "Patient/q"], chance.choice((1, 2, 2)))
    return [Taken(holder=holder, actor=actor, kind=kind, status=kind, window=window) for actor in actors]


def rows(tx):
    whole = Window(DAY - timedelta(days=2), DAY + timedelta(days=3))
    return store.taken_of(tx, ["Practitioner/a", "Practitioner/b", "Patient/p", "Patient/q"], whole)


@pytest.mark.parametrize("seed", range(3))
def test_after_every_step_nobody_is_booked_twice_and_nothing_is_lost(database, tenant, seed):
    chance = random.Random(seed)
    wanted: dict[str, list[Taken]] = {}
    with database.transaction(tenant.id) as tx:
        for _ in range(80):
            holder = f"h{chance.randrange(25)}"
            fresh = some(chance, holder) if chance.random() < 0.75 else []
            done = store.replace(tx, [holder], fresh, yields=chance.random() < 0.5)
            wanted = {name: taken for name, taken in wanted.items() if name not in {holder, *done.withdrawn}}
            wanted[holder] = fresh
            found = rows(tx)
            assert {(one.holder, one.actor, one.window) for one in found} == {
                (one.holder, one.actor, one.window) for taken in wanted.values() for one in taken
            }
            for one in found:
                beside = [
                    other
                    for other in found
                    if other.actor == one.actor and other.holder != one.holder and other.window.meets(one.window)
                ]
                assert one.clash or all(other.clash for other in beside)
                assert not one.clash or beside
        assert store.doubled(tx) == []
