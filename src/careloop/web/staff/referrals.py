"""Referrals: the board, a new one, one with everything that can be said of it."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import partial
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery

from careloop.db import Transaction
from careloop.errors import Conflict, NotFound, Rejected
from careloop.fhir.ids import new_id
from careloop.flows import (
    referral_answers,
    referral_board,
    referral_form,
    referral_items,
    referral_page,
    referral_reading,
    referring,
    reminding,
)
from careloop.flows.referral_desk import Receipt, require_work
from careloop.flows.referral_resources import NewReferral
from careloop.flows.referring import DuplicateReferral
from careloop.loops.rules.referrals.clocks import Authorization
from careloop.loops.rules.referrals.visits import Attempt
from careloop.web.staff.context import SignedInStaff, Staff, checked_form
from careloop.web.staff.patient_head import head_values
from careloop.web.words import date_words

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
Fields = Mapping[str, str]
_NOON = "12:00"
_RECOMMENDATIONS = 4


@get("/referrals", sync_to_thread=True)
def referrals_page(
    staff: SignedInStaff, view: FromQuery[str] = "board", column: FromQuery[str | None] = None
) -> Response[str]:
    """The board, or the same data as a table."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        board = referral_board.board(staff.app, tx, staff.principal, full=view == "table")
    values = {
        "board": board,
        "view": "table" if view == "table" else "board",
        "only": column,
        "open": sum(item.total for item in board.columns),
        "late": sum(item.late for item in board.columns),
    }
    return staff.page("referrals.html", "/referrals", values)


@post("/referrals/remind", sync_to_thread=True)
def referrals_remind(staff: SignedInStaff, data: Form) -> Response[str]:
    """Every silent clinic is reminded."""
    checked_form(staff, data)
    said = _run(staff, lambda tx: reminding.remind_silent(staff.app, tx, staff.principal))
    return staff.back("/referrals", said=said)


@get("/patients/{patient_id:str}/refer", sync_to_thread=True)
def referral_new(staff: SignedInStaff, patient_id: FromPath[str]) -> Response[str]:
    """The form for a new referral, filled with what the record knows."""
    return _new_page(staff, patient_id, typed={}, lists={})


@post("/patients/{patient_id:str}/refer", sync_to_thread=True)
def referral_create(staff: SignedInStaff, patient_id: FromPath[str], data: Form) -> Response[str]:
    """The referral is saved, and sent where asked."""
    form = checked_form(staff, data)
    lists = {name: _all(data, name) for name in ("results", "medications", "allergies", "coverages")}
    try:
        new = _new(patient_id, form, lists)
        made = _run(staff, partial(_make, staff, form, new))
    except DuplicateReferral as asked:
        return _new_page(staff, patient_id, typed=form, lists=lists, standing=asked.standing, status=409)
    except Rejected as error:
        return _new_page(staff, patient_id, typed=form, lists=lists, faults=error.faults, status=422)
    return staff.back(f"/referrals/{made.request_id}", said=made.says)


def _make(staff: Staff, form: Fields, new: NewReferral, tx: Transaction) -> Receipt:
    return referring.make(
        staff.app,
        tx,
        staff.principal,
        new,
        send_now=form.get("do") == "send",
        despite_duplicates=form.get("despite") == "yes",
        request_id=form.get("form") or None,
    )


