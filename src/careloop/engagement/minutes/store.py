"""The table of minutes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from careloop.db import Transaction, load_queries
from careloop.db.exchange import Statement

_SQL = load_queries("careloop.engagement.minutes")


@dataclass(frozen=True, kw_only=True)
class Spent:
    """One stretch of work. `counts` is false where it was entered in error."""

    source: str
    patient_id: str
    who: str
    activity: str
    started: datetime
    ended: datetime
    seconds: int
    says: str
    counts: bool


def keep(tx: Transaction, spent: Spent) -> None:
    """The row of this source says this."""
    tx.execute(_SQL["keep_minutes"], vars(spent))


def uncount(tx: Transaction, sources: Sequence[str]) -> None:
    """These sources say no minutes any more. Leaves with what is asked next."""
    tx.later([Statement(_SQL["uncount_minutes"], {"sources": list(sources)})])


def of_patient(tx: Transaction, patient_id: str, since: datetime, until: datetime) -> list[Spent]:
    """What counts for a patient and began in this span, the earliest first."""
    rows = tx.rows(_SQL["minutes_of_patient"], {"patient_id": patient_id, "since": since, "until": until})
    return [Spent(**row) for row in rows]


def by_activity(tx: Transaction, since: datetime, until: datetime) -> list[tuple[str, str, int, int]]:
    """Person, activity, seconds and acts of all work that began in this span."""
    rows = tx.rows(_SQL["minutes_by_activity"], {"since": since, "until": until})
    return [(row["who"], row["activity"], row["seconds"], row["acts"]) for row in rows]


def for_patients(tx: Transaction, patients: Sequence[str], since: datetime, until: datetime) -> tuple[int, int]:
    """Whole minutes of work for these patients that began in this span, and the calls that reached somebody."""
    if not patients:
        return (0, 0)
    asked = {"patients": list(patients), "since": since, "until": until}
    row = tx.one(_SQL["minutes_for_patients"], asked)
    return (row["seconds"] // 60, row["calls"]) if row else (0, 0)
