"""What rules bring about: loops that are open, late, closed in time, closed without proof; steps that people skip."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from careloop.db import Transaction, load_queries
from careloop.loops.model import LoopState
from careloop.loops.store import with_state

_SQL = load_queries("careloop.loops", "effects.sql")
_FIRST = "00000000-0000-0000-0000-000000000000"
_SET = 1_000
MOST = 5_000
"""At most so many skipped steps are looked at, the newest."""


@dataclass(frozen=True, kw_only=True)
class Effect:
    """Loops of one pathway and version: `open`, of them `late`; closed since a moment by proof (`proven`), of them
    `in_time`, and `without` proof."""

    pathway: str
    version: str
    open: int
    late: int
    proven: int
    in_time: int
    without: int


@dataclass(frozen=True, kw_only=True)
class OpenLoop:
    """An open loop for a rehearsal of the order."""

    id: str
    owner: str
    safety: bool
    state: LoopState


@dataclass(frozen=True, kw_only=True)
class Skip:
    """A step that a person skipped, why, and what stands now. `reopened`: somebody took it back."""

    loop_id: str
    step_id: str
    at: datetime
    by: str
    reason: str | None
    note: str | None
    pathway: str
    number: int
    patient_id: str
    focus: str
    closed: datetime | None
    closure_reason: str | None
    step_status: str | None
    reopened: bool


@dataclass(frozen=True, kw_only=True)
class DoneStep:
    """A step that was done by proof."""

    pathway: str
    step_id: str
    patient_id: str
    focus: str
    ended: datetime


@dataclass(frozen=True, kw_only=True)
class Adaptation:
    """A clock that somebody changed (`kind` deadline) or a step that they added (extra) for one patient."""

    kind: str
    pathway: str
    step_id: str
    title: str | None
    reason: str | None
    done: bool | None
    in_time: bool | None


def by_version(tx: Transaction, since: datetime) -> list[Effect]:
    """The effect of each pathway and version that has loops."""
    return [Effect(**row) for row in tx.rows(_SQL["by_version"], {"since": since})]


def open_patients(tx: Transaction, pathway: str) -> list[str]:
    """Patients who have an open loop of this pathway, by id."""
    return [row["patient_id"] for row in tx.rows(_SQL["open_patients"], {"pathway": pathway})]


def open_loops(tx: Transaction) -> Iterator[list[OpenLoop]]:
    """All open loops, a set at a time."""
    after = _FIRST
    while rows := tx.rows(_SQL["open_states"], {"after": after, "limit": _SET}):
        yield [OpenLoop(**with_state(row)) for row in rows]
        after = rows[-1]["id"]


def skips(tx: Transaction, since: datetime) -> list[Skip]:
    """Steps that people skipped since then, the newest first."""
    return [Skip(**row) for row in tx.rows(_SQL["skips"], {"since": since, "limit": MOST})]


def done_steps(tx: Transaction, places: Sequence[str], since: datetime) -> list[DoneStep]:
    """Steps at these places (`pathway step`) that were done by proof since then, the newest first."""
    asked = {"places": list(places), "since": since, "limit": MOST}
    return [DoneStep(**row) for row in tx.rows(_SQL["done_steps"], asked)]


def adaptations(tx: Transaction, since: datetime) -> list[Adaptation]:
    """Clocks and steps that people changed for one patient since then, the newest first."""
    return [Adaptation(**row) for row in tx.rows(_SQL["adaptations"], {"since": since, "limit": MOST})]
