"""A week of loops: what closed for some patients, what is late on somebody, which steps were done by whom."""

from collections.abc import Sequence
from datetime import datetime

from careloop.db import Row, Transaction, load_queries

_SQL = load_queries("careloop.loops", "weekly.sql")


def closed_between(tx: Transaction, patients: Sequence[str], since: datetime, until: datetime) -> list[Row]:
    """Loops of these patients that closed then, the last first."""
    if not patients:
        return []
    return tx.rows(_SQL["closed_between"], {"patients": list(patients), "since": since, "until": until})


def late_steps(tx: Transaction, owner: str, now: datetime, most: int) -> list[Row]:
    """Open steps of this owner that are late, the latest first."""
    return tx.rows(_SQL["late_steps"], {"owner": owner, "now": now, "most": most})


def open_counts(tx: Transaction, patients: Sequence[str], now: datetime) -> tuple[int, int]:
    """Open loops of these patients, and those that are late."""
    row = tx.one(_SQL["open_counts"], {"patients": list(patients), "now": now}) if patients else None
    return (row["total"], row["late"]) if row else (0, 0)


def done_steps(tx: Transaction, since: datetime, until: datetime, most: int) -> list[Row]:
    """Steps that were completed then, the last first: pathway, step_id, owner_role, owner, proof."""
    return tx.rows(_SQL["done_steps"], {"since": since, "until": until, "most": most})
