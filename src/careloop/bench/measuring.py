"""What a benchmark is given and what it answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from careloop.bench.limits import Machine, describe_machine
from careloop.flows.app import App


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A running app to be measured, data to measure it with, how much of it, and whom to tell how far it is.

    `data` is a folder like `../shared/data`. `scale` is the largest part of it that is used, 1 for all of it.
    """

    app: App
    data: Path | None = None
    scale: float = 1.0
    say: Callable[[str], None] = field(default=lambda text: None)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured value. `target` is what it must reach in words; `reached` is None where nothing is asked."""

    name: str
    value: float
    unit: str
    target: str = ""
    reached: bool | None = None

    def line(self) -> str:
        """The figure as one line of a report."""
        judged = {None: "", True: "  reached", False: "  NOT REACHED"}[self.reached]
        target = f"  (target {self.target})" if self.target else ""
        return f"{self.name:44} {self.value:12,.3f} {self.unit}{target}{judged}"


@dataclass(frozen=True, kw_only=True)
class BenchReport:
    """All figures of one run and the machine."""

    name: str
    machine: Machine
    figures: Sequence[Figure]

    @classmethod
    def of(cls, name: str, figures: Sequence[Figure]) -> "BenchReport":
        """A report of figures that were measured just now on this machine."""
        return cls(name=name, machine=describe_machine(), figures=figures)

    @property
    def reached(self) -> bool:
        """True where no target was missed."""
        return all(figure.reached is not False for figure in self.figures)

    def lines(self) -> list[str]:
        """The report for a terminal."""
        return [f"{self.name} on {self.machine}", *(figure.line() for figure in self.figures)]
