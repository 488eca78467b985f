"""One search from its parameters to its page: parse, answer terminology, find, count, bring along, audit.

What is asked was typed by `fhir.grammar`; names and operators come from tables here, every value is bound.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from careloop.access.audit import AuditEntry, action_of, record_audit
from careloop.access.model import Principal
from careloop.db import Row, Transaction
from careloop.errors import Fault, Rejected
from careloop.fhir.clauses import AnyClause, Clause, CompartmentClause, KeyClause, SearchRequest
from careloop.fhir.grammar import parse_search
from careloop.fhir.searchparameters import SearchDefinitions
from careloop.record import store
from careloop.record.model import SearchPage, Stored
from careloop.record.search.asking import Asking as Steps
from careloop.record.search.asking import one_of
from careloop.record.search.conditions import Finder, in_compartment
from careloop.record.search.including import Includer
from careloop.record.search.ordering import Cursor, from_text, orderings, to_text
from careloop.record.search.paging import Scope, count_of, rows_of
from careloop.record.search.wording import Asked, Words

CURSOR = "_cursor"
DEFAULT_COUNT = 50
_PATIENT = "Patient/"
COUNTED_ANYWAY = 1000
"""Up to so many results a total is given also where nobody asked for one."""


@dataclass(frozen=True, kw_only=True)
class Asking:
    """Who searches, when, and how texts are read. `base` is our own FHIR address; a `lenient` client wants what is not
    supported left aside."""

    principal: Principal
    now: datetime
    zone: tzinfo
    base: str | None = None
    lenient: bool = False
    terminology: Asked | None = None


@dataclass(frozen=True, kw_only=True)
class Wide:
    """A search over several types (`resource_types` are those that may be searched), or inside a compartment
    (`compartment` is `Patient/1`)."""

    resource_types: Sequence[str]
    compartment: str | None = None
    every_type: bool = False
    """The types were not named: those that do not know a parameter of the search are passed over."""


def search(
    tx: Transaction,
    asking: Asking,
    definitions: SearchDefinitions,
    resource_type: str,
    parameters: Sequence[tuple[str, str]],
) -> SearchPage:
    """One page of what satisfies `parameters`, audited with the query as it was asked."""
    return search_wide(tx, asking, definitions, Wide(resource_types=[resource_type]), parameters)


def search_wide(
    tx: Transaction,
    asking: Asking,
    definitions: SearchDefinitions,
    wide: Wide,
    parameters: Sequence[tuple[str, str]],
) -> SearchPage:
    """The same over several types or inside a compartment."""
    return one_of(tx, searching(tx, asking, definitions, wide, parameters))


def searching(
    tx: Transaction,
    asking: Asking,
    definitions: SearchDefinitions,
    wide: Wide,
    parameters: Sequence[tuple[str, str]],
) -> Steps[SearchPage]:
    """The same in steps, so that others can be asked with it."""
    _refuse_unprintable(parameters)
    asked = [pair for pair in parameters if pair[0] != CURSOR]
    cursor_text = next((value for name, value in parameters if name == CURSOR), None)
    scopes, request = _scopes(tx, asking, definitions, wide, asked)
    page = yield from _page(request, scopes, cursor_text)
    page = yield from _with_included(tx.tenant_id, asking.principal, definitions, request, page)
    page = replace(page, warnings=(*_ignored(request), *page.warnings))
    _audit(tx, asking.principal, wide, parameters, page)
    return page


def _scopes(
    tx: Transaction,
    asking: Asking,
    definitions: SearchDefinitions,
    wide: Wide,
    asked: Sequence[tuple[str, str]],
) -> tuple[list[Scope], SearchRequest]:
    """What is asked of each type, and the request as it was read for the first of them."""
    scopes: list[Scope] = []
    first: SearchRequest | None = None
    refused: Rejected | None = None
    finder = Finder(tx.tenant_id, asking.principal)
    words = Words(tx, asking.terminology)
    for resource_type in wide.resource_types:
        try:
            request = parse_search(resource_type, asked, definitions, zone=asking.zone, now=asking.now,
                                   base=asking.base, lenient=asking.lenient)  # fmt: skip
        except Rejected as error:
            refused = error
            if wide.every_type and error.issue_code == "not-supported":
                continue
            raise
        own = _compartment(definitions, wide, resource_type)
        if own is None:
            continue
        clauses = words.resolve([*request.clauses, *own])
        order = orderings(tx.tenant_id, resource_type, request.sort)
        scopes.append(Scope(finder.found(resource_type, clauses), clauses, order))
        first = first or request
    if first is None:
        raise refused or Rejected(at="_type", expected="a type that can be searched here", code="not-supported")
    return _merged(tx, wide, scopes), first


def _compartment(definitions: SearchDefinitions, wide: Wide, resource_type: str) -> list[Clause] | None:
    """What being in the compartment asks of a type; None where no resource of the type is in it."""
    if wide.compartment is None:
        return []
    code = wide.compartment.partition("/")[0]
    names = definitions.compartment(code, resource_type)
    inside = CompartmentClause(names=names, reference=wide.compartment)
    if code == resource_type:
        itself = CompartmentClause(names=(), reference=wide.compartment)
        return [AnyClause(alternatives=((itself,), (inside,)) if names else ((itself,),))]
    return [inside] if names else None


def _merged(tx: Transaction, wide: Wide, scopes: list[Scope]) -> list[Scope]:
    """Many types of one compartment, and nothing else asked of them: one look at the index for all of these."""
    if wide.compartment is None or len(scopes) < 2 or scopes[0].order:
        return scopes
    pairs: list[tuple[str, Sequence[str]]] = []
    others = []
    for scope in scopes:
        match scope.clauses:
            case [CompartmentClause(names=names)] if scope.found.resource_type is not None:
                pairs.append((scope.found.resource_type, names))
            case _:
                others.append(scope)
    return [*others, Scope(in_compartment(tx.tenant_id, pairs, wide.compartment), ())] if pairs else others


def _refuse_unprintable(parameters: Sequence[tuple[str, str]]) -> None:
    """The database's texts hold neither NUL nor half a character."""
    for name, value in parameters:
        text = name + value
        if "\x00" in text or (not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text)):
            raise Rejected(at="search", expected="parameters in valid UTF-8 without NUL", code="value")


