"""Every current resource of a type, in sets: for views and other work over the whole record. Not audited here: whoever
hands out what was read says so in one entry for the whole."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from careloop.db import Transaction, load_queries

_SQL = load_queries("careloop.record", "scanning.sql")

SET_SIZE = 1_000
"""Resources that are read by one statement."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """Which resources of a type: all, those of one patient, or those that changed at an instant or later."""

    resource_type: str
    patient_id: str | None = None
    since: datetime | None = None

    @property
    def query(self) -> str:
        """The statement that reads one set."""
        if self.patient_id is not None:
            return _SQL["scan_patient"]
        return _SQL["scan"] if self.since is None else _SQL["scan_since"]


Scanned = tuple[str, str | None]
"""The text of a resource, and the id of the patient whose chart it is in."""


def scan(tx: Transaction, scope: Scope, *, set_size: int = SET_SIZE) -> Iterator[list[Scanned]]:
    """All resources in scope, in sets and in the order of their keys; one statement a set."""
    after = -1
    values = {"type": scope.resource_type, "patient_id": scope.patient_id, "since": scope.since, "limit": set_size}
    while True:
        rows = tx.rows(scope.query, {**values, "after": after})
        if rows:
            yield [(row["body"], row["patient_id"]) for row in rows]
        if len(rows) < set_size:
            return
        after = rows[-1]["key"]
