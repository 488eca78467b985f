"""What a person does to a loop: one saved form writes everything that follows from it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import parse_qs

from litestar import Response, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath

from careloop.db import Transaction
from careloop.errors import CareloopError, Conflict, NotAuthenticated, Rejected, Unavailable
from careloop.flows import acts, bulk_acts, capturing, done_elsewhere
from careloop.flows.acts import ActReceipt
from careloop.flows.calls import Call
from careloop.web.staff.context import SignedInStaff, Staff, checked_form
from careloop.web.staff.worklist import filters_of, worklist_values

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
Work = Callable[[Transaction], ActReceipt]


@post("/loops/{loop_id:str}/call", sync_to_thread=True, status_code=200)
def save_call(staff: SignedInStaff, loop_id: FromPath[str], data: Form) -> Response[str]:
    """One saved call writes the contact, the minutes and the proof on every loop that it covers."""
    form = checked_form(staff, data)
    also = data.get("also", [])
    others = [str(item) for item in (also if isinstance(also, list) else [also])]

    def work(tx: Transaction) -> ActReceipt:
        call = Call(
            outcome=form.get("outcome", ""),
            minutes=Decimal(_minutes(form)),
            note=form.get("note") or None,
            medium="PHONE",
            spoke_with=form.get("spoke_with") or "patient",
        )
        return capturing.save_call(
            staff.app,
            tx,
            staff.principal,
            loop_id=loop_id,
            call=call,
            more=_following(form),
            also=others,
            key=form.get("key") or None,
        )

    return save_as_act(staff, loop_id, form, work, onward=True)


@post("/loops/{loop_id:str}/hand-over", sync_to_thread=True)
def save_hand_over(staff: SignedInStaff, loop_id: FromPath[str], data: Form) -> Response[str]:
    """An offer: the giver stays the owner until the taker accepts."""
    form = checked_form(staff, data)

    def offer(tx: Transaction) -> ActReceipt:
        to = bulk_acts.owner_named(tx, form.get("to", ""))
        why = form.get("why") or bulk_acts.ASKED
        return acts.hand_over(staff.app, tx, staff.principal, loop_id=loop_id, to=to, why=why)

    return save_as_act(staff, loop_id, form, offer)


@post("/loops/{loop_id:str}/accept", sync_to_thread=True)
def save_accept(staff: SignedInStaff, loop_id: FromPath[str], data: Form) -> Response[str]:
    """The loop is mine."""
    form = checked_form(staff, data)
    return save_as_act(
        staff, loop_id, form, lambda tx: acts.accept_offer(staff.app, tx, staff.principal, loop_id=loop_id)
    )


@post("/loops/{loop_id:str}/decline", sync_to_thread=True)
def save_decline(staff: SignedInStaff, loop_id: FromPath[str], data: Form) -> Response[str]:
    """The giver keeps the loop and reads why."""
    form = checked_form(staff, data)
    return save_as_act(
        staff,
        loop_id,
        form,
        lambda tx: acts.decline_offer(staff.app, tx, staff.principal, loop_id=loop_id, why=form.get("why", "")),
    )


@post("/loops/{loop_id:str}/snooze", sync_to_thread=True)
def save_snooze(staff: SignedInStaff, loop_id: FromPath[str], data: Form) -> Response[str]:
    """Off the list for a while, never past the deadline."""
    form = checked_form(staff, data)
    return save_as_act(
        staff,
        loop_id,
        form,
        lambda tx: acts.snooze(staff.app, tx, staff.principal, loop_id=loop_id, until=_instant(staff, form)),
        onward=True,
    )


@post("/loops/{loop_id:str}/hold", sync_to_thread=True)
def save_hold(staff: SignedInStaff, loop_id: FromPath[str], data: Form) -> Response[str]:
    """Waiting, with a reason and a date on which it wakes."""
    form = checked_form(staff, data)
    return save_as_act(
        staff,
        loop_id,
        form,
        lambda tx: acts.hold(
            staff.app,
            tx,
            staff.principal,
            loop_id=loop_id,
            step_id=None,
            reason=form.get("reason", ""),
            until=_instant(staff, form),
        ),
    )


@post("/loops/{loop_id:str}/release", sync_to_thread=True)
def save_release(staff: SignedInStaff, loop_id: FromPath[str], data: Form) -> Response[str]:
    """No longer on hold."""
    form = checked_form(staff, data)
    return save_as_act(
        staff, loop_id, form, lambda tx: acts.release(staff.app, tx, staff.principal, loop_id=loop_id, step_id=None)
    )


@post("/loops/{loop_id:str}/attest", sync_to_thread=True)
def save_attest(staff: SignedInStaff, loop_id: FromPath[str], data: Form) -> Response[str]:
    """A person's word for a step, with a coded reason and a sentence."""
    form = checked_form(staff, data)
    return save_as_act(
        staff,
        loop_id,
        form,
        lambda tx: acts.attest(
            staff.app,
            tx,
            staff.principal,
            loop_id=loop_id,
            step_id=form.get("step", ""),
            reason=form.get("proof", ""),
            note=form.get("note", ""),
        ),
    )


