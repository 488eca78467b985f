"""Loading history: any number of documents, set by set, each set in one transaction; loading again changes nothing.

The same checks, index, feed, identity and audit as any other write, carried out for thousands of resources at once.
Loops are reviewed only for patients about whom something recent was loaded or who have open loops: for older facts
every window is over (interface.md §4).
"""

import gc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal, Tenant
from careloop.access.tenancy import TenantSettings, settings_of
from careloop.db import Transaction
from careloop.errors import CareloopError, Rejected, Unavailable
from careloop.events import ChangeKind
from careloop.flows import bundles, closing, diary, engine, writing
from careloop.flows.app import App
from careloop.flows.bulk_documents import Document, Judge, Parsed, Remark, parse
from careloop.loops import store as loops
from careloop.record import Prepared, Write, Written

SET_SIZE = 2000
"""Resources in one transaction, more only where one document has more."""

RECENT = timedelta(days=32)
"""Longer than any window that a loop of the first pathways has (discharge date + 29 days, interface.md §4)."""

_DATES = (
    "effectiveDateTime", "authoredOn", "sent", "occurrenceDateTime", "performedDateTime", "date", "issued",
    "onsetDateTime", "recordedDate", "lastModified",
)  # fmt: skip
_OVER = frozenset({"finished", "cancelled", "entered-in-error"})


@dataclass(kw_only=True)
class BulkReport:
    """What a load came to. `rejects` were not loaded, `warnings` were."""

    documents: int = 0
    resources: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    rejects: list[Remark] = field(default_factory=list)
    warnings: list[Remark] = field(default_factory=list)

    def count(self, changes: Iterable[ChangeKind]) -> None:
        """Adds what some writes did."""
        counted = Counter(changes)
        self.resources += counted.total()
        self.created += counted[ChangeKind.CREATED]
        self.updated += counted[ChangeKind.UPDATED]
        self.unchanged += counted[ChangeKind.UNCHANGED]
        self.deleted += counted[ChangeKind.DELETED]


Progress = Callable[[BulkReport], None]


def import_bundles(
    app: App,
    tenant: Tenant,
    principal: Principal,
    documents: Iterable[Document],
    *,
    progress: Progress | None = None,
) -> BulkReport:
    """Everything that can be used is in the record, findable and told of; the report names the rest.

    Documents are bundles or single resources. Of a transaction bundle with a faulty entry nothing is loaded; of other
    bundles and of single resources only the faulty ones are left out. `progress` is called after each committed set.
    """
    report = BulkReport()
    loader = _Loader(app, tenant, principal, report)
    with _quiet_collector(), ThreadPoolExecutor(max_workers=1, thread_name_prefix="load") as writer:
        writing_set: Future[None] | None = None
        for chosen in _sets(map(loader.ahead, _parsed(app, tenant, documents, report))):
            _finish(writing_set, report, progress)
            writing_set = writer.submit(loader.load, chosen)
        _finish(writing_set, report, progress)
    loader.warn()
    return report


def _finish(writing_set: "Future[None] | None", report: BulkReport, progress: Progress | None) -> None:
    """The set before is committed. While the database works on one set, the next is read, checked and indexed."""
    if writing_set is not None:
        writing_set.result()
        if progress is not None:
            progress(report)


def _judge(app: App, settings: TenantSettings) -> Judge:
    """What is wrong with a resource for this tenant; invariants and profiles only where it refuses them."""
    validator = app.record.validator
    if settings.validation != "refuse":
        return validator.validate
    return partial(validator.check, terminology=app.terminology)


def _parsed(app: App, tenant: Tenant, documents: Iterable[Document], report: BulkReport) -> Iterator[Parsed]:
    settings = settings_of(tenant)
    judge = _judge(app, settings)
    for document in documents:
        report.documents += 1
        parsed = parse(document, tenant.id, judge, settle=not settings.refuse_dangling)
        report.rejects += parsed.rejects
        if parsed.writes or parsed.bundle is not None:
            yield parsed


def _sets(parsed: Iterable[Parsed]) -> Iterator[list[Parsed]]:
    """Documents in sets of about `SET_SIZE` resources, no resource twice in a set."""
    chosen: list[Parsed] = []
    seen: set[tuple[str, str | None]] = set()
    for one in parsed:
        names = [(write.resource_type, write.id) for write in one.writes]
        if chosen and (len(seen) + len(names) > SET_SIZE or one.bundle is not None or not seen.isdisjoint(names)):
            yield chosen
            chosen, seen = [], set()
        chosen.append(one)
        seen.update(names)
        if one.bundle is not None:
            yield chosen
            chosen, seen = [], set()
    if chosen:
        yield chosen


