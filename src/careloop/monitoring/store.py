"""Tables of home readings: readings, alerts, who is watched, how far the change feed was read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from careloop.db import Row, Transaction, load_queries

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
    """The next entries of the feed of these types that are about a patient, each once for ever; None while somebody
    else reads. To be called first in a transaction (for the order see `longitudinal.store.read_changes`)."""
    horizon, row = tx.one(SQL["horizon"]), _reading(tx)
    if row is None or horizon is None:
        return None
    if row["ahead_before"] > horizon["oldest"]:
        return Changed(entries=(), more=False)
    entries = tx.rows(SQL["changed"], {"reached": row["reached"], "ahead": row["ahead"], "limit": limit})
    if len(entries) == limit:
        _set_reading(tx, entries[-1]["seq"], row["ahead"], row["ahead_before"])
        return Changed(entries=_telling(entries, types), more=True)
    if horizon["newest"] != row["ahead"] or row["reached"] != row["ahead"]:
        _set_reading(tx, row["ahead"], horizon["newest"], int(tx.value(SQL["own_number"])))
    return Changed(entries=_telling(entries, types), more=False)


def _telling(entries: Sequence[Row], types: frozenset[str]) -> tuple[Entry, ...]:
    return tuple(
        Entry(type=row["type"], id=row["id"], patient_id=row["patient_id"] or row["id"], watched=row["watched"])
        for row in entries
        if row["type"] in types and (row["patient_id"] or row["type"] == "Patient")
    )


def _reading(tx: Transaction) -> Row | None:
    row = tx.one(SQL["reading"])
    if row is None:
        tx.execute(SQL["begin_reading"])
        row = tx.one(SQL["reading"])
    return row


def _set_reading(tx: Transaction, reached: int, ahead: int, ahead_before: int) -> None:
    tx.execute(SQL["set_reading"], {"reached": reached, "ahead": ahead, "ahead_before": ahead_before})


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
