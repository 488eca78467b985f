"""Requests that arrive together: each gets its own answer, its own audit entry, and nobody else's fault."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from psycopg import errors

from careloop.access.model import Sight, system_principal
from careloop.db.exchange import Statement
from careloop.errors import NotFound, Rejected, Unavailable
from careloop.flows import lanes
from careloop.flows.gathering import MOST, PATIENCE_SECONDS, Gatherer, Lane
from careloop.record import Write


@pytest.fixture
def principal(tenant):
    return system_principal(tenant.id, "test")


def together(app, principal, lane: Lane, items: Sequence[object]) -> list[object]:
    async def ask() -> list[object]:
        gatherer = Gatherer(app)
        return await asyncio.gather(*(gatherer.ask(lane, principal, one) for one in items), return_exceptions=True)

    return asyncio.run(ask())


def basic(number: int, **more: object) -> Write:
    resource = {"resourceType": "Basic", "id": f"b{number}", "code": {"text": "x"}, **more}
    return Write(method="update", resource_type="Basic", id=f"b{number}", resource=resource)


def audited(app, tenant, subtype: str) -> list[list[str]]:
    with app.database.transaction(tenant.id) as tx:
        rows = tx.rows("select resource_ids from audit_event where subtype = %s order by id", (subtype,))
    return [row["resource_ids"] for row in rows]


def test_many_writes_at_once_are_each_done_and_each_audited(app, tenant, principal):
    written = together(app, principal, lanes.RECORD, [basic(number) for number in range(40)])
    assert [one.id for one in written] == [f"b{number}" for number in range(40)]
    assert {one.version for one in written} == {1}
    assert sorted(audited(app, tenant, "create")) == sorted([f"b{number}"] for number in range(40))


def test_what_is_done_in_turn_waits_for_the_set_before_it_unless_it_fills_a_set(app, principal):
    begun: list[list[int]] = []
    go_on = threading.Event()
    in_turn = Lane(work=held(begun, go_on), in_turn=True)

    async def ask() -> list[int]:
        gatherer = Gatherer(app)

        def more(numbers: range) -> list[asyncio.Task[int]]:
            return [asyncio.ensure_future(gatherer.ask(in_turn, principal, number)) for number in numbers]

        asked = more(range(1))
        await until(lambda: len(begun) == 1)
        asked += more(range(1, MOST))
        assert await gatherer.ask(lanes.LOOK, principal, lambda door: "others go on") == "others go on"
        assert begun == [[0]]
        asked += more(range(MOST, MOST + 1))
        await until(lambda: len(begun) == 2)
        go_on.set()
        return await asyncio.gather(*asked)

    assert asyncio.run(ask()) == list(range(MOST + 1))
    assert begun == [[0], list(range(1, MOST + 1))]


def test_nobody_waits_long_for_a_set_that_is_stuck(app, principal):
    begun: list[list[int]] = []
    go_on = threading.Event()
    in_turn = Lane(work=held(begun, go_on), in_turn=True)

    async def ask() -> None:
        gatherer = Gatherer(app)
        stuck = asyncio.ensure_future(gatherer.ask(in_turn, principal, 0))
        await until(lambda: len(begun) == 1)
        behind = asyncio.ensure_future(gatherer.ask(in_turn, principal, 1))
        asked = time.monotonic()
        await until(lambda: len(begun) == 2)
        assert PATIENCE_SECONDS * 0.9 < time.monotonic() - asked < PATIENCE_SECONDS + 2
        go_on.set()
        assert await asyncio.gather(stuck, behind) == [0, 1]

    asyncio.run(ask())


def test_requests_of_two_principals_do_not_wait_for_each_other(app, tenant, principal):
    begun: list[list[int]] = []
    go_on = threading.Event()
    in_turn = Lane(work=held(begun, go_on), in_turn=True)

    async def ask() -> None:
        gatherer = Gatherer(app)
        asked = [asyncio.ensure_future(gatherer.ask(in_turn, principal, number)) for number in range(3)]
        await until(lambda: len(begun) == 1)
        other = system_principal(tenant.id, "other")
        asked += [asyncio.ensure_future(gatherer.ask(in_turn, other, number)) for number in range(3, 5)]
        await until(lambda: len(begun) == 2)
        go_on.set()
        assert await asyncio.gather(*asked) == list(range(5))

    asyncio.run(ask())
    assert not any({0, 1, 2} & set(one) and {3, 4} & set(one) for one in begun)


def held(begun: list[list[int]], go_on: threading.Event) -> Callable[..., Sequence[int]]:
    """Work that tells which set it has begun, and is done when it may go on."""

    def work(app, tx, principal, items):
        begun.append(list(items))
        assert go_on.wait(30)
        return items

    return work


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.001)


def test_a_faulty_write_is_refused_alone(app, tenant, principal):
    writes = [basic(number) for number in range(20)]
    writes[7] = basic(7, nonsense=True)
    written = together(app, principal, lanes.RECORD, writes)
    assert isinstance(written[7], Rejected)
    assert [one.version for index, one in enumerate(written) if index != 7] == [1] * 19


def test_two_writes_of_one_resource_are_two_versions(app, tenant, principal):
    written = together(app, principal, lanes.RECORD, [basic(1, language=f"x-{n}") for n in range(12)])
    assert sorted(one.version for one in written) == list(range(1, 13))


def test_reads_at_once_get_each_their_own_and_are_each_audited(app, tenant, principal):
    together(app, principal, lanes.RECORD, [basic(number) for number in range(10)])
    wanted = [lanes.Wanted("Basic", f"b{number}") for number in (*range(10), 99, *range(10))]
    seen = together(app, principal, lanes.RECORD, wanted)
    assert isinstance(seen[10], NotFound)
    assert [one.id for index, one in enumerate(seen) if index != 10] == [f"b{n}" for n in [*range(10), *range(10)]]
    assert len(audited(app, tenant, "read")) == 20


def test_reads_and_writes_go_as_one_set_and_each_has_its_own_answer(app, tenant, principal):
    together(app, principal, lanes.RECORD, [basic(number) for number in range(4)])
    items = [lanes.Wanted("Basic", "b1"), basic(1, language="en"), lanes.Wanted("Basic", "b99"), basic(2), basic(7)]
    with app.database.transaction(tenant.id, actor=principal.id) as tx:
        seen, changed, missing, same, made = lanes.RECORD.work(app, tx, principal, items)
    assert (seen.id, seen.version) == ("b1", 1)
    assert (changed.version, same.version, made.version) == (2, 1, 1)
    assert isinstance(missing, NotFound)
    assert audited(app, tenant, "read") == [["b1"]]
    assert ["b7"] in audited(app, tenant, "create")


def test_reads_of_a_narrowed_app_see_no_more_for_the_writes_that_they_go_with(app, tenant, principal):
    organization = {"resourceType": "Organization", "id": "o1", "name": "x"}
    hidden = Write(method="update", resource_type="Organization", id="o1", resource=organization)
    together(app, principal, lanes.RECORD, [basic(1), hidden])
    narrowed = replace(principal, sight=Sight(types=("Basic",)))
    items = [lanes.Wanted("Basic", "b1"), lanes.Wanted("Organization", "o1"), basic(1, language="en")]
    with app.database.transaction(tenant.id, actor=narrowed.id, sight=narrowed.narrowing) as tx:
        seen, unseen, changed = lanes.RECORD.work(app, tx, narrowed, items)
    assert (seen.id, changed.version) == ("b1", 2)
    assert isinstance(unseen, NotFound)


def test_a_faulty_write_spoils_no_read_that_came_with_it(app, tenant, principal):
    together(app, principal, lanes.RECORD, [basic(1)])
    items = [lanes.Wanted("Basic", "b1") if number % 2 else basic(50 + number, nonsense=True) for number in range(16)]
    found = together(app, principal, lanes.RECORD, items)
    assert [one.id for one in found[1::2]] == ["b1"] * 8
    assert all(isinstance(one, Rejected) for one in found[::2])
    assert audited(app, tenant, "read") == [["b1"]] * 8


def test_a_look_that_fails_does_not_spoil_the_others(app, tenant, principal):
    together(app, principal, lanes.RECORD, [basic(1)])

    def bad(door):
        raise Rejected(at="somewhere", expected="something else")

    looks = [bad if number % 3 == 0 else (lambda door: door.read("Basic", "b1").id) for number in range(12)]
    found = together(app, principal, lanes.LOOK, looks)
    assert [isinstance(one, Rejected) for one in found] == [number % 3 == 0 for number in range(12)]
    assert len(audited(app, tenant, "read")) == 8


def test_a_look_that_breaks_its_transaction_fails_alone(app, tenant, principal):
    together(app, principal, lanes.RECORD, [basic(1)])
    looks = [lambda door: door.read("Basic", "b1").version] * 6
    looks.insert(3, lambda door: door.tx.value("select 1 / 0"))
    found = together(app, principal, lanes.LOOK, looks)
    assert [one for one in found if one == 1] == [1] * 6
    assert isinstance(found[3], Exception)
    assert len(audited(app, tenant, "read")) == 6


def test_what_a_savepoint_undoes_is_not_in_the_trail(app, tenant, principal):
    together(app, principal, lanes.RECORD, [basic(1), basic(2)])
    with app.database.transaction(tenant.id) as tx:
        app.record.read(tx, principal, "Basic", "b1")
        with pytest.raises(NotFound), tx.savepoint():
            app.record.read(tx, principal, "Basic", "b2")
            raise NotFound("gone")
    assert audited(app, tenant, "read") == [["b1"]]


def test_a_write_that_may_stand_is_not_done_again(app, tenant, principal):
    """A fault that comes after the commit is told to each asker; nothing is there twice."""

    def fail():
        raise Unavailable("the line went dead with the commit")

    def write(app, tx, principal, items):
        tx.after_commit.append(fail)
        return lanes.RECORD.work(app, tx, principal, items)

    made = [
        Write(
            method="create", resource_type="Basic", resource={"resourceType": "Basic", "code": {"text": f"n{number}"}}
        )
        for number in range(12)
    ]
    answers = together(app, principal, Lane(work=write), made)
    assert all(isinstance(one, Unavailable) for one in answers)
    with app.database.transaction(tenant.id) as tx:
        assert tx.value("select count(*) from resource where type = 'Basic'") == 12


def searching(kind: str, *pairs: tuple[str, str]):
    def steps(door):
        page = yield from door.searching(kind, pairs, None)
        return [one.id for one in page.entries]

    return steps


def test_searches_at_once_get_each_their_own_and_are_each_audited(app, tenant, principal):
    together(app, principal, lanes.RECORD, [basic(number) for number in range(6)])
    asked = [
        searching("Basic", ("_id", "b1")),
        searching("Basic", ("colour", "red")),
        searching("Basic", ("_sort", "-_lastUpdated"), ("_count", "2")),
        searching("Basic", ("_summary", "count")),
        searching("Basic", ("_id", "b2,b3"), ("_sort", "_id")),
        searching("Nonsense"),
        searching("Basic", ("_cursor", "no")),
    ]
    found = together(app, principal, lanes.SEARCH, asked * 3)
    for start in range(0, 21, 7):
        one, refused, two, counted, three, unknown, cursor = found[start : start + 7]
        assert (one, len(two), counted, three) == (["b1"], 2, [], ["b2", "b3"])
        assert all(isinstance(error, Rejected) for error in (refused, unknown, cursor))
    seen = [[one.removeprefix("Basic/") for one in ids] for ids in audited(app, tenant, "search")]
    assert seen.count(["b1"]) == 3
    assert len(seen) == 12


def test_a_search_that_the_database_refuses_spoils_no_other(app, tenant, principal):
    together(app, principal, lanes.RECORD, [basic(1)])

    def broken(door):
        yield Statement("select 1 / 0 as n")

    found = together(app, principal, lanes.SEARCH, [searching("Basic", ("_id", "b1")), broken] * 4)
    assert found[::2] == [["b1"]] * 4
    assert all(isinstance(error, errors.DivisionByZero) for error in found[1::2])
    assert len(audited(app, tenant, "search")) == 4
