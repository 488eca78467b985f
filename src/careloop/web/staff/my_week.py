"""My week: the half-page of whoever is signed in (features row 76)."""

from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body

from careloop.flows import weekly_page as flow
from careloop.web.staff.context import SignedInStaff, checked_form

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]


@get("/my-week", sync_to_thread=True)
def my_week_page(staff: SignedInStaff) -> Response[str]:
    """What was closed for my patients, what I am asked, what is late on me."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        found = flow.week(staff.app, tx, staff.principal)
    return staff.page("my_week.html", "/my-week", {"week": found, "weekdays": flow.WEEKDAYS})


@post("/my-week", sync_to_thread=True)
def my_week_day(staff: SignedInStaff, data: Form) -> Response[str]:
    """On which day its link is sent."""
    text = checked_form(staff, data).get("weekday", "")
    weekday = int(text) if text.isdecimal() else -1
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        said = flow.choose_day(tx, staff.principal, weekday)
    return staff.back("/my-week", said=said)
