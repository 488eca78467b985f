"""The review queue: pairs of patients that a person must decide."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from careloop.db import Transaction
from careloop.errors import NotFound
from careloop.identity.merges import Merge
from careloop.identity.model import MatchRow, MatchState, Reason, pair
from careloop.identity.store import SQL, match_id, match_row, open_matches


def open_queue(tx: Transaction, *, limit: int) -> tuple[list[MatchRow], int]:
    """The pairs that wait longest for a decision first, and how many wait in all."""
    rows = [match_row(row) for row in tx.rows(SQL["open_matches"], {"limit": limit})]
    return rows, int(tx.value(SQL["count_open"]))


def find_match(tx: Transaction, pair_id: str) -> MatchRow:
    """One pair, locked until the transaction ends; `NotFound` for an unknown id."""
    row = tx.one(SQL["match_row"], {"id": pair_id})
    if row is None:
        raise NotFound("there is no such pair")
    return match_row(row)


def match_of_task(tx: Transaction, task_id: str) -> MatchRow | None:
    """The pair that a Task stands for: the loop Task has the pair's id, its step an id derived from it."""
    row = tx.one(SQL["match_of_task"], {"id": task_id})
    return None if row is None else match_row(row)


@dataclass(frozen=True, kw_only=True)
class Settled:
    """A decision about a pair: by whom, why, on how much evidence (None: it is never asked again)."""

    state: MatchState
    at: datetime
    by: str
    why: str
    merge_id: str | None = None
    points: Decimal | None = None


def settle(tx: Transaction, pair_id: str, done: Settled) -> None:
    """A decision about the pair; `OPEN` asks it again."""
    is_decided = done.state in (MatchState.SAME, MatchState.DIFFERENT)
    given = {
        "id": pair_id,
        "state": done.state.value,
        "decided": done.at if is_decided else None,
        "decided_by": done.by if is_decided else None,
        "why": done.why if is_decided else None,
        "merge_id": done.merge_id,
        "points": done.points,
    }
    tx.execute(SQL["settle"], given)


ASK_WITHIN = timedelta(days=14)
"""So long somebody has to find out what nobody can tell (our choice, [P])."""


def ask_first(tx: Transaction, pair_id: str, asking: str, now: datetime) -> None:
    """The pair stays undecided until somebody has found out."""
    tx.execute(SQL["ask_first"], {"id": pair_id, "asking": asking, "due": now + ASK_WITHIN})


AT_ONCE = 500
"""So many pairs are announced in one set."""


def unannounced(tx: Transaction, *, limit: int = AT_ONCE) -> list[MatchRow]:
    """Pairs whose Task does not say yet what the row says; no other transaction gets the same."""
    return [match_row(row) for row in tx.rows(SQL["unannounced"], {"limit": limit})]


def mark_announced(tx: Transaction, rows: Sequence[MatchRow]) -> None:
    """The Tasks of these pairs say what the rows say."""
    tx.execute(SQL["announced"], {"ids": [row.id for row in rows]})


def answer_by_merge(tx: Transaction, done: Merge) -> None:
    """The pair, if it was asked, is answered by the merge."""
    left, right = sorted((done.prior_id, done.survivor_id))
    given = {"left": left, "right": right, "decided": done.merged, "decided_by": done.merged_by, "merge_id": done.id}
    tx.execute(SQL["settle_merged"], {**given, "why": f"merged: {done.source}"})


def answer_by_unmerge(tx: Transaction, done: Merge, at: datetime, by: str, why: str) -> None:
    """The two are different people and are never asked about again, unless a person opens the pair."""
    candidate = pair(done.prior_id, done.survivor_id, Reason.IDENTIFIER)
    open_matches(tx, at, [candidate])
    settle(tx, match_id(tx.tenant_id, candidate), Settled(state=MatchState.DIFFERENT, at=at, by=by, why=why))
