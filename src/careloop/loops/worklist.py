"""Lists of open loops in their order, straight from the database. Who may see them is the caller's question."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from careloop.db import Row, Transaction, load_queries
from careloop.loops.model import LoopState
from careloop.loops.rules.rank import RankDays, RankWeights

_SQL = load_queries("careloop.loops", "worklist.sql")
_decode_state = msgspec.json.Decoder(LoopState).decode

_SOURCES = {
    True: _SQL["source_mine"].replace("{candidates}", _SQL["candidates_mine"]),
    False: _SQL["source_all"],
}
_QUERIES = {
    (name, mine): _SQL[name].replace("{source}", source).replace("{points}", _SQL["points"])
    for name in ("page", "totals")
    for mine, source in _SOURCES.items()
}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Which list: of these owners (None: everybody's), of one pathway or all, snoozed ones or the others."""

    owners: Sequence[str] | None
    pathway: str | None
    snoozed: bool
    days: RankDays
    weights: RankWeights
    limit: int


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A loop in its place: the step to do, its clock, its points; `section` 1 now, 2 today, 3 week, 4 waiting."""

    loop_id: str
    step_id: str | None
    due: datetime
    waiting: bool
    points: int
    section: int


@dataclass(frozen=True, kw_only=True)
class ListedLoop:
    """What a list shows of a loop and of the step beside it."""

    id: str
    number: int
    pathway: str
    patient_id: str
    owner: str
    clock: str
    status: str
    hold_reason: str | None
    says: str
    segments: Sequence[bool] | None


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What the pane and the board show of a loop, beside the patient."""

    id: str
    number: int
    pathway: str
    patient_id: str
    snoozed_until: datetime | None
    hold_until: datetime | None
    state: LoopState


def page(tx: Transaction, asked: Asked) -> list[Placed]:
    """The first rows of the list in their order; the same data and instant give the same order."""
    rows = tx.rows(_QUERIES["page", asked.owners is not None], _parameters(asked))
    return [Placed(loop_id=row.pop("id"), **row) for row in rows]


def totals(tx: Transaction, asked: Asked) -> list[Row]:
    """pathway, snoozed, section, total, late; over the whole list whatever the limit."""
    return tx.rows(_QUERIES["totals", asked.owners is not None], _parameters(asked))


def closed_since(tx: Transaction, owners: Sequence[str] | None, since: datetime) -> int:
    """How many loops of these owners closed since then."""
    return int(tx.value(_SQL["closed_since"], {"owners": None if owners is None else list(owners), "since": since}))


def by_number(tx: Transaction, number: int) -> str | None:
    """The id of the loop that people call `L-<number>`."""
    found = tx.value(_SQL["by_number"], {"number": number})
    return None if found is None else str(found)


def listed(tx: Transaction, places: Sequence[Placed]) -> dict[str, ListedLoop]:
    """By loop id what lists show of it, with the step of its place."""
    ids, steps = [place.loop_id for place in places], [place.step_id for place in places]
    rows = tx.rows(_SQL["rows"], {"ids": ids, "steps": steps}) if places else []
    return {row["id"]: ListedLoop(**row) for row in rows}


def shown(tx: Transaction, ids: Sequence[str]) -> dict[str, Shown]:
    """By loop id everything that the pane and the board show of it."""
    rows = tx.rows(_SQL["shown"], {"ids": list(ids)}) if ids else []
    return {row["id"]: Shown(**{**row, "state": _decode_state(row["state"])}) for row in rows}


def open_loops_of(tx: Transaction, patients: Sequence[str]) -> dict[str, int]:
    """How many open loops each of these patients has."""
    rows = tx.rows(_SQL["open_loops_of"], {"patients": list(patients)}) if patients else []
    return {row["patient_id"]: int(row["total"]) for row in rows}


def standing_escalations(tx: Transaction, ids: Sequence[str]) -> list[Row]:
    """loop_id, step_id, to_role, at, late of the escalations that still call somebody."""
    return tx.rows(_SQL["standing_escalations"], {"ids": list(ids)})


def board_totals(tx: Transaction, now: datetime) -> dict[str, tuple[int, int]]:
    """By column the number of loops and of late ones."""
    return {row["board"]: (int(row["total"]), int(row["late"])) for row in tx.rows(_SQL["board_totals"], {"now": now})}


def board_column(tx: Transaction, board: str, limit: int) -> list[str]:
    """Loop ids of one column, the shortest clock first."""
    return [row["id"] for row in tx.rows(_SQL["board_loops"], {"board": board, "limit": limit})]


def owned_history(tx: Transaction, loop_id: str) -> list[Row]:
    """step_id, owner, owned_from, by, why; oldest first."""
    return tx.rows(_SQL["owned_history"], {"loop_id": loop_id})


def acts_of(tx: Transaction, loop_id: str) -> list[Row]:
    """step_id, kind, at, by, data of everything people did, undos too; oldest first."""
    return tx.rows(_SQL["acts_of"], {"loop_id": loop_id})


def _parameters(asked: Asked) -> dict[str, Any]:
    weights = {name: value for name, value in vars(asked.weights).items() if isinstance(value, int)}
    return {
        **weights,
        "owners": list(asked.owners or ()),
        "pathway": asked.pathway,
        "snoozed": asked.snoozed,
        "limit": asked.limit,
        "now": asked.days.now,
        "tomorrow": asked.days.tomorrow,
        "day_after": asked.days.day_after,
    }
