"""A practice's own versions of rules in the database: drafts, what holds, what held, who did what and why."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from careloop.catalog.overlay import OwnRule
from careloop.db import Row, Transaction, UniqueViolation, load_queries
from careloop.errors import Conflict, NotFound
from careloop.fhir.ids import new_id
from careloop.fhir.jsons import encode

_SQL = load_queries("careloop.catalog", "versions.sql")

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
DRAFT, IN_REVIEW, PUBLISHED, RETIRED, DISCARDED = "draft", "in-review", "published", "retired", "discarded"
SILENT = timedelta(minutes=2)
"""A rehearsal whose process said nothing for so long is begun again."""


@dataclass(frozen=True, kw_only=True)
class RuleVersion:
    """One version of a rule. `edition` counts how often the draft was saved; `base_digest` is of what shipped then."""

    id: str
    kind: str
    name: str
    number: int
    status: str
    document: Mapping[str, Any]
    digest: str
    base_digest: str
    edition: int
    authors: Sequence[str]
    author_name: str
    reviewer: str | None
    reviewer_name: str | None
    note: str
    created: datetime
    changed: datetime
    published: datetime | None
    effective: datetime | None


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What a list shows of the version that holds, or is being made."""

    id: str
    kind: str
    name: str
    number: int
    status: str
    author_name: str
    reviewer_name: str | None
    changed: datetime
    effective: datetime | None
    version: str


@dataclass(frozen=True, kw_only=True)
class RuleEvent:
    """Who did what to a rule, and why. `number` and `version` are of the version it was about."""

    what: str
    at: datetime
    by: str
    by_name: str
    why: str
    number: int | None
    version: str | None


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """What a draft would have done, asked of the worker: how far it is, then the report or the fault."""

    id: str
    version_id: str
    edition: int
    days: int
    status: str
    asked: datetime
    asked_by_name: str
    done: int
    total: int | None
    finished: datetime | None
    attempts: int
    report: Mapping[str, Any] | None
    fault: str | None


@dataclass(frozen=True, kw_only=True)
class By:
    """Who does something, and when."""

    reference: str
    name: str
    at: datetime


def published(tx: Transaction) -> list[OwnRule]:
    """Every version that was ever published here, the oldest first."""
    return [OwnRule(**row) for row in tx.rows(_SQL["published"])]


def raise_revision(tx: Transaction) -> int:
    """Other rules hold from the commit of this transaction on; the new revision."""
    return int(tx.value(_SQL["raise_revision"], {"tenant": tx.tenant_id}))


def get(tx: Transaction, version_id: str, *, lock: bool = False) -> RuleVersion:
    """One version, else `NotFound`; with `lock` nobody else changes it until the transaction ends."""
    is_id = _UUID.fullmatch(version_id) is not None
    if lock and is_id:
        tx.execute(_SQL["lock_version"], {"id": version_id})
    row = tx.one(_SQL["version"], {"id": version_id}) if is_id else None
    if row is None:
        raise NotFound("there is no such version of a rule")
    return _version(row)


def of_rule(tx: Transaction, kind: str, name: str) -> list[RuleVersion]:
    """All versions of a rule, the newest first."""
    return [_version(row) for row in tx.rows(_SQL["versions_of"], {"kind": kind, "name": name})]


def standing(tx: Transaction) -> list[Standing]:
    """For each rule the practice's version that holds, and the one that is being made."""
    return [Standing(**row) for row in tx.rows(_SQL["standing"])]


def next_number(tx: Transaction, kind: str, name: str) -> int:
    """The number of the next version of this rule."""
    return int(tx.value(_SQL["next_number"], {"kind": kind, "name": name}))


def add_draft(
    tx: Transaction,
    kind: str,
    name: str,
    number: int,
    document: Mapping[str, Any],
    *,
    digest: str,
    base_digest: str,
    note: str,
    by: By,
) -> str:
    """A draft stands; its id. `Conflict` while another draft of the rule is being made."""
    version_id = new_id()
    row = {"id": version_id, "kind": kind, "name": name, "number": number, "document": encode(document).decode()}
    more = {"digest": digest, "base_digest": base_digest, "note": note}
    try:
        tx.execute(_SQL["insert_version"], {**row, **more, "by": by.reference, "by_name": by.name, "at": by.at})
    except UniqueViolation as error:
        raise Conflict("somebody is making a new version of this rule already") from error
    return version_id


