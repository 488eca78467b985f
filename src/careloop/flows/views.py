"""A ViewDefinition over the record of a tenant: rows in sets, to whoever takes them, or to tables of the tenant."""

import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from careloop import reports
from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal
from careloop.access.policy import require
from careloop.catalog import Catalog
from careloop.db import Database, Transaction, ensure_database
from careloop.errors import NotFound, Rejected
from careloop.fhir.jsons import decode
from careloop.fhir.viewdefinition import Column, View, compile_view
from careloop.fhir.viewdefinition.model import Row
from careloop.flows.app import App
from careloop.record.scanning import Scope, scan

KIND = "views"
"""The kind of content that views of ours are."""

_KINDS = {
    "boolean": "boolean", "integer": "integer", "positiveInt": "integer", "unsignedInt": "integer",
    "integer64": "bigint", "decimal": "numeric", "instant": "timestamptz",
}  # fmt: skip
"""PostgreSQL types. Dates and dateTimes stay text: FHIR's may be partial, and `2024-05` is not the first of May."""


_PATIENTS_OF_AN_ENTRY = 500


@dataclass(frozen=True, kw_only=True)
class Published:
    """What became of a view: its table, how many rows, how long it took."""

    table: str
    rows: int
    seconds: float


def shipped(catalog: Catalog, name: str) -> Mapping[str, Any]:
    """The view of our own (or of the site's) with this name; `NotFound` where there is none."""
    found = catalog.documents(KIND).get(name)
    if found is None:
        raise NotFound("there is no view of that name; see `careloop view list`")
    return found


def view_of(definition: Mapping[str, Any]) -> View:
    """The compiled view; `Rejected` names what is wrong in the definition."""
    return compile_view(definition)


@dataclass(kw_only=True)
class Seen:
    """How many rows were made so far, and of whose charts."""

    rows: int = 0
    patients: set[str] = field(default_factory=set)


def row_sets(tx: Transaction, view: View, seen: Seen, scope: Scope | None = None) -> Iterator[list[Row]]:
    """The rows of every resource in scope, in sets, in the order of the record. One statement a set.

    `Rejected` where a resource does not fit the view; the place is in the view, never the value.
    """
    for resources in scan(tx, scope or Scope(resource_type=view.resource_type)):
        rows: list[Row] = []
        for text, patient_id in resources:
            made = view.rows(decode(text))
            rows += made
            if made and patient_id:
                seen.patients.add(patient_id)
        seen.rows += len(rows)
        yield rows


def run(
    tx: Transaction, principal: Principal, view: View, *, scope: Scope | None = None, limit: int | None = None
) -> Iterator[list[Row]]:
    """The rows that the principal may see, audited for every patient in them when the last has been taken.

    At most `limit` rows.
    """
    require(principal, "search", view.resource_type)
    seen, count = Seen(), 0
    for rows in row_sets(tx, view, seen, scope):
        taken = rows if limit is None else rows[: limit - count]
        count += len(taken)
        yield taken
        if limit is not None and count >= limit:
            break
    _audit(tx, principal, view, f"{count} rows of the view {view.name}", seen.patients)


def announce(tx: Transaction, principal: Principal, view: View) -> None:
    """The audit trail says that a view is about to leave: for rows that leave before their transaction ends."""
    require(principal, "search", view.resource_type)
    _audit(tx, principal, view, f"the view {view.name} is about to be written", ())


def publish(app: App, principal: Principal, definition: Mapping[str, Any]) -> Published:
    """The view is a table of the tenant: its rows as of now, and an SQL view `views_<tenant number>.<name>`.

    Rows are read and written under row-level security, in one transaction. Then the owner, who alone may make views and
    who touches no row, gives them names and types. For commands of whoever runs the installation.
    """
    began = time.monotonic()
    view = view_of(definition)
    require(principal, "search", view.resource_type)
    with app.database.transaction(principal.tenant_id, actor=principal.id) as tx:
        seen = Seen()
        count = reports.replace_rows(tx, view.name, row_sets(tx, view, seen))
        reports.keep_view(tx, view.name, view.resource_type, definition, count, app.clock.now())
        _audit(tx, principal, view, f"{count} rows of the view {view.name} published", seen.patients)
    table = _make_sql_view(app, principal, view)
    return Published(table=table, rows=count, seconds=time.monotonic() - began)


def _make_sql_view(app: App, principal: Principal, view: View) -> str:
    owner = Database(ensure_database(app.settings).owner, max_size=1).open()
    try:
        with owner.transaction(principal.tenant_id, actor=principal.id) as tx:
            return reports.make_sql_view(tx, view.name, [(column.name, sql_type(column)) for column in view.columns])
    finally:
        owner.close()


def sql_type(column: Column) -> str:
    """The PostgreSQL type of a column; collections and elements with parts are JSON."""
    if column.is_collection or (column.type is not None and column.type[:1].isupper()):
        return "jsonb"
    return _KINDS.get(column.type or "", "text")


def _audit(tx: Transaction, principal: Principal, view: View, detail: str, patients: Collection[str]) -> None:
    """Entries for all these patients, some hundred in one, and one entry where there are none."""
    ids = sorted(patients)
    for start in range(0, max(1, len(ids)), _PATIENTS_OF_AN_ENTRY):
        entry = AuditEntry(
            principal=principal,
            action="E",
            subtype="export",
            resource_type=view.resource_type,
            patient_ids=ids[start : start + _PATIENTS_OF_AN_ENTRY],
            query=f"view={view.name}",
            detail=detail,
        )
        record_audit(tx, entry)


def check_shipped(catalog: Catalog) -> list[str]:
    """The names of our views; `Rejected` names the first that cannot be compiled."""
    for name, definition in catalog.documents(KIND).items():
        try:
            view_of(definition)
        except Rejected as error:
            raise Rejected(at=f"content/{KIND}/{name}: {error.at}", expected=error.expected) from error
    return sorted(catalog.documents(KIND))
