"""Rounds of short waves, each size in turn, so that two sizes or two classes are compared under the same conditions.

The speed of a core moves by 40 % within minutes here and other work comes and goes, so a figure is the middle one of
many waves, each put to one core speed by a check that is run right before and after it.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles

from careloop.bench.accounting import Meter, Spent
from careloop.bench.figures import loops_per_second
from careloop.bench.traffic import Lines, Request, Traffic, joined

PACE = 25_000_000
"""Figures are put to a core that does so many loops a second: the middle of what this machine was seen to do."""
_CHECK_LOOPS = 200_000
_WARM_REQUESTS = 32

Waves = Callable[[int], Sequence[Request]]
"""The requests of the wave with that number."""


@dataclass(frozen=True)
class Wave:
    """What came of one wave: answers, CPU, and how fast a core was beside it (loops a second)."""

    traffic: Traffic
    spent: Spent
    pace: float

    @property
    def milliseconds(self) -> float:
        """CPU of an operation as it was."""
        return self.spent.asked / self.traffic.count * 1000

    @property
    def at_pace(self) -> float:
        """The same put to a core of `PACE`."""
        return self.milliseconds * self.pace / PACE

    @property
    def size(self) -> float:
        """Bytes of an answer."""
        return _mean(self.traffic.sizes)

    @property
    def result(self) -> float:
        """How large the result is: what a count counts, of everything else the bytes of its answer."""
        return _mean(self.traffic.counted) if self.traffic.counted else self.size


def _mean(kinds: Mapping[str, Sequence[int]]) -> float:
    found = [one for kind in kinds.values() for one in kind]
    return sum(found) / len(found)


@dataclass(frozen=True)
class Site:
    """One size: a server, what is asked of it by class, and what it spends at rest in a second."""

    label: str
    address: tuple[str, int]
    token: str
    meter: Meter
    waves: Mapping[str, Waves]
    warm: Sequence[Request]
    rest: Spent = field(default=Spent(0.0, 0.0, 0.0))

    def wave(self, name: str, number: int) -> Wave:
        """One wave through connections that are open, to a server that has just looked up the token, as one with
        traffic has: opening and looking up are not counted."""
        requests = self.waves[name](number)
        with Lines(self.address, self.token) as lines:
            lines.ask(self.warm[:_WARM_REQUESTS])
            before = loops_per_second(_CHECK_LOOPS)
            spent, started = self.meter.look(), time.monotonic()
            traffic = lines.ask(requests)
            used = (self.meter.look() - spent).less(self.rest, time.monotonic() - started)
        return Wave(traffic, used, (before + loops_per_second(_CHECK_LOOPS)) / 2)


Found = dict[str, list[Wave]]
"""The waves of each class, in the order of rounds."""


def rounds(sites: Sequence[Site], count: int, first: int, say: Callable[[str], None]) -> list[Found]:
    """So many waves of each class at each site, the sites in turn and every second round the other way round.
    `first` is the number of the first wave."""
    found: list[Found] = [{} for _ in sites]
    for number in range(first, first + count):
        began = time.monotonic()
        for name in sites[0].waves:
            turn = list(zip(sites, found, strict=True))
            for site, kept in turn if number % 2 else reversed(turn):
                kept.setdefault(name, []).append(site.wave(name, number))
        say(f"round {number - first + 1} of {count}: {time.monotonic() - began:.0f} s")
    return found


@dataclass(frozen=True)
class Middle:
    """What the waves of one class say together."""

    waves: Sequence[Wave]

    @property
    def at_pace(self) -> float:
        """Milliseconds of CPU an operation, put to `PACE`: the middle of all waves."""
        return median(one.at_pace for one in self.waves)

    @property
    def spread(self) -> tuple[float, float]:
        """Between these lies the middle half of the waves."""
        if len(self.waves) < 2:
            return self.at_pace, self.at_pace
        low, _, high = quantiles([one.at_pace for one in self.waves], n=4)
        return low, high

    @property
    def as_it_was(self) -> float:
        """Milliseconds of CPU an operation on the cores as they were."""
        return median(one.milliseconds for one in self.waves)

    @property
    def pace(self) -> float:
        """How fast a core was."""
        return median(one.pace for one in self.waves)

    @property
    def database_share(self) -> float:
        """Of the CPU, the part of PostgreSQL."""
        asked = sum(one.spent.asked for one in self.waves)
        return sum(one.spent.database for one in self.waves) / asked if asked else 0.0

    @property
    def size(self) -> float:
        """Bytes of an answer."""
        return median(one.size for one in self.waves)

    @property
    def traffic(self) -> Traffic:
        """All answers."""
        return joined([one.traffic for one in self.waves], sum(one.traffic.wall for one in self.waves))


def dearer(small: Sequence[Wave], large: Sequence[Wave]) -> float:
    """How much more a class costs at the larger size: the middle of the rounds, in each of which both were asked right
    after one another."""
    return median(many.at_pace / few.at_pace for few, many in zip(small, large, strict=True))


def growth(small: Sequence[Wave], large: Sequence[Wave]) -> float:
    """How much more a class costs at the larger size than its result grew (where that grew)."""
    bigger = median(one.result for one in large) / median(one.result for one in small)
    return dearer(small, large) / max(bigger, 1.0)
