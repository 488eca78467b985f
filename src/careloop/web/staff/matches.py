"""Same person? Two records side by side; nothing is joined until a person says so, and it can be taken back."""

from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery

from careloop.access.policy import require
from careloop.errors import Conflict, Rejected
from careloop.flows import identifying as flow
from careloop.web.staff.context import SignedInStaff, Staff, checked_form

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]


@get("/matches", sync_to_thread=True)
def matches_page(staff: SignedInStaff, decided: FromQuery[str | None] = None) -> Response[str]:
    """The pairs that wait, longest first."""
    return _page(staff, decided=decided)


@post("/matches/{match_id:str}", sync_to_thread=True)
def match_decide(staff: SignedInStaff, match_id: FromPath[str], data: Form) -> Response[str]:
    """Same person or two; both need a sentence."""
    form = checked_form(staff, data)
    require(staff.principal, "update", "Patient")
    decision: flow.Decision = "same" if form.get("decision") == "same" else "different"
    try:
        done = staff.app.database.run(
            staff.tenant.id,
            lambda tx: flow.decide(staff.app, tx, staff.principal, match_id, decision, form.get("why", "")),
            actor=staff.principal.reference,
        )
    except (Rejected, Conflict) as error:
        return _page(staff, problem=error.message, status=409 if isinstance(error, Conflict) else 422)
    return staff.back(f"/matches?decided={match_id}", said=done.says)


@post("/matches/{match_id:str}/undo", sync_to_thread=True)
def match_undo(staff: SignedInStaff, match_id: FromPath[str], data: Form) -> Response[str]:
    """The decision is taken back; two that were joined are two again."""
    checked_form(staff, data)
    require(staff.principal, "update", "Patient")
    try:
        done = staff.app.database.run(
            staff.tenant.id,
            lambda tx: flow.undo(staff.app, tx, staff.principal, match_id),
            actor=staff.principal.reference,
        )
    except Conflict as error:
        return _page(staff, problem=error.message, status=409)
    return staff.back("/matches", said=done.says)


def _page(staff: Staff, *, decided: str | None = None, problem: str = "", status: int = 200) -> Response[str]:
    require(staff.principal, "search", "Patient")
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        queue = flow.review_queue(staff.app, tx, staff.principal)
    values = {"queue": queue, "decided": decided, "problem": problem}
    return staff.page("matches.html", "/matches", values, status=status)
