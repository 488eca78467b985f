"""Files become facts: messages on the path of a live feed, bundles and resources by the bulk door.

Files are history, not a conversation: their content is what counts once, not a control id. Loading again changes
nothing; what was refused is kept in the inbox, where it can be seen and replayed.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from careloop import intake
from careloop.access.model import Principal, Tenant
from careloop.db import Transaction
from careloop.errors import Rejected
from careloop.fhir.ids import new_id
from careloop.flows import arrival, documents
from careloop.flows.app import App
from careloop.flows.bulk import BulkReport, import_bundles
from careloop.flows.bulk_documents import Document, Remark
from careloop.intake import Feed
from careloop.intake.batches import Outcome, batch_acknowledgment, batch_of
from careloop.intake.files import DOCUMENT, HL7, Piece, Unusable
from careloop.intake.hl7v2 import decode
from careloop.intake.inbox import Arrived, Origin, keep_once, receive, reopen
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
    acknowledgments: dict[str, bytes] = field(default_factory=dict)
    """The answers to batch files (FHS, BHS), by file."""

    @property
    def resources(self) -> int:
        """Resources that were written or found to be so already."""
        return self.created + self.updated + self.unchanged


class Loader:
    """Loads pieces of files for one tenant and keeps count."""

    def __init__(self, app: App, tenant: Tenant, principal: Principal) -> None:
        self.loaded = Loaded()
        self._app = app
        self._tenant = tenant
        self._principal = principal
        self._refused: dict[str, list[Remark]] = {}
        self._files: set[str] = set()

    def load(self, found: Iterable[Piece | Unusable], advance: Callable[[int], None]) -> None:
        """Everything of `found` is in the record or among the rejects. `advance` hears of entries that are done."""
        done = 0

        def note(report: BulkReport) -> None:
            nonlocal done
            advance(report.resources - done)
            done = report.resources

        report = import_bundles(
            self._app, self._tenant, self._principal, self._documents(found, advance), progress=note
        )
        self.loaded.created += report.created
        self.loaded.updated += report.updated
        self.loaded.unchanged += report.unchanged
        self.loaded.warnings += [f"{_place(one)} {one.at}: {one.reason}" for one in report.warnings]
        for one in report.rejects:
            self._refused.setdefault(one.label, []).append(one)
            file, _, entry = one.label.partition("\n")
            entry = " ".join(part for part in (entry, "" if one.entry is None else f"entry {one.entry}") if part)
            self.loaded.rejects.append(Reject(file=file, entry=entry, control_id="", at=one.at, reason=one.reason))

    def keep_rejects(self, found: Iterable[Piece | Unusable]) -> None:
        """Documents that were refused are dead letters in the inbox, once each; `found` gives their bytes again."""
        if not self._refused:
            return
        for piece in found:
            remarks = self._refused.get(_label(piece)) if isinstance(piece, Piece) else None
            if isinstance(piece, Piece) and remarks:
                self._app.database.run(self._tenant.id, partial(self._keep, piece=piece, remarks=remarks))

    def _keep(self, tx: Transaction, *, piece: Piece, remarks: Sequence[Remark]) -> None:
        first = remarks[0]
        more = f" (and {len(remarks) - 1} more)" if len(remarks) > 1 else ""
        source = f"{piece.file} {piece.entry}".strip()
        keep_once(
            tx,
            self._app.clock.now(),
            piece.raw,
            Origin(kind="file", source=source),
            at=first.at,
            reason=first.reason + more,
        )

    def _documents(self, found: Iterable[Piece | Unusable], advance: Callable[[int], None]) -> Iterator[Document]:
        """The documents for the bulk door; messages among them are loaded on the way."""
        for piece in found:
            if isinstance(piece, Unusable):
                self._cannot_use(piece)
                continue
            self._count(piece)
            if piece.kind == HL7:
                before = self.loaded.messages
                load_messages(self._app, self._tenant, piece.file, piece.raw, self.loaded)
                advance(self.loaded.messages - before)
            elif piece.kind == DOCUMENT:
                self._load_document(piece)
                advance(1)
            else:
                yield Document(label=_label(piece), text=piece.raw)

    def _load_document(self, piece: Piece) -> None:
        """A C-CDA document is in the record, whole or in part, or is a dead letter and among the rejects."""
        try:
            done = documents.import_document(self._app, self._tenant, self._principal, piece.raw, piece.file)
        except Rejected as error:
            reason = f"expected {error.expected}"
            self.loaded.rejects.append(
                Reject(file=piece.file, entry=piece.entry, control_id="", at=error.at, reason=reason)
            )
            return
        self.loaded.created += done.created
        self.loaded.updated += done.updated
        self.loaded.unchanged += done.unchanged
        self.loaded.warnings += [f"{piece.file} {one.at}: expected {one.expected}" for one in done.faults]

    def _count(self, piece: Piece) -> None:
        if piece.file not in self._files:
            self._files.add(piece.file)
            self.loaded.files += 1

    def _cannot_use(self, one: Unusable) -> None:
        if one.skipped:
            self.loaded.warnings.append(f"{one.file}: skipped, {one.reason}")
        else:
            self.loaded.rejects.append(Reject(file=one.file, entry="", control_id="", at="file", reason=one.reason))


def _label(piece: Piece | Unusable) -> str:
    """File and entry of a piece in one text."""
    return f"{piece.file}\n{piece.entry}" if isinstance(piece, Piece) else piece.file


def _place(remark: Remark) -> str:
    entry = "" if remark.entry is None else f" entry {remark.entry}"
    return remark.label.replace("\n", " ").strip() + entry


def load_messages(app: App, tenant: Tenant, file: str, raw: bytes, loaded: Loaded) -> None:
    """Every message of an HL7 v2 file is processed, or is a dead letter and among the rejects. Returns when the facts
    can be read. The same file again changes nothing; what was refused before is tried again."""
    text, notes = decode(raw)
    loaded.warnings += [f"{file}: {note}" for note in notes]
    messages = [one.encode() for one in intake.split_file(text)]
    if not messages:
        loaded.rejects.append(Reject(file=file, entry="", control_id="", at="file", reason="expected HL7 v2 messages"))
    batch = batch_of(text)
    outcomes: list[Outcome] = []
    if batch and batch.promised is not None and batch.promised != len(messages):
        loaded.warnings.append(f"{file}: BTS-1: expected {batch.promised} messages, the file holds {len(messages)}")
    for start in range(0, len(messages), _AT_ONCE):
        some = messages[start : start + _AT_ONCE]
        work = partial(_receive, app, tenant=tenant, file=file, messages=some)
        receipts = app.database.run(tenant.id, work, actor="intake")
        _settle(app, tenant, [receipt.inbox_id for receipt in receipts])
        outcomes += _tell(app, tenant, file, start, receipts, loaded)
        loaded.messages += len(some)
    if batch:
        now = app.clock.now()
        loaded.acknowledgments[file] = batch_acknowledgment(batch, outcomes, now, new_id()[:20])


def _receive(app: App, tx: Transaction, *, tenant: Tenant, file: str, messages: Sequence[bytes]) -> list[Receipt]:
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


def _tell(
    app: App, tenant: Tenant, file: str, start: int, receipts: Sequence[Receipt], loaded: Loaded
) -> list[Outcome]:
    """What became of these messages, as one outcome each; `loaded` counts them."""
    outcomes = []
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
        refused = row["status"] in ("dead", "discarded") and row["stage"] != "ahead"
        told = f"{row['at']}: {row['reason']}" if refused else ""
        outcomes.append(Outcome(code="AE" if refused else "AA", control_id=row["control_id"], reason=told))
        if row["status"] == "dead" and row["stage"] == "ahead":
            loaded.warnings.append(f"{file} {entry}: {row['reason']}")
        elif row["status"] in ("dead", "discarded"):
            reason = row["reason"] or "expected a message that can be used"
            reject = Reject(file=file, entry=entry, control_id=row["control_id"], at=row["at"], reason=reason)
            loaded.rejects.append(reject)
    return outcomes