def _page(request: SearchRequest, scopes: Sequence[Scope], cursor_text: str | None) -> Steps[SearchPage]:
    if request.summary == "count" or request.count == 0:
        return SearchPage(entries=(), total=(yield from count_of(scopes)), request=request)
    cursor = from_text(cursor_text, scopes[0].order) if cursor_text is not None else None
    size = request.count or DEFAULT_COUNT
    rows = yield from rows_of(scopes, cursor, size + 1)
    more, rows = len(rows) > size, rows[:size]
    total = yield from _total(request, scopes, cursor, None if more else len(rows))
    return SearchPage(
        entries=[store.stored_of(row) for row in rows],
        total=None if request.total == "none" else total,
        next_cursor=to_text(_cursor(rows[-1], scopes[0], total)) if more else None,
        request=request,
    )


def _wants_the_first(request: SearchRequest) -> bool:
    """Whoever asks for the first one of an order (the latest result) does not want a total; `_total` says otherwise."""
    return request.count == 1 and bool(request.sort)


def _total(
    request: SearchRequest, scopes: Sequence[Scope], cursor: Cursor | None, whole: int | None
) -> Steps[int | None]:
    """How many there are in all, where it was asked for or costs little; `whole` is the size of an only page."""
    if cursor is not None and cursor.total is not None:
        return cursor.total
    if cursor is None and whole is not None:
        return whole
    if request.total in ("accurate", "estimate"):
        return (yield from count_of(scopes))
    if cursor is None and request.total is None and not _wants_the_first(request):
        count = yield from count_of(scopes, COUNTED_ANYWAY + 1)
        return count if count <= COUNTED_ANYWAY else None
    return None


def _cursor(row: Row, scope: Scope, total: int | None) -> Cursor:
    return Cursor(key=row["key"], values=tuple(row[f"s{index}"] for index in range(len(scope.order))), total=total)


def _with_included(
    tenant_id: int, principal: Principal, definitions: SearchDefinitions, request: SearchRequest, page: SearchPage
) -> Steps[SearchPage]:
    if not request.includes or not page.entries:
        return page
    included, cut = yield from Includer(tenant_id, principal, definitions).included(page.entries, request.includes)
    warning = Fault(
        at="_include", expected="fewer resources: only a part came along", severity="warning", code="too-costly"
    )
    return replace(page, included=included, warnings=(warning,) if cut else ())


def _ignored(request: SearchRequest) -> list[Fault]:
    """What a lenient search left aside, so that nobody takes the answer for another one."""
    expected = "a parameter that this server supports; it was left aside"
    return [Fault(at=name, expected=expected, severity="warning", code="not-supported") for name in request.ignored]


def _audit(
    tx: Transaction, principal: Principal, wide: Wide, parameters: Sequence[tuple[str, str]], page: SearchPage
) -> None:
    seen: list[Stored] = [*page.entries, *page.included]
    record_audit(
        tx,
        AuditEntry(
            principal=principal,
            action=action_of("search"),
            subtype="search",
            resource_type=wide.resource_types[0] if len(wide.resource_types) == 1 else None,
            resource_ids=[one.reference for one in seen],
            patient_ids=sorted({one.patient_id for one in seen if one.patient_id} | _named(wide, page)),
            query="&".join(f"{name}={value}" for name, value in parameters),
        ),
    )


def _named(wide: Wide, page: SearchPage) -> set[str]:
    """The patients whom the search names: that nothing was found about one is something learned about that one."""
    asked = page.request.clauses if page.request is not None else ()
    texts = [wide.compartment] if wide.compartment is not None else []
    for clause in asked:
        if isinstance(clause, KeyClause) and all(one.startswith(_PATIENT) for one in clause.any_of):
            texts += clause.any_of if clause.parameter.type == "reference" else ()
    return {one.removeprefix(_PATIENT) for one in texts if one.startswith(_PATIENT)}
