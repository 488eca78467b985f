"""Counts and times of requests for Prometheus, on a port of their own that only this machine reaches.

Labels are the route's pattern, the method and the status: never a path as it was asked for.
"""

import time
from functools import lru_cache

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import Counter, Gauge, Histogram, start_http_server

from careloop.flows.app import App
from careloop.flows.readiness import readiness

REQUESTS = Counter("careloop_requests_total", "Requests answered.", ["method", "route", "status"])
SECONDS = Histogram(
    "careloop_request_seconds",
    "From the request to the end of its answer.",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
READY = Gauge("careloop_ready", "1 when requests can be served.")
PENDING = Gauge("careloop_pending_messages", "Messages that arrived and are not processed yet.")


@lru_cache(maxsize=2048)
def _counters(method: str, route: str, status: str) -> tuple[Counter, Histogram]:
    return REQUESTS.labels(method, route, status), SECONDS.labels(method, route)


def count(method: str, route: str, status: str, seconds: float) -> None:
    """One more answered request."""
    answered, times = _counters(method, route, status)
    answered.inc()
    times.observe(seconds)


def count_requests(app: ASGIApp) -> ASGIApp:
    """Middleware: each answered request is counted and timed."""

    async def counted(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        started, status = time.perf_counter(), "500"

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await app(scope, receive, note_status)
        finally:
            route = scope.get("path_template") or "none"
            count(str(scope.get("method")), route, status, time.perf_counter() - started)

    return counted


def serve_metrics(app: App, port: int) -> None:
    """`/metrics` answers on loopback, in a thread of its own, until the process ends."""
    READY.set_function(lambda: float(readiness(app).ready))
    PENDING.set_function(lambda: float(readiness(app).pending))
    start_http_server(port, addr="127.0.0.1")
