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
from careloop.record.search.sql import FALSE, Sql, all_of, any_of, chain

_EXPRESSIONS = {
    ("date", False): "(select min(dated.low) from resource_date as dated"
    " where dated.key = resource.key and dated.field = %s)",
    ("date", True): "(select max(dated.low) from resource_date as dated"
    " where dated.key = resource.key and dated.field = %s)",
    ("string", False): "(select min(folded.value) from resource_string as folded"
    " where folded.key = resource.key and folded.field = %s)",
    ("string", True): "(select max(folded.value) from resource_string as folded"
    " where folded.key = resource.key and folded.field = %s)",
    ("number", False): "(select min(measured.value) from resource_quantity as measured"
    " where measured.key = resource.key and measured.field = %s)",
    ("number", True): "(select max(measured.value) from resource_quantity as measured"
    " where measured.key = resource.key and measured.field = %s)",
}
_COLUMNS = {"_lastUpdated": "resource.last_updated", "_id": "resource.id"}

Value = datetime | str | float | None


@dataclass(frozen=True, kw_only=True)
class Ordering:
    """One sort value of a row: how it is computed and its direction."""

    expression: Sql
    descending: bool
    kind: str


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
    text = _EXPRESSIONS.get((kind, key.descending))
    if text is None:
        raise Rejected(at="_sort", expected="date, string, number or quantity parameters", code="not-supported")
    field = field_hash(tenant_id, resource_type, name)
    return Ordering(expression=Sql(text, (field,)), descending=key.descending, kind=kind)


def selected(order: Sequence[Ordering]) -> list[Sql]:
    """The sort values as columns s0, s1, ..."""
    return [chain(one.expression, f"as s{index}") for index, one in enumerate(order)]


def order_by(order: Sequence[Ordering]) -> str:
    """The order of the found rows, the key last."""
    words = [f"s{index} {'desc' if one.descending else 'asc'} nulls last" for index, one in enumerate(order)]
    return ", ".join([*words, "key"])


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
