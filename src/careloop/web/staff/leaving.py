"""Somebody leaves: what they hold, who gets it, and only then the account is closed."""

from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath

from careloop.access import accounts
from careloop.access.accounts import StaffMember
from careloop.access.policy import Action, may_act, require_action
from careloop.db import Transaction
from careloop.errors import CareloopError, NotFound
from careloop.flows import leaving, staffing
from careloop.web.staff.context import SignedInStaff, Staff, checked_form
from careloop.web.staff.team import problem_of

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]


@get("/team/people/{practitioner_id:str}/leave", sync_to_thread=True)
def leave_page(staff: SignedInStaff, practitioner_id: FromPath[str]) -> Response[str]:
    """What this person holds."""
    return _page(staff, practitioner_id)


@post("/team/people/{practitioner_id:str}/leave", sync_to_thread=True)
def leave_send(staff: SignedInStaff, practitioner_id: FromPath[str], data: Form) -> Response[str]:
    """Everything moves, then the account is closed; or nothing happens."""
    form = checked_form(staff, data)
    require_action(staff.principal, Action.ACCOUNT_MANAGE)
    try:
        with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
            member = _member(tx, practitioner_id)
            others = {one.reference: one.username for one in accounts.staff(tx)}
        to = others.get(form.get("to", ""))
        moved = staffing.disable(staff.app, staff.principal, staff.tenant, member.username, to=to)
    except CareloopError as error:
        problem, status = problem_of(error)
        return _page(staff, practitioner_id, problem=problem, status=status)
    return staff.back(
        "/team", said=f"{member.name} has left. {moved} pieces of work moved; nothing is without an owner."
    )


def _member(tx: Transaction, practitioner_id: str) -> StaffMember:
    found = accounts.members(tx, [f"Practitioner/{practitioner_id}"])
    if not found or not found[0].active:
        raise NotFound("there is no such person")
    return found[0]


def _page(staff: Staff, practitioner_id: str, *, problem: str = "", status: int = 200) -> Response[str]:
    may_close = may_act(staff.principal, Action.ACCOUNT_MANAGE)
    if not may_close:
        require_action(staff.principal, Action.TEAM_SUPERVISE)
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        member = _member(tx, practitioner_id)
        held = leaving.held_by(staff.app, tx, member.reference)
        others = [one for one in accounts.staff(tx) if one.active and one != member]
    values = {"member": member, "held": held, "others": others, "may_close": may_close, "problem": problem}
    return staff.page("leave.html", "/team", values, status=status)
