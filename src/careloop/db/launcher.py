"""A database for this process: the embedded server of the data folder, or the one that `DATABASE_URL` names."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psycopg

from careloop.db import cluster as clusters
from careloop.db.cluster import APP_ROLE, DATABASE, OWNER_ROLE, Cluster, ServerState
from careloop.db.locks import is_locked, lock_within, open_lock_file, try_lock
from careloop.db.migrate import migrate
from careloop.db.roles import app_url_of, check_server, ensure_app_role, ensure_database_exists
from careloop.errors import Unavailable

_READY_SECONDS = 120.0
_users: dict[Path, int] = {}
"""Descriptors of the shared locks that this process holds, by data folder: its membership among the users."""


class DatabaseSettings(Protocol):
    """What of the settings concerns the database."""

    @property
    def data_dir(self) -> Path:
        """The folder of the embedded server."""

    @property
    def database_url(self) -> str | None:
        """Another server to use instead."""


@dataclass(frozen=True, kw_only=True)
class DatabaseUrls:
    """How to connect: `app` for every request, `owner` for migrations and `verify`."""

    app: str
    owner: str


def ensure_database(settings: DatabaseSettings) -> DatabaseUrls:
    """A running, migrated, safe database. This process counts as a user of the embedded server until it ends or calls
    `release_database`; the server outlives every user and stops with the last. `Unavailable` says what is missing."""
    if settings.database_url:
        return _prepare(settings.database_url, app_url_of(settings.database_url), password=None)
    cluster = clusters.locate(settings.data_dir)
    _join(cluster)
    start = open_lock_file(cluster.start_lock)
    try:
        if not lock_within(start, _READY_SECONDS):
            raise Unavailable("another process has been starting the database for too long")
        state = _running(cluster)
        ensure_database_exists(cluster.url(OWNER_ROLE, state), DATABASE)
        return _prepare(cluster.url(OWNER_ROLE, state), cluster.url(APP_ROLE, state), cluster.password(APP_ROLE))
    finally:
        os.close(start)


def keep_alive(settings: DatabaseSettings) -> None:
    """The guardian of the embedded server runs; a killed one is replaced. Cheap: for a supervisor to call often."""
    if not settings.database_url and not is_locked(clusters.locate(settings.data_dir).guardian_lock):
        ensure_database(settings)


def release_database(settings: DatabaseSettings, *, wait_seconds: float = 60.0) -> None:
    """This process is no longer a user. Where it was the last one, the server has stopped when this returns."""
    if settings.database_url:
        return
    cluster = clusters.locate(settings.data_dir)
    held = _users.pop(cluster.data_dir, None)
    if held is not None:
        os.close(held)
        _wait_until_stopped(cluster, wait_seconds)


def is_running(settings: DatabaseSettings) -> bool:
    """True while the embedded server of the data folder has a guardian."""
    return is_locked(clusters.locate(settings.data_dir).guardian_lock)


def _prepare(owner: str, app: str, password: str | None) -> DatabaseUrls:
    ensure_app_role(owner, password)
    migrate(owner)
    check_server(owner, app)
    return DatabaseUrls(app=app, owner=owner)


def _join(cluster: Cluster) -> None:
    if cluster.data_dir in _users:
        return
    descriptor = open_lock_file(cluster.users_lock)
    if not lock_within(descriptor, _READY_SECONDS, shared=True):
        os.close(descriptor)
        raise Unavailable("the database has been stopping for too long")
    _users[cluster.data_dir] = descriptor


def _running(cluster: Cluster) -> ServerState:
    deadline = time.monotonic() + _READY_SECONDS
    spawned = 0
    while time.monotonic() < deadline:
        if not is_locked(cluster.guardian_lock):
            if spawned == 3:
                break
            _spawn_guardian(cluster)
            spawned += 1
        state = cluster.read_state()
        if state is not None and _answers(cluster.url(OWNER_ROLE, state)):
            return state
        time.sleep(0.05)
    raise Unavailable(f"the database did not start; see {cluster.guardian_log}")


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, dbname="postgres", connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _spawn_guardian(cluster: Cluster) -> None:
    """The guardian runs and holds its lock: the lock is taken here and handed over, so that there is no gap."""
    before = cluster.read_state()
    lock = open_lock_file(cluster.guardian_lock)
    try:
        if not try_lock(lock):
            return
        (cluster.data_dir / "postgres.json").unlink(missing_ok=True)
        clusters.create_if_missing(cluster)
        _run_guardian(cluster, before.port if before else 0, lock)
    finally:
        os.close(lock)


def _run_guardian(cluster: Cluster, port: int, lock: int) -> None:
    source = str(Path(__file__).parents[2])
    command = [sys.executable, "-m", "careloop.db.guardian", "--data-dir", str(cluster.data_dir), "--port", str(port)]
    environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "PYTHONPATH": source}
    with cluster.guardian_log.open("ab") as log:
        cluster.guardian_log.chmod(0o600)
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=environment,
            start_new_session=True,
            pass_fds=(lock,),
        )


def _wait_until_stopped(cluster: Cluster, seconds: float) -> None:
    """Returns when the guardian is gone, or soon when other users keep it."""
    deadline = time.monotonic() + seconds
    shared_since: float | None = None
    while is_locked(cluster.guardian_lock) and time.monotonic() < deadline:
        if is_locked(cluster.users_lock):
            shared_since = None
        else:
            shared_since = shared_since or time.monotonic()
            if time.monotonic() - shared_since > 1.0:
                return
        time.sleep(0.02)
