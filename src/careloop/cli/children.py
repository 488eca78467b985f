"""The processes that the supervisor starts, and the one that a large sweep starts:
`python -m careloop.cli.children NAME DESCRIPTOR`.

Each ends on SIGTERM, and when its parent's end of the pipe DESCRIPTOR closes. Ctrl-C is the supervisor's business.
"""

import os
import signal
import sys
import threading
from collections.abc import Sequence
from importlib import import_module

import structlog

from careloop import collector
from careloop.cli import logs
from careloop.cli.supervisor import set_from_handler
from careloop.errors import CareloopError
from careloop.flows.app import build_app
from careloop.settings import load_settings

_GRACE_SECONDS = 15.0

_log = structlog.get_logger()


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one process to its end; 0 when it was asked to end, 3 when it could not start."""
    name, descriptor = sys.argv[1:] if arguments is None else arguments
    stop = threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: set_from_handler(stop))
    threading.Thread(target=_end_with_supervisor, args=(int(descriptor), stop), daemon=True).start()
    settings = load_settings()
    logs.configure(settings.log_level)
    try:
        app = build_app(settings, pool_size=settings.pool_size if name == "web" else settings.worker_pool_size)
        module, function = PROCESSES[name]
        run = getattr(import_module(module), function)
        collector.settle()
        run(app, stop)
    except CareloopError as error:
        _log.error("process cannot run", process=name, exc_info=error)
        print(f"{name}: {error.message}", file=sys.stderr, flush=True)
        return 3
    app.close()
    return 0


def _end_with_supervisor(descriptor: int, stop: threading.Event) -> None:
    os.read(descriptor, 1)
    stop.set()
    last_resort = threading.Timer(_GRACE_SECONDS, lambda: os._exit(1))
    last_resort.daemon = True
    last_resort.start()


PROCESSES = {
    "web": ("careloop.cli.web", "run_web"),
    "mllp": ("careloop.worker.mllp", "run_mllp"),
    "worker": ("careloop.worker.main", "run_worker"),
    "feed": ("careloop.cli.demo", "run_live_feed"),
    "sweeper": ("careloop.worker.sweeping", "sweep_beside"),
}
"""Each process loads only its own module: `(app, stop)` runs it."""


if __name__ == "__main__":
    raise SystemExit(main())
