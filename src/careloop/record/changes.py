"""The change feed with the texts of its changes, for those who tell others of them after their commit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from careloop.db import Row, Transaction, load_queries
from careloop.record import cursors
from careloop.record.cursors import Window

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


def last_number(tx: Transaction) -> int:
    """The last number that the feed of all tenants has given out."""
    return int(tx.value(_SQL["last_number"]))


def read_window(tx: Transaction, window: Window, types: Sequence[str] | None) -> list[Changed]:
    """The first changes of the window, of these types or of all, in order; at most `MOST`."""
    values = {"after": window.after, "through": window.through, "types": list(types) if types else None, "limit": MOST}
    return [_changed(row) for row in tx.rows(_SQL["changes"], values)]


def close_window(tx: Transaction, window: Window, seen: Sequence[Changed]) -> bool:
    """What was seen will not be read again. True where more of the window is left."""
    return cursors.move_on(tx, window, seen[-1].seq if len(seen) == MOST else None)


def texts_of(tx: Transaction, wanted: Sequence[tuple[str, str, int]]) -> dict[tuple[str, str, int], Row]:
    """`patient_id` and `body` of some versions (type, id, version). Not audited."""
    if not wanted:
        return {}
    types, ids, versions = zip(*wanted, strict=True)
    rows = tx.rows(_SQL["versions"], {"types": list(types), "ids": list(ids), "versions": list(versions)})
    return {(row["type"], row["id"], row["version"]): row for row in rows}


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
