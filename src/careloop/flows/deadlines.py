"""Time passes: loops whose clocks have something to do are advanced, or derived again where time changes more than
clocks; escalations fire once, late ones say so."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from careloop.access.model import Tenant
from careloop.clock import clock_started_at
from careloop.db import Transaction
from careloop.errors import NotPermitted
from careloop.flows import closing
from careloop.flows.advancing import advance_loops
from careloop.flows.app import App
from careloop.flows.causes import Cause
from careloop.loops import store

BATCH = 200
"""So many loops are worked on in one transaction: locks stay short, and a crash costs little."""

_TOGETHER = 2
"""So many sweep at a time where there is much to do: one works while another waits for the database."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a sweep did. `late_escalations` are those that fired more than 10 minutes after their instant."""

    tenant: str
    at: datetime
    loops: int
    patients: int
    escalations: int
    late_escalations: int


def run(app: App, tenant: Tenant, at: datetime | None = None) -> Report:
    """Everything that is due by `at` (now when left out) is carried out. `at` is refused on a production tenant."""
    if at is not None and tenant.production:
        raise NotPermitted("a production tenant lives at the present time only")
    moved = app if at is None else app.with_clock(clock_started_at(at))
    began = moved.clock.now()
    loops, patients = _batch_of(moved, tenant.id, store.Part())
    for more in _all_that_is_left(moved, tenant.id, loops + patients):
        loops, patients = loops + more[0], patients + more[1]
    with moved.database.transaction(tenant.id) as tx:
        fired, late = store.escalations_since(tx, began)
    return Report(
        tenant=tenant.slug, at=at or began, loops=loops, patients=patients, escalations=fired, late_escalations=late
    )


def _all_that_is_left(app: App, tenant_id: int, found: int) -> list[tuple[int, int]]:
    """After a batch in which so many were `found` the rest is done: where there is much, by several together."""
    if found < BATCH:
        return [_rest_of(app, tenant_id, store.Part())] if found else []
    parts = [store.Part(number=number, of=_TOGETHER) for number in range(_TOGETHER)]
    with ThreadPoolExecutor(max_workers=_TOGETHER, thread_name_prefix="sweep") as sweepers:
        return list(sweepers.map(lambda part: _rest_of(app, tenant_id, part), parts))


def _rest_of(app: App, tenant_id: int, part: store.Part) -> tuple[int, int]:
    """Everything that is due in a part of all patients is done; how many loops and patients that were."""
    loops = patients = 0
    while any(found := _batch_of(app, tenant_id, part)):
        loops, patients = loops + found[0], patients + found[1]
    return loops, patients


def _batch_of(app: App, tenant_id: int, part: store.Part) -> tuple[int, int]:
    return app.database.run(tenant_id, lambda tx: _batch(app, tx, app.clock.now(), part))


def _batch(app: App, tx: Transaction, now: datetime, part: store.Part) -> tuple[int, int]:
    """How many loops, and patients without a loop, were looked at."""
    due = store.due_loops(tx, now, BATCH, part)
    waiting = store.due_patients(tx, now, BATCH, part)
    store.clear_wakes(tx, waiting)
    ids = [loop_id for loop_id, _ in due]
    reviewed = advance_loops(app, tx, ids, waiting, _CLOCK, now)
    closing.review(app, tx, sorted(reviewed), _CLOCK)
    store.postpone(tx, [loop_id for loop_id, patient in due if patient in reviewed], now, now + timedelta(minutes=1))
    return len(due), len(waiting)


_CLOCK = Cause(fact="the clock")
