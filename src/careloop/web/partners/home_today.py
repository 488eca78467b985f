"""The pages of `/p/today/<code>`: birth date, one question at a time, today's numbers, what happens now. No script, no
cookie, no account: what was answered so far goes along in the form."""

from collections.abc import Mapping
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from litestar import Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath

from careloop.errors import Conflict, Rejected, Throttled
from careloop.flows import home_entering, home_links
from careloop.flows.home_links import Asked, Door
from careloop.monitoring.rules import check_ins
from careloop.web.partners.pages import HEADERS
from careloop.web.rendering import render
from careloop.web.staff.context import address_of, app_of
from careloop.web.staff.problems import exception_handlers

_AnyRequest = Request[Any, Any, Any]
Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
_MOST = 2000


@get("/p/today/{code:str}", sync_to_thread=True)
def check_in_page(request: _AnyRequest, code: FromPath[str]) -> Response[str]:
    """The birth date is asked for; a code that opens nothing gives one page, whatever the reason."""
    door = _door(request, code)
    return door if isinstance(door, Response) else _birth_date(door, code)


@post("/p/today/{code:str}", sync_to_thread=True, status_code=200)
def check_in_send(request: _AnyRequest, code: FromPath[str], data: Form) -> Response[str]:
    """The next question, the numbers, or the end with what happens now."""
    door = _door(request, code)
    if isinstance(door, Response):
        return door
    form = {name: str(value)[:200].strip() for name, value in data.items()}
    try:
        asked = home_links.ask(app_of(request), door, form.get("birth_date", ""))
    except Throttled:
        return _closed()
    if asked is None:
        return _birth_date(door, code, problem="This is not the birth date that we have for you.", status=422)
    answers = {name[2:]: value for name, value in form.items() if name.startswith("q-")}
    if form.get("send") != "yes":
        return _asking(door, code, asked, form, answers)
    return _send(request, door, code, asked, form, answers)


def _send(
    request: _AnyRequest, door: Door, code: str, asked: Asked, form: Mapping[str, str], answers: Mapping[str, str]
) -> Response[str]:
    app = app_of(request)
    try:
        given = {name: form.get(name, "") for metric in asked.metrics for name in (metric, f"{metric}-unit")}
        some = any(given[metric] for metric in asked.metrics)
        zone = ZoneInfo(asked.plan.zone)
        typed = home_entering.typed_of(asked.content, given, app.clock.now(), zone) if some else []
        outcome = home_links.save(app, door, asked, answers, typed)
    except Rejected as error:
        return _asking(door, code, asked, form, answers, problem=f"Please give {error.expected}.", status=422)
    except Conflict:
        return _closed()
    return _page({"step": "done", "outcome": outcome})


def _asking(
    door: Door,
    code: str,
    asked: Asked,
    form: Mapping[str, str],
    answers: Mapping[str, str],
    *,
    problem: str = "",
    status: int = 200,
) -> Response[str]:
    question = check_ins.next_question(asked.form, answers)
    metrics = [asked.content.metrics[one] for one in asked.metrics]
    levels = asked.content.check_ins["levels"]
    values = {
        "step": "asking",
        "code": code,
        "asked": asked,
        "birth_date": form.get("birth_date", ""),
        "answers": answers,
        "question": question,
        "metrics": metrics,
        "says": "" if question else check_ins.outcome(asked.form, answers, levels).says,
        "form": form,
        "problem": problem,
    }
    return _page(values, status=status)


def _door(request: _AnyRequest, code: str) -> Door | Response[str]:
    if len(code) > _MOST:
        return _closed()
    try:
        door = home_links.open_door(app_of(request), code, address_of(request))
    except Throttled as error:
        wait = {"Retry-After": str(error.retry_after_seconds)}
        return render("partner_wait.html", {}, status=429, headers={**HEADERS, **wait})
    return _closed() if door is None else door


def _closed() -> Response[str]:
    return render("partner_closed.html", {}, status=404, headers=HEADERS)


def _birth_date(door: Door, code: str, *, problem: str = "", status: int = 200) -> Response[str]:
    return _page({"step": "birth-date", "code": code, "site": door.tenant.name, "problem": problem}, status=status)


def _page(values: Mapping[str, Any], *, status: int = 200) -> Response[str]:
    return render("home_today.html", values, status=status, headers=HEADERS)


routes = [
    Router(
        path="/",
        route_handlers=[check_in_page, check_in_send],
        exception_handlers=exception_handlers,
        include_in_schema=False,
    )
]
