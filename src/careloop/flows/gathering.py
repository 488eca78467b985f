"""Requests that arrive together are done together: one transaction, one commit, one set of statements for several.

A request that finds a worker free is done at once and alone; those that arrive while workers are busy are gathered and
done as a set by the next one. That costs a single request nothing and makes many cheap. Sets are of one tenant, one
actor and one lane (what can be done as a set). When a set fails, each of its requests is done by itself, so that no
request ever suffers from another's fault.
"""

import asyncio
import threading
import time
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
PATIENCE_SECONDS = 0.25
"""So long at most a request waits for the set before it: one that is stuck at a lock holds nobody up for longer."""
_LULL_SECONDS = 0.004
"""So long at most after a set of several, the next one in turn begins: who was just answered often asks again at once,
and would miss it by a hair. It ends as soon as that many have come."""
_IDLE_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Lane:
    """What can be done as a set. `work` gives an outcome for each item in their order; it raises where the set as a
    whole cannot be done. Two items with the same `name_of` are never in one set; None goes with everything. Items that
    are `repeatable` may be done again though they may have been done: they change nothing. Of what is done `in_turn`,
    the next set of a principal begins when the one before is done: what arrives in the meantime goes with it."""

    work: Callable[[App, Transaction, Principal, Sequence[Any]], Sequence[Outcome]]
    name_of: Callable[[Any], Hashable | None] = lambda _: None
    repeatable: Callable[[Sequence[Any]], bool] = lambda _: False
    in_turn: bool = False


_Kind = tuple[Lane, Principal]
"""What can be in one set."""
_NOBODY = 0, threading.Event()
"""What stands for a kind whose next set is not held back."""


@dataclass(frozen=True, eq=False, slots=True)
class _Request:
    lane: Lane
    principal: Principal
    item: Any
    loop: asyncio.AbstractEventLoop
    answer: "asyncio.Future[Any]"
    since: float


@dataclass
class Gatherer:
    """Takes requests from event loops and does them in threads of its own. Threads end when there is nothing to do."""

    app: App
    _waiting: dict[_Kind, deque[_Request]] = field(default_factory=dict)
    """Of each kind that anybody waits for, oldest first."""
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _under_way: list[_Kind] = field(default_factory=list)
    """The kind of each set that is being done and that others must wait for."""
    _lulls: dict[_Kind, tuple[int, threading.Event]] = field(default_factory=dict)
    """Of each kind whose next set is held back for a moment: for how many, and what says that they are there."""
    _workers: int = 0
    _idle: int = 0

    async def ask(self, lane: Lane, principal: Principal, item: Any) -> Any:
        """The outcome of `item`, committed. Raises what it ended with."""
        loop = asyncio.get_running_loop()
        request = _Request(lane, principal, item, loop, loop.create_future(), time.monotonic())
        kind = lane, principal
        with self._changed:
            waiting = self._waiting.setdefault(kind, deque())
            waiting.append(request)
            awaited, there = self._lulls.get(kind, _NOBODY)
            if len(waiting) == awaited:
                there.set()
            if self._workers < WORKERS and not self._idle:
                self._workers += 1
                threading.Thread(target=self._serve, name="gathered", daemon=True).start()
            elif self._idle and (len(waiting) == 1 or not self._must_wait(kind)):
                # The first is told of though it must wait: somebody has to watch for how long. To wake a thread for
                # each of the others would cost as much as a small request.
                self._changed.notify()
        return await request.answer

    def _serve(self) -> None:
        while chosen := self._next():
            outcomes = self._done(chosen)
            if chosen[0].lane.in_turn:
                self._settle_in_turn(chosen, outcomes)
            else:
                self._settle(chosen, outcomes)

    def _settle_in_turn(self, chosen: Sequence[_Request], outcomes: Sequence[Outcome]) -> None:
        """They are answered, and the next set of their kind may begin."""
        kind = chosen[0].lane, chosen[0].principal
        there = threading.Event()
        if len(chosen) > 1:
            with self._changed:
                self._lulls[kind] = min(len(self._waiting.get(kind, ())) + len(chosen), MOST), there
        self._settle(chosen, outcomes)
        if len(chosen) > 1:
            there.wait(_LULL_SECONDS)
        with self._changed:
            self._lulls.pop(kind, None)
            self._under_way.remove(kind)

    def _next(self) -> list[_Request]:
        """The next set; empty when nothing came for a while, and this thread ends."""
        ends = time.monotonic() + _IDLE_SECONDS
        with self._changed:
            self._idle += 1
            while (kind := self._ready()) is None and (self._waiting or time.monotonic() < ends):
                self._changed.wait(PATIENCE_SECONDS if self._waiting else ends - time.monotonic())
            self._idle -= 1
            if kind is None:
                self._workers -= 1
                return []
            chosen = self._chosen(kind)
            if self._idle and self._ready() is not None:
                self._changed.notify()
            return chosen

    def _ready(self) -> _Kind | None:
        """The kind whose next set may begin now and has waited longest."""
        ready = [kind for kind in self._waiting if not self._must_wait(kind)]
        return min(ready, key=lambda kind: self._waiting[kind][0].since, default=None)

    def _must_wait(self, kind: _Kind) -> bool:
        """True as long as a set of this kind is being done, and the next one is neither full nor waits for long."""
        waiting = self._waiting[kind]
        return (
            kind in self._under_way and len(waiting) < MOST and time.monotonic() - waiting[0].since < PATIENCE_SECONDS
        )

    def _chosen(self, kind: _Kind) -> list[_Request]:
        """The oldest requests of this kind that can be done together."""
        chosen: list[_Request] = []
        names: set[Hashable] = set()
        left: deque[_Request] = deque()
        for one in self._waiting.pop(kind):
            name = one.lane.name_of(one.item)
            if len(chosen) < MOST and (name is None or name not in names):
                chosen.append(one)
                names.add(name)
            else:
                left.append(one)
        if left:
            self._waiting[kind] = left
        if kind[0].in_turn:
            self._under_way.append(kind)
        return chosen

    def _done(self, chosen: Sequence[_Request]) -> list[Outcome]:
        """An outcome for each; where the set cannot be done as one, each by itself. Writes that may stand already,
        because the fault came with the commit or after it, are not done again: each asker is told."""
        done: list[Outcome] = []
        try:
            return self._together(chosen, done)
        except Exception as error:  # noqa: BLE001 - the outermost loop of a worker: the asker gets what was raised
            may_stand = bool(done) and not (
                isinstance(error, Contended) or chosen[0].lane.repeatable([one.item for one in chosen])
            )
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
