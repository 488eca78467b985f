"""Whole types of resources that are nobody's data, such as code systems: what stands, and whether it changed."""

from collections.abc import Sequence

from careloop.db import Transaction
from careloop.record.store import SQL

Stamp = tuple[int, int, str]
"""How many there are, the sum of their versions, the last change. Any change of any of them makes another stamp."""


def stamp_of(tx: Transaction, types: Sequence[str]) -> Stamp | None:
    """What tells one state of these types from every other; None where the tenant never had any."""
    (row,) = tx.rows(SQL["stamp_of_types"], {"types": list(types)})
    return (row["count"], row["versions"], row["newest"].isoformat()) if row["count"] else None


def versions_of(tx: Transaction, types: Sequence[str]) -> dict[str, int]:
    """The version of every current resource of these types by `Type/id`, in the order in which they last changed."""
    rows = tx.rows(SQL["versions_of_types"], {"types": list(types)})
    return {f"{row['type']}/{row['id']}": row["version"] for row in rows}
