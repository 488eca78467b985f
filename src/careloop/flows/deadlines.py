"""Time passes: loops whose clocks have something to do are advanced, or derived again where time changes more than
clocks; escalations fire once, late ones say so."""

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
    loops = patients = 0
    while found := _sweep(moved, tenant.id):
        loops += found[0]
        patients += found[1]
    with moved.database.transaction(tenant.id) as tx:
        fired, late = store.escalations_since(tx, began)
    return Report(
        tenant=tenant.slug, at=at or began, loops=loops, patients=patients, escalations=fired, late_escalations=late
    )


def run_due(app: App, now: datetime) -> int:
    """One batch for each tenant, for the worker; how many loops and patients had something to do by `now`."""
    done = 0
    for tenant in app.tenants():
        found = app.database.run(tenant.id, lambda tx: _batch(app, tx, now))
        done += sum(found)
    return done


def _sweep(app: App, tenant_id: int) -> tuple[int, int] | None:
    """One batch; None when nothing was due."""
    found = app.database.run(tenant_id, lambda tx: _batch(app, tx, app.clock.now()))
    return found if any(found) else None


def _batch(app: App, tx: Transaction, now: datetime) -> tuple[int, int]:
    """How many loops, and patients without a loop, were looked at."""
    due = store.due_loops(tx, now, BATCH)
    waiting = store.due_patients(tx, now, BATCH)
    store.clear_wakes(tx, waiting)
    ids = [loop_id for loop_id, _ in due]
    closing.review(app, tx, sorted(advance_loops(app, tx, ids, waiting, _CLOCK, now)), _CLOCK)
    store.postpone(tx, ids, now, now + timedelta(minutes=1))
    return len(due), len(waiting)


_CLOCK = Cause(fact="the clock")
