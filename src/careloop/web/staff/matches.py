"""Same person? Two records side by side; nothing is joined until a person says so, and it can be taken back."""

from collections.abc import Mapping
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery

from careloop.access.policy import Action, require, require_action
from careloop.errors import Conflict, Rejected
from careloop.flows import identifying as flow
from careloop.identity.model import Grade, MatchState
from careloop.web.staff.context import SignedInStaff, Staff, checked_form

_DECISIONS: Mapping[str, flow.Decision] = {"same": "same", "different": "different", "ask": "ask"}
_GRADES: Mapping[Grade, str] = {
    Grade.CERTAIN: "Everything speaks for one person",
    Grade.PROBABLE: "Much speaks for one person",
    Grade.POSSIBLE: "Something speaks for one person",
    Grade.CERTAINLY_NOT: "Little speaks for one person",
}

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]


@get("/matches", sync_to_thread=True)
def matches_page(staff: SignedInStaff, decided: FromQuery[str | None] = None) -> Response[str]:
    """The pairs that wait, longest first."""
    return _page(staff, decided=decided)


@post("/matches/{match_id:str}", sync_to_thread=True)
def match_decide(staff: SignedInStaff, match_id: FromPath[str], data: Form) -> Response[str]:
    """Same person, two, or nobody can tell yet; each needs a sentence."""
    form = checked_form(staff, data)
    require_action(staff.principal, Action.PERSON_REVIEW)
    require(staff.principal, "update", "Patient")
    decision = _DECISIONS.get(form.get("decision", ""))
    if decision is None:
        return _page(staff, problem="Choose: same person, not the same, or cannot tell.", status=422)
    try:
        done = staff.app.database.run(
            staff.tenant.id,
            lambda tx: flow.decide(staff.app, tx, staff.principal, match_id, decision, form.get("why", "")),
            actor=staff.principal.reference,
        )
    except (Rejected, Conflict) as error:
        typed = {"id": match_id, "why": form.get("why", "")}
        return _page(staff, problem=error.message, status=409 if isinstance(error, Conflict) else 422, typed=typed)
    if done.state is MatchState.ASKING:
        return staff.back("/matches", said=done.says)
    return staff.back(f"/matches?decided={match_id}", said=done.says)


@post("/matches/{match_id:str}/undo", sync_to_thread=True)
def match_undo(staff: SignedInStaff, match_id: FromPath[str], data: Form) -> Response[str]:
    """The decision is taken back; two that were joined are two again."""
    checked_form(staff, data)
    require_action(staff.principal, Action.PERSON_REVIEW)
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


def _page(
    staff: Staff,
    *,
    decided: str | None = None,
    problem: str = "",
    status: int = 200,
    typed: Mapping[str, str] | None = None,
) -> Response[str]:
    require(staff.principal, "search", "Patient")
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        queue = flow.review_queue(staff.app, tx, staff.principal)
    values = {"queue": queue, "decided": decided, "problem": problem, "grades": _GRADES, "typed": typed or {}}
    return staff.page("matches.html", "/matches", values, status=status)
