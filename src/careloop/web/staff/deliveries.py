"""Deliveries: what was sent to other systems, what waits and why, what was given up; sent again by a person."""

from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery

from careloop.flows import outbox as flow
from careloop.web.staff.context import SignedInStaff, checked_form

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
_STATUSES = (("dead", "Given up"), ("waiting", "Waiting"), ("done", "Arrived"), ("withdrawn", "Not wanted any more"))


@get("/deliveries", sync_to_thread=True)
def deliveries_page(
    staff: SignedInStaff, status: FromQuery[str] = "dead", before: FromQuery[int | None] = None
) -> Response[str]:
    """The newest first, 50 on a page."""
    known = status if status in dict(_STATUSES) else "dead"
    page = flow.page(staff.app, staff.principal, status=known, before=before)
    values = {
        "items": page.items,
        "total": page.counts.get(known, 0),
        "counts": page.counts,
        "next": page.next,
        "status": known,
        "statuses": _STATUSES,
    }
    return staff.page("deliveries.html", "/deliveries", values)


@get("/deliveries/{delivery_id:int}", sync_to_thread=True)
def delivery_page(staff: SignedInStaff, delivery_id: FromPath[int]) -> Response[str]:
    """One delivery, and what can be done with it."""
    found = flow.show(staff.app, staff.principal, delivery_id)
    values = {"item": found, "raw": flow.text_of(found), "state": dict(_STATUSES)[found.status.value]}
    return staff.page("delivery.html", "/deliveries", values)


@post("/deliveries/{delivery_id:int}/retry", sync_to_thread=True)
def delivery_retry(staff: SignedInStaff, delivery_id: FromPath[int], data: Form) -> Response[str]:
    """Sent once more, at once."""
    checked_form(staff, data)
    flow.retry(staff.app, staff.principal, delivery_id)
    return staff.back(f"/deliveries/{delivery_id}", said="It is being sent again.")
