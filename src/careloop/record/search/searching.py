"""One search from its parameters to its page: parse, resolve chains, find, count, bring along, audit.

What is asked was typed by `fhir.grammar`; names and operators come from tables here, every value is bound.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from careloop.access.audit import AuditEntry, action_of, record_audit
from careloop.access.model import Principal
from careloop.db import Row, Transaction
from careloop.errors import Fault, Rejected
from careloop.fhir.clauses import Clause, KeyClause, SearchRequest
from careloop.fhir.grammar import parse_search
from careloop.fhir.searchparameters import SearchDefinitions
from careloop.record import store
from careloop.record.model import SearchPage, Stored
from careloop.record.search.chains import Resolver
from careloop.record.search.conditions import condition, token_keys
from careloop.record.search.including import Includer
from careloop.record.search.ordering import Cursor, Ordering, after, from_text, order_by, orderings, selected, to_text
from careloop.record.search.sql import TRUE, Sql, chain, joined

CURSOR = "_cursor"
DEFAULT_COUNT = 50
COUNTED_ANYWAY = 1000
"""Up to so many results a total is given also where nobody asked for one."""

_COLUMNS = (
    "resource.type, resource.id, resource.version, resource.last_updated, resource.deleted, resource.patient_id,"
    " resource.body"
)


@dataclass(frozen=True, kw_only=True)
class Asking:
    """Who searches, when, and how texts are read. `base` is our own FHIR address."""

    principal: Principal
    now: datetime
    zone: tzinfo
    base: str | None = None


def search(
    tx: Transaction,
    asking: Asking,
    definitions: SearchDefinitions,
    resource_type: str,
    parameters: Sequence[tuple[str, str]],
) -> SearchPage:
    """One page of what satisfies `parameters`, audited with the query as it was asked."""
    _refuse_unprintable(parameters)
    cursor_text = next((value for name, value in parameters if name == CURSOR), None)
    asked = [pair for pair in parameters if pair[0] != CURSOR]
    request = parse_search(resource_type, asked, definitions, zone=asking.zone, now=asking.now, base=asking.base)
    clauses = Resolver(tx, asking.principal, definitions).resolve(request.clauses)
    where = condition(tx.tenant_id, resource_type, clauses)
    if request.summary == "count" or request.count == 0:
        page = SearchPage(entries=(), total=_count(tx, resource_type, clauses, where), request=request)
    else:
        order = orderings(tx.tenant_id, resource_type, request.sort)
        cursor = from_text(cursor_text, order) if cursor_text is not None else None
        page = _page(tx, request, clauses, where, order, cursor)
        page = _with_included(tx, asking.principal, definitions, request, page)
    _audit(tx, asking.principal, resource_type, parameters, page)
    return page


def _refuse_unprintable(parameters: Sequence[tuple[str, str]]) -> None:
    """The database's texts hold neither NUL nor half a character."""
    for name, value in parameters:
        if "\x00" in name + value or any("\ud800" <= letter <= "\udfff" for letter in name + value):
            raise Rejected(at="search", expected="parameters in valid UTF-8 without NUL", code="value")


def _page(
    tx: Transaction,
    request: SearchRequest,
    clauses: Sequence[Clause],
    where: Sql,
    order: Sequence[Ordering],
    cursor: Cursor | None,
) -> SearchPage:
    size = request.count or DEFAULT_COUNT
    rows = _rows(tx, where, order, cursor, size + 1)
    more, rows = len(rows) > size, rows[:size]
    total = cursor.total if cursor is not None else None
    if cursor is None and not more:
        total = len(rows)
    elif total is None and request.total in ("accurate", "estimate"):
        total = _count(tx, request.resource_type, clauses, where)
    elif cursor is None and request.total is None:
        total = _count_if_few(tx, where)
    return SearchPage(
        entries=[store.stored_of(row) for row in rows],
        total=None if request.total == "none" else total,
        next_cursor=to_text(_cursor(rows[-1], order, total)) if more else None,
        request=request,
    )


