"""What has to reach others: one thread looks at changes, some send. None of them is in the way of arriving messages."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import structlog

from careloop import outbox
from careloop.access.model import Tenant
from careloop.flows import delivering, subscribing, watching
from careloop.flows.app import App

_log = structlog.get_logger()
_IDLE_SECONDS = 0.2
_HELPER_IDLE_SECONDS = 1.0
"""One sender looks often; the others help where there is more than it can send, and need not look as often for it."""
_AWAY_SECONDS = 1.0
_TENANTS_SECONDS = 2.0
SENDERS = 3
"""Targets that are sent to at a time; one that does not answer holds up one of them for its time limit."""


def run(app: App, stop: threading.Event) -> None:
    """Changes become events, events leave, until `stop`."""
    for number in range(SENDERS):
        rest = _IDLE_SECONDS if number == 0 else _HELPER_IDLE_SECONDS
        arguments = (app, stop, delivering.deliver_next, "sending", rest)
        threading.Thread(target=_forever, args=arguments, name=f"outbox-{number}", daemon=True).start()
    _forever(app, stop, watching.watch, "watching", _IDLE_SECONDS)


def sweep(app: App, tenant: Tenant) -> None:
    """What arrived long ago is forgotten, and Subscriptions whose time is over end. A round."""
    subscribing.end_those_over(app, tenant)
    with app.database.transaction(tenant.id, actor="outbox") as tx:
        outbox.sweep(tx, app.clock.now())


SWEEP_EVERY = timedelta(minutes=1)


def _forever(
    app: App, stop: threading.Event, work: Callable[[App, Tenant], bool], name: str, rest_seconds: float
) -> None:
    tenants: list[Tenant] = []
    asked = float("-inf")
    while not stop.is_set():
        try:
            if time.monotonic() - asked >= _TENANTS_SECONDS:
                tenants, asked = app.tenants(), time.monotonic()
            busy = [_one(app, tenant, work, name) for tenant in tenants]
            if not any(busy):
                stop.wait(rest_seconds)
        except Exception as error:  # noqa: BLE001 - the outermost loop of a worker: nothing may end it
            _log.error("outbox failed", process=name, error=type(error).__name__)
            stop.wait(_AWAY_SECONDS)


def _one(app: App, tenant: Tenant, work: Callable[[App, Tenant], bool], name: str) -> bool:
    try:
        return work(app, tenant)
    except Exception as error:  # noqa: BLE001 - one tenant's fault must not stop the others
        _log.error("outbox failed", process=name, tenant_id=tenant.id, exc_info=error)
        return False
