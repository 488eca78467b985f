"""The benchmarks by name, and how one is run."""

from collections.abc import Mapping
from importlib import import_module
from typing import Protocol, cast

from careloop.bench.model import Bench, BenchReport, Figure
from careloop.errors import Rejected

BENCHMARKS: Mapping[str, str] = {
    "import": "careloop.bench.import_",
}
"""By the name that `careloop bench` takes. Each module has `measure(bench) -> list[Figure]`."""


class _Module(Protocol):
    def measure(self, bench: Bench) -> list[Figure]:
        """The figures of one benchmark."""


def run(name: str, bench: Bench) -> BenchReport:
    """The benchmark's figures with the machine they were measured on. `Rejected` for a name that is none."""
    if name not in BENCHMARKS:
        raise Rejected(at="bench", expected="one of " + ", ".join(sorted(BENCHMARKS)))
    module = cast(_Module, import_module(BENCHMARKS[name]))
    return BenchReport.of(name, module.measure(bench))
