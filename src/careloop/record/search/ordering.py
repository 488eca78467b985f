"""The order of a result and where a page of it ends.

A page ends at the sort values and key of its last row, which the next page's cursor carries: pages stay right while
resources come and go. Resources without a value come last in both directions.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from careloop.errors import Rejected
from careloop.fhir.clauses import SortKey
from careloop.fhir.tokens import field_hash
from careloop.record.search import bodies
from careloop.record.search.sql import FALSE, Sql, all_of, any_of, chain

TABLES = {
    "date": ("resource_date", "low"),
    "string": ("resource_string", "value"),
    "number": ("resource_quantity", "value"),
}
"""The index table and its column that hold the values of a kind."""

_COLUMNS = {"_lastUpdated": "resource.last_updated", "_id": "resource.id"}
_FIRST = {False: "min", True: "max"}

Value = datetime | str | float | None


@dataclass(frozen=True, kw_only=True)
class Ordering:
    """One sort value of a row.

    `field` is set where an index holds the values: of the type's own dates, texts or numbers. `expression` is the value
    of a row named `resource`, computed there; `costly` where it is read from the body.
    """

    expression: Sql
    descending: bool
    kind: str
    field: int | None = None
    costly: bool = False

    @property
    def always(self) -> bool:
        """True where every resource has a value."""
        return self.field is None and not self.costly

    @property
    def word(self) -> str:
        """The direction in SQL."""
        return "desc" if self.descending else "asc"


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """Where the next page begins, and the total where it is known."""

    key: int
    values: tuple[Value, ...] = ()
    total: int | None = None


def orderings(tenant_id: int, resource_type: str, sort: Sequence[SortKey]) -> list[Ordering]:
    """The sort values; `Rejected` for a parameter by which nothing can be sorted."""
    return [_ordering(tenant_id, resource_type, key) for key in sort]


def _ordering(tenant_id: int, resource_type: str, key: SortKey) -> Ordering:
    name = key.parameter.name
    if name in _COLUMNS:
        kind = "date" if name == "_lastUpdated" else "string"
        return Ordering(expression=Sql(_COLUMNS[name]), descending=key.descending, kind=kind)
    kind = "number" if key.parameter.type == "quantity" else key.parameter.type
    if kind not in TABLES:
        value = bodies.sort_value(key.parameter)
        return Ordering(expression=value, descending=key.descending, kind="string", costly=True)
    field = field_hash(tenant_id, resource_type, name)
    return Ordering(
        expression=_looked_up(kind, field, key.descending), descending=key.descending, kind=kind, field=field
    )


def _looked_up(kind: str, field: int, descending: bool) -> Sql:
    table, column = TABLES[kind]
    text = (
        "(select {first}(sorted.{column}) from {table} as sorted where sorted.key = resource.key and sorted.field = %s)"
    )
    return Sql(text.format(first=_FIRST[descending], column=column, table=table), (field,))


def selected(order: Sequence[Ordering]) -> list[Sql]:
    """The sort values of a row named `resource` as columns s0, s1, ..."""
    return [chain(one.expression, f"as s{index}") for index, one in enumerate(order)]


def order_by(order: Sequence[Ordering], table: str = "", *, present: bool = False) -> str:
    """The order of the found rows, the key last. A value that is always there needs no word about its absence, and
    an index can give that order; `present` says so of the first."""
    words = [
        f"{table}s{index} {one.word}{'' if one.always or (present and not index) else ' nulls last'}"
        for index, one in enumerate(order)
    ]
    return ", ".join([*words, f"{table}key"])


def after(order: Sequence[Ordering], cursor: Cursor) -> Sql:
    """True for rows that come after the cursor."""
    ways = []
    for index in range(len(order)):
        same = [_same(place, cursor.values[place]) for place in range(index)]
        ways.append(all_of([*same, _beyond(index, order[index], cursor.values[index])]))
    same = [_same(place, value) for place, value in enumerate(cursor.values)]
    return any_of([*ways, all_of([*same, Sql("key > %s", (cursor.key,))])])


def _same(index: int, value: Value) -> Sql:
    return Sql(f"s{index} is null") if value is None else Sql(f"s{index} = %s", (value,))


def _beyond(index: int, one: Ordering, value: Value) -> Sql:
    if value is None:
        return FALSE
    return Sql(f"s{index} {'<' if one.descending else '>'} %s or s{index} is null", (value,))


def to_text(cursor: Cursor) -> str:
    """The cursor as it stands in a next link: opaque, and without anything of a person but what sorts."""
    values = [value.isoformat() if isinstance(value, datetime) else value for value in cursor.values]
    packed = msgspec.json.encode([cursor.key, cursor.total, *values])
    return urlsafe_b64encode(packed).decode().rstrip("=")


def from_text(text: str, order: Sequence[Ordering]) -> Cursor:
    """The cursor of a next link; `Rejected` for anything that never was one for this order."""
    try:
        packed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        key, total, *values = msgspec.json.decode(packed, type=list[Any])
        if len(values) != len(order) or not isinstance(key, int) or not isinstance(total, int | None):
            raise ValueError("not of this order")
        return Cursor(key=key, total=total, values=tuple(map(_value, values, order)))
    except (binascii.Error, msgspec.DecodeError, ValueError, TypeError) as error:
        raise Rejected(at="_cursor", expected="the cursor of a next link", code="value") from error


def _value(value: Any, one: Ordering) -> Value:
    if value is None:
        return None
    if one.kind == "date":
        return datetime.fromisoformat(value).astimezone(UTC)
    if not isinstance(value, str if one.kind == "string" else int | float):
        raise ValueError("not a sort value")
    result: Value = value
    return result
