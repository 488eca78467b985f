"""The process that answers pages, FHIR and API."""

import asyncio
import threading

import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server

from careloop import collector
from careloop.api.metrics import serve_metrics
from careloop.cli.asgi import WebApplication, create_asgi
from careloop.flows.app import App

_LOOK_SECONDS = 0.25
"""So often it is looked whether the server is to end."""


def run_web(app: App, stop: threading.Event) -> None:
    """Pages, FHIR and API until `stop`; metrics beside them where a port is set."""
    if app.settings.metrics_port is not None:
        serve_metrics(app, app.settings.metrics_port)
    routes = create_asgi(app)
    collector.settle()  # once more: the routes stay too
    uvloop.run(_serve_pages(app, routes, stop))


async def _serve_pages(app: App, routes: WebApplication, stop: threading.Event) -> None:
    server = Server(
        routes,
        address=app.settings.host,
        port=app.settings.port,
        interface=Interfaces.ASGI,
        websockets=True,
        log_enabled=False,
        backlog=1024,
    )
    serving = asyncio.create_task(server.serve())
    while not stop.is_set() and not serving.done():
        await asyncio.sleep(_LOOK_SECONDS)
    server.stop()  # type: ignore[no-untyped-call]
    await serving
