"""The change feed read in order, for those who act on changes after their commit. No change is ever passed over.

Numbers of the feed are given out before a commit, so a higher number may be visible before a lower one. The cursor of a
tenant therefore moves in two steps: first the last number given out is noted with the id of the transaction that notes
it; the window up to that number is read once every transaction older than that one has ended (decision 0141).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from careloop.db import Row, Transaction, load_queries

_SQL = load_queries("careloop.record", "changes.sql")

MOST = 500
"""Changes in one page."""


@dataclass(frozen=True, kw_only=True)
class Changed:
    """One change: `text` is the resource after it (None: deleted), `before` the version before it, if there is one."""

    seq: int
    at: datetime
    change: str
    resource_type: str
    id: str
    version: int
    patient_id: str | None
    text: str | None
    before: str | None


@dataclass(frozen=True, kw_only=True)
class Window:
    """Numbers after `after` up to `through`, all of them settled. `last` was the end of the feed when it was opened."""

    after: int
    through: int
    last: int


def last_number(tx: Transaction) -> int:
    """The last number that the feed of all tenants has given out."""
    return int(_look(tx)["last"])


def open_window(tx: Transaction, begin: int) -> Window | None:
    """What can be read now, held until the transaction ends; None where there is nothing or another worker has it.

    Must come first in its transaction: the end of the feed is to be older than the transaction's id. A tenant without a
    cursor begins after `begin`.
    """
    seen = _look(tx)
    if seen["through"] is None:
        tx.execute(_SQL["begin_cursor"], {"through": begin})
        return None
    if seen["through"] == seen["next_through"] == seen["last"]:
        return None
    row = tx.one(_SQL["lock_cursor"])
    if row is None:
        return None
    if row["through"] == row["next_through"]:
        _move(tx, row["through"], seen["last"])
        return None
    if not row["is_settled"]:
        return None
    return Window(after=row["through"], through=row["next_through"], last=seen["last"])


def read_window(tx: Transaction, window: Window, types: Sequence[str] | None) -> list[Changed]:
    """The first changes of the window, of these types or of all, in order; at most `MOST`."""
    values = {"after": window.after, "through": window.through, "types": list(types) if types else None, "limit": MOST}
    return [_changed(row) for row in tx.rows(_SQL["changes"], values)]


def close_window(tx: Transaction, window: Window, seen: Sequence[Changed]) -> bool:
    """What was seen will not be read again. True where more of the window is left."""
    if len(seen) == MOST:
        tx.execute(_SQL["reach_cursor"], {"through": seen[-1].seq})
        return True
    _move(tx, window.through, max(window.last, window.through))
    return False


def forget_cursor(tx: Transaction) -> None:
    """Nobody wants to know of changes: the next one to ask begins anew."""
    tx.execute(_SQL["drop_cursor"])


def texts_of(tx: Transaction, wanted: Sequence[tuple[str, str, int]]) -> dict[tuple[str, str, int], Row]:
    """`patient_id` and `body` of some versions (type, id, version). Not audited."""
    if not wanted:
        return {}
    types, ids, versions = zip(*wanted, strict=True)
    rows = tx.rows(_SQL["versions"], {"types": list(types), "ids": list(ids), "versions": list(versions)})
    return {(row["type"], row["id"], row["version"]): row for row in rows}


def _look(tx: Transaction) -> Row:
    row = tx.one(_SQL["look"])
    assert row is not None
    return row


def _move(tx: Transaction, through: int, next_through: int) -> None:
    tx.execute(_SQL["move_cursor"], {"through": through, "next_through": next_through})


def _changed(row: Row) -> Changed:
    return Changed(
        seq=row["seq"],
        at=row["at"],
        change=row["change"],
        resource_type=row["type"],
        id=row["id"],
        version=row["version"],
        patient_id=row["patient_id"],
        text=row["body"],
        before=row["before"],
    )
