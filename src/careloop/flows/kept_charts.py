"""Charts that were worked out lately, kept in the process as long as nothing that they rest on changes.

A chart is given out again only after the database has said, in the transaction that asks, that every fact, every
Provenance of a fact and every name that it rests on is still the same; so it is never older than the record. Each read
is audited all the same.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Generic, Protocol, TypeVar

from careloop.longitudinal import Matter, People
from careloop.loops.facts.model import PatientFacts
from careloop.record import Stored

Key = tuple[int, str, tuple[str, ...]]
"""Tenant, patient, types."""

WORTH_KEEPING = 200
"""A chart of fewer resources is folded as fast as it would be compared."""

MOST = 5_000
"""Resources of all kept charts, each some 3 to 6 kB as objects: at most 30 MB of a web process."""


@dataclass(frozen=True, kw_only=True)
class KeptChart:
    """What rests on facts and names alone. `facts` and `provenances` are the record's marks (`Record.mark_of_patient`),
    `told` what Provenance was asked for (`Record.tokens_of`), `cited` those whose names are shown."""

    facts: str
    provenances: str
    told: str
    cited: tuple[str, ...]
    by_type: Mapping[str, Sequence[Mapping[str, Any]]]
    matters: Sequence[Matter]
    people: People
    memo: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def weight(self) -> int:
        """How many resources it holds."""
        return sum(len(some) for some in self.by_type.values())


@dataclass(frozen=True, kw_only=True)
class KeptFacts:
    """What the engine reads of a patient's facts, for pages that show it. `mark` is that of these facts, `roles`
    those of who is `named` in them; `stays` by reference."""

    mark: str
    named: tuple[str, ...]
    roles: Mapping[str, frozenset[str]]
    facts: PatientFacts
    stays: Mapping[str, Stored]
    weight: int


class _Weighed(Protocol):
    @property
    def weight(self) -> int:
        """How many resources it holds."""
        ...


Value = TypeVar("Value", bound=_Weighed)


class Kept(Generic[Value]):
    """Those asked for last. Safe to share between threads; holds no more than `MOST` resources."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Key, Value] = OrderedDict()
        self._lock = Lock()
        self._weight = 0

    def get(self, key: Key) -> Value | None:
        """What was kept last for that patient; whoever asks compares its marks with the record's."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: Key, value: Value) -> None:
        """It is kept instead of what was; those asked for longest ago go where there are too many."""
        with self._lock:
            self._drop(key)
            if not WORTH_KEEPING <= value.weight <= MOST:
                return
            self._kept[key] = value
            self._weight += value.weight
            while self._weight > MOST:
                self._drop(next(iter(self._kept)))

    def _drop(self, key: Key) -> None:
        gone = self._kept.pop(key, None)
        self._weight -= gone.weight if gone is not None else 0


class KeptCharts(Kept[KeptChart]):
    """Charts as pages show them."""


class AllKeptFacts(Kept[KeptFacts]):
    """Facts as the engine reads them."""
