"""Case conferences: what is stuck, decided in the call, each decision with its owner."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath

from careloop.access import accounts
from careloop.access.policy import Action, require_action
from careloop.db import Transaction
from careloop.errors import CareloopError
from careloop.flows import conferencing
from careloop.teams import conferences as store
from careloop.web.staff.context import SignedInStaff, Staff, checked_form
from careloop.web.staff.team import moment_in, problem_of

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]


@get("/conferences", sync_to_thread=True)
def conferences_page(staff: SignedInStaff) -> Response[str]:
    """The last conferences, and a new one."""
    return _list(staff)


@post("/conferences", sync_to_thread=True)
def conference_begin(staff: SignedInStaff, data: Form) -> Response[str]:
    """A call begins; its agenda is made of what is stuck."""
    form = checked_form(staff, data)
    try:
        found = staff.app.database.run(
            staff.tenant.id,
            lambda tx: conferencing.begin(
                staff.app,
                tx,
                staff.principal,
                title=form.get("title", ""),
                present=_many(data, "present"),
                absent=_many(data, "absent"),
            ),
            actor=staff.principal.reference,
        )
    except CareloopError as error:
        problem, status = problem_of(error)
        typed = {"title": form.get("title", ""), "present": _many(data, "present"), "absent": _many(data, "absent")}
        return _list(staff, problem=problem, status=status, typed=typed)
    return staff.back(f"/conferences/{found}", said="The agenda is made of what is stuck.")


@get("/conferences/{conference_id:str}", sync_to_thread=True)
def conference_page(staff: SignedInStaff, conference_id: FromPath[str]) -> Response[str]:
    """One conference."""
    return _page(staff, conference_id)


@post("/conferences/{conference_id:str}", sync_to_thread=True)
def conference_act(staff: SignedInStaff, conference_id: FromPath[str], data: Form) -> Response[str]:
    """An item is decided or put off, a vote is cast, or the call ends."""
    form = checked_form(staff, data)
    try:
        said = staff.app.database.run(
            staff.tenant.id, _act(staff, conference_id, form), actor=staff.principal.reference
        )
    except CareloopError as error:
        problem, status = problem_of(error)
        return _page(staff, conference_id, problem=problem, status=status, typed=form)
    return staff.back(f"/conferences/{conference_id}", said=said)


def _act(staff: Staff, conference_id: str, form: dict[str, str]) -> Callable[[Transaction], str]:
    app, who, loop_id = staff.app, staff.principal, form.get("loop", "")

    def work(tx: Transaction) -> str:
        match form.get("what"):
            case "end":
                return conferencing.end(app, tx, who, conference_id)
            case "carry":
                return conferencing.carry(app, tx, who, conference_id, loop_id=loop_id, why=form.get("why", ""))
            case "agree" | "disagree" as vote:
                return conferencing.cast(
                    app, tx, who, conference_id, loop_id=loop_id, vote=vote, note=form.get("note", "")
                )
            case _:
                return conferencing.decide(
                    app,
                    tx,
                    who,
                    conference_id,
                    loop_id=loop_id,
                    decision=form.get("decision", ""),
                    owner=form.get("owner", ""),
                    due=moment_in(staff, form.get("due", "")),
                )

    return work


def _many(data: dict[str, Any], name: str) -> list[str]:
    value = data.get(name, [])
    return [str(one) for one in (value if isinstance(value, list) else [value]) if one]


def _list(
    staff: Staff, *, problem: str = "", status: int = 200, typed: Mapping[str, Any] | None = None
) -> Response[str]:
    require_action(staff.principal, Action.LOOP_WORK)
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        found = store.latest(tx)
        everybody = [(one.reference, one.name) for one in accounts.staff(tx) if one.active]
    values = {"conferences": found, "everybody": everybody, "problem": problem, "typed": typed or {}}
    return staff.page("conferences.html", "/team", values, status=status)


def _page(
    staff: Staff, conference_id: str, *, problem: str = "", status: int = 200, typed: dict[str, str] | None = None
) -> Response[str]:
    require_action(staff.principal, Action.LOOP_WORK)
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        page = conferencing.page(staff.app, tx, staff.principal, conference_id)
    values = {"page": page, "problem": problem, "typed": typed or {}}
    return staff.page("conference.html", "/team", values, status=status)
