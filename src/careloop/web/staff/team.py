"""The team: who is there, what they hold in minutes, leave and cover, what people can do, who slips if more come."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery

from careloop.access.policy import Action, may_act, require_action
from careloop.db import Transaction
from careloop.errors import CareloopError, Conflict, NotAuthenticated, NotFound, Rejected, Unavailable
from careloop.flows import absences, capacity, digests, team_page
from careloop.flows.absences import Leave
from careloop.web.staff.context import SignedInStaff, Staff, checked_form
from careloop.web.staff.words import KIND_NAMES

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
_PATHWAYS = ("discharge-transition", "ed-visit", "monthly-care", "referral", "care-gap", "new-patient-intake")


@get("/team", sync_to_thread=True)
def team_page_(
    staff: SignedInStaff,
    role: FromQuery[str | None] = None,
    first: FromQuery[int] = 0,
    pathway: FromQuery[str | None] = None,
    count: FromQuery[int] = 12,
) -> Response[str]:
    """Everybody with their load, and if asked who slips when more are enrolled."""
    return _page(staff, role=role, first=max(first, 0), pathway=pathway, count=count)


@post("/team/absences", sync_to_thread=True)
def absence_save(staff: SignedInStaff, data: Form) -> Response[str]:
    """Somebody will be away."""
    form = checked_form(staff, data)

    def work(tx: Transaction) -> str:
        leave = Leave(
            person=form.get("person", ""),
            starts=moment_in(staff, form.get("starts", "")),
            ends=moment_in(staff, form.get("ends", "")),
            cover=form.get("cover") or None,
            why=form.get("why", ""),
        )
        absences.add(staff.app, tx, staff.principal, leave)
        return "Noted. The work goes to the cover when it begins, and comes back when it ends."

    return _saved(staff, work, form)


@post("/team/absences/{absence_id:str}/end", sync_to_thread=True)
def absence_end(staff: SignedInStaff, absence_id: FromPath[str], data: Form) -> Response[str]:
    """Somebody is back, or will not be away."""
    form = checked_form(staff, data)
    return _saved(staff, lambda tx: absences.end(staff.app, tx, staff.principal, absence_id), form)


@post("/team/competencies", sync_to_thread=True)
def competency_save(staff: SignedInStaff, data: Form) -> Response[str]:
    """Somebody passed a course."""
    form = checked_form(staff, data)
    require_action(staff.principal, Action.TEAM_SUPERVISE)

    def work(tx: Transaction) -> str:
        return team_page.note_competency(
            staff.app,
            tx,
            staff.principal,
            person=form.get("person", ""),
            kind=form.get("kind", ""),
            issued=day_in(form.get("issued", "")),
        )

    return _saved(staff, work, form)


@get("/team/digest", sync_to_thread=True)
def digest_page(staff: SignedInStaff, day: FromQuery[str | None] = None) -> Response[str]:
    """What is stuck, as it stood in the morning."""
    require_action(staff.principal, Action.TEAM_SUPERVISE)
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        found = digests.page(staff.app, tx, staff.principal, day_in(day) if day else None)
        days = digests.days(tx)
    values = {"digest": found, "days": days, "kinds": digests.KINDS}
    return staff.page("digest.html", "/team", values)


def moment_in(staff: Staff, text: str) -> datetime:
    """What a `datetime-local` field holds, where the practice is; `Rejected` for anything else."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=staff.words.zone)
    except ValueError as error:
        raise Rejected(at="when", expected="a date and a time") from error


def day_in(text: str) -> date:
    """A date; `Rejected` for anything else."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Rejected(at="date", expected="a date") from error


def problem_of(error: CareloopError) -> tuple[str, int]:
    """What to show for a refused act, and the status; what is no refusal is raised."""
    if isinstance(error, NotAuthenticated | NotFound | Unavailable):
        raise error
    if isinstance(error, Conflict):
        return error.message, 409
    if isinstance(error, Rejected):
        return error.message, 422
    raise error


def _saved(staff: Staff, work: Callable[[Transaction], str], form: dict[str, str]) -> Response[str]:
    require_action(staff.principal, Action.TEAM_READ)
    try:
        said = staff.app.database.run(staff.tenant.id, work, actor=staff.principal.reference)
    except CareloopError as error:
        problem, status = problem_of(error)
        return _page(staff, problem=problem, status=status, typed=form)
    return staff.back("/team", said=said)


def _page(
    staff: Staff,
    *,
    role: str | None = None,
    first: int = 0,
    pathway: str | None = None,
    count: int = 12,
    problem: str = "",
    status: int = 200,
    typed: dict[str, str] | None = None,
) -> Response[str]:
    require_action(staff.principal, Action.TEAM_READ)
    answer = None
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        page = team_page.page(staff.app, tx, staff.principal, role=role or None, first=first)
        if pathway:
            answer, problem = _what_if(staff, tx, pathway, count, problem)
    values = {
        "page": page,
        "role": role or "",
        "first": first,
        "rows_on_page": team_page.ROWS,
        "answer": answer,
        "asked": pathway or "",
        "count": count,
        "pathways": [(key, KIND_NAMES.get(key, key)) for key in _PATHWAYS if key in staff.app.catalog.pathways],
        "horizon": capacity.HORIZON,
        "problem": problem,
        "typed": typed or {},
        "may_close": may_act(staff.principal, Action.ACCOUNT_MANAGE),
    }
    return staff.page("team.html", "/team", values, status=status)


def _what_if(
    staff: Staff, tx: Transaction, pathway: str, count: int, problem: str
) -> tuple[capacity.WhatIf | None, str]:
    try:
        return capacity.what_if(staff.app, tx, staff.principal, pathway=pathway, count=count), problem
    except Rejected as error:
        return None, error.message
