"""Case conferences in PostgreSQL: agenda, decisions, votes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from careloop.db import Transaction, load_queries

_SQL = load_queries("careloop.teams", "conferences.sql")


@dataclass(frozen=True, kw_only=True)
class Vote:
    """What somebody says of a decision; who was absent votes later."""

    loop_id: str
    member: str
    vote: str
    note: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class AgendaItem:
    """One stuck loop: why it is here, and what was decided. `state`: open, decided or carried to the next time."""

    loop_id: str
    patient_id: str
    asks: str
    state: str
    decision: str | None
    owner: str | None
    step_id: str | None
    due: datetime | None
    decided_by: str | None


@dataclass(frozen=True, kw_only=True)
class Conference:
    """One call. `present` and `absent` are references."""

    id: str
    title: str
    begun: datetime
    by: str
    present: list[str]
    absent: list[str]
    ended: datetime | None


def add(tx: Transaction, conference: Conference, items: Sequence[Mapping[str, Any]]) -> None:
    """The conference stands with its agenda: loop_id, patient_id, asks in order."""
    tx.execute(_SQL["add_conference"], vars(conference))
    rows = [{**item, "conference_id": conference.id, "position": place} for place, item in enumerate(items)]
    tx.execute(_SQL["add_items"], {"rows": msgspec.json.encode(rows).decode()})


def find(tx: Transaction, conference_id: str) -> Conference | None:
    """One by id."""
    row = tx.one(_SQL["conference"], {"id": conference_id})
    return None if row is None else Conference(**row)


def latest(tx: Transaction) -> list[Conference]:
    """The last 30."""
    return [Conference(**row) for row in tx.rows(_SQL["conferences"])]


def items(tx: Transaction, conference_id: str) -> list[AgendaItem]:
    """The agenda in its order."""
    return [AgendaItem(**row) for row in tx.rows(_SQL["items"], {"id": conference_id})]


def votes(tx: Transaction, conference_id: str) -> list[Vote]:
    """All votes, the first first."""
    return [Vote(**row) for row in tx.rows(_SQL["votes"], {"id": conference_id})]


def carried(tx: Transaction, since: datetime) -> frozenset[str]:
    """Loops put off since then that were on no agenda after that."""
    return frozenset(row["loop_id"] for row in tx.rows(_SQL["carried"], {"since": since}))


def decide(tx: Transaction, conference_id: str, item: AgendaItem, *, at: datetime, by: str) -> bool:
    """The decision of this item stands; False where there was one."""
    row = {
        "id": conference_id,
        "loop_id": item.loop_id,
        "decision": item.decision,
        "owner": item.owner,
        "step_id": item.step_id,
        "due": item.due,
    }
    return tx.execute(_SQL["decide"], {**row, "at": at, "by": by}) == 1


def carry(tx: Transaction, conference_id: str, loop_id: str, *, why: str, at: datetime, by: str) -> bool:
    """The item waits for the next conference; False where it was decided."""
    row = {"id": conference_id, "loop_id": loop_id, "why": why, "at": at, "by": by}
    return tx.execute(_SQL["carry"], row) == 1


def end(tx: Transaction, conference_id: str, at: datetime) -> bool:
    """The call is over; False where it was."""
    return tx.execute(_SQL["end"], {"id": conference_id, "at": at}) == 1


def vote(tx: Transaction, conference_id: str, vote: Vote) -> None:
    """The vote stands; a second one of the same person replaces the first."""
    tx.execute(_SQL["vote"], {"id": conference_id, **vars(vote)})
