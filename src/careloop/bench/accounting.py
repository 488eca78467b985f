"""Whose CPU time it was: that of the asked (web process and its database sessions) or of the work behind requests.

Times are read from the CPU clocks of the processes themselves, which count nanoseconds; `/proc/PID/stat` counts ticks
of 10 ms, which is as much as eight requests.
"""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from careloop.bench.installation import Place
from careloop.db import limits
from careloop.db.cluster import APP_ROLE, locate
from careloop.db.listening import session_name
from careloop.errors import Unavailable

_SESSION = re.compile(rf"postgres: {APP_ROLE} ")
_WEB = " careloop.cli.children web "
_HELPERS = ("postgres: checkpointer", "postgres: background writer", "postgres: walwriter", "postgres: io worker")
"""What PostgreSQL keeps for all of its sessions. Autovacuum belongs to nobody's request and counts as behind them."""


@dataclass(frozen=True)
class Spent:
    """Seconds of CPU: `web` and `database` (its sessions, and PostgreSQL's own helpers) answer requests; `behind` is
    all else: the worker with its sessions, HL7v2 doors, supervisor, autovacuum."""

    web: float
    database: float
    behind: float

    @property
    def asked(self) -> float:
        """What answering costs."""
        return self.web + self.database

    def __sub__(self, other: "Spent") -> "Spent":
        return Spent(self.web - other.web, self.database - other.database, self.behind - other.behind)

    def less(self, rest: "Spent", seconds: float) -> "Spent":
        """Without what is spent at rest, given for one second, in so many seconds."""
        return Spent(
            self.web - rest.web * seconds, self.database - rest.database * seconds, self.behind - rest.behind * seconds
        )


_QUIET, _LOOK_SECONDS = 0.15, 2.0
"""A server at rest uses less than this share of a core; looked at so often."""


class Meter:
    """Adds up what the processes of one server have spent since the meter was made; those that end keep what they were
    last seen with."""

    def __init__(self, place: Place, supervisor: int) -> None:
        state = locate(place.app.settings.data_dir).read_state()
        if state is None:
            raise Unavailable("the database of the benchmark does not run")
        self._postmaster, self._supervisor = state.postmaster_pid, supervisor
        self._owner_url, self._owners = place.urls.owner, dict[int, str]()
        self._kinds: dict[int, str] = {}
        self._first: dict[int, float] = {}
        self._last: dict[int, float] = {}
        self._begun = False
        self.look()
        self._begun = True

    def look(self) -> Spent:
        """What was spent so far."""
        for pid, kind in self._processes():
            used = _used(pid)
            if used is not None:
                self._kinds[pid] = kind
                self._first.setdefault(pid, 0.0 if self._begun else used)
                self._last[pid] = used
        spent = dict.fromkeys(("web", "database", "behind"), 0.0)
        for pid, kind in self._kinds.items():
            spent[kind] += self._last[pid] - self._first[pid]
        return Spent(**spent)

    def spent_in(self, work: Callable[[], object]) -> Spent:
        """What was spent while `work` was done."""
        before = self.look()
        work()
        return self.look() - before

    def spent_a_second(self, seconds: float) -> Spent:
        """What is spent in one second while nobody asks, seen for some seconds."""
        spent = self.spent_in(lambda: time.sleep(seconds))
        return Spent(spent.web / seconds, spent.database / seconds, spent.behind / seconds)

    def _processes(self) -> Iterator[tuple[int, str]]:
        web: list[int] = []
        for pid in (self._supervisor, *_children(self._supervisor)):
            is_web = _WEB in _words(pid)
            web += [pid] if is_web else []
            yield pid, "web" if is_web else "behind"
        yield self._postmaster, "database"
        titles = {pid: _words(pid) for pid in _children(self._postmaster)}
        asked = self._asked({pid for pid, title in titles.items() if _SESSION.match(title)}, web)
        for pid, title in titles.items():
            yield pid, "database" if pid in asked or title.startswith(_HELPERS) else "behind"

    def _asked(self, sessions: set[int], web: Sequence[int]) -> set[int]:
        """Those of some sessions that a web process holds. The server is asked only about sessions that are new."""
        if not sessions <= self._owners.keys():
            self._owners |= limits.sessions(self._owner_url)
        names = {session_name(pid) for pid in web}
        return {pid for pid in sessions if self._owners.get(pid) in names}


def is_at_rest(meter: Meter, within: float) -> bool:
    """Waits until the server does nothing more than it always does; False where it was still at work after so many
    seconds."""
    deadline = time.monotonic() + within
    while sum(vars(meter.spent_a_second(_LOOK_SECONDS)).values()) > _QUIET:
        if time.monotonic() > deadline:
            return False
    return True


def _used(pid: int) -> float | None:
    """Seconds by the clock that Linux keeps for each process (`clock_getcpuclockid`); None when it is gone."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return None


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for entry in Path(f"/proc/{pid}/task").glob("*/children"):
        found += map(int, entry.read_text(encoding="ascii").split())
    return found


def _words(pid: int) -> str:
    """The command of a process; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return ""
