"""The worklist: one list, one next step, and the reasons for its order."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from litestar import Response, get
from litestar.enums import MediaType
from litestar.params import FromQuery

from careloop.db import Transaction
from careloop.errors import NotFound, Rejected
from careloop.fhir.ids import new_id
from careloop.flows import (
    acting,
    bulk_acts,
    contacting,
    contradictions,
    day,
    done_elsewhere,
    identifying,
    list_views,
)
from careloop.flows import worklist as flow
from careloop.flows.cds_orders import Repeated
from careloop.flows.routing import queue_reference
from careloop.loops.model import ClockState
from careloop.loops.worklist import Placed
from careloop.web.rendering import PAGE_HEADERS
from careloop.web.staff.context import SignedInStaff, Staff
from careloop.web.staff.proving import form_values, place_of
from careloop.web.staff.words import DUES, KIND_NAMES, OUTCOMES, PROOFS, REASONS, SCOPES

ROWS = 50
"""Rows of the first page: about 1,000 elements, under the budget of ui.md §12."""
_MOST_ROWS = 500
_PAIRS = "person-match"
_DISAGREE = "contradiction"
_SNOOZE = timedelta(hours=20)
_NARROWING = ("owner", "due", "risk", "language", "programme")
_NAMES = ("scope", "kind", "snoozed", *_NARROWING, "pick")
_NAMED = 60
"""So many people are offered by name where one is asked for; of a larger staff the name is typed."""
_QUEUE_COUNTED = 1_000
_SCOPE_WORDS = {"mine": "for you", "team": "for the team", "queue": "without a person", "all": "in all"}


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Which part of the work a page shows, and how many rows."""

    scope: str = "mine"
    kind: str | None = None
    snoozed: str | None = None
    most: int = ROWS
    owner: str = ""
    due: str = ""
    risk: str = ""
    language: str = ""
    programme: str = ""
    pick: str = ""

    @property
    def query(self) -> str:
        """The filters as the start of a query string, for links on the page."""
        chosen = {name: getattr(self, name) for name in _NAMES}
        more = {"most": str(self.most)} if self.most != ROWS else {}
        return urlencode({name: value for name, value in {**chosen, **more}.items() if value}) + "&"

    @property
    def narrowing(self) -> dict[str, str]:
        """The filters of the filter form that are set, by name."""
        return {name: getattr(self, name) for name in _NARROWING if getattr(self, name)}

    def without(self, name: str) -> "Filters":
        """The same with one filter of the form off."""
        off: dict[str, Any] = {name: ""}
        return replace(self, **off)

    def page(self, staff: Staff, tx: Transaction) -> flow.WorklistPage:
        """The rows. `Rejected` for an owner whom nobody here is called like."""
        owner = bulk_acts.owner_named(tx, self.owner) if self.owner else ""
        return flow.page(
            staff.app,
            tx,
            staff.principal,
            scope=self.scope,
            pathway=self.kind,
            snoozed=bool(self.snoozed),
            narrowed=flow.Narrowed(
                owner=owner, due=self.due, risk=self.risk, language=self.language, programme=self.programme
            ),
            limit=self.most,
        )


def filters_of(query: Mapping[str, str]) -> Filters:
    """The filters that a query string names; what is not known there falls back to the first page of my own work."""
    scope, most = query.get("scope", "mine"), query.get("most", "")
    return Filters(
        scope=scope if scope in _SCOPE_WORDS else "mine",
        kind=query.get("kind") or None,
        snoozed="yes" if query.get("snoozed") else None,
        most=min(int(most), _MOST_ROWS) if most.isdecimal() and int(most) else ROWS,
        owner=query.get("owner", "").strip()[:80],
        due=query.get("due", "") if query.get("due") in flow.DUES else "",
        risk=query.get("risk", "") if query.get("risk") in flow.RISKS else "",
        language=query.get("language", "")[:80],
        programme=query.get("programme", "")[:200],
        pick="yes" if query.get("pick") else "",
    )


@get("/worklist", sync_to_thread=True)
def worklist_page(staff: SignedInStaff, loop: FromQuery[str | None] = None) -> Response[str]:
    """The list with the chosen loop, else the first one, in the pane beside it."""
    filters = filters_of(staff.request.query_params)
    return staff.page("worklist.html", "/worklist", worklist_values(staff, filters, loop=loop))


