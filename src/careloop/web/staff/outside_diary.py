"""Two doors without an account: a person's calendar by a secret address, and the way into a video visit."""

from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath

from careloop.errors import NotFound
from careloop.flows import calendar_feeds, video_visits
from careloop.web.rendering import PAGE_HEADERS, Words, render
from careloop.web.staff.context import app_of

_CALENDAR_HEADERS = {
    "Cache-Control": "private, no-cache",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


@get("/calendar/{secret:str}", sync_to_thread=True)
def calendar_feed(request: Request[Any, Any, Any], secret: FromPath[str]) -> Response[bytes]:
    """The calendar of whoever was given this address; 304 where the reader has it, 404 once it is closed."""
    try:
        known = request.headers.get("if-none-match", "")
        found = calendar_feeds.read_feed(app_of(request), secret.removesuffix(".ics"), known)
    except NotFound:
        return Response(b"", status_code=404, media_type="text/plain", headers=_CALENDAR_HEADERS)
    headers = {**_CALENDAR_HEADERS, "ETag": found.etag}
    if not found.text:
        return Response(b"", status_code=304, media_type="text/calendar", headers=headers)
    return Response(found.text, media_type="text/calendar", headers=headers)


@get("/join/{secret:str}", sync_to_thread=True)
def join_page(request: Request[Any, Any, Any], secret: FromPath[str]) -> Response[str]:
    """When the visit is, and the way into it once it may be entered."""
    app = app_of(request)
    try:
        door = video_visits.door(app, secret)
    except NotFound:
        return render("join.html", {"door": None, "words": None}, status=404, headers=_HIDDEN)
    return render("join.html", {"door": door, "words": Words(app.clock.now(), door.zone)}, headers=_HIDDEN)


_HIDDEN = {**PAGE_HEADERS, "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}
