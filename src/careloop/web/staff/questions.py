"""My questions: cards that are answered with one tap, and the answers to what I asked (ui.md §7.14)."""

from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery

from careloop.access.policy import Action, require_action
from careloop.errors import Conflict, Rejected
from careloop.flows import loop_detail, second_opinion, weekly_page
from careloop.flows import questions as flow
from careloop.web.staff.context import SignedInStaff, Staff, checked_form
from careloop.web.staff.worklist import new_key

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]


@get("/questions", sync_to_thread=True)
def questions_page(staff: SignedInStaff) -> Response[str]:
    """What waits for me, and what came back."""
    return _page(staff)


@get("/questions/new", sync_to_thread=True)
def question_form(staff: SignedInStaff, loop: FromQuery[str] = "", referral: FromQuery[str] = "") -> Response[str]:
    """Asks a physician about one loop; of a referral, where to send it, with what the clinics did before."""
    require_action(staff.principal, Action.LOOP_WORK)
    if not referral:
        return _form(staff, loop, {})
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        drafted = second_opinion.draft(staff.app, tx, staff.principal, referral)
    facts = {f"fact{number}": fact for number, fact in enumerate(drafted.facts, start=1)}
    return _form(staff, drafted.loop_id, {"text": drafted.text[: flow.LONGEST], **facts})


@post("/questions/new", sync_to_thread=True)
def question_ask(staff: SignedInStaff, data: Form) -> Response[str]:
    """The question is asked."""
    form = checked_form(staff, data)
    facts = [form.get(name, "") for name in ("fact1", "fact2", "fact3")]
    try:
        receipt = staff.app.database.run(
            staff.tenant.id,
            lambda tx: flow.ask(
                staff.app, tx, staff.principal, loop_id=form.get("loop", ""), to=form.get("to", ""),
                text=form.get("text", ""), facts=facts, key=form.get("key") or None,
            ),
            actor=staff.principal.reference,
        )  # fmt: skip
    except Rejected as error:
        return _form(staff, form.get("loop", ""), form, problem=error.message, status=422)
    return staff.back(f"/worklist?scope=all&loop={form.get('loop', '')}", said=receipt.says)


@get("/questions/next", sync_to_thread=True)
def question_next(staff: SignedInStaff) -> Response[str]:
    """Where the link of an e-mail leads: the card that waits longest, alone; the list where none does."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        waiting = flow.of_person(staff.app, tx, staff.principal).waiting
    return staff.back(f"/questions/{waiting[0].id}" if waiting else "/questions")


@get("/questions/{question_id:str}", sync_to_thread=True)
def question_one(staff: SignedInStaff, question_id: FromPath[str]) -> Response[str]:
    """One card alone, for a phone: two taps and it is answered."""
    return _card(staff, question_id)


@post("/questions/{question_id:str}", sync_to_thread=True)
def question_answer(staff: SignedInStaff, question_id: FromPath[str], data: Form) -> Response[str]:
    """Yes, no, other; or the answer was acted on."""
    form = checked_form(staff, data)
    said, version = form.get("said", ""), form.get("version", "")

    def work(tx: Any) -> str:
        if said == "acted-on":
            return flow.acted_on(staff.app, tx, staff.principal, question_id)
        return flow.answer(
            staff.app, tx, staff.principal, question_id, version=int(version) if version.isdecimal() else 0,
            said=said, note=form.get("note", ""),
        )  # fmt: skip

    try:
        told = staff.app.database.run(staff.tenant.id, work, actor=staff.principal.reference)
    except (Rejected, Conflict) as error:
        status = 409 if isinstance(error, Conflict) else 422
        if form.get("alone"):
            return _card(staff, question_id, problem=error.message, status=status, typed=form.get("note", ""))
        return _page(staff, problem=error.message, status=status, typed={question_id: form.get("note", "")})
    return staff.back("/questions/next" if form.get("alone") else "/questions", said=told)


def _card(staff: Staff, question_id: str, *, problem: str = "", status: int = 200, typed: str = "") -> Response[str]:
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        flow.seen(staff.app, tx, staff.principal)
        waiting = flow.of_person(staff.app, tx, staff.principal).waiting
    one = next((card for card in waiting if card.id == question_id), None)
    values = {"one": one, "others": len(waiting) - (one is not None), "problem": problem, "typed": typed}
    return staff.page("question.html", "/questions", values, status=status, about=one.patient_id if one else "")


def _page(staff: Staff, *, problem: str = "", status: int = 200, typed: dict[str, str] | None = None) -> Response[str]:
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        flow.seen(staff.app, tx, staff.principal)
        found = flow.of_person(staff.app, tx, staff.principal)
    values = {
        "found": found,
        "problem": problem,
        "typed": typed or {},
        "answers": flow.ANSWERS,
        "has_week": bool(staff.principal.roles & weekly_page.CLINICIANS),
    }
    return staff.page("questions.html", "/questions", values, status=status)


def _form(staff: Staff, loop: str, typed: dict[str, str], *, problem: str = "", status: int = 200) -> Response[str]:
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        detail = loop_detail.detail(staff.app, tx, staff.principal, loop)
        people = flow.physicians(tx)
    values = {
        "detail": detail,
        "people": people,
        "typed": typed,
        "problem": problem,
        "longest": flow.LONGEST,
        "idempotency_key": new_key(),
    }
    return staff.page("question_new.html", "/worklist", values, status=status, about=detail.row.patient_id)
