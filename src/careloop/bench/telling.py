"""What a benchmark is making just now, for whoever waits for it: one line on stderr for each stage and its progress."""

import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

Some = TypeVar("Some")

_EVERY = 15.0
"""Seconds between two lines of one stage."""


@dataclass
class Stage:
    """One stage with a known size. `begun` and `told` are readings of the monotonic clock."""

    what: str
    total: int
    done: int = 0
    begun: float = field(default_factory=time.monotonic)
    told: float = field(default_factory=time.monotonic)

    def advance(self, count: int) -> None:
        """So many more are done; said from time to time, and when all are."""
        self.done += count
        now = time.monotonic()
        if self.done >= self.total or now - self.told >= _EVERY:
            self.told = now
            tell(f"{self.what}: {self.done:,} of {self.total:,}, {now - self.begun:.0f} s")


def by_two(stage: Stage, work: Callable[[Some], int], sets: Iterable[Some]) -> None:
    """Each of the sets is worked on, two at a time: one while the other waits for the database. `work` says how many
    it did."""
    with ThreadPoolExecutor(max_workers=2) as workers:
        for done in workers.map(work, sets):
            stage.advance(done)


def tell(text: str) -> None:
    """A line for the person at the terminal."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
