"""The pages of `/p/<code>`: the birth date, the question with its answers, what was saved. No session, no cookie."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from litestar import Request, Response, Router, get, post
from litestar.datastructures import UploadFile
from litestar.enums import MediaType, RequestEncodingType
from litestar.params import Body, FromPath

from careloop import community
from careloop.errors import Fault, Rejected, Throttled
from careloop.flows import partner_answers as answers
from careloop.flows import partner_forms as forms
from careloop.flows import partner_links as links
from careloop.flows.app import App
from careloop.flows.partner_links import Asked, Door
from careloop.longitudinal.rules.ages import date_words
from careloop.web.partners import checkin, education, home_today, medicines
from careloop.web.partners.drawing import WRONG_DATE, birth_date
from careloop.web.rendering import PAGE_HEADERS, render
from careloop.web.staff.context import address_of, app_of
from careloop.web.staff.problems import exception_handlers

_AnyRequest = Request[Any, Any, Any]
Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
Parts = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.MULTI_PART)]
HEADERS = {**PAGE_HEADERS, "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow"}
_URGENCY = {"routine": "Routine", "urgent": "Urgent", "asap": "As soon as possible", "stat": "At once"}


@get("/p", sync_to_thread=False)
def code_page() -> Response[str]:
    """Where a code from paper is typed."""
    return _page("partner_code.html", {"problem": ""})


@post("/p", sync_to_thread=False)
def code_send(data: Form) -> Response[str]:
    """On to the page of the code; a text that cannot be a code is asked for again."""
    plain = community.plain(str(data.get("code", "")))
    if plain is None:
        problem = "A code looks like L-1987 K7QX. Please look at the sheet again."
        return _page("partner_code.html", {"problem": problem}, status=422)
    headers = {**HEADERS, "Location": f"/p/{community.as_path(plain)}"}
    return Response("", status_code=303, media_type=MediaType.HTML, headers=headers)


@get("/p/{code:str}", sync_to_thread=True)
def birth_date_page(request: _AnyRequest, code: FromPath[str]) -> Response[str]:
    """The birth date is asked for; for a code that opens nothing, one page whatever the reason."""
    door = _door(request, code)
    if not isinstance(door, Response) and door.link.purpose is community.Purpose.CHECK_IN:
        return home_today.door_page(door, code)
    return door if isinstance(door, Response) else birth_date(door, code)


@post("/p/{code:str}", sync_to_thread=True, status_code=200)
def birth_date_send(request: _AnyRequest, code: FromPath[str], data: Form) -> Response[str]:
    """The question, for the right birth date."""
    door = _door(request, code)
    if isinstance(door, Response):
        return door
    if own := _FIRST.get(door.link.purpose):
        return own(app_of(request), door, code, str(data.get("birth_date", "")))
    asked = links.ask(app_of(request), door, str(data.get("birth_date", "")))
    if asked is None:
        return birth_date(door, code, problem=WRONG_DATE, status=422)
    return _question(door, code, asked, {})


@post("/p/{code:str}/answer", sync_to_thread=True, status_code=200)
def answer_send(request: _AnyRequest, code: FromPath[str], data: Parts) -> Response[str]:
    """The answer is saved, once; a form that cannot be saved comes back with all that was typed."""
    door = _door(request, code)
    if isinstance(door, Response):
        return door
    if not forms.FORMS.get(door.link.purpose):
        return _closed()
    app = app_of(request)
    form = {name: value.strip() for name, value in data.items() if isinstance(value, str)}
    if not links.is_proof(app, door.link.id, form.get("proof", ""), app.clock.now()):
        return birth_date(door, code, problem="Too much time went by. Please give the birth date again.", status=422)
    try:
        upload = _upload(data, form.get("answer", ""))
        zone = ZoneInfo(door.tenant.zone)
        said = forms.read(door.link.purpose, form, has_file=upload is not None, now=app.clock.now(), zone=zone)
        saved = answers.save(app, door, form["proof"], said, upload)
    except Rejected as error:
        return _question(door, code, _again(request, door), form, error.faults)
    if saved is None:
        return _closed()
    onward = saved.next_code
    values = {
        "door": door,
        "says": saved.says,
        "next_path": f"/p/{onward.secret}" if onward else "",
        "next_sheet": onward.sheet if onward else "",
    }
    return _page("partner_done.html", values)


@post("/p/{code:str}/medicines", sync_to_thread=True, status_code=200)
def medicines_send(request: _AnyRequest, code: FromPath[str], data: Form) -> Response[str]:
    """What the patient takes at home is saved, once."""
    return _saved(request, code, data, community.Purpose.MEDICINES, medicines.saved)


@post("/p/{code:str}/education", sync_to_thread=True, status_code=200)
def education_answer(request: _AnyRequest, code: FromPath[str], data: Form) -> Response[str]:
    """What the patient says back is kept, once."""
    return _saved(request, code, data, community.Purpose.EDUCATION, education.saved)


@post("/p/{code:str}/check-in", sync_to_thread=True, status_code=200)
def checkin_send(request: _AnyRequest, code: FromPath[str], data: Form) -> Response[str]:
    """One page of a check-in is saved, and the next one comes."""
    return _saved(request, code, data, community.Purpose.ASSESSMENT, checkin.saved)


@post("/p/{code:str}/today", sync_to_thread=True, status_code=200)
def today_send(request: _AnyRequest, code: FromPath[str], data: Form) -> Response[str]:
    """One page of a patient's check-in is saved, and the next one comes."""
    return _saved(request, code, data, community.Purpose.CHECK_IN, home_today.saved)


