"""Sign in and out: no puzzle, paste allowed, one text for whatever was wrong."""

import hmac
import secrets
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.enums import MediaType, RequestEncodingType
from litestar.params import Body, FromQuery

from careloop.access.browser import check_origin
from careloop.access.model import Role
from careloop.errors import NotAuthenticated, NotPermitted, Throttled
from careloop.flows.accounts import SignedIn, confirm_code, sign_in, sign_out
from careloop.web.rendering import PAGE_HEADERS, render
from careloop.web.staff.context import (
    SignedInStaff,
    address_of,
    app_of,
    browser_request,
    checked_form,
    local_path,
    session_cookie,
)

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
_BEFORE_COOKIE = "careloop_before"
_WAITING_COOKIE = "careloop_waiting"


@get("/sign-in", sync_to_thread=True)
def sign_in_page(request: Request[Any, Any, Any], next: FromQuery[str] = "/") -> Response[str]:  # noqa: A002
    """The form. A cookie of its own ties the form to this browser before there is a session."""
    return _page(request, "password", onward=next)


@post("/sign-in", sync_to_thread=True, status_code=200)
def sign_in_send(request: Request[Any, Any, Any], data: Form) -> Response[str]:
    """A session, or the code form, or the form again with one sentence."""
    _check_before(request, data)
    username, onward = str(data.get("username", "")), str(data.get("next", "/"))
    try:
        signed = sign_in(
            app_of(request), username, str(data.get("password", "")), code=None, address=address_of(request)
        )
    except Throttled:
        return _page(
            request,
            "password",
            onward=onward,
            username=username,
            status=429,
            problem="Too many tries. Wait a minute and try again.",
        )
    except NotAuthenticated:
        return _page(
            request,
            "password",
            onward=onward,
            username=username,
            status=401,
            problem="The name or the password is not right.",
        )
    if signed.needs_code:
        answer = _page(request, "code", onward=onward)
        answer.set_cookie(_short_cookie(_WAITING_COOKIE, signed.token))
        return answer
    return _enter(request, signed, onward)


@post("/sign-in/code", sync_to_thread=True, status_code=200)
def sign_in_code(request: Request[Any, Any, Any], data: Form) -> Response[str]:
    """The second factor. A wrong code asks again; a waiting sign-in that is too old starts over."""
    _check_before(request, data)
    onward = str(data.get("next", "/"))
    try:
        signed = confirm_code(
            app_of(request),
            request.cookies.get(_WAITING_COOKIE, ""),
            str(data.get("code", "")),
            address=address_of(request),
        )
    except Throttled:
        return _page(request, "code", onward=onward, status=429, problem="Too many tries. Wait a minute and try again.")
    except NotAuthenticated:
        return _page(request, "code", onward=onward, status=401, problem="That code is not right or was used already.")
    return _enter(request, signed, onward)


@post("/sign-out", sync_to_thread=True)
def sign_out_send(staff: SignedInStaff, data: Form) -> Response[str]:
    """The session is over on the server too."""
    checked_form(staff, data)
    sign_out(staff.app, staff.session, address=address_of(staff.request))
    answer = staff.back("/sign-in")
    answer.set_cookie(session_cookie(staff.request, ""))
    return answer


def _enter(request: Request[Any, Any, Any], signed: SignedIn, onward: str) -> Response[str]:
    path = local_path(onward) if onward not in ("", "/") else _first_page(signed)
    answer: Response[str] = Response(
        "", status_code=303, media_type=MediaType.HTML, headers={**PAGE_HEADERS, "Location": path}
    )
    answer.set_cookie(session_cookie(request, signed.token))
    answer.set_cookie(_short_cookie(_WAITING_COOKIE, "", max_age=0))
    return answer


def _first_page(signed: SignedIn) -> str:
    return "/transitions" if Role.MANAGER in signed.account.roles else "/worklist"


def _page(
    request: Request[Any, Any, Any], step: str, *, onward: str, username: str = "", status: int = 200, problem: str = ""
) -> Response[str]:
    before = request.cookies.get(_BEFORE_COOKIE) or secrets.token_urlsafe(24)
    values = {"step": step, "next": onward, "username": username, "problem": problem, "csrf": before}
    answer = render("sign_in.html", values, status=status)
    answer.set_cookie(_short_cookie(_BEFORE_COOKIE, before, max_age=3600))
    return answer


def _check_before(request: Request[Any, Any, Any], data: dict[str, Any]) -> None:
    check_origin(browser_request(request))
    expected, offered = request.cookies.get(_BEFORE_COOKIE, ""), str(data.get("csrf", ""))
    if not expected or not hmac.compare_digest(expected.encode(), offered.encode()):
        raise NotPermitted("This form is too old. Open the sign-in page again.")


def _short_cookie(key: str, value: str, *, max_age: int = 300) -> Cookie:
    return Cookie(key=key, value=value, path="/", httponly=True, samesite="lax", max_age=max_age)
