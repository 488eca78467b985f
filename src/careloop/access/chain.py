"""Seals the audit trail, and finds whether anybody touched it.

Every second the worker seals what was committed since: a row of `audit_seal` names the entries in order, holds the
SHA-256 of each, and a digest over all of it and over the seal before. The head of the chain is signed with the key of
the data folder and appended to `<data folder>/audit/<tenant>.heads`, outside the database. Who changes, removes or
reorders entries would have to forge every later seal and the signed heads; who cuts off the end leaves heads behind.

A copy of the heads on another machine also shows when the data folder itself was turned back.
"""

import hashlib
import hmac
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from careloop.access.keys import Keyring
from careloop.access.model import Tenant
from careloop.db import Database, Row, Transaction, load_queries
from careloop.fhir.jsons import encode

_SQL = load_queries("careloop.access", "audit.sql")
_PURPOSE = "audit heads"
_START = bytes(32)
_BATCH = 10_000
_PAGE = 500
_FIELDS = (
    "id",
    "recorded",
    "transaction",
    "action",
    "subtype",
    "outcome",
    "agent_kind",
    "agent_id",
    "agent_name",
    "agent_reference",
    "purpose",
    "address",
    "resource_type",
    "resource_ids",
    "patient_ids",
    "query",
    "detail",
)
"""What a digest covers, in this order. A new column goes to the end, and only into entries that have it."""