def _all(data: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = data.get(name)
    return tuple(str(one) for one in (value if isinstance(value, list) else [value]) if one)


def _new(patient_id: str, form: Fields, lists: Mapping[str, tuple[str, ...]]) -> NewReferral:
    clinic, _, name = form.get("clinic", "").partition("|")
    problem = form.get("problem", "")
    return NewReferral(
        patient_id=patient_id,
        service=form.get("service", ""),
        question=form.get("question", ""),
        reason=form.get("reason", ""),
        reason_references=(problem,) if problem else (),
        priority=form.get("priority", "routine"),
        role=form.get("role", ""),
        clinic=clinic,
        clinic_name=form.get("other_clinic", "") or name,
        requester=form.get("requester", ""),
        results=_listed(lists["results"], form.get("none-results")),
        medications=_listed(lists["medications"], form.get("none-medications")),
        allergies=_listed(lists["allergies"], form.get("none-allergies")),
        insurance=form.get("insurance", ""),
        coverages=lists["coverages"],
        authorization=_authorization(form),
        red_flag_reason=form.get("red_flag_reason", ""),
    )


def _listed(chosen: tuple[str, ...], none: str | None) -> tuple[str, ...] | None:
    return chosen or (() if none else None)


def _authorization(form: Fields) -> Authorization | None:
    asked = form.get("approval", "")
    if asked not in ("no", "yes"):
        return None
    if asked == "no":
        return Authorization(needed=False)
    expires, visits = form.get("expires", ""), form.get("visits", "")
    return Authorization(
        number=form.get("number", ""),
        expires=_day(expires, "expires") if expires else None,
        visits=int(visits) if visits.isdigit() and int(visits) > 0 else None,
    )


def _new_page(
    staff: Staff,
    patient_id: str,
    *,
    typed: Fields,
    lists: Mapping[str, tuple[str, ...]],
    standing: Any = (),
    faults: Any = (),
    status: int = 200,
) -> Response[str]:
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        form = referral_form.form(staff.app, tx, staff.principal, patient_id)
        values = head_values(staff, tx, patient_id)
    values |= {
        "form": form,
        "typed": typed,
        "lists": lists,
        "standing": standing,
        "faults": faults,
        "key": typed.get("form") or new_id(),
        "day": partial(date_words, zone=staff.words.zone),
    }
    return staff.page("referral_new.html", "/patients", values, status=status, about=patient_id)


@get("/referrals/{request_id:str}", sync_to_thread=True)
def referral_one(staff: SignedInStaff, request_id: FromPath[str]) -> Response[str]:
    """One referral."""
    return _page(staff, request_id)


@post("/referrals/{request_id:str}/{what:str}", sync_to_thread=True)
def referral_say(staff: SignedInStaff, request_id: FromPath[str], what: FromPath[str], data: Form) -> Response[str]:
    """One thing is said of the referral; what the state table does not have is refused, with what was typed kept."""
    form = checked_form(staff, data)
    require_work(staff.principal)
    act = _ACTS.get(what)
    if act is None:
        raise NotFound("there is no such answer")
    given = {**form, "parts": ",".join(_all(data, "parts"))}
    try:
        receipt = _run(staff, lambda tx: act(staff, tx, request_id, given))
    except (Rejected, Conflict) as error:
        status = 409 if isinstance(error, Conflict) else 422
        return _page(staff, request_id, problem=_problem(error), status=status, typed=given)
    onward = form.get("next", "")
    return staff.back(onward or f"/referrals/{receipt.request_id}", said=receipt.says)


def _problem(error: Rejected | Conflict) -> str:
    if isinstance(error, Rejected):
        return f"{error.at.replace('_', ' ').capitalize()}: {error.expected} is expected."
    return error.message


def _page(
    staff: Staff, request_id: str, *, problem: str = "", status: int = 200, typed: Fields | None = None
) -> Response[str]:
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        one = referral_page.page(staff.app, tx, staff.principal, request_id)
        values = head_values(staff, tx, one.story.patient_id)
    values |= {
        "one": one,
        "problem": problem,
        "typed": typed or {},
        "today": staff.now.astimezone(staff.words.zone).date().isoformat(),
        "ago": lambda at: referral_board.ago(at, staff.now, staff.words.zone),
        "lines": range(1, _RECOMMENDATIONS + 1),
    }
    return staff.page("referral.html", "/referrals", values, status=status, about=one.story.patient_id)


def _run(staff: Staff, work: Callable[[Transaction], Any]) -> Any:
    return staff.app.database.run(staff.tenant.id, work, actor=staff.principal.reference)


def _day(text: str, at: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Rejected(at=at, expected="a day such as 2026-12-03", code="value") from None


def _moment(staff: Staff, form: Fields, at: str = "day") -> datetime:
    """The instant of a day and, where it was given, a time; noon otherwise."""
    day = _day(form.get(at, ""), at)
    hour, _, minute = (form.get("time") or _NOON).partition(":")
    try:
        local = datetime(day.year, day.month, day.day, int(hour), int(minute), tzinfo=staff.words.zone)
    except ValueError:
        raise Rejected(at="time", expected="a time such as 14:30", code="value") from None
    return local.astimezone(UTC)


def _past(staff: Staff, form: Fields, at: str = "day") -> datetime:
    """As `_moment`; a visit of today without a time was before now."""
    found = _moment(staff, form, at)
    local_today = found.astimezone(staff.words.zone).date() == staff.now.astimezone(staff.words.zone).date()
    return min(found, staff.now) if local_today and not form.get("time") else found


Act = Callable[[Staff, Transaction, str, Fields], Receipt]


def _with(flow: Callable[..., Receipt], *names: str) -> Act:
    """The flow with these fields of the form."""

    def act(staff: Staff, tx: Transaction, request_id: str, form: Fields) -> Receipt:
        return flow(staff.app, tx, staff.principal, request_id, *(form.get(name, "") for name in names))

    return act


def _accept(staff: Staff, tx: Transaction, request_id: str, form: Fields) -> Receipt:
    visit = _moment(staff, form) if form.get("day") else None
    return referral_answers.accept(staff.app, tx, staff.principal, request_id, visit)


def _book(staff: Staff, tx: Transaction, request_id: str, form: Fields) -> Receipt:
    return referral_answers.book(staff.app, tx, staff.principal, request_id, _moment(staff, form))


def _seen(staff: Staff, tx: Transaction, request_id: str, form: Fields) -> Receipt:
    return referral_answers.seen(staff.app, tx, staff.principal, request_id, _past(staff, form))


def _visit_date(staff: Staff, tx: Transaction, request_id: str, form: Fields) -> Receipt:
    return referral_answers.correct_visit(staff.app, tx, staff.principal, request_id, _past(staff, form))


def _report(staff: Staff, tx: Transaction, request_id: str, form: Fields) -> Receipt:
    visit = _past(staff, form) if form.get("day") else None
    return referral_answers.report(
        staff.app, tx, staff.principal, request_id,
        reference=form.get("reference", ""), text=form.get("text", ""), visit=visit,
    )  # fmt: skip


def _not_reached(staff: Staff, tx: Transaction, request_id: str, form: Fields) -> Receipt:
    tries = [
        Attempt(day=_day(form[f"day-{number}"], f"day-{number}"), channel=form.get(f"way-{number}", "phone"))
        for number in range(1, 6)
        if form.get(f"day-{number}")
    ]
    return referral_answers.not_reached(staff.app, tx, staff.principal, request_id, tries)


def _redirect(staff: Staff, tx: Transaction, request_id: str, form: Fields) -> Receipt:
    clinic, _, name = form.get("clinic", "").partition("|")
    other = form.get("other_clinic", "")
    return referring.redirect(
        staff.app, tx, staff.principal, request_id, "" if other else clinic, other or name, form.get("why", "")
    )


def _approve(staff: Staff, tx: Transaction, request_id: str, form: Fields) -> Receipt:
    given = _authorization({**form, "approval": "yes"})
    assert given is not None
    return referring.approve(staff.app, tx, staff.principal, request_id, given)


def _complete(staff: Staff, tx: Transaction, request_id: str, form: Fields) -> Receipt:
    return referral_items.complete(staff.app, tx, staff.principal, request_id, form)


def _read(staff: Staff, tx: Transaction, request_id: str, form: Fields) -> Receipt:
    parts = frozenset(filter(None, form["parts"].split(",")))
    if form.get("do") == "ask":
        return referral_reading.ask_missing(staff.app, tx, staff.principal, request_id, parts)
    answers = {name.removeprefix("answer-"): text for name, text in form.items() if name.startswith("answer-")}
    to_do = [
        referral_reading.ToDo(
            text=form[f"recommends-{number}"],
            outcome=form.get(f"outcome-{number}", ""),
            because=form.get(f"because-{number}", ""),
            due=_day(form[f"due-{number}"], f"due-{number}") if form.get(f"due-{number}") else None,
        )
        for number in range(1, _RECOMMENDATIONS + 1)
        if form.get(f"recommends-{number}")
    ]
    said = referral_reading.Read(answers=answers, parts=parts, to_do=to_do, gaps_because=form.get("gaps", ""))
    return referral_reading.review(staff.app, tx, staff.principal, request_id, said)


def _told(staff: Staff, tx: Transaction, request_id: str, form: Fields) -> Receipt:
    told = referral_reading.Told(
        medium=form.get("medium") or "PHONE",
        note=form.get("note", ""),
        went=form.get("went", ""),
        helped=form.get("helped", ""),
    )
    return referral_reading.tell_patient(staff.app, tx, staff.principal, request_id, told)


def _share(staff: Staff, tx: Transaction, request_id: str, form: Fields) -> Receipt:
    agreed = referral_reading.Agreement(
        prescribes=form.get("prescribes", ""),
        monitors=form.get("monitors", ""),
        refills=form.get("refills", ""),
        until=_day(form.get("until", ""), "until"),
    )
    return referral_reading.share_care(staff.app, tx, staff.principal, request_id, agreed)


def _work_done(staff: Staff, tx: Transaction, request_id: str, form: Fields) -> Receipt:
    said = referral_page.finish_work(staff.app, tx, staff.principal, request_id, form.get("task", ""))
    return Receipt(request_id=request_id, state="", says=said)


_ACTS: Mapping[str, Act] = {
    "send": _with(referring.send),
    "complete": _complete,
    "approve": _approve,
    "deny": _with(referring.deny, "why"),
    "priority": _with(referring.change_priority, "priority", "why"),
    "redirect": _redirect,
    "cancel": _with(referring.cancel, "why"),
    "remind": _with(reminding.remind, "way"),
    "received": _with(referral_answers.received),
    "accept": _accept,
    "decline": _with(referral_answers.decline, "why"),
    "need-more": _with(referral_answers.need_more, "what"),
    "give-more": _with(referral_answers.give_more, "text"),
    "undeliverable": _with(referral_answers.undeliverable, "why"),
    "book": _book,
    "call-off": _with(referral_answers.call_off, "by", "why"),
    "no-show": _with(referral_answers.no_show, "barrier", "note"),
    "seen": _seen,
    "visit-date": _visit_date,
    "report": _report,
    "not-reached": _not_reached,
    "give-up": _with(referral_answers.give_up, "state", "why"),
    "read": _read,
    "told": _told,
    "share": _share,
    "work": _work_done,
}
"""What can be said of a referral on its page, by the last part of the address."""
