"""Exports: everything of some types about everybody or some patients, as files, in one snapshot of the record.

Bulk Data Access 2.0 for `$export`; the same files for `careloop export`, which adds what FHIR has no words for.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal
from careloop.access.policy import may
from careloop.db import Transaction
from careloop.errors import NotPermitted, Rejected
from careloop.fhir import definitions
from careloop.flows.app import App
from careloop.flows.parquet import to_parquet
from careloop.record import bulk
from careloop.record.bulk import Extent

NEVER = frozenset({"AuditEvent", "Bundle", "Parameters"})
"""Types that no export holds: the audit trail is read through its own door, the others are not kept as such."""
NDJSON, PARQUET = "application/fhir+ndjson", "application/vnd.apache.parquet"
_PAGE = "1000"

Beat = Callable[[int], None]
"""Hears how many resources are written; raises to end the export."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One export. `types` empty: all that the asker may read. `filters` are searches by type (`_typeFilter`)."""

    types: tuple[str, ...] = ()
    extent: Extent = field(default_factory=Extent)
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    output_format: str = NDJSON


@dataclass(frozen=True, kw_only=True)
class ExportFile:
    """One file of an export."""

    resource_type: str
    name: str
    count: int


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What an export wrote. `deleted` are files of bundles that delete."""

    files: tuple[ExportFile, ...]
    deleted: tuple[ExportFile, ...] = ()

    @property
    def count(self) -> int:
        """Resources in all files."""
        return sum(one.count for one in self.files)


def readable_types(principal: Principal, types: Sequence[str], *, of_patients: bool) -> list[str]:
    """The types that are exported: those asked for, or all. `Rejected` for a type there is not, `NotPermitted` for one
    that the asker may not read and search."""
    known = set(definitions.load().resources) - NEVER
    within = {*definitions.load().compartments["Patient"], "Patient"} if of_patients else known
    for one in types:
        if one not in known:
            raise Rejected(at="_type", expected="types of resources that can be exported", code="not-supported")
        if not _may_export(principal, one):
            raise NotPermitted(f"export of {one} is not permitted")
    return sorted(one for one in types or known if one in within and _may_export(principal, one))


def _may_export(principal: Principal, resource_type: str) -> bool:
    return may(principal, "read", resource_type) and may(principal, "search", resource_type)


def members(app: App, tx: Transaction, principal: Principal, group_id: str) -> tuple[str, ...]:
    """The patients of a Group; inactive members are left out."""
    group = app.record.read(tx, principal, "Group", group_id).resource
    found = [one["entity"].get("reference", "") for one in group.get("member", ()) if not one.get("inactive")]
    return tuple(sorted({one.removeprefix("Patient/") for one in found if one.startswith("Patient/")}))


def export(
    app: App, tx: Transaction, principal: Principal, now: datetime, wanted: Wanted, folder: Path, beat: Beat
) -> Exported:
    """The files stand in `folder`, one for each type of which there is anything. `tx` is a snapshot. Audited once."""
    types = readable_types(principal, wanted.types, of_patients=wanted.extent.of_patients)
    there = bulk.types_there(tx, types)
    writer = _Writer(folder, wanted.output_format, beat)
    files = [writer.write(one, _texts(app, tx, principal, now, one, wanted)) for one in there]
    deleted = _deletions(tx, types, wanted, writer) if wanted.extent.since else []
    record_audit(
        tx,
        AuditEntry(
            principal=principal, action="E", subtype="export", patient_ids=wanted.extent.patients or (),
            detail=f"{sum(one.count for one in files)} resources of {len(there)} types",
        ),
    )  # fmt: skip
    return Exported(files=tuple(one for one in files if one.count), deleted=tuple(deleted))


def _texts(
    app: App, tx: Transaction, principal: Principal, now: datetime, resource_type: str, wanted: Wanted
) -> Iterator[list[str]]:
    filters = wanted.filters.get(resource_type)
    if filters:
        yield from _filtered(app, tx, principal, now, resource_type, filters, wanted.extent)
        return
    for page in bulk.pages(tx, resource_type, wanted.extent):
        yield [row["body"] for row in page]


def _filtered(
    app: App,
    tx: Transaction,
    principal: Principal,
    now: datetime,
    resource_type: str,
    filters: Sequence[str],
    extent: Extent,
) -> Iterator[list[str]]:
    """What satisfies one of the searches, each resource once."""
    seen: set[str] = set()
    chosen = None if extent.patients is None else set(extent.patients)
    for one in filters:
        asked = [*parse_qsl(one, keep_blank_values=True), ("_count", _PAGE)]
        if extent.since is not None:
            asked.append(("_lastUpdated", f"ge{extent.since.isoformat()}"))
        cursor: str | None = None
        while True:
            more = [("_cursor", cursor)] if cursor else []
            page = app.record.search(tx, principal, resource_type, [*asked, *more], now)
            fresh = [one for one in page.entries if one.id not in seen and _within(one.patient_id, extent, chosen)]
            seen.update(one.id for one in fresh)
            yield [one.text for one in fresh]
            cursor = page.next_cursor
            if cursor is None:
                break


def _within(patient_id: str | None, extent: Extent, chosen: set[str] | None) -> bool:
    if chosen is not None:
        return patient_id in chosen
    return not extent.of_patients or patient_id is not None


def _deletions(tx: Transaction, types: Sequence[str], wanted: Wanted, writer: "_Writer") -> list[ExportFile]:
    """Transaction bundles that delete what was deleted since (Bulk Data 2.0, `deleted`)."""
    rows = bulk.deleted_since(tx, types, wanted.extent)
    if not rows:
        return []
    entries = [{"request": {"method": "DELETE", "url": f"{row['type']}/{row['id']}"}} for row in rows]
    bundles = (
        {"resourceType": "Bundle", "type": "transaction", "entry": entries[start : start + 1000]}
        for start in range(0, len(entries), 1000)
    )
    return [writer.plain("Bundle", "deleted.ndjson", ([json.dumps(one)] for one in bundles))]


@dataclass
class _Writer:
    """Writes files into a folder and says how far it is."""

    folder: Path
    output_format: str
    beat: Beat
    written: int = 0

    def write(self, resource_type: str, texts: Iterable[list[str]]) -> ExportFile:
        """One file with one resource a line, or a table with one resource a row."""
        plain = self.plain(resource_type, f"{resource_type}.ndjson", texts)
        if self.output_format != PARQUET or not plain.count:
            return plain
        lines = self.folder / plain.name
        to_parquet(lines, lines.with_suffix(".parquet"))
        lines.unlink()
        return ExportFile(resource_type=resource_type, name=f"{resource_type}.parquet", count=plain.count)

    def plain(self, resource_type: str, name: str, texts: Iterable[list[str]]) -> ExportFile:
        """One file with one text a line."""
        count = 0
        with (self.folder / name).open("w", encoding="utf-8") as file:
            for page in texts:
                file.writelines(f"{text}\n" for text in page)
                count += len(page)
                self.written += len(page)
                self.beat(self.written)
        if not count:
            (self.folder / name).unlink()
        return ExportFile(resource_type=resource_type, name=name, count=count)


def export_tenant(
    app: App, tx: Transaction, principal: Principal, now: datetime, folder: Path, output_format: str, beat: Beat
) -> dict[str, Any]:
    """Everything that the tenant owns: current resources, their superseded versions, loops with their steps and acts
    (minutes among them), the audit trail. Counts by file."""
    fhir = folder / "fhir"
    fhir.mkdir(parents=True, exist_ok=True)
    exported = export(app, tx, principal, now, Wanted(output_format=output_format), fhir, beat)
    writer = _Writer(folder, NDJSON, lambda _: None)
    more = [writer.plain("history", "history.ndjson", ([row["body"] for row in page] for page in bulk.superseded(tx)))]
    more += [writer.plain(name, f"{name}.ndjson", bulk.table_lines(tx, name)) for name in bulk.TABLES]
    return {f"fhir/{one.name}": one.count for one in exported.files} | {one.name: one.count for one in more}