@dataclass(frozen=True, kw_only=True)
class Head:
    """The end of a tenant's chain at one moment. `digest` in hexadecimal."""

    number: int
    digest: str
    entries: int


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is not as it was sealed. `kind`: changed, removed, reordered, added, cut, forged."""

    kind: str
    at: str
    says: str


def seal(database: Database, tenant: Tenant, keys: Keyring, data_dir: Path, now: datetime) -> Head | None:
    """Every entry that was committed before is sealed, and the signed head is in its file; None when there was
    nothing to seal. Processes that seal at once wait for each other.

    The head is written after the commit: a crash in between leaves a seal without a signed head, which the next head
    covers; it never leaves a head without its seal.
    """
    with database.transaction(tenant.id, actor="Device/audit") as tx:
        tx.lock("audit-seal")
        head = _seal_next(tx, now)
    if head is not None:
        _append_head(_heads_file(data_dir, tenant.slug), head, keys)
    return head


def verify(tx: Transaction, tenant: Tenant, keys: Keyring, data_dir: Path) -> list[Finding]:
    """Everything that is wrong with the tenant's trail; nothing means that it is whole.

    Entries of the last moments, which no seal covers yet, are not looked at.
    """
    lines = _read_heads(_heads_file(data_dir, tenant.slug))
    findings = [Finding(kind="forged", at=at, says="the signature is wrong") for at in _badly_signed(lines, keys)]
    heads = {head.number: head for head, _ in lines}
    previous, number = _START, 0
    for row in _seals(tx):
        number += 1
        if row["number"] != number:
            findings.append(Finding(kind="removed", at=f"seal {number}", says="the seal is missing from the chain"))
            number = row["number"]
        findings += _check_seal(row, previous, heads.get(number))
        findings += _check_entries(tx, row)
        previous = bytes(row["digest"])
    return findings + _check_tail(heads, number) + _check_added(tx)


def digest_of(row: Mapping[str, Any]) -> bytes:
    """SHA-256 over one entry: its fields in a fixed order as JSON, instants in UTC to the microsecond."""
    return hashlib.sha256(encode([_plain(row[name]) for name in _FIELDS])).digest()


def _seal_next(tx: Transaction, now: datetime) -> Head | None:
    entries = tx.rows(_SQL["unsealed"], {"batch": _BATCH})
    if not entries:
        return None
    last = tx.one(_SQL["last_seal"]) or {"number": 0, "digest": _START}
    newest = max(entry["transaction"] for entry in entries)
    row = {
        "number": last["number"] + 1,
        "event_ids": [entry["id"] for entry in entries],
        "digests": b"".join(map(digest_of, entries)),
        "previous": bytes(last["digest"]),
        "last_transaction": newest,
        "horizon": newest if len(entries) == _BATCH else entries[0]["horizon"],
        "sealed": now,
    }
    digest = _seal_digest(row)
    tx.execute(_SQL["insert_seal"], {**row, "digest": digest})
    return Head(number=row["number"], digest=digest.hex(), entries=len(entries))


def _seal_digest(row: Mapping[str, Any]) -> bytes:
    head = encode([row["number"], row["event_ids"], row["last_transaction"], row["horizon"], _plain(row["sealed"])])
    return hashlib.sha256(bytes(row["previous"]) + head + bytes(row["digests"])).digest()


def _seals(tx: Transaction) -> Iterator[Row]:
    after = 0
    while rows := tx.rows(_SQL["seals_after"], {"number": after, "page": _PAGE}):
        yield from rows
        after = rows[-1]["number"]


def _check_seal(row: Row, previous: bytes, head: Head | None) -> list[Finding]:
    at, digest = f"seal {row['number']}", _seal_digest(row)
    findings = []
    if digest != bytes(row["digest"]):
        findings.append(Finding(kind="changed", at=at, says="the seal does not fit its own digest"))
    if bytes(row["previous"]) != previous:
        findings.append(Finding(kind="changed", at=at, says="the seal does not follow the one before"))
    if head is not None and head.digest != bytes(row["digest"]).hex():
        findings.append(Finding(kind="forged", at=at, says="the seal is not the one whose head was signed"))
    return findings


def _check_entries(tx: Transaction, row: Row) -> list[Finding]:
    found = {entry["id"]: entry for entry in tx.rows(_SQL["entries_of_seal"], {"ids": row["event_ids"]})}
    digests = bytes(row["digests"])
    findings = []
    for position, event_id in enumerate(row["event_ids"]):
        at, entry = f"entry {event_id}", found.get(event_id)
        if entry is None:
            findings.append(Finding(kind="removed", at=at, says="the entry is missing"))
        elif digest_of(entry) != digests[32 * position : 32 * position + 32]:
            findings.append(Finding(kind="changed", at=at, says="the entry is not what was sealed"))
    order = [event_id for event_id in row["event_ids"] if event_id in found]
    if order != sorted(order, key=lambda event_id: (found[event_id]["transaction"], event_id)):
        findings.append(Finding(kind="reordered", at=f"seal {row['number']}", says="the entries are in another order"))
    return findings


def _check_tail(heads: Mapping[int, Head], last: int) -> list[Finding]:
    newest = max(heads, default=0)
    if newest <= last:
        return []
    return [Finding(kind="cut", at=f"seal {last + 1}", says=f"the end of the chain is gone; head {newest} was signed")]


def _check_added(tx: Transaction) -> list[Finding]:
    return [
        Finding(kind="added", at=f"entry {row['id']}", says="the entry appeared behind seals that should cover it")
        for row in tx.rows(_SQL["entries_added"])
    ]


def _heads_file(data_dir: Path, slug: str) -> Path:
    return data_dir / "audit" / f"{slug}.heads"


def _append_head(path: Path, head: Head, keys: Keyring) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    line = f"{head.number} {head.entries} {head.digest} {_signature(head, keys)}\n"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(handle, line.encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def _signature(head: Head, keys: Keyring) -> str:
    text = f"{head.number} {head.entries} {head.digest}"
    return hmac.digest(keys.key(_PURPOSE), text.encode(), hashlib.sha256).hex()


def _read_heads(path: Path) -> list[tuple[Head, str]]:
    """Heads with their signatures as they stand in the file; a line cut short by a crash is passed over."""
    if not path.exists():
        return []
    lines = [line.split(" ") for line in path.read_text(encoding="ascii").splitlines()]
    return [
        (Head(number=int(parts[0]), entries=int(parts[1]), digest=parts[2]), parts[3])
        for parts in lines
        if len(parts) == 4 and parts[0].isdigit() and parts[1].isdigit()
    ]


def _badly_signed(lines: Sequence[tuple[Head, str]], keys: Keyring) -> list[str]:
    return [f"head {head.number}" for head, signed in lines if not hmac.compare_digest(_signature(head, keys), signed)]


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat(timespec="microseconds") if isinstance(value, datetime) else value
