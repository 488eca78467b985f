"""The rows of one page and how many there are in all, for one type or for several at once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from careloop.db import Row
from careloop.db.exchange import Statement
from careloop.errors import Rejected
from careloop.fhir.clauses import Clause
from careloop.record.search.asking import Asking
from careloop.record.search.conditions import Found
from careloop.record.search.ordering import Cursor, Ordering, order_by
from careloop.record.search.sql import TRUE, Sql, chain, joined
from careloop.record.search.walking import gathered, united, valueless, walked

FEW = 2_000
"""So many matches are sorted; more are met on the way along an index in the order asked."""

MOST_READ = 5_000
"""A sort by values that only bodies hold is refused where it would open more of them."""

_COLUMNS = (
    "resource.type, resource.id, resource.version, resource.last_updated, resource.deleted, resource.patient_id,"
    " resource.body"
)


@dataclass(frozen=True, slots=True)
class Scope:
    """What is asked of one type: what must hold, and the sort values."""

    found: Found
    clauses: Sequence[Clause]
    order: Sequence[Ordering] = ()
    few: bool = False
    """The matches were counted and are few: they are sorted, not walked to."""

    @property
    def in_order(self) -> bool:
        """True where the page is read in the order of the first sort key's index."""
        return self.order[0].field is not None and not self.found.is_narrow and (not self.few)


def rows_of(scopes: Sequence[Scope], cursor: Cursor | None, limit: int) -> Asking[list[Row]]:
    """The found rows in order, at most `limit`: the columns of a resource, `key` and sort values `s0`, `s1`, ..."""
    order = scopes[0].order
    if not order:
        return (yield statement(scopes, _united([_by_key(scope.found, cursor, limit) for scope in scopes], limit)))
    for scope in scopes:
        yield from _refuse_costly(scope)
    made = []
    for scope in scopes:
        made.append((yield from _for_sorting(scope)))
    scopes = made
    if not scopes[0].in_order:
        return (yield _sorted(scopes, [gathered(one.found, one.order, cursor, limit) for one in scopes], order, limit))
    rows: list[Row] = []
    if cursor is None or cursor.values[0] is not None:
        rows = yield _sorted(scopes, [walked(one.found, one.order, cursor, limit) for one in scopes], order, limit)
    if len(rows) < limit:
        rest = limit - len(rows)
        rows += yield _sorted(scopes, [valueless(one.found, one.order, cursor, rest) for one in scopes], order, rest)
    return rows


def count_of(scopes: Sequence[Scope], limit: int | None = None) -> Asking[int]:
    """How many there are; with a limit, counting stops there."""
    counted = [_counted(scope, limit) for scope in scopes]
    every = joined(" union all ", [chain("(", one, ")") for one in counted])
    total = chain("select coalesce(sum(count), 0) as count from (", every, ") as counted")
    return int((yield statement(scopes, total))[0]["count"])


def _by_key(found: Found, cursor: Cursor | None, limit: int) -> Sql:
    """A page in the order of keys. One token gives its keys in that order, and says that they stand."""
    if len(found.keys) == 1 and found.keys[0].single and not found.rows:
        start = TRUE if cursor is None else Sql("token.key > %s", (cursor.key,))
        keys = chain(found.keys[0].select, "and", start, "order by token.key", Sql("limit %s", (limit,)))
        page = chain("from (", keys, ") as page join resource on resource.key = page.key")
        return chain("select resource.key,", _COLUMNS, page, "order by resource.key")
    start = TRUE if cursor is None else Sql("resource.key > %s", (cursor.key,))
    return chain(
        "select resource.key,", _COLUMNS, "from resource where", found.where(), "and", start, "order by resource.key",
        Sql("limit %s", (limit,)),
    )  # fmt: skip


def _united(parts: Sequence[Sql], limit: int) -> Sql:
    if len(parts) == 1:
        return parts[0]
    every = joined(" union all ", [chain("(", part, ")") for part in parts])
    return chain("select * from (", every, ") as page order by key", Sql("limit %s", (limit,)))


def _sorted(scopes: Sequence[Scope], parts: Sequence[Sql], order: Sequence[Ordering], limit: int) -> Statement:
    """Keys and sort values first, then the bodies of those that are shown."""
    page = parts[0] if len(parts) == 1 else united(parts, order, limit)
    query = chain(
        "select page.*,", _COLUMNS, "from (", page, ") as page join resource on resource.key = page.key order by",
        order_by(order, "page."),
    )  # fmt: skip
    return statement(scopes, query)


def _for_sorting(scope: Scope) -> Asking[Scope]:
    """With one set of keys, how many there are decides: a few are sorted, many are met soon on the way along the order.
    Where there are more conditions the planner weighs them."""
    lone, first = scope.found.lone_set, scope.order[0]
    if lone is None or first.costly:
        return scope
    counted = chain("select count(*) from (", lone.select, Sql("limit %s", (FEW + 1,)), ") as found")
    if int((yield Statement(counted.text, counted.values))[0]["count"]) <= FEW:
        return replace(scope, few=True)
    return replace(scope, found=replace(scope.found, probing=True))


def _refuse_costly(scope: Scope) -> Asking[None]:
    if any(one.costly for one in scope.order) and (yield from count_of([scope], MOST_READ + 1)) > MOST_READ:
        expected = f"at most {MOST_READ} matches to be sorted by codes or references"
        raise Rejected(at="_sort", expected=expected, code="too-costly")


def _counted(scope: Scope, limit: int | None) -> Sql:
    """Tokens carry the type and go with a deletion, so tokens alone are counted in their index."""
    keys = scope.found.keys
    if len(keys) == 1 and keys[0].single and not scope.found.rows:
        some = () if limit is None else (Sql("limit %s", (limit,)),)
        return chain("select count(*) from (", keys[0].select, *some, ") as found")
    if limit is not None:
        some = (chain("select from resource where", scope.found.where(), Sql("limit %s", (limit,))),)
        return chain("select count(*) from (", *some, ") as found")
    if keys and not scope.found.rows and all(one.tokens for one in keys):
        if len(keys) == 1:
            return chain("select count(distinct found.key) as count from (", keys[0].select, ") as found")
        return chain("select count(*) from (", joined(" intersect ", [one.select for one in keys]), ") as found")
    return chain("select count(*) from resource where", scope.found.where())


def statement(scopes: Sequence[Scope], query: Sql) -> Statement:
    """The query, planned as the conditions want it."""
    plan = scopes[0].found.plan if len(scopes) == 1 else "force_custom_plan"
    return Statement(query.text, query.values, plan)
