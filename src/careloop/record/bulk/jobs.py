"""Jobs: asked for, taken, told how far, done."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from careloop.access.model import Principal
from careloop.db import Row, Transaction, load_queries
from careloop.errors import NotFound, Unavailable
from careloop.fhir.ids import new_id
from careloop.fhir.jsons import encode

SQL = load_queries("careloop.record.bulk")

LOST = timedelta(minutes=2)
"""A worker that gave no sign of life for so long is dead, and its job is begun again."""
KEPT = timedelta(hours=24)
"""How long the files of a finished job can be fetched."""
MOST_TRIES = 3
MOST_WAITING = 5
"""Unfinished jobs of one client."""


class JobState(StrEnum):
    """Where a job is."""

    WAITING = "waiting"
    WORKING = "working"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class BulkJob:
    """One job. `parameters` are those of the request as they were understood; `manifest` is what came of it."""

    id: str
    kind: str
    asked_by: str
    asked_by_kind: str
    asked_by_name: str
    address: str | None
    request: str
    parameters: Mapping[str, Any]
    state: JobState
    progress: int
    attempts: int
    asked: datetime
    expires: datetime | None
    manifest: Mapping[str, Any] | None
    reason: str


def ask(
    tx: Transaction, principal: Principal, now: datetime, kind: str, request: str, parameters: Mapping[str, Any]
) -> str:
    """The id of a new job. `Unavailable` where this client has too many that are not finished."""
    if int(tx.value(SQL["count_unfinished"], {"asked_by": principal.id})) >= MOST_WAITING:
        raise Unavailable(f"{MOST_WAITING} of your jobs are not finished yet", retry_after_seconds=60)
    job_id = new_id()
    tx.execute(
        SQL["insert_job"],
        {
            "id": job_id,
            "kind": kind,
            "asked_by": principal.id,
            "asked_by_kind": principal.kind.value,
            "asked_by_name": principal.name,
            "address": principal.address,
            "request": request,
            "parameters": encode(dict(parameters)).decode(),
            "now": now,
        },
    )
    return job_id


def find(tx: Transaction, principal: Principal, job_id: str) -> BulkJob:
    """The job that this principal asked for; `NotFound` for any other."""
    try:
        known = str(UUID(job_id))
    except ValueError as error:
        raise NotFound("there is no such job") from error
    row = tx.one(SQL["find_job"], {"id": known, "asked_by": principal.id})
    if row is None:
        raise NotFound("there is no such job")
    return _job(row)


def take(tx: Transaction, now: datetime) -> BulkJob | None:
    """The oldest job that waits or was lost by a worker that died; it is this worker's now."""
    row = tx.one(SQL["take_job"], {"now": now, "lost": now - LOST})
    return _job(row) if row else None


def beat(tx: Transaction, job_id: str, now: datetime, progress: int) -> bool:
    """The worker is alive and so far. False when the job was cancelled meanwhile."""
    return tx.execute(SQL["beat"], {"id": job_id, "now": now, "progress": progress}) == 1


def finish(tx: Transaction, job_id: str, now: datetime, manifest: Mapping[str, Any]) -> None:
    """The job is done."""
    values = {"id": job_id, "now": now, "expires": now + KEPT, "manifest": encode(dict(manifest)).decode()}
    tx.execute(SQL["finish_job"], values)


def fail(tx: Transaction, job_id: str, now: datetime, reason: str) -> None:
    """The job cannot be done, and says why."""
    tx.execute(SQL["fail_job"], {"id": job_id, "now": now, "expires": now + KEPT, "reason": reason})


def cancel(tx: Transaction, job_id: str, now: datetime) -> None:
    """The job ends, and its files are to be removed."""
    tx.execute(SQL["cancel_job"], {"id": job_id, "now": now})


def longest_write(tx: Transaction) -> timedelta:
    """For how long the oldest transaction that writes has been open: what it will have written, a snapshot taken now
    does not show, though it will carry a date from before."""
    found: timedelta = tx.value(SQL["longest_write"])
    return found


def over(tx: Transaction, now: datetime) -> list[str]:
    """Jobs whose time is over; they are forgotten."""
    return [row["id"] for row in tx.rows(SQL["forget_jobs"], {"now": now})]


def _job(row: Row) -> BulkJob:
    return BulkJob(**{**row, "state": JobState(row["state"])})
