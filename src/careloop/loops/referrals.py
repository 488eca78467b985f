"""The table of referrals: where each is, the board's columns, what clinics did before. Derived from the record."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta

from careloop.db import Row, Transaction, load_queries
from careloop.loops.rules.referrals.figures import Standing

_SQL = load_queries("careloop.loops", "referrals.sql")
AWAITING = ("no-answer", "accepted", "seen")
"""Columns in which a clinic is waited for."""
QUIET = timedelta(days=3)
"""So long a clinic is left alone after a reminder, unless a person sends another one [P]."""


@dataclass(frozen=True, kw_only=True)
class ReferralRow:
    """One referral. `board` is its column, None where it stands in none; `due` the end of its present state."""

    request_id: str
    task_id: str | None
    patient_id: str
    clinic: str
    clinic_name: str
    service: str
    payer: str
    language: str
    priority: str
    state: str
    board: str | None
    is_open: bool
    since: datetime | None
    due: datetime | None
    due_because: str
    clock_start: date | None
    see_by: date | None
    sent: datetime | None
    answered: datetime | None
    scheduled: datetime | None
    visit_on: datetime | None
    seen: datetime | None
    reported: datetime | None
    reviewed: datetime | None
    ended: datetime | None
    no_shows: int
    silent: int
    reminded: datetime | None


@dataclass(frozen=True, kw_only=True)
class Card:
    """What the board shows of a referral."""

    request_id: str
    patient_id: str
    clinic: str
    clinic_name: str
    service: str
    priority: str
    state: str
    since: datetime | None
    due: datetime | None
    sent: datetime | None
    visit_on: datetime | None
    seen: datetime | None
    reported: datetime | None
    silent: int
    no_shows: int
    loop_id: str | None


@dataclass(frozen=True, kw_only=True)
class ClinicRecord:
    """What a clinic did with what it was sent. A median of nothing is None; `share_reported` is of those seen."""

    clinic: str
    name: str
    asked: int
    answered: int
    unanswered: int
    seen: int
    reported: int
    median_answer_seconds: float | None
    median_wait_days: int | None

    @property
    def share_reported(self) -> float | None:
        """Reports that came back, of the patients seen."""
        return self.reported / self.seen if self.seen else None


def put(tx: Transaction, gone: Sequence[str], rows: Sequence[ReferralRow]) -> None:
    """These referrals stand so; `gone` are no more."""
    ids = sorted({*gone, *(row.request_id for row in rows)})
    if ids:
        tx.execute(_SQL["forget"], {"ids": ids})
    if rows:
        tx.execute_many(_SQL["put"], [asdict(row) for row in sorted(rows, key=lambda row: row.request_id)])


def requests_of(tx: Transaction, patients: Sequence[str], tasks: Sequence[str]) -> list[str]:
    """Ids of the requests of these patients, and of those that these Tasks fulfil."""
    return [
        row["request_id"] for row in tx.rows(_SQL["requests_of"], {"patients": list(patients), "tasks": list(tasks)})
    ]


def columns(tx: Transaction, now: datetime) -> dict[str, tuple[int, int]]:
    """By column how many cards it has and how many are late."""
    return {row["board"]: (row["total"], row["late"]) for row in tx.rows(_SQL["columns"], {"now": now})}


def cards(tx: Transaction, board: str, limit: int, clinic: str | None = None) -> list[Card]:
    """The first cards of a column, the shortest clock first."""
    return [Card(**row) for row in tx.rows(_SQL["cards"], {"board": board, "limit": limit, "clinic": clinic})]


def silent(tx: Transaction, now: datetime, limit: int) -> list[str]:
    """Requests for which a clinic is late and was not reminded for some days, the longest first."""
    given = {"boards": list(AWAITING), "now": now, "quiet": now - QUIET, "limit": limit}
    rows = tx.rows(_SQL["silent"], given)
    return [row["request_id"] for row in rows]


def clinics(
    tx: Transaction, since: datetime, zone: str, *, names: Sequence[str] | None = None, limit: int = 50
) -> list[ClinicRecord]:
    """The records of clinics over what was sent to them since then."""
    given = {"since": since, "zone": zone, "clinics": None if names is None else list(names), "limit": limit}
    return [_record(row) for row in tx.rows(_SQL["clinics"], given)]


def times(tx: Transaction, first: date, last: date, limit: int = 20_000) -> list[Row]:
    """Referrals whose patients began to wait on these days, for the report of RF-03."""
    return tx.rows(_SQL["times"], {"first": first, "last": last, "limit": limit})


def standing(tx: Transaction, first: date, last: date) -> list[Standing]:
    """How many of those whose patients began to wait on these days are in which state, by clinic."""
    return [
        Standing(state=row["state"], column=row["board"], clinic=row["clinic_name"], count=row["total"])
        for row in tx.rows(_SQL["standing"], {"first": first, "last": last})
    ]


def of_year(tx: Transaction, first: date, last: date, limit: int) -> list[Row]:
    """`request_id`, `task_id`, `patient_id` of those whose patients began to wait on these days, by patient."""
    return tx.rows(_SQL["of_year"], {"first": first, "last": last, "limit": limit})


ENOUGH = 5
"""Fewer visits than this say nothing about the next one."""


@dataclass(frozen=True, kw_only=True)
class Wait:
    """How long patients waited for a visit: in the middle, and from the shortest to the longest tenth."""

    visits: int
    median: int
    low: int
    high: int

    @property
    def says(self) -> str:
        """The forecast in words, with the count that it rests on."""
        if self.visits < ENOUGH:
            return f"too few visits to say ({self.visits})"
        middle = "1 day" if self.median == 1 else f"{self.median} days"
        return f"visit in about {middle} ({self.low} to {self.high}, of {self.visits} visits)"


def waits(tx: Transaction, since: datetime, zone: str) -> dict[tuple[str, str], Wait]:
    """The wait by (clinic, service) of visits since then; '' stands for every one."""
    return {
        ("" if row["every_clinic"] else row["clinic"], "" if row["every_service"] else row["service"]): Wait(
            visits=row["visits"], median=row["median"], low=row["low"], high=row["high"]
        )
        for row in tx.rows(_SQL["waits"], {"since": since, "zone": zone})
    }


def services(tx: Transaction) -> list[str]:
    """What is referred for most, as it was written."""
    return [row["service"] for row in tx.rows(_SQL["services"])]


def median_answer_seconds(tx: Transaction, since: datetime) -> float | None:
    """The median time to answer of the answers that came since then."""
    found = tx.value(_SQL["median_answer"], {"since": since})
    return None if found is None else float(found)


def _record(row: Row) -> ClinicRecord:
    seconds, days = row["median_answer_seconds"], row["median_wait_days"]
    return ClinicRecord(
        clinic=row["clinic"],
        name=row["name"],
        asked=row["asked"],
        answered=row["answered"],
        unanswered=row["unanswered"],
        seen=row["seen"],
        reported=row["reported"],
        median_answer_seconds=None if seconds is None else float(seconds),
        median_wait_days=None if days is None else int(days),
    )
