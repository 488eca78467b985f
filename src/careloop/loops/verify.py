"""Every invariant of engine.md §1 as a question to the database; the answer should always be: nothing."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from careloop.db import Row, Transaction, load_queries
from careloop.record import Record, Stored

_SQL = load_queries("careloop.loops", "verify.sql")
_FIRST = "00000000-0000-0000-0000-000000000000"

_EXPECTED = {
    "open_without_owner": "an owner in the chain of owners who is the one that is shown",
    "broken_ownership": "each owner to begin where the one before ended",
    "owner_who_left": "the queue, or an active member of the staff, as owner of open work",
    "open_without_clock": "a next deadline on what is open; reason, person and waking date on what is on hold",
    "overslept": "no clock that should have done something an hour ago",
    "completed_without_proof": "evidence, or a person's coded word, on what is completed",
    "closed_with_open_steps": "no open step in a closed loop",
    "doubled_matters": "one open loop for each matter",
    "state_differs": "rows that say what the derived state says",
    "unexplained": "a reason for the opening and a Provenance",
}


@dataclass(frozen=True, kw_only=True)
class LoopFinding:
    """Something that is not as it must be: the rule, where, and what was expected."""

    rule: str
    at: str
    expected: str


@dataclass(frozen=True, kw_only=True)
class Staffed:
    """Who may own open work: the queue, and the active staff, as references."""

    queue: str
    staff: Sequence[str]


def verify_loops(tx: Transaction, record: Record, staffed: Staffed, now: datetime) -> list[LoopFinding]:
    """All findings of one tenant, by rule and place."""
    parameters = {"queue": staffed.queue, "staff": list(staffed.staff), "now": now}
    found = [_finding(rule, row) for rule in _EXPECTED for row in tx.rows(_SQL[rule], parameters)]
    return [*found, *_evidence(tx, record), *_tasks(tx, record)]


def _finding(rule: str, row: Row, expected: str | None = None) -> LoopFinding:
    place = f"loop {row['loop_id']}" + (f" step {row['step_id']}" if row["step_id"] else "")
    return LoopFinding(rule=rule, at=place, expected=expected or _EXPECTED[rule])


def _evidence(tx: Transaction, record: Record) -> Iterator[LoopFinding]:
    """Evidence that is no longer there, or was entered in error, proves nothing."""

    def load(last: Row | None) -> list[Row]:
        return tx.rows(_SQL["evidence"], last or {"loop_id": _FIRST, "step_id": "", "reference": ""})

    for rows in _pages(load):
        things = {row["reference"].split("/_history/")[0] for row in rows}
        standing = record.fetch(tx, sorted(things))
        for row in rows:
            if not _stands(standing.get(row["reference"].split("/_history/")[0])):
                yield _finding("evidence_withdrawn", row, "evidence that stands in the record")


def _stands(stored: Stored | None) -> bool:
    return stored is not None and stored.resource.get("status") != "entered-in-error"


def _tasks(tx: Transaction, record: Record) -> Iterator[LoopFinding]:
    """The Tasks in the record say what the rows say: same version, status and owner."""

    def load(last: Row | None) -> list[Row]:
        return tx.rows(_SQL["loop_tasks"], {"after": last["task_id"] if last else _FIRST})

    for rows in _pages(load):
        tasks = record.fetch(tx, [f"Task/{row['task_id']}" for row in rows])
        for row in rows:
            if not _agrees(row, tasks.get(f"Task/{row['task_id']}")):
                yield _finding("task_differs", row, "a Task with the same version, status and owner")


def _agrees(row: Row, task: Stored | None) -> bool:
    if task is None or task.version != row["task_version"]:
        return False
    resource = task.resource
    return (resource["status"], resource["owner"]["reference"]) == (row["status"], row["owner"])


def _pages(load: Callable[[Row | None], list[Row]]) -> Iterator[list[Row]]:
    """Pages of rows, each loaded after the last row of the one before."""
    rows = load(None)
    while rows:
        yield rows
        rows = load(rows[-1])
