"""The team of a patient: who leads, who does what, who owned what when; and the lead passes on by offer."""

from datetime import datetime
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery

from careloop.access.policy import Action, may_act, require
from careloop.db import Transaction
from careloop.errors import CareloopError, Rejected
from careloop.flows import leading
from careloop.flows import patient_team as flow
from careloop.web.staff.context import SignedInStaff, Staff, checked_form
from careloop.web.staff.team import moment_in, problem_of
from careloop.web.words import born_words

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]


@get("/patients/{patient_id:str}/team", sync_to_thread=True)
def patient_team_page(
    staff: SignedInStaff, patient_id: FromPath[str], at: FromQuery[str | None] = None
) -> Response[str]:
    """Everybody with a hand in the care, and who owned what at a moment."""
    return _page(staff, patient_id, at=at)


@post("/patients/{patient_id:str}/lead", sync_to_thread=True)
def lead_save(staff: SignedInStaff, patient_id: FromPath[str], data: Form) -> Response[str]:
    """The lead is offered, accepted, declined or assigned."""
    form = checked_form(staff, data)
    require(staff.principal, "update", "CareTeam")
    try:
        said = staff.app.database.run(
            staff.tenant.id, lambda tx: _carry_out(staff, tx, patient_id, form), actor=staff.principal.reference
        )
    except CareloopError as error:
        problem, status = problem_of(error)
        return _page(staff, patient_id, problem=problem, status=status)
    return staff.back(f"/patients/{patient_id}/team", said=said)


def _carry_out(staff: Staff, tx: Transaction, patient_id: str, form: dict[str, str]) -> str:
    to, why = form.get("to", ""), form.get("why", "")
    match form.get("what"):
        case "accept":
            return leading.accept_lead(staff.app, tx, staff.principal, patient_id=patient_id)
        case "decline":
            return leading.decline_lead(staff.app, tx, staff.principal, patient_id=patient_id, why=why)
        case "assign":
            return leading.assign_lead(staff.app, tx, staff.principal, patient_id=patient_id, to=to, why=why)
        case _:
            return leading.offer_lead(staff.app, tx, staff.principal, patient_id=patient_id, to=to, why=why)


def _page(
    staff: Staff, patient_id: str, *, at: str | None = None, problem: str = "", status: int = 200
) -> Response[str]:
    try:
        moment: datetime | None = moment_in(staff, at) if at else None
    except Rejected as error:
        moment, problem = None, error.message
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        page = flow.page(staff.app, tx, staff.principal, patient_id, moment)
    offer = page.lead.offer if page.lead else None
    values = {
        "page": page,
        "tab": "team",
        "primary": None,
        "born": born_words,
        "problem": problem,
        "answers": offer is not None and offer.taker == staff.principal.reference,
        "assigns": offer is not None
        and offer.assignable <= staff.now
        and may_act(staff.principal, Action.TEAM_SUPERVISE),
    }
    return staff.page("patient_team.html", "/patients", values, about=patient_id, status=status)
