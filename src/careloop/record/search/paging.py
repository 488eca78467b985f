"""The rows of one page and how many there are in all, for one type or for several at once."""

from collections.abc import Sequence
from dataclasses import dataclass

from careloop.db import Row, Transaction
from careloop.errors import Rejected
from careloop.fhir.clauses import Clause, KeyClause
from careloop.record.search.conditions import Found, token_hashes, token_keys
from careloop.record.search.ordering import Cursor, Ordering, order_by
from careloop.record.search.sql import TRUE, Sql, chain, joined
from careloop.record.search.walking import gathered, is_narrow, united, valueless, walked

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

    @property
    def in_order(self) -> bool:
        """True where the page is read in the order of the first sort key's index."""
        return self.order[0].field is not None and not is_narrow(self.clauses)


def rows_of(tx: Transaction, scopes: Sequence[Scope], cursor: Cursor | None, limit: int) -> list[Row]:
    """The found rows in order, at most `limit`: the columns of a resource, `key` and sort values `s0`, `s1`, ..."""
    order = scopes[0].order
    if not order:
        return _ask(tx, _united([_by_key(scope.found, cursor, limit) for scope in scopes], limit))
    for scope in scopes:
        _refuse_costly(tx, scope)
    if not scopes[0].in_order:
        return _sorted(tx, [gathered(one.found, one.order, cursor, limit) for one in scopes], order, limit)
    rows: list[Row] = []
    if cursor is None or cursor.values[0] is not None:
        rows = _sorted(tx, [walked(one.found, one.order, cursor, limit) for one in scopes], order, limit)
    if len(rows) < limit:
        rest = limit - len(rows)
        rows += _sorted(tx, [valueless(one.found, one.order, cursor, rest) for one in scopes], order, rest)
    return rows


def count_of(tx: Transaction, scopes: Sequence[Scope], limit: int | None = None) -> int:
    """How many there are; with a limit, counting stops there."""
    counted = [_counted(tx.tenant_id, scope, limit) for scope in scopes]
    every = joined(" union all ", [chain("(", one, ")") for one in counted])
    return int(_ask(tx, chain("select coalesce(sum(count), 0) as count from (", every, ") as counted"))[0]["count"])


def _by_key(found: Found, cursor: Cursor | None, limit: int) -> Sql:
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


def _sorted(tx: Transaction, parts: Sequence[Sql], order: Sequence[Ordering], limit: int) -> list[Row]:
    """Keys and sort values first, then the bodies of those that are shown."""
    page = parts[0] if len(parts) == 1 else united(parts, order, limit)
    query = chain(
        "select page.*,", _COLUMNS, "from (", page, ") as page join resource on resource.key = page.key order by",
        order_by(order, "page."),
    )  # fmt: skip
    return _ask(tx, query)


def _refuse_costly(tx: Transaction, scope: Scope) -> None:
    if any(one.costly for one in scope.order) and count_of(tx, [scope], MOST_READ + 1) > MOST_READ:
        expected = f"at most {MOST_READ} matches to be sorted by codes or references"
        raise Rejected(at="_sort", expected=expected, code="too-costly")


def _counted(tenant_id: int, scope: Scope, limit: int | None) -> Sql:
    """Tokens carry the type and go with a deletion, so tokens alone are counted in their index."""
    if limit is not None:
        some = chain("select from resource where", scope.found.where(), Sql("limit %s", (limit,)))
        return chain("select count(*) from (", some, ") as found")
    keys = [one for one in scope.clauses if isinstance(one, KeyClause) and one.any_of and not one.negated]
    kind = scope.found.resource_type
    if keys and len(keys) == len(scope.clauses) and kind is not None:
        sets = joined(" intersect ", [token_keys(token_hashes(tenant_id, kind, one)) for one in keys])
        distinct = "" if len(keys) > 1 or len(keys[0].any_of) == 1 else "distinct"
        return chain("select count(", distinct, "key) from (", sets, ") as found")
    return chain("select count(*) from resource where", scope.found.where())


def _ask(tx: Transaction, query: Sql) -> list[Row]:
    """The rows. A search with several sets of keys is planned for its own values each time: which set is small decides
    by a factor of thousands which one to begin with."""
    if query.text.count(" in (") < 2:
        return tx.rows(query.text, query.values)
    with tx.pipeline():
        tx.execute("set local plan_cache_mode = force_custom_plan")
        return tx.rows(query.text, query.values)
