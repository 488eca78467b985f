"""Messages out of files: history, on the same path as a live feed, except that their content is what counts once."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from careloop import intake
from careloop.access.model import Tenant
from careloop.db import Transaction
from careloop.errors import Rejected
from careloop.flows import arrival
from careloop.flows.app import App
from careloop.intake import Feed
from careloop.intake.hl7v2 import decode
from careloop.intake.inbox import Arrived, Origin, receive, reopen
from careloop.intake.model import Receipt
from careloop.intake.store import SQL

_AT_ONCE = 50
_PAUSE_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class Reject:
    """What could not be used: the file, the entry in it, the place and what was expected there."""

    file: str
    entry: str
    control_id: str
    at: str
    reason: str


@dataclass(kw_only=True)
class Loaded:
    """What a load came to so far."""

    files: int = 0
    messages: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    warnings: list[str] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)

    @property
    def resources(self) -> int:
        """Resources that were written or found to be so already."""
        return self.created + self.updated + self.unchanged


def load_messages(app: App, tenant: Tenant, file: str, raw: bytes, loaded: Loaded) -> None:
    """Every message of an HL7 v2 file is processed, or is a dead letter and among the rejects. Returns when the facts
    can be read. The same file again changes nothing; what was refused before is tried again."""
    text, notes = decode(raw)
    loaded.warnings += [f"{file}: {note}" for note in notes]
    messages = [one.encode() for one in intake.split_file(text)]
    if not messages:
        loaded.rejects.append(Reject(file=file, entry="", control_id="", at="file", reason="expected HL7 v2 messages"))
    for start in range(0, len(messages), _AT_ONCE):
        some = messages[start : start + _AT_ONCE]
        receipts = app.database.run(tenant.id, lambda tx, some=some: _receive(app, tx, tenant, file, some), actor="intake")  # type: ignore[misc]
        _settle(app, tenant, [receipt.inbox_id for receipt in receipts])
        _tell(app, tenant, file, start, receipts, loaded)
        loaded.messages += len(some)


def _receive(app: App, tx: Transaction, tenant: Tenant, file: str, messages: Sequence[bytes]) -> list[Receipt]:
    feed = arrival.feed_for(app, tx, tenant, None)
    origin = Origin(kind="file", source=file)
    now = app.clock.now()
    arrived = [Arrived(raw=raw, checked=_check(app, raw, feed), origin=origin) for raw in messages]
    receipts = receive(tx, now, arrived)
    for one, receipt in zip(arrived, receipts, strict=True):
        if receipt.duplicate and one.checked.code == "AA":
            reopen(tx, now, receipt.inbox_id, one.checked)
    return receipts


def _check(app: App, raw: bytes, feed: Feed) -> intake.Checked:
    return intake.check(raw, feed, arrival.mappings_of(app))[1]


def _settle(app: App, tenant: Tenant, inbox_ids: Sequence[int]) -> None:
    """None of these rows waits any more: processed here, or by a worker that runs beside."""
    while waiting := _waiting(app, tenant, inbox_ids):
        before = len(waiting)
        for inbox_id in waiting:
            arrival.process(app, tenant, inbox_id)
        if len(_waiting(app, tenant, inbox_ids)) == before:
            time.sleep(_PAUSE_SECONDS)


def _waiting(app: App, tenant: Tenant, inbox_ids: Sequence[int]) -> list[int]:
    with app.database.transaction(tenant.id) as tx:
        return [int(row["id"]) for row in tx.rows(SQL["still_waiting"], {"ids": list(inbox_ids)})]


def _tell(app: App, tenant: Tenant, file: str, start: int, receipts: Sequence[Receipt], loaded: Loaded) -> None:
    with app.database.transaction(tenant.id) as tx:
        rows = {int(row["id"]): row for row in tx.rows(SQL["outcomes"], {"ids": [one.inbox_id for one in receipts]})}
    for number, receipt in enumerate(receipts, start=start + 1):
        row = rows[receipt.inbox_id]
        entry = f"message {number}"
        result = row["result"] or {}
        if row["status"] == "processed" and receipt.duplicate:
            loaded.unchanged += sum(int(result.get(word, 0)) for word in ("created", "updated", "unchanged"))
        else:
            loaded.created += int(result.get("created", 0))
            loaded.updated += int(result.get("updated", 0))
            loaded.unchanged += int(result.get("unchanged", 0))
        loaded.warnings += [f"{file} {entry}: {note}" for note in result.get("notes", ())]
        if row["status"] == "dead" and row["stage"] == "ahead":
            loaded.warnings.append(f"{file} {entry}: {row['reason']}")
        elif row["status"] in ("dead", "discarded"):
            reason = row["reason"] or "expected a message that can be used"
            reject = Reject(file=file, entry=entry, control_id=row["control_id"], at=row["at"], reason=reason)
            loaded.rejects.append(reject)


def refused(error: Rejected, file: str, entry: str) -> Reject:
    """The reject for something that is no message."""
    return Reject(file=file, entry=entry, control_id="", at=error.at, reason=f"expected {error.expected}")
