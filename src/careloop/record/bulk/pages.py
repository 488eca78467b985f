"""The pages of an export, in the order of keys."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from careloop.db import Row, Transaction
from careloop.fhir.jsons import encode
from careloop.record.bulk.jobs import SQL

PAGE = 2000


@dataclass(frozen=True, kw_only=True)
class Extent:
    """Which resources. `patients` None: everybody's; `of_patients` leaves out what is nobody's."""

    since: datetime | None = None
    of_patients: bool = False
    patients: tuple[str, ...] | None = None


def types_there(tx: Transaction, types: Sequence[str]) -> list[str]:
    """Those of some types of which anything stands."""
    return [row["type"] for row in tx.rows(SQL["types_there"], {"types": list(types)})]


def pages(tx: Transaction, resource_type: str, extent: Extent) -> Iterator[list[Row]]:
    """Rows with `id` and `body` (the text as it stands) of everything of the type within the extent, page by page."""
    values = {
        "type": resource_type,
        "since": extent.since,
        "of_patients": extent.of_patients,
        "patients": list(extent.patients or ()),
        "limit": PAGE,
        "after": -1,
    }
    query = SQL["page" if extent.patients is None else "page_of_patients"]
    while rows := tx.rows(query, values):
        yield rows
        values["after"] = rows[-1]["key"]
        if len(rows) < PAGE:
            return


def deleted_since(tx: Transaction, types: Sequence[str], extent: Extent) -> list[Row]:
    """`type`, `id` and `last_updated` of what was deleted since the extent's instant."""
    patients = None if extent.patients is None else list(extent.patients)
    values = {"types": list(types), "since": extent.since, "of_patients": extent.of_patients, "patients": patients}
    return tx.rows(SQL["deleted_since"], values)


def superseded(tx: Transaction) -> Iterator[list[Row]]:
    """Every superseded version, page by page."""
    values = {"after": -1, "after_version": 0, "limit": PAGE}
    while rows := tx.rows(SQL["history_page"], values):
        yield rows
        values |= {"after": rows[-1]["key"], "after_version": rows[-1]["version"]}


TABLES = ("loop", "loop_step", "loop_act", "rule_version", "rule_event", "audit_event")
"""What a tenant owns besides resources. Minutes are acts."""


def table_lines(tx: Transaction, table: str) -> Iterator[list[str]]:
    """The rows of one of `TABLES` as JSON texts, page by page."""
    values = {"after": -1, "limit": PAGE}
    while rows := tx.rows(SQL[f"lines_of_{table}"], values):
        yield [encode(row["line"]).decode() for row in rows]
        values["after"] = rows[-1]["key"]
