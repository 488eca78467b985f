"""Arrivals: messages that could not be used, with place and reason; corrected, replayed or put aside by a person."""

from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery

from careloop.errors import Conflict, Rejected
from careloop.flows import inbox as flow
from careloop.web.staff.context import SignedInStaff, Staff, checked_form
from careloop.web.staff.feeds import alarms

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
_STATUSES = (("dead", "Not used"), ("received", "Waiting"), ("discarded", "Put aside"), ("processed", "Used"))


@get("/arrivals", sync_to_thread=True)
def arrivals_page(
    staff: SignedInStaff, status: FromQuery[str] = "dead", before: FromQuery[int | None] = None
) -> Response[str]:
    """The newest first, 50 on a page."""
    known = status if status in dict(_STATUSES) else "dead"
    page = flow.page(staff.app, staff.principal, status=known, before=before)
    values = {
        "items": page.items, "total": page.total, "next": page.next, "status": known, "statuses": _STATUSES,
        "quiet": alarms(staff),
    }  # fmt: skip
    return staff.page("arrivals.html", "/arrivals", values)


@get("/arrivals/{inbox_id:int}", sync_to_thread=True)
def arrival_page(staff: SignedInStaff, inbox_id: FromPath[int]) -> Response[str]:
    """One message as it came, and what can be done with it."""
    return _one(staff, inbox_id)


@post("/arrivals/{inbox_id:int}/replay", sync_to_thread=True)
def arrival_replay(staff: SignedInStaff, inbox_id: FromPath[int], data: Form) -> Response[str]:
    """Tried again as it is."""
    checked_form(staff, data)
    try:
        item = flow.replay(staff.app, staff.principal, inbox_id)
    except (Rejected, Conflict) as error:
        return _one(staff, inbox_id, problem=error.message)
    return staff.back(f"/arrivals/{inbox_id}", said=f"Tried again: {item.status.value}.")


@post("/arrivals/{inbox_id:int}/correct", sync_to_thread=True)
def arrival_correct(staff: SignedInStaff, inbox_id: FromPath[int], data: Form) -> Response[str]:
    """The corrected text beside the original, tried again."""
    text = checked_form(staff, data).get("corrected", "")
    try:
        item = flow.correct(staff.app, staff.principal, inbox_id, text)
    except (Rejected, Conflict) as error:
        return _one(staff, inbox_id, problem=error.message, typed=text)
    return staff.back(f"/arrivals/{inbox_id}", said=f"Corrected and tried again: {item.status.value}.")


@post("/arrivals/{inbox_id:int}/discard", sync_to_thread=True)
def arrival_discard(staff: SignedInStaff, inbox_id: FromPath[int], data: Form) -> Response[str]:
    """Put aside with the reason; the message stays."""
    why = checked_form(staff, data).get("why", "")
    try:
        flow.discard(staff.app, staff.principal, inbox_id, why)
    except (Rejected, Conflict) as error:
        return _one(staff, inbox_id, problem=error.message)
    return staff.back("/arrivals", said="Put aside. The message is kept.")


@post("/arrivals/{inbox_id:int}/accept-sender", sync_to_thread=True)
def arrival_accept_sender(staff: SignedInStaff, inbox_id: FromPath[int], data: Form) -> Response[str]:
    """The sender is taken from now on, and what it sent so far is tried again."""
    checked_form(staff, data)
    try:
        items = flow.accept_sender(staff.app, staff.principal, inbox_id)
    except (Rejected, Conflict) as error:
        return _one(staff, inbox_id, problem=error.message)
    return staff.back("/arrivals", said=f"Sender accepted. {len(items)} messages were tried again.")


def _one(staff: Staff, inbox_id: int, *, problem: str = "", typed: str | None = None) -> Response[str]:
    detail = flow.show(staff.app, staff.principal, inbox_id)
    values = {
        "item": detail.item,
        "raw": flow.text_of(detail),
        "typed": typed,
        "problem": problem,
        "is_from_feed": detail.feed_id is not None,
    }
    return staff.page("arrival.html", "/arrivals", values, status=422 if problem else 200)
