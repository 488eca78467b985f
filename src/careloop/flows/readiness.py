"""Can this installation serve? The truth about database, migrations, worker and what is waiting."""

from dataclasses import dataclass

from careloop.db.installation import applied_migrations, seconds_since_at_work
from careloop.db.migrate import shipped_migrations
from careloop.errors import Unavailable
from careloop.flows.app import App
from careloop.intake import inbox

WORKER = "worker"
_LATE_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """`pending` counts arrived messages of all tenants that are not processed yet. `worker_seconds` is how long ago
    the worker last said that it is at work; None: never."""

    ready: bool
    pending: int
    database: bool
    migrations: bool
    worker: bool
    worker_seconds: float | None


def readiness(app: App) -> Readiness:
    """What holds now. Never raises because of a database that is away: then it says so."""
    try:
        with app.database.directory() as tx:
            migrated = applied_migrations(tx) == [one.number for one in shipped_migrations()]
            seen = seconds_since_at_work(tx).get(WORKER)
        pending = sum(_pending(app, tenant.id) for tenant in app.tenants())
    except Unavailable:
        return Readiness(ready=False, pending=0, database=False, migrations=False, worker=False, worker_seconds=None)
    at_work = seen is not None and seen < _LATE_SECONDS
    return Readiness(
        ready=migrated, pending=pending, database=True, migrations=migrated, worker=at_work, worker_seconds=seen
    )


def _pending(app: App, tenant_id: int) -> int:
    with app.database.transaction(tenant_id) as tx:
        return inbox.pending(tx)
