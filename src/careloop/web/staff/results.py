"""Results: what nobody has read, whom nobody has told, what has not been done (ui.md §7.6)."""

from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery

from careloop.errors import CareloopError, Conflict, NotPermitted, Rejected
from careloop.flows import nodules
from careloop.flows import results_acts as acts
from careloop.flows import results_board as flow
from careloop.flows.acting import ActReceipt
from careloop.loops.model import LoopState
from careloop.web.staff.context import SignedInStaff, Staff, checked_form
from careloop.web.staff.patient_head import head_values

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
HERE = "/results"
_ALL_TEXT = "Your test is done. The result is normal. You do not need to do anything. Questions? Call us."


@get("/results", sync_to_thread=True)
def results_page(staff: SignedInStaff, which: FromQuery[str] = "unseen") -> Response[str]:
    """One list, critical values first, with the totals of the others."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        page = flow.results_page(staff.app, tx, staff.principal, which)
    values = {"page": page, "late": sum(one.late for one in page.lists), "most": acts.AT_ONCE}
    return staff.page("results.html", HERE, values)


@get("/results/tell", sync_to_thread=True)
def results_tell_page(staff: SignedInStaff, loop: FromQuery[list[str] | None] = None) -> Response[str]:
    """The list of who will be told what, before anything is sent."""
    return _tell_page(staff, loop or [])


@post("/results/tell", sync_to_thread=True)
def results_tell(staff: SignedInStaff, data: Form) -> Response[str]:
    """Each of these patients gets a message of their own."""
    form = checked_form(staff, data)
    chosen = data.get("loop", [])
    loops = [str(one) for one in (chosen if isinstance(chosen, list) else [chosen])]
    try:
        with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
            done = acts.tell_together(
                staff.app,
                tx,
                staff.principal,
                loop_ids=loops,
                way=form.get("way", ""),
                text=form.get("text", ""),
                key=form.get("key") or None,
            )
    except (Rejected, Conflict) as error:
        return _tell_page(staff, loops, problem=_said(error), typed=form)
    return staff.back(f"{HERE}?which=untold", said=f"{done.says}.")


@get("/results/{loop_id:str}", sync_to_thread=True)
def result_page(staff: SignedInStaff, loop_id: FromPath[str]) -> Response[str]:
    """One test: its values, and what can be done about it now."""
    return _one(staff, loop_id)


@post("/results/{loop_id:str}", sync_to_thread=True)
def result_do(staff: SignedInStaff, loop_id: FromPath[str], data: Form) -> Response[str]:
    """Acknowledged, read, told or settled."""
    form, chosen = checked_form(staff, data), data.get("excluded", [])
    excluded = [str(one) for one in (chosen if isinstance(chosen, list) else [chosen])]
    try:
        with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
            done = _nodule(staff, tx, loop_id, form, excluded) if form.get("act") == "nodule" else None
            done = done or _do(staff, tx, loop_id, form)
    except (Rejected, Conflict, NotPermitted) as error:
        return _one(staff, loop_id, problem=_said(error), typed=form, status=_status(error))
    here = HERE if form.get("act") == "attach" else f"{HERE}/{loop_id}"
    return staff.back(here, said=f"{done.says.rstrip('.')}.")


def _do(staff: Staff, tx: Any, loop_id: str, form: dict[str, str]) -> ActReceipt:
    app, who, key = staff.app, staff.principal, form.get("key") or None
    act = form.get("act", "")
    if act == "acknowledge":
        spoken = form.get("how") == "spoken"
        heard = acts.Heard(told_by=form.get("told_by", ""), spoken=spoken, read_back=form.get("read_back") == "yes")
        return acts.acknowledge(app, tx, who, loop_id=loop_id, heard=heard, key=key)
    if act == "review":
        nothing, note = form.get("next") == "nothing", form.get("note", "")
        return acts.review(app, tx, who, loop_id=loop_id, nothing_further=nothing, note=note, key=key)
    if act == "tell":
        return acts.tell(
            app,
            tx,
            who,
            loop_id=loop_id,
            way=form.get("way", ""),
            text=form.get("text", ""),
            outcome=form.get("outcome", "reached"),
            despite=form.get("despite", ""),
            key=key,
        )
    if act == "attach":
        return acts.attach(app, tx, who, loop_id=loop_id, order=form.get("order", ""), key=key)
    if act in ("done", "not-needed"):
        return acts.settle(app, tx, who, loop_id=loop_id, done=act == "done", note=form.get("note", ""), key=key)
    raise Rejected(at="act", expected="acknowledge, review, tell, attach, done or not-needed", code="code-invalid")


def _nodule(staff: Staff, tx: Any, loop_id: str, form: dict[str, str], excluded: list[str]) -> ActReceipt:
    seen = nodules.Seen(
        type=form.get("type", ""),
        count=form.get("count", ""),
        long_mm=form.get("long_mm", ""),
        short_mm=form.get("short_mm", ""),
        high_risk=form.get("risk") == "high",
        excluded=excluded,
    )
    return nodules.note(staff.app, tx, staff.principal, loop_id=loop_id, seen=seen)


def _one(
    staff: Staff, loop_id: str, *, problem: str = "", typed: dict[str, str] | None = None, status: int = 200
) -> Response[str]:
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        row, state = flow.result_row(staff.app, tx, staff.principal, loop_id)
        suggested = flow.suggestions(staff.app, tx, staff.principal, row)
        head = head_values(staff, tx, row.patient_id, "results")
    values = {
        **head,
        "row": row,
        "suggested": suggested if state.status.is_open else [],
        "state": state,
        "open": _open_steps(state),
        "done": {step.step_id: step for step in state.steps if not step.status.is_open},
        "ways": acts.WAYS,
        "template": acts.template(row),
        "may_read": bool(staff.principal.roles & acts.CLINICIANS),
        "nodules": nodules if nodules.fits(row) and state.status.is_open else None,
        "may_settle": bool(staff.principal.roles & acts.LICENSED),
        "problem": problem,
        "typed": typed or {},
        "key": staff.now.isoformat(),
    }
    return staff.page("result.html", HERE, values, status=status, about=row.patient_id)


def _open_steps(state: LoopState) -> dict[str, Any]:
    return {step.step_id: step for step in state.steps if step.status.is_open}


def _tell_page(
    staff: Staff, loops: list[str], *, problem: str = "", typed: dict[str, str] | None = None
) -> Response[str]:
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        rows = flow.rows_of(staff.app, tx, staff.principal, loops[: acts.AT_ONCE])
    normal = [row for row in rows if row.is_normal]
    values = {
        "rows": normal,
        "left_out": [row for row in rows if not row.is_normal],
        "too_many": max(0, len(loops) - acts.AT_ONCE),
        "text": (typed or {}).get("text") or _ALL_TEXT,
        "problem": problem,
        "most": acts.AT_ONCE,
        "key": staff.now.isoformat(),
    }
    return staff.page("results_tell.html", HERE, values, status=422 if problem else 200)


def _said(error: CareloopError) -> str:
    return (
        f"Not saved. Still needed: {error.expected}." if isinstance(error, Rejected) else f"Not saved. {error.message}."
    )


def _status(error: CareloopError) -> int:
    if isinstance(error, NotPermitted):
        return 403
    return 409 if isinstance(error, Conflict) else 422
