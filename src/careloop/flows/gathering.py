"""Requests that arrive together are done together: one transaction, one commit, one set of statements for several.

A request that finds a worker free is done at once and alone; those that arrive while workers are busy are gathered and
done as a set by the next one. That costs a single request nothing and makes many cheap. Sets are of one tenant, one
actor and one lane (what can be done as a set). When a set fails, each of its requests is done by itself, so that no
request ever suffers from another's fault.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

from careloop.access.model import Principal
from careloop.db import Database, Transaction
from careloop.db.pool import Contended
from careloop.errors import CareloopError
from careloop.flows.app import App

Outcome = Any
"""What a request came to: its result, or the `CareloopError` that it ends with."""

MOST = 16
"""Requests in one set."""
ENOUGH = 8
"""So many make a set that begins beside another one of what is done in turn: more would save little."""
WORKERS = 2
"""Sets that are done at a time: while one waits for the database, the other computes."""
_IDLE_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Lane:
    """What can be done as a set. `work` gives an outcome for each item in their order; it raises where the set as a
    whole cannot be done. Two items with the same `name_of` are never in one set; None goes with everything. What is
    `repeatable` may be done again though it may have been done: it changes nothing. Of what is done `in_turn`, a set of
    a principal that is not large waits until the one before is done: what arrives in the meantime goes with it."""

    work: Callable[[App, Transaction, Principal, Sequence[Any]], Sequence[Outcome]]
    name_of: Callable[[Any], Hashable | None] = lambda _: None
    repeatable: bool = False
    in_turn: bool = False


@dataclass(frozen=True, eq=False)
class _Request:
    lane: Lane
    principal: Principal
    item: Any
    loop: asyncio.AbstractEventLoop
    answer: "asyncio.Future[Any]"


@dataclass
class Gatherer:
    """Takes requests from event loops and does them in threads of its own. Threads end when there is nothing to do."""

    app: App
    _waiting: deque[_Request] = field(default_factory=deque)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _under_way: list[_Request] = field(default_factory=list)
    """The first request of each set that is being done and that others must wait for."""
    _workers: int = 0
    _idle: int = 0

    async def ask(self, lane: Lane, principal: Principal, item: Any) -> Any:
        """The outcome of `item`, committed. Raises what it ended with."""
        loop = asyncio.get_running_loop()
        request = _Request(lane, principal, item, loop, loop.create_future())
        with self._changed:
            self._waiting.append(request)
            if self._idle:
                self._changed.notify()
            elif self._workers < WORKERS:
                self._workers += 1
                threading.Thread(target=self._serve, name="gathered", daemon=True).start()
        return await request.answer

    def _serve(self) -> None:
        while chosen := self._next():
            outcomes = self._done(chosen)
            with self._changed:
                if chosen[0].lane.in_turn:
                    self._under_way.remove(chosen[0])
            self._settle(chosen, outcomes)

    def _next(self) -> list[_Request]:
        """The next set; empty when nothing came for a while, and this thread ends."""
        with self._changed:
            self._idle += 1
            first = self._changed.wait_for(self._ready, _IDLE_SECONDS)
            self._idle -= 1
            if first is None:
                self._workers -= 1
                return []
            return self._chosen(first)

    def _ready(self) -> _Request | None:
        """The oldest request whose set may begin now."""
        return next((one for one in self._waiting if not self._must_wait(one)), None)

    def _must_wait(self, one: _Request) -> bool:
        if not any(_same_set(one, other) for other in self._under_way):
            return False
        return sum(_same_set(one, other) for other in self._waiting) < ENOUGH

    def _chosen(self, first: _Request) -> list[_Request]:
        """That request and those that can be done with it, oldest first."""
        chosen: list[_Request] = []
        names: set[Hashable] = set()
        left: deque[_Request] = deque()
        for one in self._waiting:
            name = one.lane.name_of(one.item)
            if len(chosen) < MOST and _same_set(one, first) and (name is None or name not in names):
                chosen.append(one)
                names.add(name)
            else:
                left.append(one)
        self._waiting = left
        if first.lane.in_turn:
            self._under_way.append(chosen[0])
        return chosen

    def _done(self, chosen: Sequence[_Request]) -> list[Outcome]:
        """An outcome for each; where the set cannot be done as one, each by itself. Writes that may stand already,
        because the fault came with the commit or after it, are not done again: each asker is told."""
        done: list[Outcome] = []
        try:
            return self._together(chosen, done)
        except Exception as error:  # noqa: BLE001 - the outermost loop of a worker: the asker gets what was raised
            may_stand = bool(done) and not (chosen[0].lane.repeatable or isinstance(error, Contended))
            if len(chosen) == 1 or may_stand:
                return [error for _ in chosen]
        return [outcome for one in chosen for outcome in self._done([one])]

    def _together(self, chosen: Sequence[_Request], done: list[Outcome]) -> list[Outcome]:
        """The outcomes, committed. `done` holds them as soon as only the commit is left."""
        first = chosen[0]
        database: Database = self.app.database

        def work(tx: Transaction) -> list[Outcome]:
            done.clear()
            done.extend(first.lane.work(self.app, tx, first.principal, [one.item for one in chosen]))
            return list(done)

        return database.run(first.principal.tenant_id, work, actor=first.principal.id, sight=first.principal.narrowing)

    def _settle(self, chosen: Sequence[_Request], outcomes: Sequence[Outcome]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Outcome]]] = {}
        for one, outcome in zip(chosen, outcomes, strict=True):
            by_loop.setdefault(one.loop, []).append((one.answer, outcome))
        for loop, answers in by_loop.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(_answer, answers)


def _same_set(one: _Request, other: _Request) -> bool:
    return one.lane is other.lane and one.principal == other.principal


def _answer(answers: Sequence[tuple["asyncio.Future[Any]", Outcome]]) -> None:
    for future, outcome in answers:
        if future.cancelled():
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)


def tried(work: Callable[[], Any]) -> Outcome:
    """What `work` gives or the product's error that it ends with. For lanes whose items cannot spoil each other."""
    try:
        return work()
    except CareloopError as error:
        return error
