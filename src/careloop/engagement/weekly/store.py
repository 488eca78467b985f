"""The tables of the weekly half-page."""

from collections.abc import Sequence
from datetime import date

from careloop.db import Transaction, load_queries

_SQL = load_queries("careloop.engagement.weekly")

DEFAULT = 5
"""Friday."""


def chosen(tx: Transaction, people: Sequence[str]) -> dict[str, int]:
    """The weekday of each of these people who chose one."""
    rows = tx.rows(_SQL["choices"], {"people": list(people)}) if people else []
    return {row["person"]: row["weekday"] for row in rows}


def save(tx: Transaction, person: str, weekday: int) -> None:
    """The link comes on this weekday from now on; 0 for never."""
    tx.execute(_SQL["save_choice"], {"person": person, "weekday": weekday})


def claim(tx: Transaction, person: str, day: date) -> bool:
    """True for the first who wants to send the link of this day."""
    return tx.execute(_SQL["claim_day"], {"person": person, "day": day}) == 1