def change_draft(
    tx: Transaction, version_id: str, edition: int, document: Mapping[str, Any], *, digest: str, note: str, by: By
) -> None:
    """The draft says this now. `Conflict` when it was changed since `edition`, or is no draft any more."""
    row = {"id": version_id, "edition": edition, "document": encode(document).decode(), "digest": digest, "note": note}
    if not tx.execute(_SQL["change_version"], {**row, "by": by.reference, "by_name": by.name, "at": by.at}):
        raise Conflict("somebody else changed this draft in the meantime")


def set_status(tx: Transaction, version_id: str, status: str, *, was: Sequence[str], at: datetime) -> None:
    """The version has this status. `Conflict` when it had none of `was`."""
    if not tx.execute(_SQL["set_status"], {"id": version_id, "status": status, "was": list(was), "at": at}):
        raise Conflict(f"this version is not {' or '.join(was)} any more")


def publish(tx: Transaction, version: RuleVersion, *, was: str, by: By) -> None:
    """The version holds, the one before is retired. `Conflict` when its status is another than `was`."""
    tx.execute(_SQL["retire_published"], {"kind": version.kind, "name": version.name, "at": by.at})
    row = {"id": version.id, "was": [was], "at": by.at, "by": by.reference, "by_name": by.name}
    if not tx.execute(_SQL["publish"], row):
        raise Conflict(f"this version is not {was} any more")


def retire(tx: Transaction, kind: str, name: str, *, at: datetime) -> bool:
    """What ships holds again; False when it did already."""
    return bool(tx.execute(_SQL["retire_published"], {"kind": kind, "name": name, "at": at}))


def note_event(tx: Transaction, kind: str, name: str, version_id: str | None, what: str, by: By, why: str = "") -> None:
    """One line of the rule's history."""
    row = {"kind": kind, "name": name, "version_id": version_id, "what": what, "why": why}
    tx.execute(_SQL["insert_event"], {**row, "at": by.at, "by": by.reference, "by_name": by.name})


def events_of(tx: Transaction, kind: str, name: str) -> list[RuleEvent]:
    """The history of a rule, the newest first."""
    return [RuleEvent(**row) for row in tx.rows(_SQL["events_of"], {"kind": kind, "name": name})]


def ask_rehearsal(tx: Transaction, version: RuleVersion, days: int, by: By) -> bool:
    """The worker will rehearse this draft; False when it is about to already."""
    row = {"id": new_id(), "version_id": version.id, "edition": version.edition, "days": days}
    return bool(tx.execute(_SQL["ask_rehearsal"], {**row, "at": by.at, "by": by.reference, "by_name": by.name}))


def last_rehearsal(tx: Transaction, version_id: str) -> Rehearsal | None:
    """The last rehearsal that somebody asked for."""
    row = tx.one(_SQL["rehearsal_of"], {"version_id": version_id})
    return None if row is None else Rehearsal(**row)


def take_rehearsal(tx: Transaction, now: datetime) -> Rehearsal | None:
    """The next that is to be worked out, taken by this process."""
    row = tx.one(_SQL["take_rehearsal"], {"now": now, "silent": now - SILENT})
    return None if row is None else Rehearsal(**row)


def beat(tx: Transaction, rehearsal_id: str, now: datetime, done: int, total: int) -> None:
    """It is so far."""
    tx.execute(_SQL["beat_rehearsal"], {"id": rehearsal_id, "now": now, "done": done, "total": total})


def finish_rehearsal(
    tx: Transaction, rehearsal_id: str, now: datetime, *, report: Mapping[str, Any] | None = None, fault: str = ""
) -> None:
    """It is done with this report, or failed with this fault."""
    text = None if report is None else encode(report).decode()
    tx.execute(_SQL["finish_rehearsal"], {"id": rehearsal_id, "now": now, "report": text, "fault": fault or None})


def _version(row: Row) -> RuleVersion:
    return RuleVersion(**row)
