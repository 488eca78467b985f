"""The worker: carries what arrived into the record, keeps order, survives whatever a message does to it."""

import threading

import structlog

from careloop import intake
from careloop.access.model import Tenant
from careloop.db import Transaction
from careloop.errors import CareloopError, Unavailable
from careloop.flows import arrival, inbox, watching
from careloop.flows.app import App
from careloop.intake import Claimed
from careloop.worker import bulk, outbox, rehearsals, rounds

_log = structlog.get_logger()

BATCH = 64
"""So many messages share one commit: a crash costs little, and locks are short."""
_IDLE_SECONDS = 0.03
_LONG_IDLE_SECONDS = 0.1
_LONG_AFTER_SECONDS = 1.0
"""When nothing has come for so long, it is looked less often: the first message after a pause waits a tenth of a second
at most, and a worker that has nothing to do costs a third."""
_AWAY_SECONDS = 1.0
_UPKEEP_SECONDS = 1.0
_TENANTS_SECONDS = 2.0


def run_worker(app: App, stop: threading.Event) -> None:
    """Messages of all tenants are processed, and the rounds are made, until `stop`. `ContentError` at once where topics
    or outgoing messages of the content cannot be carried out."""
    watching.check_content(app)
    others = threading.Thread(target=rounds.run, args=(app, stop), name="rounds", daemon=True)
    others.start()
    keeper = threading.Thread(target=_keep_up, args=(app, stop), name="upkeep", daemon=True)
    keeper.start()
    threading.Thread(target=bulk.run, args=(app, stop), name="bulk", daemon=True).start()
    threading.Thread(target=rehearsals.run, args=(app, stop), name="rehearsals", daemon=True).start()
    threading.Thread(target=outbox.run, args=(app, stop), name="outbox", daemon=True).start()
    process_messages(app, stop)
    others.join()
    keeper.join()


def process_messages(app: App, stop: threading.Event) -> None:
    """Takes batches from each tenant in turn; rests when none has anything."""
    tenants: list[Tenant] = []
    rests, idle = _TENANTS_SECONDS, 0.0
    while not stop.is_set():
        try:
            if rests >= _TENANTS_SECONDS:
                tenants, rests = app.tenants(), 0.0
            busy = [process_batch(app, tenant) for tenant in tenants]
            idle = 0.0 if any(busy) else idle + _IDLE_SECONDS
            pause = _LONG_IDLE_SECONDS if idle > _LONG_AFTER_SECONDS else _IDLE_SECONDS
            if not any(busy):
                stop.wait(pause)
            rests += pause
        except Exception as error:  # noqa: BLE001 - the outermost loop of a worker: nothing may end it
            _log.error("processing failed", error=type(error).__name__)
            stop.wait(_AWAY_SECONDS)


def process_batch(app: App, tenant: Tenant) -> int:
    """One batch of a tenant's waiting messages, in one transaction; how many there were."""
    taken: list[Claimed] = []

    def work(tx: Transaction) -> int:
        taken[:] = intake.claim(tx, app.clock.now(), BATCH)
        arrival.process_claimed(app, tx, tenant, taken)
        return len(taken)

    try:
        return app.database.run(tenant.id, work, actor="intake")
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001 - one poisonous message must not stop the others of its batch
        _log.error("batch undone", tenant_id=tenant.id, messages=len(taken), error=type(error).__name__)
        for one in taken:
            _process_alone(app, tenant, one)
        return len(taken)


def _process_alone(app: App, tenant: Tenant, claimed: Claimed) -> None:
    """One message in a transaction of its own; a fault of ours is counted, and after some tries it is a dead letter."""
    try:
        arrival.process(app, tenant, claimed.id)
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001 - the message is kept and the fault is shown; the worker goes on
        _log.error("message failed", tenant_id=tenant.id, inbox_id=claimed.id, exc_info=error)
        fault: CareloopError = Unavailable(f"processing failed ({type(error).__name__})")
        done = arrival.failed(claimed, fault, app.clock.now())
        app.database.run(tenant.id, lambda tx: intake.finish(tx, app.clock.now(), [done]), actor="intake")


def _keep_up(app: App, stop: threading.Event) -> None:
    while not stop.wait(_UPKEEP_SECONDS):
        try:
            for tenant in app.tenants():
                inbox.upkeep(app, tenant, app.clock.now())
        except Exception as error:  # noqa: BLE001 - the outermost loop of a worker: nothing may end it
            _log.error("upkeep failed", error=type(error).__name__)
