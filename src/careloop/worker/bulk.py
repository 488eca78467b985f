"""Exports and imports, one after the other, beside the messages: none of them waits for a long file."""

import threading

import structlog

from careloop.flows import bulk_jobs
from careloop.flows.app import App

_log = structlog.get_logger()
_IDLE_SECONDS = 0.5


def run(app: App, stop: threading.Event) -> None:
    """Does the jobs of all tenants in turn until `stop`. A job cut off by the end of the process is begun again."""
    while not stop.is_set():
        try:
            busy = [bulk_jobs.run_next(app, tenant) for tenant in app.tenants()]
            if not any(busy):
                stop.wait(_IDLE_SECONDS)
        except Exception as error:  # noqa: BLE001 - the outermost loop of a worker: nothing may end it
            _log.error("bulk job failed", exc_info=error)
            stop.wait(_IDLE_SECONDS)
