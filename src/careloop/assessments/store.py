"""When to ask again, and who answers which part of a check-in by link."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from careloop.db import Transaction, load_queries

_SQL = load_queries("careloop.assessments")


@dataclass(frozen=True, kw_only=True)
class Due:
    """An instrument is due for a patient, and why."""

    patient_id: str
    instrument: str
    last_at: datetime
    due: datetime
    rule: str
    says: str


@dataclass(frozen=True, kw_only=True)
class Share:
    """A part of a check-in that somebody answers by a link. No sections: all that they may answer."""

    link_id: str
    response_id: str
    who: str
    sections: tuple[str, ...]


def note_due(tx: Transaction, due: Due) -> None:
    """The instrument is due then, unless a newer score said otherwise."""
    tx.execute(_SQL["note_due"], {**due.__dict__})


def forget_due(tx: Transaction, patient_id: str, instrument: str, at: datetime) -> None:
    """The instrument is not due any more after a score of this instant."""
    tx.execute(_SQL["forget_due"], {"patient_id": patient_id, "instrument": instrument, "last_at": at})


def take_due(tx: Transaction, now: datetime, most: int) -> list[Due]:
    """Some of those whose day has come, held until the transaction ends."""
    return [Due(**row) for row in tx.rows(_SQL["take_due"], {"now": now, "most": most})]


def mark_asked(tx: Transaction, due: Due, task_id: str) -> None:
    """It was asked for by this Task."""
    tx.execute(_SQL["mark_asked"], {"patient_id": due.patient_id, "instrument": due.instrument, "asked": task_id})


def due_of(tx: Transaction, patient_id: str) -> list[Due]:
    """What is due for a patient, now or later, the first first."""
    return [Due(**row) for row in tx.rows(_SQL["due_of"], {"patient_id": patient_id})]


def add_share(tx: Transaction, share: Share) -> None:
    """The link opens this part."""
    tx.execute(
        _SQL["add_share"],
        {
            "link_id": share.link_id,
            "response_id": share.response_id,
            "who": share.who,
            "sections": list(share.sections),
        },
    )


def share_of(tx: Transaction, link_id: str) -> Share | None:
    """What a link opens."""
    row = tx.one(_SQL["share_of"], {"link_id": link_id})
    return Share(**{**row, "sections": tuple(row["sections"])}) if row else None


def shares_of(tx: Transaction, response_id: str) -> Sequence[Share]:
    """All links that were made for a check-in."""
    rows = tx.rows(_SQL["shares_of_response"], {"response_id": response_id})
    return [Share(**{**row, "sections": tuple(row["sections"])}) for row in rows]
