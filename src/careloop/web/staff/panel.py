"""The panel that an EHR opens beside its chart: no account here, one patient, no script, 320 px wide."""

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.enums import MediaType, RequestEncodingType
from litestar.params import Body, FromQuery

from careloop.access.browser import CSRF_FIELD, check_csrf, check_origin, is_secure, server_address
from careloop.access.sessions import csrf_token
from careloop.errors import Conflict, NotAuthenticated, NotFound, Rejected, Unavailable
from careloop.flows import ehr_launch
from careloop.flows import panel as flow
from careloop.web.rendering import CONTENT_SECURITY_POLICY, PAGE_HEADERS, Words, render
from careloop.web.staff.context import address_of, app_of, browser_request

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
_AnyRequest = Request[Any, Any, Any]
_LAUNCH_COOKIE, _PANEL_COOKIE = "careloop_launch", "careloop_panel"
_MOST = 2000


@get("/launch", sync_to_thread=True)
def launch(request: _AnyRequest, iss: FromQuery[str] = "", launch: FromQuery[str] = "") -> Response[str]:
    """On to the EHR's own sign-in."""
    try:
        if not iss or not launch or len(iss) + len(launch) > _MOST:
            raise NotFound("there is no such EHR here")
        started = ehr_launch.start(app_of(request), iss, launch, _callback(request))
    except (NotFound, Unavailable) as error:
        return _message("This EHR cannot open Careloop.", error.message, 404 if isinstance(error, NotFound) else 502)
    onward = {**PAGE_HEADERS, "Location": started.address, "Referrer-Policy": "no-referrer"}
    answer: Response[str] = Response("", status_code=303, media_type=MediaType.HTML, headers=onward)
    answer.set_cookie(_cookie(request, _LAUNCH_COOKIE, started.sealed, "/launch"))
    return answer


@get("/launch/callback", sync_to_thread=True)
def launch_callback(request: _AnyRequest) -> Response[str]:
    """The EHR has said who and for whom: on to the panel, or why there is none."""
    given = request.query_params
    code, state = str(given.get("code", "")), str(given.get("state", ""))
    if "error" in given or not code or len(code) + len(state) > _MOST:
        return _message("The EHR did not let Careloop in.", "Close this and open it from the chart again.", 403)
    sealed = request.cookies.get(_LAUNCH_COOKIE, "")
    try:
        opened = ehr_launch.finish(app_of(request), sealed, state, code, _callback(request), address_of(request))
    except (NotAuthenticated, NotFound, Unavailable) as problem:
        status = 502 if isinstance(problem, Unavailable) else 403
        return _message("The EHR did not let Careloop in.", problem.message, status)
    if opened.patient_id is None:
        text = "No record number of this chart belongs to exactly one person here."
        return _message("This patient is not found here.", text, 404, opened.ehr.origins)
    answer: Response[str] = Response("", status_code=303, headers={**PAGE_HEADERS, "Location": "/panel"})
    answer.set_cookie(_cookie(request, _LAUNCH_COOKIE, "", "/launch"))
    answer.set_cookie(_cookie(request, _PANEL_COOKIE, flow.admit(app_of(request), opened), "/panel"))
    return answer


@get("/panel", sync_to_thread=True)
def panel_page(request: _AnyRequest) -> Response[str]:
    """The open loops of the patient, and one question."""
    return _panel(request)


@post("/panel/answer", sync_to_thread=True, status_code=200)
def panel_answer(request: _AnyRequest, data: Form) -> Response[str]:
    """Yes or no is written; the panel as it is then."""
    sealed = request.cookies.get(_PANEL_COOKIE, "")
    try:
        here = flow.visit(app_of(request), sealed, address_of(request))
    except NotAuthenticated as error:
        return _message("The panel is closed.", error.message, 401)
    check_origin(browser_request(request))
    check_csrf(sealed, str(data.get(CSRF_FIELD, "")))
    said, version = str(data.get("answer", "")), str(data.get("version", ""))
    if said not in ("yes", "no") or not (version.isascii() and version.isdecimal() and len(version) < 10):
        raise Rejected(at="answer", expected="yes or no")
    try:
        flow.answer(app_of(request), here, str(data.get("task", "")), int(version), said == "yes")
    except Conflict:
        return _panel(request, problem="Somebody answered or changed the question meanwhile.", status=409)
    headers = {**PAGE_HEADERS, "Location": "/panel"}
    return Response("", status_code=303, media_type=MediaType.HTML, headers=headers)


def _panel(request: _AnyRequest, *, problem: str = "", status: int = 200) -> Response[str]:
    app, sealed = app_of(request), request.cookies.get(_PANEL_COOKIE, "")
    try:
        here = flow.visit(app, sealed, address_of(request))
    except NotAuthenticated as error:
        return _message("The panel is closed.", error.message, 401)
    values = {
        "panel": flow.show(app, here),
        "site": here.tenant.name,
        "csrf": csrf_token(sealed),
        "words": Words(app.clock.now(), here.tenant.zone),
        "problem": problem,
    }
    return render("panel.html", values, status=status, headers=_framed(here.ehr.origins))


def _message(title: str, text: str, status: int, origins: tuple[str, ...] = ()) -> Response[str]:
    return render("panel_message.html", {"title": title, "text": text}, status=status, headers=_framed(origins))


def _framed(origins: tuple[str, ...]) -> dict[str, str]:
    """The headers of a page that the EHR's own pages may frame, and nobody else's (security.md §5)."""
    allowed = " ".join(origins) or "'none'"
    policy = CONTENT_SECURITY_POLICY.replace("frame-ancestors 'none'", f"frame-ancestors {allowed}")
    return {"Content-Security-Policy": policy}


def _cookie(request: _AnyRequest, key: str, value: str, path: str) -> Cookie:
    """A cookie that also comes along inside the EHR's frame, wherever we are reached by https."""
    secure = is_secure(browser_request(request), app_of(request).settings.public_url)
    return Cookie(
        key=key,
        value=value,
        path=path,
        httponly=True,
        secure=secure,
        samesite="none" if secure else "lax",
        max_age=None if value else 0,
    )


def _callback(request: _AnyRequest) -> str:
    return f"{server_address(browser_request(request), app_of(request).settings.public_url)}/launch/callback"
