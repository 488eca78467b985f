"""Every invariant of engine.md §1 as a question to the database, by its number; the answer should always be: nothing.

In sets: one statement for each, whatever the number of loops. What stands in the record is compared page by page.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from careloop.db import Row, Transaction, load_queries
from careloop.record import Record, Stored

_SQL = load_queries("careloop.loops", "verify.sql")
_FIRST = "00000000-0000-0000-0000-000000000000"

_EXPECTED = {
    "open_without_owner": "1: an owner in the chain of owners who is the one that is shown",
    "broken_ownership": "1: each owner to begin where the one before ended",
    "owner_who_left": "1: the queue, or an active member of the staff, as owner of open work",
    "offer_of_another": "1: an offer by somebody who holds some of the loop, to somebody who is here",
    "called_who_left": "1: an escalation to the queue, or to an active member of the staff",
    "open_without_clock": "2: a next deadline on what is open; reason, person and waking date on what is on hold",
    "overslept": "2: no clock that should have done something an hour ago",
    "clock_differs": "2: a row among the clocks for each loop that wakes, with its instant",
    "completed_without_proof": "3: evidence, or a person's coded word, on what is completed",
    "word_without_sentence": "3, 8: a person, a reason and a sentence where something is complete without evidence",
    "closed_with_open_steps": "3: no open step in a closed loop",
    "state_differs": "4: rows that say what the derived state says",
    "next_differs": "4: loop, place and steps that agree about who is next",
    "doubled_matters": "5: one open loop for each matter",
    "unexplained": "7: a reason for the opening, each deadline and each owner, and a Provenance for each version",
}
_EVIDENCE = "3: evidence that stands in the record, in a version that was written, about the same patient"
_TASK = "8: a Task with the same version, status, owner and pathway version"
_PROVENANCE = "7: the Provenance that tells of the change"
_PINNED = "6: a version of the pathway that its content still has"
_LEFT_BEHIND = "5: no open loop with a patient who is joined to another"


@dataclass(frozen=True, kw_only=True)
class LoopFinding:
    """Something that is not as it must be: the rule, where, and what was expected."""

    rule: str
    at: str
    expected: str


@dataclass(frozen=True, kw_only=True)
class Around:
    """What the invariants ask of around: the queue and the active staff, as references; the versions of pathways that
    content has, by name and version; patients who are joined to others."""

    queue: str
    staff: Sequence[str]
    versions: Collection[tuple[str, str]]
    priors: Sequence[str]


def verify_loops(
    tx: Transaction, record: Record, around: Around, now: datetime, *, since: datetime | None = None
) -> list[LoopFinding]:
    """All findings of one tenant, by rule and place. With `since` Tasks and Provenance are compared only of loops that
    changed from then on; everything else is always looked at whole."""
    parameters = {"queue": around.queue, "staff": list(around.staff), "now": now}
    found = [_finding(rule, row) for rule in _EXPECTED for row in tx.rows(_SQL[rule], parameters)]
    found += [
        _finding("unknown_version", row, _PINNED)
        for row in tx.rows(_SQL["versions_lived"])
        if (row["pathway"], row["version"]) not in around.versions
    ]
    if around.priors:
        rows = tx.rows(_SQL["merged_away"], {"priors": list(around.priors), "now": now})
        found += [_finding("merged_away", row, _LEFT_BEHIND) for row in rows]
    found += [*_evidence(tx, record), *_tasks(tx, record, since)]
    return [*found, *_histories(tx, record)] if since is None else found


def patients_with_loops(tx: Transaction, since: datetime | None = None) -> Iterator[list[str]]:
    """Everybody who has or had a loop (with `since`: one that was decided about from then on), page by page."""

    def load(last: Row | None) -> list[Row]:
        return tx.rows(_SQL["patients"], {"after": last["patient_id"] if last else "", "since": since})

    for rows in _pages(load):
        yield [row["patient_id"] for row in rows]


def _finding(rule: str, row: Row, expected: str | None = None) -> LoopFinding:
    place = f"loop {row['loop_id']}" + (f" step {row['step_id']}" if row["step_id"] else "")
    return LoopFinding(rule=rule, at=place, expected=expected or _EXPECTED[rule])


def _evidence(tx: Transaction, record: Record) -> Iterator[LoopFinding]:
    """Evidence that is no longer there, was entered in error or is about somebody else proves nothing."""

    def load(last: Row | None) -> list[Row]:
        return tx.rows(_SQL["evidence"], last or {"loop_id": _FIRST, "step_id": "", "reference": ""})

    for rows in _pages(load):
        standing = record.fetch(tx, sorted({row["reference"].split("/_history/")[0] for row in rows}))
        for row in rows:
            thing, _, version = row["reference"].partition("/_history/")
            if not _stands(standing.get(thing), version, row["patient_id"]):
                yield _finding("evidence_withdrawn", row, _EVIDENCE)


def _stands(stored: Stored | None, version: str, patient_id: str) -> bool:
    """Told by the text where it can be: most of it need not be decoded."""
    if stored is None or int(version or 1) > stored.version or stored.patient_id not in (None, patient_id):
        return False
    return '"entered-in-error"' not in stored.text or stored.resource.get("status") != "entered-in-error"


def _tasks(tx: Transaction, record: Record, since: datetime | None) -> Iterator[LoopFinding]:
    """The Tasks in the record say what the rows say: they were written together."""

    def load(last: Row | None) -> list[Row]:
        return tx.rows(_SQL["loop_tasks"], {"after": last["task_id"] if last else _FIRST, "since": since})

    for rows in _pages(load):
        tasks = record.fetch(tx, [f"Task/{row['task_id']}" for row in rows])
        for row in rows:
            if not _agrees(row, tasks.get(f"Task/{row['task_id']}")):
                yield _finding("task_differs", row, _TASK)


def _agrees(row: Row, task: Stored | None) -> bool:
    if task is None or task.version != row["task_version"]:
        return False
    resource = task.resource
    same = (resource["status"], resource["owner"]["reference"]) == (row["status"], row["owner"])
    return same and (not row["under"] or str(resource.get("instantiatesUri", "")).endswith(f":{row['under']}"))


def _histories(tx: Transaction, record: Record) -> Iterator[LoopFinding]:
    def load(last: Row | None) -> list[Row]:
        return tx.rows(_SQL["histories"], {"reference": last["reference"] if last else ""})

    for rows in _pages(load):
        missing = set(record.missing(tx, [row["reference"] for row in rows]))
        for row in rows:
            if row["reference"] in missing:
                yield _finding("unexplained", row, _PROVENANCE)


def _pages(load: Callable[[Row | None], list[Row]]) -> Iterator[list[Row]]:
    """Pages of rows, each loaded after the last row of the one before."""
    rows = load(None)
    while rows:
        yield rows
        rows = load(rows[-1])
