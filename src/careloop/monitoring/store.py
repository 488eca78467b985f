"""Tables of home readings: readings, alerts, who is watched, how far the change feed was read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from careloop.db import Row, Transaction, load_queries
from careloop.record import cursors
from careloop.record.cursors import Reader

SQL = load_queries("careloop.monitoring")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry of the change feed that may matter here."""

    type: str
    id: str
    patient_id: str
    watched: bool


@dataclass(frozen=True, kw_only=True)
class Changed:
    """What the feed tells since it was read last; `more` when there is more to read at once."""

    entries: tuple[Entry, ...]
    more: bool


def read_changes(tx: Transaction, types: frozenset[str], limit: int) -> Changed | None:
    """The next entries of the feed of these types that are about a patient, each once for ever; None where nothing can
    be read now. To be called first in a transaction."""
    window = cursors.open_window(tx, Reader.MONITORING)
    if window is None:
        return None
    entries = tx.rows(SQL["changed"], {"after": window.after, "through": window.through, "limit": limit})
    more = cursors.move_on(tx, window, entries[-1]["seq"] if len(entries) == limit else None)
    return Changed(entries=_telling(entries, types), more=more)


def _telling(entries: Sequence[Row], types: frozenset[str]) -> tuple[Entry, ...]:
    return tuple(
        Entry(type=row["type"], id=row["id"], patient_id=row["patient_id"] or row["id"], watched=row["watched"])
        for row in entries
        if row["type"] in types and (row["patient_id"] or row["type"] == "Patient")
    )


def rows_of(tx: Transaction, query: str, **given: Any) -> list[Row]:
    """The rows of a named query."""
    return tx.rows(SQL[query], given)


def put(tx: Transaction, query: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """All rows in one statement; nothing for none."""
    if rows:
        tx.execute(SQL[query], {"rows": msgspec.json.encode(rows).decode()})


def execute(tx: Transaction, query: str, **given: Any) -> None:
    """A named statement."""
    tx.execute(SQL[query], given)


def due_patients(tx: Transaction, now: datetime, limit: int) -> list[str]:
    """Patients whose time to be looked at again has come."""
    return [row["patient_id"] for row in rows_of(tx, "due", now=now, limit=limit)]
