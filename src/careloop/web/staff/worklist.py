"""The worklist: one list, one next step, and the reasons for its order."""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from litestar import Response, get
from litestar.enums import MediaType
from litestar.params import FromQuery, QueryParameter

from careloop.errors import NotFound
from careloop.fhir.ids import new_id
from careloop.flows import worklist as flow
from careloop.loops.model import ClockState
from careloop.web.rendering import PAGE_HEADERS
from careloop.web.staff.context import SignedInStaff, Staff
from careloop.web.staff.words import KIND_NAMES, OUTCOMES, PROOFS, REASONS, SCOPES

Whose = Annotated[str, QueryParameter(name="scope")]
_SNOOZE = timedelta(hours=20)
_SCOPE_WORDS = {"mine": "for you", "team": "for the team", "queue": "without a person", "all": "in all"}


@get("/worklist", sync_to_thread=True)
def worklist_page(
    staff: SignedInStaff,
    whose: Whose = "mine",
    kind: FromQuery[str | None] = None,
    loop: FromQuery[str | None] = None,
    snoozed: FromQuery[str | None] = None,
) -> Response[str]:
    """The list with the chosen loop, else the first one, in the pane beside it."""
    return staff.page(
        "worklist.html", "/worklist", worklist_values(staff, scope=whose, kind=kind, loop=loop, snoozed=snoozed)
    )


@get("/worklist/pane", sync_to_thread=True)
def worklist_pane(
    staff: SignedInStaff,
    loop: FromQuery[str],
    whose: Whose = "mine",
    kind: FromQuery[str | None] = None,
    snoozed: FromQuery[str | None] = None,
) -> Response[str]:
    """Only the pane of one loop, for htmx."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        detail = flow.detail(staff.app, tx, staff.principal, loop)
        owners = flow.owners(staff.app, tx)
    return staff.fragment("pane.html", {**_pane_values(staff, detail, owners), "query": _query(whose, kind, snoozed)})


@get("/worklist/state", sync_to_thread=True)
def worklist_state(
    staff: SignedInStaff,
    whose: Whose = "mine",
    kind: FromQuery[str | None] = None,
    snoozed: FromQuery[str | None] = None,
) -> Response[str]:
    """304 while the list is what the page shows, 200 when something changed; draws nothing."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        page = flow.page(staff.app, tx, staff.principal, scope=_scope(whose), pathway=kind, snoozed=bool(snoozed))
    state = _state(page)
    same = staff.request.headers.get("if-none-match") == f'"{state}"'
    return Response(
        "", status_code=304 if same else 200, media_type=MediaType.TEXT, headers={**PAGE_HEADERS, "ETag": f'"{state}"'}
    )


def worklist_values(
    staff: Staff,
    *,
    scope: str,
    kind: str | None,
    loop: str | None,
    snoozed: str | None,
    problem: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Everything that the worklist template draws. A loop that is gone from the list can still be shown beside it."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        page = flow.page(staff.app, tx, staff.principal, scope=_scope(scope), pathway=kind, snoozed=bool(snoozed))
        rows = [row for group in page.groups for row in group.rows]
        chosen = loop or (rows[0].loop_id if rows else None)
        detail = _detail(staff, tx, chosen)
        owners = flow.owners(staff.app, tx)
    return {
        **_pane_values(staff, detail, owners, problem=problem, typed=typed),
        "page": page,
        "scope": scope,
        "scopes": SCOPES,
        "scope_words": _SCOPE_WORDS.get(scope, ""),
        "pathway": kind,
        "snoozed": snoozed,
        "selected": chosen,
        "chosen": bool(loop),
        "kinds": [
            {"id": key, "name": KIND_NAMES.get(key, key), "count": count} for key, count in page.type_counts.items()
        ],
        "query": _query(scope, kind, snoozed),
        "state": _state(page),
    }


def _detail(staff: Staff, tx: Any, loop_id: str | None) -> flow.LoopDetail | None:
    if loop_id is None:
        return None
    try:
        return flow.detail(staff.app, tx, staff.principal, loop_id)
    except NotFound:
        return None


def _pane_values(
    staff: Staff,
    detail: flow.LoopDetail | None,
    owners: Any,
    *,
    problem: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    return {
        "detail": detail,
        "owners": owners,
        "outcomes": OUTCOMES,
        "proofs": PROOFS,
        "reasons": REASONS,
        "kind_names": KIND_NAMES,
        "problem": problem,
        "typed": typed or {},
        "snooze_until": _snooze_until(staff, detail),
        "idempotency_key": new_key(),
    }


def _snooze_until(staff: Staff, detail: flow.LoopDetail | None) -> Any:
    """Tomorrow at this hour, or the deadline where that comes first."""
    later = staff.now + _SNOOZE
    if detail is None or detail.row.clock is ClockState.OVERDUE:
        return later
    return min(later, max(detail.row.due, staff.now))


def new_key() -> str:
    """A key that makes one form count once."""
    return new_id()


def _scope(scope: str) -> str:
    return scope if scope in _SCOPE_WORDS else "mine"


def _query(scope: str, kind: str | None, snoozed: str | None) -> str:
    """The filters as the start of a query string, for links on the page."""
    chosen = {"scope": _scope(scope), "kind": kind, "snoozed": snoozed}
    return urlencode({name: value for name, value in chosen.items() if value}) + "&"


def _state(page: flow.WorklistPage) -> str:
    """A digest of what the list shows, without what merely ticks."""
    parts = [
        f"{row.loop_id}{row.clock}{row.owner}{row.title}{sum(row.segments)}"
        for group in page.groups
        for row in group.rows
    ]
    return hashlib.sha256("".join(parts).encode()).hexdigest()[:20]
