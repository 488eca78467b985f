"""Notices: what needs me, how I am told, what became of what I never opened; who is on call."""

from datetime import datetime
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath

from careloop.engagement.notices.model import WAYS
from careloop.errors import Rejected
from careloop.flows import notices as flow
from careloop.web.staff.context import SignedInStaff, Staff, checked_form

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
HERE = "/notices"
_SETTINGS = f"{HERE}/settings"


@get(HERE, sync_to_thread=True)
def notices_page(staff: SignedInStaff) -> Response[str]:
    """What needs me; it was seen from now on."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        found = flow.page(staff.app, tx, staff.principal)
    return staff.page("notices.html", HERE, {"found": found})


@post(f"{HERE}/{{notice_id:str}}/open", sync_to_thread=True)
def notice_open(staff: SignedInStaff, notice_id: FromPath[str], data: Form) -> Response[str]:
    """The matter that a notice is about."""
    checked_form(staff, data)
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        path = flow.open_one(staff.app, tx, staff.principal, notice_id)
    return staff.back(path)


@post(f"{HERE}/seen", sync_to_thread=True)
def notices_seen(staff: SignedInStaff, data: Form) -> Response[str]:
    """I know."""
    checked_form(staff, data)
    ids = data.get("id", [])
    chosen = [str(one) for one in (ids if isinstance(ids, list) else [ids])]
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        count = flow.got_it(staff.app, tx, staff.principal, chosen)
    return staff.back(HERE, said=f"{count} noted.")


@get(_SETTINGS, sync_to_thread=True)
def notice_settings(staff: SignedInStaff) -> Response[str]:
    """How I am told."""
    return _settings(staff)


@post(_SETTINGS, sync_to_thread=True)
def notice_settings_save(staff: SignedInStaff, data: Form) -> Response[str]:
    """Address and hours."""
    form = checked_form(staff, data)
    quiet = (form.get("from", ""), form.get("until", ""))
    try:
        with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
            said = flow.save_person(
                staff.app,
                tx,
                staff.principal,
                address=form.get("address", ""),
                digest_at=form.get("digest", ""),
                quiet=quiet,
            )
    except Rejected as error:
        return _settings(staff, problem=_problem(error), typed=form)
    return staff.back(_SETTINGS, said=said)


@post(f"{HERE}/kinds", sync_to_thread=True)
def notice_kind_save(staff: SignedInStaff, data: Form) -> Response[str]:
    """A kind comes another way from now on; or several, each in a field `way.<kind>`."""
    form = checked_form(staff, data)
    ways = {name.removeprefix("way."): way for name, way in form.items() if name.startswith("way.")}
    chosen = ways or {form.get("kind", ""): form.get("way", "")}
    try:
        with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
            said = [flow.choose(staff.app, tx, staff.principal, kind, way) for kind, way in chosen.items()]
    except Rejected as error:
        return _settings(staff, problem=_problem(error))
    return staff.back(form.get("back", _SETTINGS), said=said[0] if len(said) == 1 else "Saved.")


@get(f"{HERE}/ignored", sync_to_thread=True)
def notices_ignored(staff: SignedInStaff) -> Response[str]:
    """What I did not open, and what became of it."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        found = flow.ignored(staff.app, tx, staff.principal)
    return staff.page("notices_ignored.html", HERE, {"found": found, "outcomes": flow.WORDS, "missed": flow.MISSED})


@post(f"{HERE}/on-call", sync_to_thread=True)
def on_call_add(staff: SignedInStaff, data: Form) -> Response[str]:
    """Somebody is on call."""
    form = checked_form(staff, data)
    try:
        with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
            said = flow.put_on_call(
                staff.app,
                tx,
                staff.principal,
                person=form.get("person", ""),
                starts=_instant(staff, form.get("starts", ""), "starts"),
                ends=_instant(staff, form.get("ends", ""), "ends"),
            )
    except Rejected as error:
        return _settings(staff, problem=_problem(error), typed=form)
    return staff.back(_SETTINGS, said=said)


@post(f"{HERE}/on-call/{{on_call_id:str}}/remove", sync_to_thread=True)
def on_call_remove(staff: SignedInStaff, on_call_id: FromPath[str], data: Form) -> Response[str]:
    """They are not."""
    checked_form(staff, data)
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        said = flow.take_off_call(tx, staff.principal, on_call_id)
    return staff.back(_SETTINGS, said=said)


def _settings(staff: Staff, *, problem: str = "", typed: dict[str, str] | None = None) -> Response[str]:
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        found = flow.choices(staff.app, tx, staff.principal)
    values = {"found": found, "ways": WAYS, "problem": problem, "typed": typed or {}}
    return staff.page("notice_settings.html", HERE, values, status=422 if problem else 200)


def _instant(staff: Staff, text: str, name: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=staff.words.zone)
    except ValueError as error:
        raise Rejected(at=name, expected="a day and an hour", code="value") from error


def _problem(error: Rejected) -> str:
    return f"Not saved. Still needed: {error.expected}."