def _rows(tx: Transaction, where: Sql, order: Sequence[Ordering], cursor: Cursor | None, limit: int) -> list[Row]:
    """The found rows in order. With sort values, keys and values first, then the bodies of those that are shown."""
    if not order:
        start = TRUE if cursor is None else Sql("resource.key > %s", (cursor.key,))
        query = chain(
            "select resource.key,", _COLUMNS, "from resource where", where, "and", start, "order by resource.key",
            Sql("limit %s", (limit,)),
        )  # fmt: skip
        return _ask(tx, query)
    columns = joined(", ", [Sql("resource.key"), *selected(order)])
    found = chain("select", columns, "from resource where", where)
    if cursor is not None:
        found = chain("select * from (", found, ") as found where", after(order, cursor))
    page = chain("select * from (", found, ") as page order by", order_by(order), Sql("limit %s", (limit,)))
    query = chain(
        "select page.*,", _COLUMNS, "from (", page, ") as page join resource on resource.key = page.key order by",
        ", ".join(f"page.{word}" for word in order_by(order).split(", ")),
    )  # fmt: skip
    return _ask(tx, query)


def _ask(tx: Transaction, query: Sql) -> list[Row]:
    """The rows. A search with several sets of keys is planned for its own values each time: which set is small decides
    by a factor of thousands which one to begin with."""
    if query.text.count(" in (") < 2:
        return tx.rows(query.text, query.values)
    with tx.pipeline():
        tx.execute("set local plan_cache_mode = force_custom_plan")
        return tx.rows(query.text, query.values)


def _cursor(row: Row, order: Sequence[Ordering], total: int | None) -> Cursor:
    return Cursor(key=row["key"], values=tuple(row[f"s{index}"] for index in range(len(order))), total=total)


def _count(tx: Transaction, resource_type: str, clauses: Sequence[Clause], where: Sql) -> int:
    """How many there are. Tokens carry the type and go with a deletion, so tokens alone are counted in their index."""
    keys = [one for one in clauses if isinstance(one, KeyClause) and one.any_of and not one.negated]
    if clauses and len(keys) == len(clauses):
        sets = joined(" intersect ", [token_keys(tx.tenant_id, resource_type, one) for one in keys])
        distinct = "" if len(keys) > 1 or len(keys[0].any_of) == 1 else "distinct"
        query = chain("select count(", distinct, "key) from (", sets, ") as found")
    else:
        query = chain("select count(*) from resource where", where)
    return int(_ask(tx, query)[0]["count"])


def _count_if_few(tx: Transaction, where: Sql) -> int | None:
    limit = COUNTED_ANYWAY + 1
    query = chain("select count(*) from (select from resource where", where, Sql("limit %s", (limit,)), ") as found")
    count = int(_ask(tx, query)[0]["count"])
    return count if count <= COUNTED_ANYWAY else None


def _with_included(
    tx: Transaction, principal: Principal, definitions: SearchDefinitions, request: SearchRequest, page: SearchPage
) -> SearchPage:
    if not request.includes:
        return page
    included, cut = Includer(tx, principal, definitions).included(page.entries, request.includes)
    warning = Fault(
        at="_include", expected="fewer resources: only a part came along", severity="warning", code="too-costly"
    )
    return SearchPage(
        entries=page.entries,
        included=included,
        total=page.total,
        next_cursor=page.next_cursor,
        request=request,
        warnings=(warning,) if cut else (),
    )


def _audit(
    tx: Transaction,
    principal: Principal,
    resource_type: str,
    parameters: Sequence[tuple[str, str]],
    page: SearchPage,
) -> None:
    seen: list[Stored] = [*page.entries, *page.included]
    record_audit(
        tx,
        AuditEntry(
            principal=principal,
            action=action_of("search"),
            subtype="search",
            resource_type=resource_type,
            resource_ids=[one.reference for one in seen],
            patient_ids=sorted({one.patient_id for one in seen if one.patient_id}),
            query="&".join(f"{name}={value}" for name, value in parameters),
        ),
    )
