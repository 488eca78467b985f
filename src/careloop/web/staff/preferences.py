"""Settings of one browser (colours, rows, single keys), and the help page."""

from typing import Annotated, Any

from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.enums import RequestEncodingType
from litestar.params import Body

from careloop.web.staff.context import LOOK_COOKIE, SignedInStaff, checked_form

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
_YEAR_SECONDS = 365 * 24 * 3600


@get("/settings", sync_to_thread=True)
def settings_page(staff: SignedInStaff) -> Response[str]:
    """The form."""
    return staff.page("settings.html", "/settings", {})


@post("/settings", sync_to_thread=True)
def settings_save(staff: SignedInStaff, data: Form) -> Response[str]:
    """Kept in a cookie: nothing about a patient is in it."""
    form = checked_form(staff, data)
    theme = form.get("theme", "") if form.get("theme") in ("light", "dark") else ""
    density = "compact" if form.get("density") == "compact" else ""
    answer = staff.back("/settings", said="Saved.")
    answer.set_cookie(
        Cookie(
            key=LOOK_COOKIE,
            value=f"{theme}.{density}.{'off' if form.get('keys') else ''}",
            path="/",
            httponly=True,
            samesite="lax",
            max_age=_YEAR_SECONDS,
        )
    )
    return answer


@get("/help", sync_to_thread=True)
def help_page(staff: SignedInStaff) -> Response[str]:
    """What a loop is, and all keys."""
    return staff.page("help.html", "/help", {})
