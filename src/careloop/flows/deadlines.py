"""Time passes: loops whose clocks have something to do are advanced, or derived again where time changes more than
clocks; escalations fire once, late ones say so."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta

from careloop import collector
from careloop.access.model import Tenant
from careloop.clock import clock_started_at
from careloop.db import Transaction
from careloop.errors import NotPermitted
from careloop.flows import closing
from careloop.flows.advancing import advance_loops
from careloop.flows.app import App
from careloop.flows.causes import Cause
from careloop.loops import store

BATCH = 400
"""So many loops are worked on in one transaction: few enough that locks are short and a crash costs little, enough that
planning its forty statements costs each loop little."""

MUCH = 5000
"""Where so many loops are due, a second sweeper is worth what its start costs (a second and a half)."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a sweep did. `late_escalations` are those that fired more than 10 minutes after their instant."""

    tenant: str
    at: datetime
    loops: int
    patients: int
    escalations: int
    late_escalations: int


@dataclass(frozen=True, kw_only=True)
class Done:
    """How many loops, and patients without a loop, were looked at."""

    loops: int = 0
    patients: int = 0

    def __add__(self, other: "Done") -> "Done":
        return Done(loops=self.loops + other.loops, patients=self.patients + other.patients)

    def __bool__(self) -> bool:
        return bool(self.loops or self.patients)


Beside = Callable[[App, Tenant, store.Part], AbstractContextManager[Callable[[], Done]]]
"""Begins to sweep a part of all patients beside; what it gives waits for the end of that."""


def run(app: App, tenant: Tenant, at: datetime | None = None, *, beside: Beside | None = None) -> Report:
    """Everything that is due by `at` (now when left out) is carried out. `at` is refused on a production tenant. Where
    much is due, one half of all patients is left to `beside`."""
    if at is not None and tenant.production:
        raise NotPermitted("a production tenant lives at the present time only")
    moved = app if at is None else app.with_clock(clock_started_at(at))
    began = moved.clock.now()
    done = Done()
    if beside is not None and _is_much(moved, tenant.id):
        first, second = store.Part(number=0, of=2), store.Part(number=1, of=2)
        with beside(moved, tenant, second) as theirs:
            done = sweep(moved, tenant.id, first)
            done += theirs()
    done += sweep(moved, tenant.id, store.Part())
    with moved.database.transaction(tenant.id) as tx:
        fired, late = store.escalations_since(tx, began)
    return Report(
        tenant=tenant.slug,
        at=at or began,
        loops=done.loops,
        patients=done.patients,
        escalations=fired,
        late_escalations=late,
    )


def sweep(app: App, tenant_id: int, part: store.Part, stop: threading.Event | None = None) -> Done:
    """Everything that is due in a part of all patients is done, or `stop` is set; how much that was."""
    done = Done()
    while not (stop and stop.is_set()) and (found := _batch_of(app, tenant_id, part)):
        done += found
    return done


def _is_much(app: App, tenant_id: int) -> bool:
    with app.database.transaction(tenant_id) as tx:
        return store.due_count(tx, app.clock.now(), MUCH) == MUCH


def _batch_of(app: App, tenant_id: int, part: store.Part) -> Done:
    with collector.paused():
        return app.database.run(tenant_id, lambda tx: _batch(app, tx, app.clock.now(), part))


def _batch(app: App, tx: Transaction, now: datetime, part: store.Part) -> Done:
    due = store.due_loops(tx, now, BATCH, part)
    waiting = store.due_patients(tx, now, BATCH, part)
    store.clear_wakes(tx, waiting)
    ids = [loop_id for loop_id, _ in due]
    reviewed = advance_loops(app, tx, ids, waiting, _CLOCK, now)
    closing.review(app, tx, sorted(reviewed), _CLOCK)
    store.postpone(tx, [loop_id for loop_id, patient in due if patient in reviewed], now, now + timedelta(minutes=1))
    return Done(loops=len(due), patients=len(waiting))


_CLOCK = Cause(fact="the clock")
