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
WORKERS = 2
"""Sets that are done at a time: while one waits for the database, the other computes."""
_IDLE_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Lane:
    """What can be done as a set. `work` gives an outcome for each item in their order; it raises where the set as a
    whole cannot be done. Two items with the same `name_of` are never in one set; None goes with everything. What is
    `repeatable` may be done again though it may have been done: it changes nothing."""

    work: Callable[[App, Transaction, Principal, Sequence[Any]], Sequence[Outcome]]
    name_of: Callable[[Any], Hashable | None] = lambda _: None
    repeatable: bool = False


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
            self._settle(chosen, self._done(chosen))

    def _next(self) -> list[_Request]:
        """The next set; empty when nothing came for a while, and this thread ends."""
        with self._changed:
            self._idle += 1
            came = self._changed.wait_for(lambda: self._waiting, _IDLE_SECONDS)
            self._idle -= 1
            if not came:
                self._workers -= 1
                return []
            return self._chosen()

    def _chosen(self) -> list[_Request]:
        """The oldest request and those that can be done with it, oldest first."""
        first = self._waiting.popleft()
        chosen, names, left = [first], {first.lane.name_of(first.item)}, []
        while self._waiting and len(chosen) < MOST:
            one = self._waiting.popleft()
            name = one.lane.name_of(one.item)
            if one.lane is first.lane and one.principal == first.principal and (name is None or name not in names):
                chosen.append(one)
                names.add(name)
            else:
                left.append(one)
        self._waiting.extendleft(reversed(left))
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
