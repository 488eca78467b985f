"""Tables of check-ins: each time somebody is asked, what was said, when to look again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from careloop.db import Row, Transaction, load_queries
from careloop.monitoring.rules.asking import CheckIn
from careloop.monitoring.rules.check_ins import Outcome

_SQL = load_queries("careloop.monitoring", "check_ins.sql")


_BY_HAND = frozenset({"WRITTEN", "ONLINEWRIT"})
NO_WAY = "NONE"
"""The medium of a check-in that was due and could not be asked: the patient refuses every way."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """One check-in as the table has it. `said`: question and answer in words."""

    id: str
    patient_id: str
    asked: datetime
    closes: datetime
    medium: str
    sent: bool
    reminded: datetime | None
    answered: datetime | None
    response: str | None
    level: int | None
    symptoms: tuple[str, ...]
    said: tuple[tuple[str, str], ...]
    complete: bool
    touched: datetime | None
    state: str
    read_by: str | None
    read_at: datetime | None

    @property
    def value(self) -> CheckIn:
        """As the rules see it."""
        return CheckIn(
            id=self.id,
            asked=self.asked,
            closes=self.closes,
            sent=self.sent,
            by_hand=self.medium in _BY_HAND,
            no_way=self.medium == NO_WAY,
            answered=self.answered,
            reminded=self.reminded,
        )


def decode_said(text: str | None) -> tuple[tuple[str, str], ...]:
    """Questions and answers as the table keeps them."""
    return msgspec.json.decode(text or "[]", type=tuple[tuple[str, str], ...])


def _kept(row: Row) -> Kept:
    values = {name: row[name] for name in Kept.__dataclass_fields__}
    return Kept(**{**values, "said": decode_said(row["said"]), "symptoms": tuple(row["symptoms"])})


def of_patients(tx: Transaction, patients: Sequence[str], since: datetime) -> dict[str, list[Kept]]:
    """Check-ins of some patients since a moment, oldest first."""
    found: dict[str, list[Kept]] = {one: [] for one in patients}
    for row in tx.rows(_SQL["of_patients"], {"patients": list(patients), "since": since}) if patients else ():
        found[row["patient_id"]].append(_kept(row))
    return found


def one(tx: Transaction, id_: str) -> Kept | None:
    """One check-in; None for an unknown id."""
    row = tx.one(_SQL["one"], {"id": id_})
    return _kept(row) if row is not None else None


def answer(tx: Transaction, id_: str, response: str, found: Outcome, at: datetime, *, complete: bool) -> None:
    """It is answered with this; unread."""
    tx.execute(_SQL["answer"], {**_told(id_, response, found, at), "complete": complete})


def draft(tx: Transaction, id_: str, response: str, found: Outcome, at: datetime) -> None:
    """So much was said so far."""
    tx.execute(_SQL["draft"], _told(id_, response, found, at))


def _told(id_: str, response: str, found: Outcome, at: datetime) -> Mapping[str, Any]:
    said = [(asks, says) for _, asks, _, says in found.answered]
    return {
        "id": id_,
        "response": response,
        "at": at,
        "level": found.level,
        "symptoms": list(found.symptoms),
        "said": msgspec.json.encode(said).decode(),
    }


def rows_of(tx: Transaction, query: str, **given: Any) -> list[Row]:
    """The rows of a named query."""
    return tx.rows(_SQL[query], given)


def execute(tx: Transaction, query: str, **given: Any) -> int:
    """A named statement; how many rows it changed."""
    return tx.execute(_SQL[query], given)
