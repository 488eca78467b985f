"""Whole types of resources that are nobody's data, such as code systems: read at once, and looked at for changes."""

from collections.abc import Sequence

from careloop.db import Transaction
from careloop.record.model import Stored
from careloop.record.store import SQL, stored_of

Stamp = tuple[int, int, str]
"""How many there are, the sum of their versions, the last change. Any change of any of them makes another stamp."""


def stamp_of(tx: Transaction, types: Sequence[str]) -> Stamp | None:
    """What tells one state of these types from every other; None where the tenant never had any."""
    (row,) = tx.rows(SQL["stamp_of_types"], {"types": list(types)})
    return (row["count"], row["versions"], row["newest"].isoformat()) if row["count"] else None


def every(tx: Transaction, types: Sequence[str]) -> list[Stored]:
    """All current resources of these types, in the order in which they last changed. Not audited."""
    return [stored_of(row) for row in tx.rows(SQL["every_of_types"], {"types": list(types)})]
