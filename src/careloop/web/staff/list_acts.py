"""What a person does to a list: many loops at once, a name for it, the minutes of the day, "say it is wrong"."""

from collections.abc import Callable
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath

from careloop.db import Transaction
from careloop.errors import Conflict, NotFound, Rejected
from careloop.flows import bulk_acts, day, list_views, rank_reports
from careloop.flows.acts import ActReceipt
from careloop.flows.people import Names
from careloop.web.staff.context import SignedInStaff, Staff, checked_form
from careloop.web.staff.loop_acts import save_as_act
from careloop.web.staff.words import KIND_NAMES
from careloop.web.staff.worklist import new_key

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@post("/worklist/bulk", sync_to_thread=True)
def bulk_save(staff: SignedInStaff, data: Form) -> Response[str]:
    """Every chosen loop is on offer to somebody, or off the list until tomorrow."""
    form = checked_form(staff, data)
    chosen = data.get("loop", [])
    loops = [str(one) for one in (chosen if isinstance(chosen, list) else [chosen])]
    back = f"/worklist?{form.get('query', '')}"
    if form.get("act") == "snooze":
        return _saved(staff, back, "Snoozed", lambda tx: bulk_acts.snooze(staff.app, tx, staff.principal, loops=loops))

    def offer(tx: Transaction) -> bulk_acts.BulkReceipt:
        to = bulk_acts.owner_named(tx, form.get("to", ""))
        return bulk_acts.hand_over(staff.app, tx, staff.principal, loops=loops, to=to, why=form.get("why", ""))

    return _saved(staff, back, "Offered. You stay the owner until each is accepted", offer)


@post("/worklist/views", sync_to_thread=True)
def view_save(staff: SignedInStaff, data: Form) -> Response[str]:
    """The list as it is filtered has a name."""
    form = checked_form(staff, data)
    query = form.get("query", "")

    def save(tx: Transaction) -> str:
        shared = bool(form.get("shared"))
        return list_views.save(staff.app, tx, staff.principal, name=form.get("name", ""), query=query, shared=shared)

    try:
        view = staff.app.database.run(staff.tenant.id, save, actor=staff.principal.reference)
    except Rejected as error:
        return staff.back(f"/worklist?{query}", said=f"Not saved: {error.message}.")
    return staff.back(f"/worklist/views/{view}", said="View saved.")


@get("/worklist/views/{view_id:str}", sync_to_thread=True)
def view_open(staff: SignedInStaff, view_id: FromPath[str]) -> Response[str]:
    """The list behind a link that somebody saved or shared."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        view = list_views.opened(tx, staff.principal, view_id)
    return staff.back(f"/worklist?{view.query}")


@post("/worklist/views/{view_id:str}/remove", sync_to_thread=True)
def view_remove(staff: SignedInStaff, view_id: FromPath[str], data: Form) -> Response[str]:
    """The view is gone, its loops are not."""
    checked_form(staff, data)
    staff.app.database.run(
        staff.tenant.id, lambda tx: list_views.remove(tx, staff.principal, view_id), actor=staff.principal.reference
    )
    return staff.back("/worklist", said="View removed.")


@get("/worklist/day", sync_to_thread=True)
def day_page(staff: SignedInStaff) -> Response[str]:
    """What fits into today, what slips, and who could take it."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        found = day.shown(staff.app, tx, staff.principal)
    values = {"day": found, "days": DAYS, "kind_names": KIND_NAMES, "idempotency_key": new_key()}
    return staff.page("day.html", "/worklist", values)


@post("/worklist/day/minutes", sync_to_thread=True)
def day_minutes(staff: SignedInStaff, data: Form) -> Response[str]:
    """Today is different, or the usual week is so."""
    form = checked_form(staff, data)
    try:
        work = _minutes_work(staff, form)
        staff.app.database.run(staff.tenant.id, work, actor=staff.principal.reference)
    except Rejected as error:
        return staff.back("/worklist/day", said=f"Not saved: {error.message}.")
    return staff.back("/worklist/day", said="Saved. The plan is new.")


def _minutes_work(staff: Staff, form: dict[str, str]) -> Callable[[Transaction], None]:
    if form.get("what") == "week":
        week = {place: _number(form[f"day{place}"]) for place in range(7) if form.get(f"day{place}")}
        return lambda tx: day.set_minutes(tx, staff.principal, week)
    minutes = _number(form["minutes"]) if form.get("minutes") else None
    return lambda tx: day.set_today(staff.app, tx, staff.principal, minutes, form.get("why", ""))


def _number(text: str) -> int:
    if not text.isdecimal():
        raise Rejected(at="minutes", expected="a whole number of minutes")
    return int(text)


@post("/loops/{loop_id:str}/wrong-place", sync_to_thread=True)
def wrong_place(staff: SignedInStaff, loop_id: FromPath[str], data: Form) -> Response[str]:
    """Two lines to the owner of the rules."""
    form = checked_form(staff, data)

    def say(tx: Transaction) -> ActReceipt:
        report = rank_reports.say_wrong(
            staff.app, tx, staff.principal, loop_id=loop_id, says=form.get("says", ""), should=form.get("should", "")
        )
        return ActReceipt(act_id=report, says="Sent to the owner of the rules.")

    return save_as_act(staff, loop_id, form, say, undo=False)


@get("/rules/rank", sync_to_thread=True)
def rank_rule_page(staff: SignedInStaff) -> Response[str]:
    """The rule of the order with its points, read from the content that decides it; for its owner what people said."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        total, unanswered = rank_reports.counts(staff.app, tx)
        owns = rank_reports.is_owner(staff.principal)
        reports = rank_reports.waiting(staff.app, tx, staff.principal) if owns else []
        names = Names(tx)
        said = [(one, names.name(one.by), names.name(one.answered_by or "")) for one in reports]
        rule = rank_reports.rule(staff.app, tx)
    values = {"rule": rule, "total": total, "unanswered": unanswered, "owns": owns, "said_wrong": said}
    return staff.page("rank_rule.html", "/rules/rank", {**values, "kind_names": KIND_NAMES})


@post("/rules/rank/reports/{report_id:str}", sync_to_thread=True)
def rank_report_answer(staff: SignedInStaff, report_id: FromPath[str], data: Form) -> Response[str]:
    """The owner of the rules says what follows."""
    form = checked_form(staff, data)
    try:
        staff.app.database.run(
            staff.tenant.id,
            lambda tx: rank_reports.answer(
                staff.app, tx, staff.principal, report_id=report_id, text=form.get("answer", "")
            ),
            actor=staff.principal.reference,
        )
    except Rejected as error:
        return staff.back("/rules/rank", said=f"Not saved: {error.message}.")
    return staff.back("/rules/rank", said="Answered.")


def _saved(staff: Staff, back: str, what: str, work: Callable[[Transaction], bulk_acts.BulkReceipt]) -> Response[str]:
    try:
        receipt = staff.app.database.run(staff.tenant.id, work, actor=staff.principal.reference)
    except (Rejected, Conflict, NotFound) as error:
        return staff.back(back, said=f"Not done: {error.message}.")
    return staff.back(back, said=receipt.says(what))
