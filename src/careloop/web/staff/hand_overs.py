"""Hand over a shift: the page writes it, the other accepts it item by item."""

from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery

from careloop.access.policy import Action, require_action
from careloop.errors import CareloopError, Rejected
from careloop.flows import acts, people, shift_hand_over, worklist
from careloop.web.staff.context import SignedInStaff, Staff, checked_form
from careloop.web.staff.team import problem_of

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]


@get("/hand-over", sync_to_thread=True)
def hand_over_page(staff: SignedInStaff, to: FromQuery[str | None] = None) -> Response[str]:
    """What waits for an answer, and the hand-over of my work as it writes itself."""
    return _page(staff, to=to)


@post("/hand-over", sync_to_thread=True)
def hand_over_send(staff: SignedInStaff, data: Form) -> Response[str]:
    """The chosen loops are offered."""
    form = checked_form(staff, data)
    chosen = data.get("loop", [])
    loops = [str(one) for one in (chosen if isinstance(chosen, list) else [chosen])]
    try:
        sent = staff.app.database.run(
            staff.tenant.id,
            lambda tx: shift_hand_over.send(
                staff.app, tx, staff.principal, to=form.get("to", ""), note=form.get("note", ""), loop_ids=loops
            ),
            actor=staff.principal.reference,
        )
    except CareloopError as error:
        problem, status = problem_of(error)
        return _page(staff, to=form.get("to"), problem=problem, status=status)
    left = "".join(f" {number} stays: {why}." for number, why in sent.refused[:3])
    return staff.back("/hand-over", said=f"{sent.offered} offered. They are yours until they are accepted.{left}")


@post("/hand-over/{loop_id:str}/answer", sync_to_thread=True)
def hand_over_answer(staff: SignedInStaff, loop_id: FromPath[str], data: Form) -> Response[str]:
    """One item is accepted, or declined with a reason."""
    form = checked_form(staff, data)

    def work(tx: Any) -> str:
        if form.get("answer") == "accept":
            return acts.accept_offer(staff.app, tx, staff.principal, loop_id=loop_id).says
        return acts.decline_offer(staff.app, tx, staff.principal, loop_id=loop_id, why=form.get("why", "")).says

    try:
        said = staff.app.database.run(staff.tenant.id, work, actor=staff.principal.reference)
    except CareloopError as error:
        problem, status = problem_of(error)
        return _page(staff, problem=problem, status=status)
    return staff.back("/hand-over", said=said)


def _page(staff: Staff, *, to: str | None = None, problem: str = "", status: int = 200) -> Response[str]:
    require_action(staff.principal, Action.LOOP_WORK)
    written = None
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        standing = shift_hand_over.standing(staff.app, tx, staff.principal)
        names = people.Names(tx)
        owners = [one for one in worklist.owners(staff.app, tx)[1:] if one[0] != staff.principal.reference]
        if to:
            try:
                written = shift_hand_over.draft(staff.app, tx, staff.principal, to=to)
            except Rejected as error:
                problem, status = problem or error.message, max(status, 422)
    values = {
        "standing": standing,
        "draft": written,
        "name": names.name,
        "owners": owners,
        "to": to or "",
        "problem": problem,
    }
    return staff.page("hand_over.html", "/team", values, status=status)