@post("/loops/{loop_id:str}/use", sync_to_thread=True)
def save_use(staff: SignedInStaff, loop_id: FromPath[str], data: Form) -> Response[str]:
    """What was done elsewhere is the result of this loop."""
    form = checked_form(staff, data)
    return save_as_act(
        staff,
        loop_id,
        form,
        lambda tx: done_elsewhere.use(
            staff.app, tx, staff.principal, loop_id=loop_id, reference=form.get("reference", "")
        ),
    )


@post("/loops/{loop_id:str}/close", sync_to_thread=True)
def save_close(staff: SignedInStaff, loop_id: FromPath[str], data: Form) -> Response[str]:
    """Closed without proof: a reason and a sentence, counted apart."""
    form = checked_form(staff, data)
    return save_as_act(
        staff,
        loop_id,
        form,
        lambda tx: acts.close_without_proof(
            staff.app,
            tx,
            staff.principal,
            loop_id=loop_id,
            step_id=None,
            reason=form.get("reason", ""),
            note=form.get("note", ""),
        ),
        onward=True,
    )


@post("/undo", sync_to_thread=True)
def save_undo(staff: SignedInStaff, data: Form) -> Response[str]:
    """The last save is taken back, at most 10 minutes later."""
    form = checked_form(staff, data)
    try:
        receipt = staff.app.database.run(
            staff.tenant.id,
            lambda tx: acts.undo(staff.app, tx, staff.principal, act_id=form.get("act", "")),
            actor=staff.principal.reference,
        )
    except (Rejected, Conflict) as error:
        return staff.back(form.get("next") or "/worklist", said=f"Not undone: {error.message}.")
    return staff.back(form.get("next") or "/worklist", said=receipt.says)


def save_as_act(
    staff: Staff, loop_id: str, form: Mapping[str, str], work: Work, *, onward: bool = False, undo: bool = True
) -> Response[str]:
    """The act carried out and the list again; or the same page with what is wrong and everything that was typed."""
    try:
        receipt = staff.app.database.run(staff.tenant.id, work, actor=staff.principal.reference)
    except NotAuthenticated:
        raise
    except (Rejected, Conflict, Unavailable) as error:
        return _again(staff, loop_id, form, error)
    chosen = receipt.next_loop_id if onward else loop_id
    more = [line for line in receipt.outputs if line.startswith(("Proof", "Closes", "Opens"))]
    return staff.back(
        f"/worklist?{form.get('query', '')}" + (f"loop={chosen}" if chosen else ""),
        said=" ".join([receipt.says, *(f"{line}." for line in more if line not in receipt.says)]),
        act=receipt.act_id if undo else None,
    )


def _again(staff: Staff, loop_id: str, form: Mapping[str, str], error: CareloopError) -> Response[str]:
    query = {name: values[-1] for name, values in parse_qs(form.get("query", "")).items()}
    problem = {"title": _title(error), "text": error.message}
    values = worklist_values(staff, filters_of(query), loop=loop_id, problem=problem, typed=form)
    return staff.page("worklist.html", "/worklist", values, status=_status(error))


def _title(error: CareloopError) -> str:
    if isinstance(error, Conflict):
        return "Somebody else changed this."
    if isinstance(error, Unavailable):
        return "Could not save. Your text is still here. Try again."
    return "Something is missing."


def _status(error: CareloopError) -> int:
    return 409 if isinstance(error, Conflict) else 503 if isinstance(error, Unavailable) else 422


def _following(form: Mapping[str, str]) -> str:
    """The next step and the message of the call box, in the words of the capture box."""
    step, day, message = (form.get(name, "").replace('"', "'") for name in ("then", "then_day", "message"))
    by = f"by {day} " if day else ""
    return "\n".join([*([f'/task {by}"{step}"'] if step else []), *([f'/message "{message}"'] if message else [])])


def _minutes(form: Mapping[str, str]) -> int:
    text = form.get("minutes") or "0"
    if not text.isdecimal():
        raise Rejected(at="minutes", expected="a whole number of minutes")
    return int(text)


def _instant(staff: Staff, form: Mapping[str, str]) -> datetime:
    try:
        local = datetime.fromisoformat(form.get("until", ""))
    except ValueError as error:
        raise Rejected(at="until", expected="a date and a time") from error
    return local.replace(tzinfo=staff.words.zone) if local.tzinfo is None else local