@get("/worklist/pane", sync_to_thread=True)
def worklist_pane(staff: SignedInStaff, loop: FromQuery[str]) -> Response[str]:
    """Only the pane of one loop, for htmx."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        detail = flow.detail(staff.app, tx, staff.principal, loop)
        owners = flow.first_owners(tx, _NAMED)
        same, contact = _same(staff, tx, detail), _contact(staff, tx, detail)
    query = filters_of(staff.request.query_params).query
    return staff.fragment("pane.html", {**_pane_values(staff, detail, owners, contact), "query": query, "same": same})


@get("/worklist/state", sync_to_thread=True)
def worklist_state(staff: SignedInStaff) -> Response[str]:
    """304 while the list is what the page shows, 200 when something changed; draws nothing."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        state = _state(filters_of(staff.request.query_params).page(staff, tx))
    same = staff.request.headers.get("if-none-match") == f'"{state}"'
    return Response(
        "", status_code=304 if same else 200, media_type=MediaType.TEXT, headers={**PAGE_HEADERS, "ETag": f'"{state}"'}
    )


def worklist_values(
    staff: Staff,
    filters: Filters,
    *,
    loop: str | None,
    problem: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Everything that the worklist template draws. A loop that is gone from the list can still be shown beside it."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        page, problem = _page(staff, tx, filters, problem)
        rows = [row for group in page.groups for row in group.rows]
        chosen = loop or (rows[0].loop_id if rows else None)
        detail = _detail(staff, tx, chosen, page.own)
        same, contact = _same(staff, tx, detail), _contact(staff, tx, detail)
        owners = flow.first_owners(tx, _NAMED)
        known = flow.known_filters(tx)
        views = list_views.all_of(tx, staff.principal)
        queued = flow.queued(tx, _QUEUE_COUNTED)
        plan = day.note(staff.app, tx, staff.principal, page.own) if filters.query == Filters().query else None
        pairs = identifying.waiting(staff.app, tx, staff.principal)
        disagreeing = contradictions.waiting(staff.app, tx, staff.principal, limit=5, owner=_owner(staff, filters))
    plain = not filters.snoozed and not filters.narrowing
    return {
        **_pane_values(staff, detail, owners, contact, problem=problem, typed=typed),
        **_list_values(page, rows),
        **_filter_values(filters),
        "same": same,
        "pairs": pairs,
        "shows_pairs": filters.kind in (None, _PAIRS) and plain and filters.scope != "mine" and bool(pairs.pairs),
        "pairs_name": KIND_NAMES[_PAIRS],
        "disagreeing": disagreeing,
        "shows_disagreeing": filters.kind in (None, _DISAGREE) and plain and bool(disagreeing.items),
        "disagree_name": KIND_NAMES[_DISAGREE],
        "selected": chosen,
        "chosen": bool(loop),
        "known": known,
        "views": views,
        "queued": f"{_QUEUE_COUNTED - 1:,}+" if queued >= _QUEUE_COUNTED else queued,
        "plan": plan,
        "bulk_until": staff.now + _SNOOZE,
    }


def _list_values(page: flow.WorklistPage, rows: Sequence[flow.WorklistRow]) -> dict[str, Any]:
    """What the list itself draws."""
    folded = _folded(page)
    return {
        "page": page,
        "state": _state(page),
        "kinds": [
            {"id": key, "name": KIND_NAMES.get(key, key), "count": count} for key, count in page.type_counts.items()
        ],
        "left_out": None if page.shown_total is None else page.shown_total - len(rows),
        "folded": folded,
        "inside": {row.loop_id for rows in folded.values() for row in rows},
    }


def _filter_values(filters: Filters) -> dict[str, Any]:
    """What is asked for, and the links that ask for a little more or less."""
    return {
        "scope": filters.scope,
        "scopes": SCOPES,
        "scope_words": _SCOPE_WORDS.get(filters.scope, ""),
        "pathway": filters.kind,
        "snoozed": filters.snoozed,
        "query": filters.query,
        "filters": filters,
        "dues": DUES,
        "cleared": Filters(scope=filters.scope).query,
        "without": {name: filters.without(name).query for name in filters.narrowing},
        "picking": replace(filters, pick="yes").query,
        "longer": replace(filters, most=min(filters.most + 2 * ROWS, _MOST_ROWS)).query,
    }


def _page(
    staff: Staff, tx: Transaction, filters: Filters, problem: Mapping[str, str] | None
) -> tuple[flow.WorklistPage, Mapping[str, str] | None]:
    """The rows; all of the scope, and what is wrong, where the owner filter names nobody."""
    try:
        return filters.page(staff, tx), problem
    except Rejected as error:
        wrong = {"title": "Nobody here has that name.", "text": error.message}
        return replace(filters, owner="").page(staff, tx), problem or wrong


def _folded(page: flow.WorklistPage) -> dict[str, list[flow.WorklistRow]]:
    """One call is one row: by loop id of the first row of a patient to be called, the later ones of the same owner that
    the same call covers. They are drawn inside the first, so nothing is hidden."""
    first: dict[tuple[str, str], str] = {}
    found: dict[str, list[flow.WorklistRow]] = {}
    for row in (row for group in page.groups if group.key != "waiting" for row in group.rows if row.is_call):
        leader = first.setdefault((row.patient_id, row.owner), row.loop_id)
        if leader != row.loop_id:
            found.setdefault(leader, []).append(row)
    return found


def _owner(staff: Staff, filters: Filters) -> str | None:
    """Whose contradictions the list shows; None for everybody's."""
    if filters.scope == "queue":
        return queue_reference(staff.tenant.id)
    return staff.principal.reference if filters.scope == "mine" else None


def _detail(staff: Staff, tx: Transaction, loop_id: str | None, own: Sequence[Placed] | None) -> flow.LoopDetail | None:
    if loop_id is None:
        return None
    try:
        return flow.detail(staff.app, tx, staff.principal, loop_id, own)
    except NotFound:
        return None


def _same(staff: Staff, tx: Transaction, detail: flow.LoopDetail | None) -> Repeated | None:
    """What was done or asked for elsewhere and is the same as the order of this loop."""
    if detail is None or detail.row.pathway not in done_elsewhere.PATHWAYS:
        return None
    return done_elsewhere.of_loop(staff.app, tx, staff.principal, acting.find_loop(tx, detail.row.loop_id))


def _pane_values(
    staff: Staff,
    detail: flow.LoopDetail | None,
    owners: flow.Takers,
    contact: contacting.Contacts | None,
    *,
    problem: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    return {
        "detail": detail,
        "owners": owners.named,
        "owners_left": owners.left,
        "outcomes": OUTCOMES,
        "proofs": PROOFS,
        "reasons": REASONS,
        "kind_names": KIND_NAMES,
        "problem": problem,
        "typed": typed or {},
        "snooze_until": _snooze_until(staff, detail),
        "idempotency_key": new_key(),
        **form_values(staff, detail.proof if detail else None),
        "place": place_of(detail) if detail else None,
        "contact": contact,
    }


def _contact(staff: Staff, tx: Transaction, detail: flow.LoopDetail | None) -> contacting.Contacts | None:
    """How often the patient was contacted, shown where a call is about to be made."""
    if detail is None or not detail.can_call:
        return None
    return contacting.of_loop(staff.app, tx, staff.principal, detail.row.loop_id)


def _snooze_until(staff: Staff, detail: flow.LoopDetail | None) -> Any:
    """Tomorrow at this hour, or the deadline where that comes first."""
    later = staff.now + _SNOOZE
    if detail is None or detail.row.clock is ClockState.OVERDUE:
        return later
    return min(later, max(detail.row.due, staff.now))


def new_key() -> str:
    """A key that makes one form count once."""
    return new_id()


def _state(page: flow.WorklistPage) -> str:
    """A digest of what the list shows, without what merely ticks."""
    parts = [
        f"{row.loop_id}{row.clock}{row.owner}{row.title}{sum(row.segments)}"
        for group in page.groups
        for row in group.rows
    ]
    return hashlib.sha256("".join(parts).encode()).hexdigest()[:20]
