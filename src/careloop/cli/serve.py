"""`careloop serve`: database, pages, FHIR, HL7v2 feeds and worker under one supervisor."""

import argparse
import json
import os
import socket
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.error import URLError

from careloop.cli import logs
from careloop.cli.options import add_command, say, settings_of
from careloop.cli.supervisor import Part, Supervisor
from careloop.clock import Clock, clock_started_at
from careloop.db import release_database
from careloop.db.cluster import write_private
from careloop.errors import NotPermitted, Rejected, Unavailable
from careloop.flows.app import App, build_app, set_clock
from careloop.flows.publishing import publish_everywhere
from careloop.flows.reception import listening
from careloop.settings import Settings, child_environment

PARTS = ("web", "worker", "mllp")


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `serve`."""
    parser = add_command(
        commands, "serve", says="run the server", example="careloop serve --port 8000 --ready-file ready.json", run=run
    )
    add_server_options(parser)
    parser.add_argument("--only", metavar="PARTS", help=f"some of {','.join(PARTS)}, to split over machines")


def add_server_options(parser: argparse.ArgumentParser) -> None:
    """What `serve` and `demo` share."""
    parser.add_argument("--host", help="address of the web server (127.0.0.1)")
    parser.add_argument("--port", type=int, help="port of the web server (8000)")
    parser.add_argument("--ready-file", type=Path, metavar="F", help="gets JSON when everything answers")
    parser.add_argument("--clock", metavar="INSTANT", help="the product's clock starts there and runs on")


def run(arguments: argparse.Namespace) -> int:
    """Serves until it is stopped."""
    parts = chosen_parts(arguments.only)
    settings = settings_of(arguments, host=arguments.host, port=arguments.port)
    return serve(Site(settings=settings, ready_file=arguments.ready_file, parts=parts), arguments.clock)


def chosen_parts(text: str | None) -> tuple[str, ...]:
    """The parts that `--only` names, all without it."""
    chosen = tuple(text.split(",")) if text else PARTS
    if not set(chosen) <= set(PARTS):
        raise Rejected(at="--only", expected=f"some of {','.join(PARTS)}")
    return chosen


@dataclass(frozen=True, kw_only=True)
class Listener:
    """A door for HL7v2 of one tenant (its slug)."""

    tenant: str
    host: str
    port: int


@dataclass(kw_only=True)
class Site:
    """One installation that is about to run: what it runs and what it tells when it is ready."""

    settings: Settings
    ready_file: Path | None
    parts: Sequence[str]
    more_parts: Sequence[Part] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    greeting: Sequence[str] = ()

    @property
    def url(self) -> str:
        """Where this machine reaches the pages."""
        host = "127.0.0.1" if self.settings.host in ("0.0.0.0", "::") else self.settings.host  # noqa: S104
        return f"http://{host}:{self.settings.port}"


def serve(site: Site, clock: str | None, prepare: Callable[[App, Site], None] | None = None) -> int:
    """Runs the site to its end; nothing of it is left then, the embedded database included."""
    logs.configure(site.settings.log_level)
    forget(site.ready_file)
    check_port_is_free(site)
    try:
        app = build_app(site.settings, pool_size=2)
        try:
            start_clock(app, clock)
            if prepare is not None:
                prepare(app.with_clock(clock_of(clock)), site)
            publish_everywhere(app)
            listeners = listeners_of(app) if "mllp" in site.parts else []
        finally:
            app.close()
        del app
        supervise(site, listeners)
    finally:
        forget(site.ready_file)
        release_database(site.settings)
    return 0


def supervise(site: Site, listeners: Sequence[Listener]) -> None:
    """Starts the parts and stays with them."""
    parts = [*(Part(name=name) for name in site.parts), *site.more_parts]
    supervisor = Supervisor(site.settings, parts, child_environment(site.settings))
    supervisor.run(lambda: answers(site, listeners), lambda: tell(site, listeners))


def listeners_of(app: App) -> list[Listener]:
    """The doors that the feeds of all tenants need."""
    return [
        Listener(tenant=one.tenant.slug, host=one.feed.host, port=one.feed.port)
        for one in listening(app)
        if one.feed.port is not None
    ]


def clock_of(instant: str | None) -> Clock:
    """The clock that reads `instant` now; the system's without one."""
    if instant is None:
        return Clock()
    try:
        parsed = datetime.fromisoformat(instant)
    except ValueError as error:
        raise Rejected(at="--clock", expected="an instant like 2026-11-23T09:00:00-05:00") from error
    if parsed.tzinfo is None:
        raise Rejected(at="--clock", expected="an instant with its offset from UTC, like 2026-11-23T09:00:00-05:00")
    return clock_started_at(parsed)


def start_clock(app: App, instant: str | None) -> None:
    """Every process of this run lives at that time. `NotPermitted` where a production tenant exists."""
    clock = clock_of(instant)
    if clock.is_moved and any(tenant.production for tenant in app.tenants()):
        raise NotPermitted("--clock is for demo and test tenants; a production tenant lives in real time")
    set_clock(app.database, clock)


def check_port_is_free(site: Site) -> None:
    """`Unavailable` when somebody else has the port, before anything is started."""
    if "web" not in site.parts:
        return
    with socket.socket(socket.AF_INET6 if ":" in site.settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((site.settings.host, site.settings.port))
        except OSError as error:
            raise Unavailable(f"port {site.settings.port} of {site.settings.host} cannot be used") from error


def answers(site: Site, listeners: Sequence[Listener]) -> bool:
    """True when the web server says that it is ready and every feed's port is open."""
    if "web" in site.parts and not _is_ready(f"{site.url}/readyz"):
        return False
    return all(_is_open(listener.host, listener.port) for listener in listeners)


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def _is_open(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def tell(site: Site, listeners: Sequence[Listener]) -> None:
    """The ready file is written and the person at the terminal knows where to look."""
    facts: dict[str, Any] = {
        "url": site.url,
        "fhir": f"{site.url}/fhir",
        "mllp": [{"tenant": one.tenant, "host": one.host, "port": one.port} for one in listeners],
        "pid": os.getpid(),
        **site.facts,
    }
    if site.ready_file is not None:
        write_private(site.ready_file.absolute(), json.dumps(facts, indent=1))
    say(f"ready: {facts['url']}   FHIR: {facts['fhir']}")
    for one in listeners:
        say(f"HL7v2 (MLLP) for {one.tenant}: {one.host}:{one.port}")
    for line in site.greeting:
        say(line)
    say("Ctrl-C stops everything.")


def forget(ready_file: Path | None) -> None:
    """No ready file says that a server runs that does not."""
    if ready_file is not None:
        ready_file.unlink(missing_ok=True)