class _Loader:
    """Writes sets of parsed documents and reports on them."""

    def __init__(self, app: App, tenant: Tenant, principal: Principal, report: BulkReport) -> None:
        self.app, self.tenant, self.principal, self.report = app, tenant, principal, report
        self.dangling: list[tuple[str, set[str]]] = []
        with app.database.transaction(tenant.id, actor=principal.id) as tx:
            self._make_ahead = app.record.ahead(tx)
        self._changes = True

    def ahead(self, parsed: Parsed) -> Parsed:
        """The document with its content and index made, unless nothing changes: what is loaded again needs no index."""
        if parsed.bundle is not None or not self._changes:
            return parsed
        try:
            return replace(parsed, ahead=self._make_ahead(parsed.writes))
        except Rejected:
            return parsed  # it will be refused in its turn, for the same reason

    def load(self, chosen: Sequence[Parsed]) -> None:
        """The set is committed; where that fails, each of its documents that can be."""
        if chosen[0].bundle is not None:
            self._load_bundle(chosen[0], chosen[0].bundle)
            return
        try:
            self._load_set(chosen)
        except Unavailable:
            raise
        except CareloopError as error:
            if len(chosen) == 1:
                self._refuse(chosen[0], error)
                return
            for one in chosen:
                self.load([one])

    def _load_set(self, chosen: Sequence[Parsed]) -> None:
        writes = [write for one in chosen for write in one.ahead or one.writes]
        written, missing = self.app.database.run(
            self.tenant.id, lambda tx: self._write(tx, writes), actor=self.principal.id
        )
        self.report.count(one.change for one in written)
        self._changes = any(one.change is not ChangeKind.UNCHANGED for one in written)
        self._note_dangling(chosen, written, missing)

    def _write(self, tx: Transaction, writes: Sequence[Write | Prepared]) -> tuple[list[Written], set[str]]:
        now = self.app.clock.now()
        written = self.app.record.write(tx, self.principal, now, writes, validate=False, audit=False)
        changed = [one for one in written if one.change is not ChangeKind.UNCHANGED]
        if not changed:
            return written, set()
        patients = sorted({patient for one in changed for patient in one.patient_ids})
        record_audit(tx, _audit_entry(self.principal, patients, len(changed)))
        writing.note_patients(self.app, tx, self.principal, changed)
        diary.note(self.app, tx, self.principal, changed)
        self._review(tx, changed, patients, now)
        own = {one.reference for one in written}
        wanted = {reference for one in changed for reference in one.references} - own
        return written, set(self.app.record.missing(tx, sorted(wanted)))

    def _review(self, tx: Transaction, changed: Sequence[Written], patients: Sequence[str], now: datetime) -> None:
        since = (now - RECENT).date().isoformat()
        touched = {patient for one in changed if is_recent(one.resource, since) for patient in one.patient_ids}
        open_loops = [loop for loop in loops.load_loops(tx, patients=patients) if loop.state.status.is_open]
        closing.review(self.app, tx, sorted(touched | {loop.patient_id for loop in open_loops}), "load")

    def _load_bundle(self, parsed: Parsed, bundle: Mapping[str, Any]) -> None:
        """A document with conditions or about loops, through the door that every client uses."""
        try:
            answer = self.app.database.run(
                self.tenant.id,
                lambda tx: bundles.execute(self.app, tx, self.principal, bundle),
                actor=self.principal.id,
            )
        except Unavailable:
            raise
        except CareloopError as error:
            self._refuse(parsed, error)
            return
        for index, entry in enumerate(answer["entry"]):
            self._count_answer(parsed, index, entry["response"])

    def _count_answer(self, parsed: Parsed, index: int, response: Mapping[str, Any]) -> None:
        status = int(response["status"][:3])
        if status >= 400:
            issue = response["outcome"]["issue"][0]
            at = f"Bundle.entry[{index}]"
            reason = issue["diagnostics"]
            self.report.rejects.append(Remark(label=parsed.document.label, entry=index, at=at, reason=reason))
            return
        self.report.count([ChangeKind.CREATED if status == 201 else ChangeKind.UPDATED])

    def _refuse(self, parsed: Parsed, error: CareloopError) -> None:
        at = error.at if isinstance(error, Rejected) else "document"
        entry = _entry_index(at)
        self.report.rejects.append(Remark(label=parsed.document.label, entry=entry, at=at, reason=error.message))

    def _note_dangling(self, chosen: Sequence[Parsed], written: Sequence[Written], missing: set[str]) -> None:
        """What led nowhere when it was written; a later set may still bring it."""
        if not missing:
            return
        answers = iter(written)
        for one in chosen:
            mine = [next(answers) for _ in one.writes]
            dangling = {reference for answer in mine for reference in answer.references} & missing
            if dangling:
                self.dangling.append((one.document.label, dangling))

    def warn(self) -> None:
        """Warns of the references that lead nowhere now that everything is loaded."""
        wanted = sorted({reference for _, references in self.dangling for reference in references})
        missing: set[str] = set()
        for start in range(0, len(wanted), SET_SIZE):
            some = wanted[start : start + SET_SIZE]
            with self.app.database.transaction(self.tenant.id, actor=self.principal.id) as tx:
                missing.update(self.app.record.missing(tx, some))
        for label, references in self.dangling:
            if nowhere := len(references & missing):
                reason = f"expected resources that exist: {nowhere} references lead nowhere"
                self.report.warnings.append(Remark(label=label, entry=None, at="references", reason=reason))


def is_recent(resource: Mapping[str, Any] | None, since: str) -> bool:
    """True for a fact that may still open, advance or close a loop: a stay that goes on, or a date from `since` on."""
    if resource is None:
        return True
    if resource.get("resourceType") not in engine.RESOURCE_TYPES:
        return False
    period = resource.get("period")
    if isinstance(period, dict):
        ends = period.get("end")
        begun = resource["resourceType"] == "Encounter" and resource.get("status") not in _OVER
        return str(ends or period.get("start", "")) >= since or (begun and not ends)
    return any(str(resource[name]) >= since for name in _DATES if name in resource)


def _entry_index(at: str) -> int | None:
    inside = at.removeprefix("Bundle.entry[").partition("]")[0]
    return int(inside) if at.startswith("Bundle.entry[") and inside.isdecimal() else None


def _audit_entry(principal: Principal, patients: Sequence[str], count: int) -> AuditEntry:
    return AuditEntry(
        principal=principal, action="C", subtype="import", patient_ids=patients, detail=f"{count} resources loaded"
    )


@contextmanager
def _quiet_collector() -> Iterator[None]:
    """No cycle is made while loading, so looking for cycles among millions of fresh objects is time lost."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
