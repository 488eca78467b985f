"""An installation that only a benchmark uses: made, run and gone."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from careloop import collector
from careloop.access.model import Principal, Role, Tenant, system_principal
from careloop.access.tenancy import TenantSettings
from careloop.db import DatabaseUrls, ensure_database, release_database
from careloop.db.cluster import locate
from careloop.db.limits import server_cpu_seconds
from careloop.errors import Unavailable
from careloop.flows import feeds, tenants
from careloop.flows.app import App, build_app
from careloop.flows.staffing import NewStaff
from careloop.intake.model import Feed
from careloop.settings import Settings

PASSWORD = "bench-password-that-nobody-else-knows"  # noqa: S105 - of an installation that lives for minutes
ZONE = "America/New_York"


@dataclass(frozen=True, kw_only=True)
class Place:
    """The installation, its one tenant, and where its senders knock."""

    app: App
    urls: DatabaseUrls
    tenant: Tenant
    principal: Principal
    mllp_port: int


@contextmanager
def installation(kept: Path | None = None) -> Iterator[Place]:
    """A migrated database with one tenant in a folder of its own; nothing of it is left afterwards. One that is `kept`
    stays in that folder, and is there again the next time."""
    folder = kept or Path(tempfile.mkdtemp(prefix="careloop-bench-"))
    folder.mkdir(exist_ok=True)
    folder.chmod(0o711)
    settings = Settings(data_dir=folder, port=free_port())
    try:
        app = build_app(settings)
        try:
            urls = ensure_database(settings)
            collector.settle()
            yield _as_it_stands(app, urls) if app.tenants() else _furnish(app, urls)
        finally:
            app.close()
    finally:
        release_database(settings)
        if kept is None:
            shutil.rmtree(folder, ignore_errors=True)


def _furnish(app: App, urls: DatabaseUrls) -> Place:
    lead = NewStaff(username="lead", name="Bench Lead", roles=[Role.MANAGER], password=PASSWORD)
    settings = TenantSettings(accept_any_sender=True)
    tenant = tenants.create(app, "bench", "Bench Practice", ZONE, lead=lead, settings=settings).tenant
    principal = replace(system_principal(tenant.id, "bench"))
    port = free_port()
    feeds.add_feed(app, principal, tenant, Feed(id=None, kind="hl7v2", zone=ZONE, name="bench", port=port))
    return Place(app=app, urls=urls, tenant=tenant, principal=principal, mllp_port=port)


def _as_it_stands(app: App, urls: DatabaseUrls) -> Place:
    tenant = app.tenant("bench")
    port = feeds.list_feeds(app, tenant)[0].port
    assert port is not None
    return Place(app=app, urls=urls, tenant=tenant, principal=system_principal(tenant.id, "bench"), mllp_port=port)


@contextmanager
def running_server(place: Place) -> Iterator[dict[str, Any]]:
    """`careloop serve` on this installation; the content of its ready file."""
    settings = place.app.settings
    ready = settings.data_dir / "ready.json"
    command = [
        sys.executable, "-m", "careloop.cli.main", "serve", "--data-dir", str(settings.data_dir),
        "--port", str(settings.port), "--ready-file", str(ready),
    ]  # fmt: skip
    source = str(Path(__file__).parents[2])
    process = subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": source}, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield _wait_until_ready(ready, process)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def _wait_until_ready(ready: Path, process: "subprocess.Popen[bytes]") -> dict[str, Any]:
    deadline = time.monotonic() + 120
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise Unavailable("the server of the benchmark did not start")
        time.sleep(0.1)
    facts: dict[str, Any] = json.loads(ready.read_text(encoding="utf-8"))
    return facts


def free_port() -> int:
    """A loopback port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def resident_megabytes(supervisor: int) -> dict[str, float]:
    """Resident memory of each child of a server, by its name."""
    return {name: _resident(entry) for name, entry in _children(supervisor)}


def cpu_seconds(place: Place, supervisor: int) -> float:
    """CPU time that the server's processes and PostgreSQL have used so far."""
    own = sum(_used(entry) for _, entry in _children(supervisor))
    return own + server_cpu_seconds(locate(place.app.settings.data_dir))


def _children(supervisor: int) -> Iterator[tuple[str, Path]]:
    for entry in Path("/proc").iterdir():
        words = _words(entry)
        if "careloop.cli.children" in words and _parent(entry) == supervisor:
            yield words[words.index("careloop.cli.children") + 1], entry


def _resident(entry: Path) -> float:
    pages = int((entry / "statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_000_000


def _used(entry: Path) -> float:
    words = (entry / "stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _words(entry: Path) -> list[str]:
    try:
        return (entry / "cmdline").read_text(encoding="utf-8").split("\0")
    except OSError:
        return []


def _parent(entry: Path) -> int:
    return int((entry / "stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[1])
