"""What a benchmark found, with the limit that it is compared with."""

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


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
    """Cores, architecture and Python of this machine."""
    return f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, Python {platform.python_version()}"


def _line(figure: Figure) -> str:
    verdict = {True: "met", False: "NOT MET", None: ""}[figure.met]
    return f"  {figure.name:44} {figure.value:12,.2f} {figure.unit:14} {figure.aim:10} {verdict}".rstrip()
