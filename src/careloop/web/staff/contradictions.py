"""Sources disagree: both sides of each contradiction beside each other; a person settles it with a sentence."""

from functools import partial
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath

from careloop.access.policy import Action, require, require_action
from careloop.errors import Conflict, Rejected
from careloop.flows import contradictions as flow
from careloop.web.staff.context import SignedInStaff, Staff, checked_form
from careloop.web.words import date_words

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]


@get("/contradictions", sync_to_thread=True)
def contradictions_page(staff: SignedInStaff) -> Response[str]:
    """Those that wait, the first due first."""
    require_action(staff.principal, Action.LOOP_WORK)
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        found = flow.waiting(staff.app, tx, staff.principal, limit=100)
    return staff.page("contradictions.html", "/contradictions", {"found": found})


@get("/contradictions/{contradiction_id:str}", sync_to_thread=True)
def contradiction_page(staff: SignedInStaff, contradiction_id: FromPath[str]) -> Response[str]:
    """One, side by side."""
    return _page(staff, contradiction_id)


@post("/contradictions/{contradiction_id:str}", sync_to_thread=True)
def contradiction_decide(staff: SignedInStaff, contradiction_id: FromPath[str], data: Form) -> Response[str]:
    """A person's answer with the reason."""
    form = checked_form(staff, data)
    _require(staff)
    try:
        said = staff.app.database.run(
            staff.tenant.id,
            lambda tx: flow.decide(
                staff.app, tx, staff.principal, contradiction_id, form.get("decision", ""), form.get("why", "")
            ),
            actor=staff.principal.reference,
        )
    except (Rejected, Conflict) as error:
        status = 409 if isinstance(error, Conflict) else 422
        return _page(staff, contradiction_id, problem=error.message, status=status, typed=form)
    return staff.back(f"/contradictions/{contradiction_id}", said=said)


@post("/contradictions/{contradiction_id:str}/reopen", sync_to_thread=True)
def contradiction_reopen(staff: SignedInStaff, contradiction_id: FromPath[str], data: Form) -> Response[str]:
    """The answer is taken back."""
    checked_form(staff, data)
    _require(staff)
    try:
        said = staff.app.database.run(
            staff.tenant.id,
            lambda tx: flow.reopen(staff.app, tx, staff.principal, contradiction_id),
            actor=staff.principal.reference,
        )
    except Conflict as error:
        return _page(staff, contradiction_id, problem=error.message, status=409)
    return staff.back(f"/contradictions/{contradiction_id}", said=said)


def _require(staff: Staff) -> None:
    require_action(staff.principal, Action.LOOP_WORK)
    require(staff.principal, "update", "Task")


def _page(
    staff: Staff, contradiction_id: str, *, problem: str = "", status: int = 200, typed: dict[str, str] | None = None
) -> Response[str]:
    require_action(staff.principal, Action.LOOP_WORK)
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        one = flow.item(staff.app, tx, staff.principal, contradiction_id)
    values = {"one": one, "problem": problem, "typed": typed or {}, "day": partial(date_words, zone=staff.words.zone)}
    return staff.page("contradiction.html", "/contradictions", values, status=status, about=one.patient_id)
