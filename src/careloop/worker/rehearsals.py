"""Rehearsals of draft rules, one after the other, beside the messages."""

import threading

import structlog

from careloop.flows import rehearsal_jobs
from careloop.flows.app import App

_log = structlog.get_logger()
_IDLE_SECONDS = 1.0


def run(app: App, stop: threading.Event) -> None:
    """Does what managers of all practices asked for, in turn, until `stop`. What was cut off is begun again."""
    while not stop.is_set():
        try:
            busy = [rehearsal_jobs.run_next(app, tenant) for tenant in app.tenants()]
            if not any(busy):
                stop.wait(_IDLE_SECONDS)
        except Exception as error:  # noqa: BLE001 - the outermost loop of a worker: nothing may end it
            _log.error("rehearsal failed", exc_info=error)
            stop.wait(_IDLE_SECONDS)
