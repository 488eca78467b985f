"""Minutes of people, lists with a name, and what people said of the order, in PostgreSQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec

from careloop.db import Row, Transaction, load_queries

_SQL = load_queries("careloop.loops", "days.sql")


@dataclass(frozen=True, kw_only=True)
class SavedView:
    """A list that somebody named: the query string that opens it. Shared ones are for everybody with the link."""

    id: str
    person: str
    name: str
    query: str
    shared: bool


@dataclass(frozen=True, kw_only=True)
class RankReport:
    """What somebody thought of a place in the order. `parts`: points, text and why as they were shown."""

    id: str
    loop_id: str
    pathway: str
    at: datetime
    by: str
    position: int | None
    points: int
    parts: Sequence[Mapping[str, Any]]
    says: str
    should: str
    number: int = 0
    answered: datetime | None = None
    answered_by: str | None = None
    answer: str | None = None


def minutes_of(tx: Transaction, people: Sequence[str], day: date) -> dict[str, tuple[int, str]]:
    """By person the minutes that they said they have on this day, and why where it is not as always."""
    rows = tx.rows(_SQL["minutes_of"], {"people": list(people), "day": day, "weekday": day.weekday()})
    return {row["person"]: (int(row["minutes"]), row["why"] or "") for row in rows}


def week_of(tx: Transaction, person: str) -> dict[int, int]:
    """By weekday (Monday 0) what this person said."""
    return {row["weekday"]: row["minutes"] for row in tx.rows(_SQL["week_of"], {"person": person})}


def set_week(tx: Transaction, person: str, minutes: Mapping[int, int]) -> None:
    """The person has these minutes on these weekdays."""
    for weekday, each in minutes.items():
        tx.execute(_SQL["set_weekday"], {"person": person, "weekday": weekday, "minutes": each})


def set_day(tx: Transaction, person: str, day: date, minutes: int | None, why: str) -> None:
    """This one day is different; None: it is as always again."""
    if minutes is None:
        tx.execute(_SQL["clear_day"], {"person": person, "day": day})
    else:
        tx.execute(_SQL["set_day"], {"person": person, "day": day, "minutes": minutes, "why": why})


def due_steps(tx: Transaction, owners: Sequence[str], before: datetime) -> list[Row]:
    """owner, step_id, total of what is to be done before that instant."""
    return tx.rows(_SQL["due_steps"], {"owners": list(owners), "before": before})


def views_of(tx: Transaction, person: str) -> list[SavedView]:
    """Own ones first, then those that others share."""
    return [SavedView(**row) for row in tx.rows(_SQL["views_of"], {"person": person})]


def find_view(tx: Transaction, view_id: str, person: str) -> SavedView | None:
    """The view if this person may open it."""
    row = tx.one(_SQL["view"], {"id": view_id, "person": person})
    return None if row is None else SavedView(**row)


def save_view(tx: Transaction, view: SavedView, made: datetime) -> str:
    """The view stands; one of the same person and name is replaced. Its id."""
    return str(tx.value(_SQL["save_view"], {**vars(view), "made": made}))


def remove_view(tx: Transaction, view_id: str, person: str) -> bool:
    """True when it was there and was this person's."""
    return tx.execute(_SQL["remove_view"], {"id": view_id, "person": person}) > 0


def add_report(tx: Transaction, report: RankReport) -> None:
    """Kept for ever."""
    tx.execute(_SQL["add_report"], {**vars(report), "parts": msgspec.json.encode(report.parts).decode()})


def reports(tx: Transaction, since: datetime, limit: int) -> list[RankReport]:
    """What nobody answered first, then the newest."""
    return [RankReport(**row) for row in tx.rows(_SQL["reports"], {"since": since, "limit": limit})]


def report_counts(tx: Transaction, since: datetime) -> tuple[int, int]:
    """How many, and how many of them nobody answered."""
    row = tx.rows(_SQL["report_counts"], {"since": since})[0]
    return int(row["total"]), int(row["open"])


def answer_report(tx: Transaction, report_id: str, *, answer: str, by: str, at: datetime) -> bool:
    """True when it was there and nobody had answered."""
    return tx.execute(_SQL["answer_report"], {"id": report_id, "answer": answer, "by": by, "at": at}) > 0
