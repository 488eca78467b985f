"""Starts the processes of a server, starts one again that dies, and ends all of them together.

The children share the supervisor's process group and watch a pipe whose other end only the supervisor holds: they end
when it is gone, also after `kill -9`.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from careloop.db import keep_alive
from careloop.errors import Unavailable
from careloop.settings import Settings

_LOOK_SECONDS = 0.1
_STOP_SECONDS = 20.0
_STABLE_SECONDS = 30.0
_LONGEST_PAUSE_SECONDS = 10.0
_DATABASE_LOOK_SECONDS = 2.0
_DEATHS_BEFORE_READY = 3

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Part:
    """One child process, by its name among `children.PROCESSES`."""

    name: str


@dataclass
class _Child:
    part: Part
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    deaths: int = 0
    again_at: float = field(default=0.0)


class Supervisor:
    """Runs the parts until it is told to stop."""

    def __init__(self, settings: Settings, parts: Sequence[Part], environment: Mapping[str, str]) -> None:
        self.stop = threading.Event()
        self._settings = settings
        self._children = [_Child(part) for part in parts]
        self._environment = dict(environment)
        self._watched, self._held = os.pipe()
        self._is_ready = False

    def run(self, check_ready: Callable[[], bool], when_ready: Callable[[], None]) -> None:
        """Returns after a stop was asked for and every child is gone. `when_ready` is called once, when `check_ready`
        first says so. `Unavailable` when a child cannot even start."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: set_from_handler(self.stop))
        database_looked = time.monotonic()
        try:
            while not self.stop.wait(_LOOK_SECONDS):
                self._start_what_is_not_running()
                if not self._is_ready and check_ready():
                    self._is_ready = True
                    when_ready()
                if time.monotonic() - database_looked > _DATABASE_LOOK_SECONDS:
                    keep_alive(self._settings)
                    database_looked = time.monotonic()
        finally:
            self._stop_children()

    def _start_what_is_not_running(self) -> None:
        for child in self._children:
            if child.process is not None and child.process.poll() is None:
                continue
            if child.process is not None:
                self._note_death(child)
            if child.process is None and time.monotonic() >= child.again_at:
                self._start(child)

    def _start(self, child: _Child) -> None:
        command = [sys.executable, "-P", "-m", "careloop.cli.children", child.part.name, str(self._watched)]
        child.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            env=self._environment,
            pass_fds=(self._watched,),
        )
        child.started = time.monotonic()

    def _note_death(self, child: _Child) -> None:
        assert child.process is not None
        status, child.process = child.process.returncode, None
        lived = time.monotonic() - child.started
        child.deaths = child.deaths + 1 if lived < _STABLE_SECONDS else 1
        _log.error("process ended", process=child.part.name, exit_status=status, attempt=child.deaths)
        if not self._is_ready and child.deaths >= _DEATHS_BEFORE_READY:
            raise Unavailable(f"the process {child.part.name} does not start; see the lines above")
        pause = 0.0 if child.deaths == 1 else min(0.5 * 2.0**child.deaths, _LONGEST_PAUSE_SECONDS)
        child.again_at = time.monotonic() + pause

    def _stop_children(self) -> None:
        running = [child.process for child in self._children if child.process is not None]
        for process in running:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        for process in running:
            try:
                process.wait(max(deadline - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        os.close(self._held)
        os.close(self._watched)


def set_from_handler(event: threading.Event) -> None:
    """The event is set soon. A signal handler must not take the event's lock, which its own thread may hold."""
    threading.Thread(target=event.set, daemon=True).start()
