"""Messages: threads that wait at the left, one of them with its answer box at the right (ui.md §7.7)."""

from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath

from careloop.errors import Rejected
from careloop.flows import acting
from careloop.flows import message_board as flow
from careloop.web.staff.context import SignedInStaff, Staff, checked_form
from careloop.web.staff.worklist import new_key

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]


@get("/messages", sync_to_thread=True)
def messages_page(staff: SignedInStaff) -> Response[str]:
    """The list, with the first thread beside it."""
    return _page(staff, None)


@get("/messages/{message_id:str}", sync_to_thread=True)
def message_page(staff: SignedInStaff, message_id: FromPath[str]) -> Response[str]:
    """The list with this thread beside it."""
    return _page(staff, message_id)


@post("/messages/{message_id:str}", sync_to_thread=True)
def message_act(staff: SignedInStaff, message_id: FromPath[str], data: Form) -> Response[str]:
    """Read, answered, looked at before it is sent, or the reason for another loop; which, says the pressed button."""
    form = checked_form(staff, data)
    do, text = form.get("do", ""), form.get("text", "")
    if do == "check":
        return _page(staff, message_id, typed=text, checked=True)
    try:
        receipt = staff.app.database.run(
            staff.tenant.id, lambda tx: _carry_out(staff, tx, message_id, form), actor=staff.principal.reference
        )
    except Rejected as error:
        return _page(staff, message_id, typed=text, problem=error.message, status=422)
    here = "/messages" if do == "answer" else f"/messages/{message_id}"
    return staff.back(here, said=receipt.says)


def _carry_out(staff: Staff, tx: Any, loop_id: str, form: dict[str, str]) -> acting.ActReceipt:
    do = form.get("do", "")
    if do == "read":
        return flow.mark_read(staff.app, tx, staff.principal, loop_id)
    if do == "answer":
        return flow.answer(staff.app, tx, staff.principal, loop_id, form.get("text", ""), key=form.get("key") or None)
    if do.startswith("open "):
        return flow.open_matter(staff.app, tx, staff.principal, loop_id, do.removeprefix("open "))
    raise Rejected(at="do", expected="read, answer, check or open", code="code-invalid")


def _page(
    staff: Staff, loop_id: str | None, *, typed: str = "", problem: str = "", checked: bool = False, status: int = 200
) -> Response[str]:
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        threads = flow.board(staff.app, tx, staff.principal)
        chosen = loop_id or (threads[0].loop_id if threads else None)
        opened = flow.open_thread(staff.app, tx, staff.principal, chosen) if chosen else None
    values = {
        "threads": threads,
        "warned": sum(one.warning is not None for one in threads),
        "late": sum(one.clock == "overdue" for one in threads),
        "opened": opened,
        "typed": typed,
        "problem": problem,
        "grade": flow.grade(typed) if checked else None,
        "checked": checked,
        "can_open": flow.OPENED_FROM_HERE,
        "idempotency_key": new_key(),
    }
    about = opened.thread.patient_id if opened else ""
    return staff.page("messages.html", "/messages", values, status=status, about=about)
