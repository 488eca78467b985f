"""Limits measured in the same run: what this machine and this server can do at best, so that figures compare."""

import os
import platform
import resource
import time
from dataclasses import dataclass
from pathlib import Path

from careloop.db import Transaction, load_queries

_SQL = load_queries("careloop.bench")
_LOOPS = 2_000_000
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Where a figure was measured. `loops_per_second` is a plain Python loop on one core, to compare core speeds;
    `busy` is the load average of the last minute before the run."""

    processor: str
    cores: int
    memory_gib: float
    loops_per_second: float
    busy: float

    def __str__(self) -> str:
        return (
            f"{self.processor}, {self.cores} cores, {self.memory_gib:.0f} GiB, Python {platform.python_version()},"
            f" {self.loops_per_second / 1e6:.1f} M loops/s, load {self.busy:.1f}"
        )


def describe_machine() -> Machine:
    """This machine, with the calibration loop run once."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Machine(
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=pages / 2**30,
        loops_per_second=calibrate(),
        busy=os.getloadavg()[0],
    )


def calibrate() -> float:
    """Steps of a plain Python loop in one CPU second of this process."""
    began, total = time.process_time(), 0
    for step in range(_LOOPS):
        total += step & 3
    return _LOOPS / (time.process_time() - began)


def own_cpu_seconds() -> float:
    """CPU time of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def server_cpu_seconds(tx: Transaction) -> float | None:
    """CPU time so far of the database's processes that run now; None where the server is on another machine."""
    pids = [row["pid"] for row in tx.rows(_SQL["server_processes"])]
    found = [_cpu_of(pid) for pid in pids]
    known = [seconds for seconds in found if seconds is not None]
    return sum(known) if known else None


def peak_memory_mib() -> float:
    """The most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _cpu_of(pid: int) -> float | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:
        return None
    name, _, rest = text.partition("(")[2].rpartition(")")
    fields = rest.split()
    return (int(fields[11]) + int(fields[12])) / _TICKS if name.startswith("postgres") else None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "unknown processor")
