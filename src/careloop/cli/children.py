"""The processes that the supervisor starts: `python -m careloop.cli.children NAME DESCRIPTOR [...]`.

Each ends on SIGTERM, and when the supervisor's end of the pipe DESCRIPTOR closes. Ctrl-C is the supervisor's business.
"""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence

import structlog
from granian.constants import Interfaces
from granian.server.embed import Server

from careloop.cli import logs
from careloop.cli.asgi import create_asgi
from careloop.cli.supervisor import set_from_handler
from careloop.errors import CareloopError
from careloop.flows.app import App, build_app
from careloop.settings import load_settings

_GRACE_SECONDS = 15.0

_log = structlog.get_logger()


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one process to its end; 0 when it was asked to end, 3 when it could not start."""
    name, descriptor, *rest = sys.argv[1:] if arguments is None else arguments
    stop = threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: set_from_handler(stop))
    threading.Thread(target=_end_with_supervisor, args=(int(descriptor), stop), daemon=True).start()
    settings = load_settings()
    logs.configure(settings.log_level)
    try:
        app = build_app(settings, pool_size=settings.pool_size if name == "web" else settings.worker_pool_size)
        PROCESSES[name](app, stop, rest)
    except CareloopError as error:
        _log.error("process cannot run", process=name, exc_info=error)
        print(f"{name}: {error.message}", file=sys.stderr, flush=True)
        return 3
    app.close()
    return 0


def _end_with_supervisor(descriptor: int, stop: threading.Event) -> None:
    os.read(descriptor, 1)
    stop.set()
    threading.Timer(_GRACE_SECONDS, lambda: os._exit(1)).start()


def _web(app: App, stop: threading.Event, _arguments: Sequence[str]) -> None:
    asyncio.run(_serve_pages(app, stop))


async def _serve_pages(app: App, stop: threading.Event) -> None:
    server = Server(
        create_asgi(app),
        address=app.settings.host,
        port=app.settings.port,
        interface=Interfaces.ASGI,
        websockets=False,
        log_enabled=False,
        backlog=1024,
    )
    serving = asyncio.create_task(server.serve())
    while not stop.is_set() and not serving.done():
        await asyncio.sleep(0.05)
    server.stop()
    await serving


PROCESSES: Mapping[str, Callable[[App, threading.Event, Sequence[str]], None]] = {"web": _web}


if __name__ == "__main__":
    raise SystemExit(main())
