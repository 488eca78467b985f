"""Rehearsals of drafts that managers asked for: worked out by the worker, kept with the draft."""

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from careloop.access.model import Tenant
from careloop.catalog import versions
from careloop.catalog.versions import Rehearsal, RuleVersion
from careloop.errors import CareloopError, Unavailable
from careloop.flows import engine, people, rehearsing
from careloop.flows.app import App
from careloop.loops import effects
from careloop.loops.rehearsal import OrderTally
from careloop.loops.rules.rank import RankWeights, rank_days, read_weights

MOST_TRIES = 3


def run_next(app: App, tenant: Tenant) -> bool:
    """One rehearsal of the tenant is done, has failed or will be tried again; False when none waits."""
    with app.database.transaction(tenant.id, actor="rules") as tx:
        job = versions.take_rehearsal(tx, app.clock.now())
        version = versions.get(tx, job.version_id) if job else None
    if job is None or version is None:
        return False
    try:
        report = _report(app, tenant, job, version)
    except Unavailable:
        if job.attempts >= MOST_TRIES:
            _finish(app, tenant, job, fault="the database was not available")
    except CareloopError as error:
        _finish(app, tenant, job, fault=error.message)
    except Exception as error:
        if job.attempts >= MOST_TRIES:
            _finish(app, tenant, job, fault=f"the rehearsal failed ({type(error).__name__})")
        raise
    else:
        _finish(app, tenant, job, report=report)
    return True


def _report(app: App, tenant: Tenant, job: Rehearsal, version: RuleVersion) -> dict[str, Any]:
    if version.kind == "worklist":
        return rehearse_order(app, tenant, version.document)

    def beat(done: int, total: int) -> None:
        with app.database.transaction(tenant.id, actor="rules") as tx:
            versions.beat(tx, job.id, app.clock.now(), done, total)

    return rehearsing.rehearse(app, tenant, version.document, job.days, beat)


def rehearse_order(app: App, tenant: Tenant, document: Mapping[str, Any]) -> dict[str, Any]:
    """How many open loops, and whose, would stand under Do now, Today, This week with other points; nothing is
    written."""
    now, zone = app.clock.now(), ZoneInfo(tenant.zone)
    days = rank_days(now, zone)
    with app.database.snapshot(tenant.id, actor="rehearsal", read_only=True) as tx:
        sides: Sequence[RankWeights] = (read_weights(document), engine.content_for(app, tx).weights)
        tally, names = OrderTally(), people.Names(tx)
        for loops in effects.open_loops(tx):
            for loop in loops:
                tally.add(loop.state, names.name(loop.owner), sides, days)
    return {"tenant": tenant.slug, "until": now.isoformat(), **tally.figures()}


def _finish(
    app: App, tenant: Tenant, job: Rehearsal, *, report: Mapping[str, Any] | None = None, fault: str = ""
) -> None:
    with app.database.transaction(tenant.id, actor="rules") as tx:
        versions.finish_rehearsal(tx, job.id, app.clock.now(), report=report, fault=fault)
