"""Who waits for a visit and what they are offered; what was missed and what is done about it."""

from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath

from careloop.access.policy import require
from careloop.errors import Conflict, Rejected
from careloop.flows import booking, diary_pages, missed_visits, offers
from careloop.web.staff.context import SignedInStaff, Staff, checked_form
from careloop.web.staff.schedule import HERE, run

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]


@get("/schedule/waiting", sync_to_thread=True)
def waiting_page(staff: SignedInStaff) -> Response[str]:
    """Those who wait, the most urgent first, and the times kept for one of them."""
    return _waiting(staff)


@post("/schedule/offers/{offer_id:str}", sync_to_thread=True)
def offer_send(staff: SignedInStaff, offer_id: FromPath[str], data: Form) -> Response[str]:
    """What the person said to the offer."""
    form = checked_form(staff, data)
    require(staff.principal, "update", "Appointment")
    try:
        said = run(staff, lambda tx: offers.answer(staff.app, tx, staff.principal, offer_id, form.get("answer", "")))
    except (Rejected, Conflict) as error:
        return _waiting(staff, problem=error.message, status=409 if isinstance(error, Conflict) else 422)
    return staff.back("/schedule/waiting", said=said)


def _waiting(staff: Staff, *, problem: str = "", status: int = 200) -> Response[str]:
    page = run(staff, lambda tx: diary_pages.waiting(staff.app, tx, staff.principal))
    return staff.page("schedule_waiting.html", HERE, {"page": page, "problem": problem}, status=status)


@get("/schedule/missed", sync_to_thread=True)
def missed_page(staff: SignedInStaff) -> Response[str]:
    """Missed and cancelled visits: whom to ask why, what is being done, what helps."""
    return _missed(staff)


@post("/schedule/fixes/{task_id:str}", sync_to_thread=True)
def fix_send(staff: SignedInStaff, task_id: FromPath[str], data: Form) -> Response[str]:
    """A fix was done, or could not be."""
    form = checked_form(staff, data)
    done = form.get("answer") == "done"
    require(staff.principal, "update", "Task")
    try:
        run(staff, lambda tx: booking.finish_fix(staff.app, tx, staff.principal, task_id, done=done))
    except Conflict as error:
        return _missed(staff, problem=error.message, status=409)
    return staff.back("/schedule/missed", said="Done." if done else "Kept as not possible.")


def _missed(staff: Staff, *, problem: str = "", status: int = 200) -> Response[str]:
    page = run(staff, lambda tx: missed_visits.missed_page(staff.app, tx, staff.principal))
    return staff.page("schedule_missed.html", HERE, {"page": page, "problem": problem}, status=status)
