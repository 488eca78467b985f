"""What a benchmark found, with the limit that it is compared with."""

import os
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_LOOPS = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured value. `aim` says in words what is wanted; `met` is None where nothing is."""

    name: str
    value: float
    unit: str
    aim: str = ""
    met: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One run of one benchmark."""

    benchmark: str
    command: str
    figures: Sequence[Figure]

    def facts(self) -> dict[str, Any]:
        """The run as plain values, with the machine that it ran on."""
        return {**asdict(self), "machine": machine()}

    def lines(self) -> list[str]:
        """The run on one screen."""
        head = [f"{self.command}", f"on {machine()}", ""]
        return head + [_line(figure) for figure in self.figures]


def at_least(name: str, value: float, unit: str, aim: float) -> Figure:
    """A figure that should reach `aim`."""
    return Figure(name=name, value=value, unit=unit, aim=f">= {aim:g}", met=value >= aim)


def at_most(name: str, value: float, unit: str, aim: float) -> Figure:
    """A figure that should stay within `aim`."""
    return Figure(name=name, value=value, unit=unit, aim=f"<= {aim:g}", met=value <= aim)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie; 0 of nothing."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


def machine() -> str:
    """Processor, cores and Python of this machine, how fast one core is just now, and how busy the machine was."""
    cores = len(os.sched_getaffinity(0))
    return (
        f"{_processor()}, {cores} cores, {platform.system()}, Python {platform.python_version()},"
        f" {loops_per_second() / 1e6:.1f} M loops/s, load {os.getloadavg()[0]:.1f}"
    )


def loops_per_second(steps: int = _LOOPS) -> float:
    """Steps of a plain Python loop in one CPU second: core speed moves by 40 %, and figures of CPU with it."""
    began, total = time.process_time(), 0
    for step in range(steps):
        total += step & 3
    return steps / (time.process_time() - began)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _line(figure: Figure) -> str:
    verdict = {True: "met", False: "NOT MET", None: ""}[figure.met]
    return f"  {figure.name:44} {figure.value:12,.2f} {figure.unit:14} {figure.aim:10} {verdict}".rstrip()
