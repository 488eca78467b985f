"""One patient's loop adapted: a step skipped, a clock changed, a step more, each with its reason."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath

from careloop.access.policy import Action, may_act, require_action
from careloop.db import Transaction
from careloop.errors import Conflict, Rejected
from careloop.flows import acting, adapting, worklist
from careloop.flows.acting import ActReceipt
from careloop.web.staff.context import SignedInStaff, Staff, checked_form
from careloop.web.staff.words import REASONS

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]


@get("/loops/{loop_id:str}/adapt", sync_to_thread=True)
def adapt_page(staff: SignedInStaff, loop_id: FromPath[str]) -> Response[str]:
    """What can be changed for this patient alone."""
    require_action(staff.principal, Action.LOOP_WORK)
    return _page(staff, loop_id, {}, None)


@post("/loops/{loop_id:str}/adapt", sync_to_thread=True)
def adapt_send(staff: SignedInStaff, loop_id: FromPath[str], data: Form) -> Response[str]:
    """It is so for this patient; the same page with what is wrong, and what was typed, where it cannot be."""
    form = checked_form(staff, data)
    require_action(staff.principal, Action.LOOP_WORK)

    def work(tx: Transaction) -> ActReceipt:
        return _adapt(staff, tx, loop_id, form)

    try:
        receipt = staff.app.database.run(staff.tenant.id, work, actor=staff.principal.reference)
    except (Rejected, Conflict) as error:
        return _page(staff, loop_id, form, error)
    return staff.back(f"/worklist?scope=all&loop={loop_id}", said=f"{receipt.says}.", act=receipt.act_id)


def _adapt(staff: Staff, tx: Transaction, loop_id: str, form: Mapping[str, str]) -> ActReceipt:
    given = {"loop_id": loop_id, "reason": form.get("reason", ""), "note": form.get("note", "")}
    step, what = form.get("step", ""), form.get("do", "")
    if what == "skip":
        return adapting.skip_step(staff.app, tx, staff.principal, step_id=step, **given)
    if what == "clock":
        return adapting.set_clock(staff.app, tx, staff.principal, step_id=step, due=_due(staff, form), **given)
    if what == "extra":
        title, role = form.get("title", ""), form.get("role", "")
        return adapting.add_step(
            staff.app, tx, staff.principal, title=title, role=role, due=_due(staff, form), **given
        )  # fmt: skip
    raise Rejected(at="do", expected="skip, clock or extra", code="value")


def _due(staff: Staff, form: Mapping[str, str]) -> datetime:
    try:
        local = datetime.fromisoformat(form.get("due", ""))
    except ValueError as error:
        raise Rejected(at="due", expected="a date and a time", code="value") from error
    return local.replace(tzinfo=staff.words.zone) if local.tzinfo is None else local


def _page(staff: Staff, loop_id: str, typed: Mapping[str, str], error: Rejected | Conflict | None) -> Response[str]:
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        detail = worklist.detail(staff.app, tx, staff.principal, loop_id)
        deadline = acting.find_loop(tx, loop_id).state.deadline
    words = staff.app.catalog.document("vocabulary", "careloop")
    values = {
        "detail": detail,
        "deadline": deadline,
        "typed": typed,
        "error": error.message if error else "",
        "reasons": REASONS,
        "adaptations": words["adaptations"]["codes"],
        "roles": words["roles"]["staff"],
        "may_skip": may_act(staff.principal, Action.LOOP_CLOSE_WITHOUT_PROOF),
        "path": f"/loops/{loop_id}/adapt",
    }
    return staff.page("adapt.html", "/worklist", values, status=422 if error else 200)
