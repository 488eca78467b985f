"""Errors as pages: what happened, what was kept, a code to read out on the phone."""

import secrets
from typing import Any
from urllib.parse import quote

import structlog
from litestar import Request, Response
from litestar.enums import MediaType
from litestar.exceptions import HTTPException

from careloop.errors import (
    CareloopError,
    Conflict,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    Rejected,
    Throttled,
    Unavailable,
)
from careloop.web.rendering import PAGE_HEADERS, render
from careloop.web.staff.context import is_htmx

_log = structlog.get_logger()


def on_careloop_error(request: Request[Any, Any, Any], error: CareloopError) -> Response[str]:
    """A page, or a part that fits where htmx puts it, that says what is wrong in words."""
    if isinstance(error, NotAuthenticated):
        return _to_sign_in(request)
    status, title, text = _words(error)
    headers = {"Retry-After": str(error.retry_after_seconds)} if isinstance(error, Unavailable) else {}
    return _problem(request, status, title, text, headers=headers)


def on_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[str]:
    """What the framework refused: a path that is not there, a form that cannot be read."""
    titles = {404: "There is no such page.", 405: "That cannot be done here.", 413: "That is too large."}
    title = titles.get(error.status_code, "This request could not be read.")
    return _problem(request, error.status_code, title, "Nothing was changed.")


def on_fault(request: Request[Any, Any, Any], error: Exception) -> Response[str]:
    """Our own fault: the log has the code and the kind of error, the page has the code."""
    code = secrets.token_hex(4)
    _log.error("page_failed", code=code, kind=type(error).__name__, exc_info=error)
    return _problem(
        request,
        500,
        "Something went wrong on our side.",
        "What was saved before is safe. Nothing of this request was changed.",
        code=code,
    )


def _to_sign_in(request: Request[Any, Any, Any]) -> Response[str]:
    onward = (
        request.url.path + (f"?{request.url.query}" if request.url.query else "")
        if request.method == "GET"
        else "/worklist"
    )
    target = f"/sign-in?next={quote(onward, safe='')}"
    if is_htmx(request):
        return Response("", status_code=401, media_type=MediaType.HTML, headers={**PAGE_HEADERS, "HX-Redirect": target})
    return Response("", status_code=303, media_type=MediaType.HTML, headers={**PAGE_HEADERS, "Location": target})


def _words(error: CareloopError) -> tuple[int, str, str]:
    if isinstance(error, NotPermitted):
        return (
            403,
            "You may not see or do this.",
            f"{error.message.capitalize()}. Your administrator can give the right. This was noted.",
        )
    if isinstance(error, NotFound):
        return 404, "This is not here.", "It may have been closed, or it belongs to another practice."
    if isinstance(error, Conflict):
        return (
            409,
            "Somebody else changed this.",
            "Open the page again to see what changed. Nothing of yours was saved over it.",
        )
    if isinstance(error, Throttled):
        return 429, "Too many tries.", "Wait a minute and try again."
    if isinstance(error, Unavailable):
        return 503, "Not available just now.", "Nothing was lost. Try again in a few seconds."
    if isinstance(error, Rejected):
        return 422, "Something is missing.", f"{error.at}: {error.expected} is expected."
    return 500, "Something went wrong on our side.", "Nothing of this request was changed."


def _problem(
    request: Request[Any, Any, Any],
    status: int,
    title: str,
    text: str,
    *,
    code: str = "",
    headers: dict[str, str] | None = None,
) -> Response[str]:
    values = {
        "title": title,
        "text": text,
        "code": code,
        "target": request.headers.get("hx-target", "pane").lstrip("#"),
    }
    return render("problem_part.html" if is_htmx(request) else "problem.html", values, status=status, headers=headers)


exception_handlers: dict[Any, Any] = {
    CareloopError: on_careloop_error,
    HTTPException: on_http_error,
    Exception: on_fault,
}
