"""The rows of a page: walked in the order of an index where there is one, so that a page costs what it shows.

A sort by a date, text or number reads the index of that parameter from the place where the page begins and stops when
the page is full; what the other conditions ask is tested on the way, or the database begins with them where they hold
for few. Resources without a value come after all others and are looked for only when those do not fill the page.
"""

from collections.abc import Sequence

from careloop.record.indexing import LONG_ALONE, ONE_OF_SEVERAL, SHORT_ALONE
from careloop.record.search.conditions import Found
from careloop.record.search.ordering import TABLES, Cursor, Ordering, after, order_by, selected
from careloop.record.search.sql import TRUE, Sql, all_of, chain, joined

_WALKS = {
    kind: f"from {table} as walked where walked.field = %s" for kind, (table, _) in TABLES.items()
}  # fmt: skip
_SHAPES = (SHORT_ALONE, LONG_ALONE)

_FURTHER = {
    # Another value of the same resource comes first: this row is not its sort value.
    ("date", False): "other.low < walked.low or (other.low = walked.low and other.high < walked.high)",
    ("date", True): "other.low > walked.low or (other.low = walked.low and other.high > walked.high)",
    ("string", False): "other.value < walked.value",
    ("string", True): "other.value > walked.value",
    ("number", False): "other.value < walked.value or (other.value = walked.value and"
    " coalesce(other.unit, '') < coalesce(walked.unit, ''))",
    ("number", True): "other.value > walked.value or (other.value = walked.value and"
    " coalesce(other.unit, '') > coalesce(walked.unit, ''))",
}


def gathered(found: Found, order: Sequence[Ordering], cursor: Cursor | None, limit: int) -> Sql:
    """Keys and sort values of a page, all matches sorted."""
    columns = joined(", ", [Sql("resource.key"), *selected(order)])
    return _page(chain("select", columns, "from resource where", found.where()), order, cursor, limit)


def walked(found: Found, order: Sequence[Ordering], cursor: Cursor | None, limit: int) -> Sql:
    """The same for those that have a value for the first sort key, in the order of its index."""
    parts = [_page(one, order, cursor, limit, present=True) for one in _walks(found, order, cursor)]
    return parts[0] if len(parts) == 1 else united(parts, order, limit)


def united(parts: Sequence[Sql], order: Sequence[Ordering], limit: int) -> Sql:
    """One page of several, each in order."""
    every = joined(" union all ", [chain("(", part, ")") for part in parts])
    return chain("select * from (", every, ") as page order by", order_by(order), Sql("limit %s", (limit,)))


def valueless(found: Found, order: Sequence[Ordering], cursor: Cursor | None, limit: int) -> Sql:
    """The same for those that have none."""
    first = order[0]
    table, _ = TABLES[first.kind]
    none = f"not exists (select from {table} as sorted where sorted.key = resource.key and sorted.field = %s)"
    columns = joined(", ", [Sql("resource.key"), *selected(order)])
    where = all_of([found.where(), Sql(none, (first.field,))])
    return _page(chain("select", columns, "from resource where", where), order, cursor, limit)


def _walks(found: Found, order: Sequence[Ordering], cursor: Cursor | None) -> list[Sql]:
    first, *rest = order
    begin = Sql(_WALKS[first.kind], (first.field,))
    column = f"walked.{TABLES[first.kind][1]}"
    columns = joined(", ", [Sql("walked.key"), Sql(f"{column} as s0"), *_others(rest)])
    conditions = [found.beside("walked.key"), _from(first, column, cursor)]
    if first.kind == "date":
        ways = [[Sql("walked.shape = %s", (shape,))] for shape in _SHAPES]
        ways.append([Sql("walked.shape = %s", (ONE_OF_SEVERAL,)), _foremost(first)])
    else:
        ways = [[_foremost(first)]]
    return [chain("select", columns, begin, "and", all_of([*way, *conditions])) for way in ways]


def _foremost(first: Ordering) -> Sql:
    """True for the row among several of one resource that sorts it."""
    table, further = TABLES[first.kind][0], _FURTHER[first.kind, first.descending]
    same = "other.key = walked.key and other.field = %s"
    return Sql(f"not exists (select from {table} as other where {same} and ({further}))", (first.field,))


def _others(rest: Sequence[Ordering]) -> list[Sql]:
    """The further sort values, computed beside a row of the index."""
    return [
        chain("(select", one.expression, f"from resource where resource.key = walked.key) as s{index}")
        for index, one in enumerate(rest, 1)
    ]


def _from(first: Ordering, column: str, cursor: Cursor | None) -> Sql:
    """Where the walk begins: at the cursor's value, which an index can go to."""
    if cursor is None or cursor.values[0] is None:
        return TRUE
    return Sql(f"{column} {'<=' if first.descending else '>='} %s", (cursor.values[0],))


def _page(found: Sql, order: Sequence[Ordering], cursor: Cursor | None, limit: int, *, present: bool = False) -> Sql:
    if cursor is not None:
        found = chain("select * from (", found, ") as found where", after(order, cursor))
    words = order_by(order, present=present)
    return chain("select * from (", found, ") as page order by", words, Sql("limit %s", (limit,)))