_FIRST: Mapping[community.Purpose, Callable[[App, Door, str, str], Response[str]]] = {
    community.Purpose.CHECK_IN: home_today.first,
    community.Purpose.MEDICINES: medicines.first,
    community.Purpose.ASSESSMENT: checkin.first,
    community.Purpose.EDUCATION: education.first,
}
"""Links whose first page is their own; the others ask a question with answers (`partner_forms.FORMS`)."""


def _saved(
    request: _AnyRequest,
    code: str,
    data: Form,
    purpose: community.Purpose,
    save: Callable[[App, Door, str, dict[str, Any]], Response[str]],
) -> Response[str]:
    """What was sent through a link that stands open for this purpose is saved; any other code opens nothing."""
    door = _door(request, code)
    if isinstance(door, Response):
        return door
    return save(app_of(request), door, code, data) if door.link.purpose is purpose else _closed()


def _door(request: _AnyRequest, code: str) -> Door | Response[str]:
    try:
        door = links.open_door(app_of(request), code, address_of(request))
    except Throttled as error:
        wait = {"Retry-After": str(error.retry_after_seconds)}
        return render("partner_wait.html", {}, status=429, headers={**HEADERS, **wait})
    return _closed() if door is None else door


def _closed() -> Response[str]:
    return _page("partner_closed.html", {}, status=404)


def _question(
    door: Door, code: str, asked: Asked, form: Mapping[str, str], faults: tuple[Fault, ...] = ()
) -> Response[str]:
    values = {
        "code": code,
        "door": door,
        "asked": asked,
        "born": date_words(asked.born, ZoneInfo(door.tenant.zone)),
        "by": date_words(asked.by, ZoneInfo(door.tenant.zone)) if asked.by else "",
        "urgency": _URGENCY.get(asked.urgency, ""),
        "options": forms.FORMS[door.link.purpose],
        "field_id": forms.field_id,
        "form": form,
        "faults": [(_place(door, form, fault), _sentence(fault)) for fault in faults],
    }
    return _page("partner_question.html", values, status=422 if faults else 200)


def _again(request: _AnyRequest, door: Door) -> Asked:
    """What is asked, for a form that comes back: its proof was good."""
    app = app_of(request)
    sight = door.principal.narrowing
    with app.database.transaction(door.tenant.id, actor=door.principal.reference, sight=sight) as tx:
        return links.asked(app, tx, door)


def _place(door: Door, form: Mapping[str, str], fault: Fault) -> str:
    """The id of the field that a fault is about."""
    option = forms.option_of(door.link.purpose, form.get("answer", ""))
    if fault.at == "file":
        return f"{option.code}-report" if option else "answer"
    plain = {one.name for one in option.fields} if option else set()
    return f"{option.code}-{fault.at}" if option and fault.at in plain else fault.at


def _sentence(fault: Fault) -> str:
    return f"Please give {fault.expected}."


def _upload(data: Mapping[str, Any], chosen: str) -> answers.Upload | None:
    """The file of the chosen answer, None where none was picked."""
    file = data.get(f"{chosen}-report")
    if not isinstance(file, UploadFile):
        return None
    content = file.file.read()
    return answers.Upload(name=file.filename or "report", content=content) if content else None


def _page(template: str, values: Mapping[str, Any], *, status: int = 200) -> Response[str]:
    return render(template, values, status=status, headers=HEADERS)


routes = [
    Router(
        path="/",
        route_handlers=[
            code_page,
            code_send,
            birth_date_page,
            birth_date_send,
            answer_send,
            medicines_send,
            education_answer,
            checkin_send,
            today_send,
        ],
        exception_handlers=exception_handlers,
        include_in_schema=False,
    )
]
