"""The process that owns the embedded server: starts it, restarts it after a crash, stops it with its last user.

It runs in a session of its own, so that Ctrl-C or a kill of the product's process group does not reach it. It waits
for the exclusive lock of `postgres.users`; every user holds the shared one. When it gets the lock, nobody is left.
"""

import argparse
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

from careloop.db import cluster as clusters
from careloop.db.cluster import Cluster, ServerState
from careloop.db.listening import port_for
from careloop.db.locks import open_lock_file, wait_for_lock
from careloop.errors import Unavailable

_LOOK_SECONDS = 0.1
_STOP_SECONDS = 120.0
_TRIES_BEFORE_FIRST_SUCCESS = 4
_STABLE_SECONDS = 30.0


class Guardian:
    """Keeps one server running on one cluster until `stop` is set."""

    def __init__(self, cluster: Cluster, port: int) -> None:
        self.cluster = cluster
        self.port = port
        self.stop = threading.Event()
        self._postmaster: subprocess.Popen[bytes] | None = None
        self._port_is_promised = False

    def run(self) -> None:
        """Returns when no user is left and the server has stopped."""
        short_lives = 0
        while not self.stop.is_set():
            started = time.monotonic()
            self._start()
            self._wait_while_it_lives()
            if self.stop.is_set():
                break
            short_lives = short_lives + 1 if time.monotonic() - started < _STABLE_SECONDS else 0
            if short_lives >= _TRIES_BEFORE_FIRST_SUCCESS and not self._port_is_promised:
                raise Unavailable("the database server does not start")
            self._say(f"server ended, starting it again ({short_lives})")
            self.stop.wait(min(0.1 * 2**short_lives, 5.0) if short_lives > 1 else 0)
        self._stop_server()

    def _start(self) -> None:
        clusters.stop_leftovers(self.cluster, patience_seconds=2.0)
        if not self._port_is_promised:
            self.port = port_for(self.cluster.host, self.port)
        self._postmaster = clusters.start_postmaster(self.cluster, self.port)
        self.cluster.write_state(
            ServerState(
                port=self.port,
                host=self.cluster.host,
                folder=str(self.cluster.folder),
                guardian_pid=os.getpid(),
                postmaster_pid=self._postmaster.pid,
            )
        )

    def _wait_while_it_lives(self) -> None:
        assert self._postmaster is not None
        while self._postmaster.poll() is None and not self.stop.wait(_LOOK_SECONDS):
            self._port_is_promised = self._port_is_promised or clusters.is_ready(self.cluster)

    def _stop_server(self) -> None:
        if self._postmaster is None or self._postmaster.poll() is not None:
            return
        for number, seconds in ((signal.SIGINT, _STOP_SECONDS), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 5.0)):
            self._postmaster.send_signal(number)
            try:
                self._postmaster.wait(seconds)
            except subprocess.TimeoutExpired:
                continue
            return

    def _say(self, text: str) -> None:
        print(f"guardian {os.getpid()}: {text}", flush=True)  # noqa: T201


def watch_users(cluster: Cluster, stop: threading.Event) -> None:
    """Sets `stop` when no process uses the server any more. The lock stays with this process to its end, so that a
    new user waits until the server is really gone."""
    wait_for_lock(open_lock_file(cluster.users_lock))
    stop.set()


def main(arguments: list[str] | None = None) -> int:
    """Entry point of `python -m careloop.db.guardian`."""
    parser = argparse.ArgumentParser(prog="careloop.db.guardian")
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0, help="the port of last time, taken again if free")
    given = parser.parse_args(arguments)
    guardian = Guardian(clusters.locate(given.data_dir), given.port)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=guardian.stop.set).start())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    threading.Thread(target=watch_users, args=(guardian.cluster, guardian.stop), daemon=True).start()
    guardian.run()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
