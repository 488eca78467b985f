"""The care plan of a patient: one plan out of several, agreed by patient, clinician and lead."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath

from careloop.access.model import Role
from careloop.access.policy import require
from careloop.careplans.model import Party, PlanState
from careloop.db import Transaction
from careloop.errors import CareloopError, Rejected
from careloop.flows import plan_acts as acts
from careloop.flows import plan_pages as flow
from careloop.web.staff.context import SignedInStaff, Staff, checked_form
from careloop.web.staff.team import problem_of
from careloop.web.words import born_words

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
Typed = Mapping[str, str]
Act = Callable[[Staff, Transaction, str, Typed], str]

STATES: Mapping[PlanState, str] = {
    PlanState.DRAFT: "Draft, not agreed yet",
    PlanState.CURRENT: "Current",
    PlanState.CHANGED: "Changed since all agreed",
    PlanState.STALE: "Due to be looked at",
    PlanState.ENDED: "Ended",
}
PARTIES: Mapping[Party, str] = {
    Party.PATIENT: "The patient",
    Party.CLINICIAN: "A clinician",
    Party.LEAD: "The lead",
}
_TICK = "plan."


@get("/patients/{patient_id:str}/plan", sync_to_thread=True)
def care_plan_page(staff: SignedInStaff, patient_id: FromPath[str]) -> Response[str]:
    """The plan as it stands."""
    return _page(staff, patient_id)


@get("/patients/{patient_id:str}/plan/sheet", sync_to_thread=True)
def care_plan_sheet(staff: SignedInStaff, patient_id: FromPath[str]) -> Response[str]:
    """The plan in the patient's words, to print."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        page = flow.page(staff.app, tx, staff.principal, patient_id)
    return staff.page("care_plan_sheet.html", "/patients", _sheet(page, staff.tenant.name), about=patient_id)


@post("/patients/{patient_id:str}/plan", sync_to_thread=True)
def care_plan_save(staff: SignedInStaff, patient_id: FromPath[str], data: Form) -> Response[str]:
    """One act on the plan (`do`); `preview` shows what the ticked plans would change and writes nothing."""
    form = checked_form(staff, data)
    if form.get("do") == "preview":
        return _page(staff, patient_id, chosen=_ticked(form))
    require(staff.principal, "update", "CarePlan")
    act = _ACTS.get(form.get("do", ""))
    if act is None:
        raise Rejected(at="do", expected=f"one of {', '.join(_ACTS)}", code="code-invalid")
    try:
        said = staff.app.database.run(
            staff.tenant.id, lambda tx: act(staff, tx, patient_id, form), actor=staff.principal.reference
        )
    except CareloopError as error:
        problem, status = problem_of(error)
        return _page(staff, patient_id, problem=problem, status=status, typed=form)
    return staff.back(f"/patients/{patient_id}/plan", said=said)


def _sheet(page: flow.PlanPage, site: str) -> dict[str, Any]:
    return {"page": page, "born": born_words, "parties": PARTIES, "site": site}


def _page(
    staff: Staff,
    patient_id: str,
    *,
    chosen: Sequence[str] | None = None,
    problem: str = "",
    status: int = 200,
    typed: Typed | None = None,
) -> Response[str]:
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        page = flow.page(staff.app, tx, staff.principal, patient_id)
        told = flow.preview(staff.app, tx, staff.principal, patient_id, chosen) if chosen is not None else None
    values = {
        "page": page,
        "preview": told,
        "chosen": page.plan.templates if chosen is None else chosen,
        "tab": "plan",
        "primary": None,
        "born": born_words,
        "problem": problem,
        "typed": typed or {},
        "states": STATES,
        "parties": PARTIES,
        "hows": acts.HOWS,
        "units": acts.UNITS,
        "today": staff.now.astimezone(staff.words.zone).date().isoformat(),
        "whose": flow.WHOSE,
        "decides": Role.PHYSICIAN in staff.principal.roles,
    }
    return staff.page("care_plan.html", "/patients", values, about=patient_id, status=status)


def _ticked(form: Typed) -> list[str]:
    return sorted(name.removeprefix(_TICK) for name in form if name.startswith(_TICK))


def _number(form: Typed, name: str) -> int:
    try:
        return int(form.get(name) or "0")
    except ValueError as error:
        raise Rejected(at=name, expected="a whole number", code="value") from error


def _choose(staff: Staff, tx: Transaction, patient_id: str, form: Typed) -> str:
    version = _number(form, "version")
    return acts.choose(staff.app, tx, staff.principal, patient_id=patient_id, version=version, templates=_ticked(form))


def _matters(staff: Staff, tx: Transaction, patient_id: str, form: Typed) -> str:
    words = form.get("words", "")
    return acts.say_what_matters(staff.app, tx, staff.principal, patient_id=patient_id, words=words)


def _change(staff: Staff, tx: Transaction, patient_id: str, form: Typed) -> str:
    return acts.change_step(
        staff.app,
        tx,
        staff.principal,
        patient_id=patient_id,
        version=_number(form, "version"),
        does=form.get("does", ""),
        amount=_number(form, "amount"),
        unit=form.get("unit", ""),
        owner=form.get("owner", ""),
        why=form.get("why", ""),
    )


def _stop(staff: Staff, tx: Transaction, patient_id: str, form: Typed) -> str:
    version, does, why = _number(form, "version"), form.get("does", ""), form.get("why", "")
    return acts.stop_step(staff.app, tx, staff.principal, patient_id=patient_id, version=version, does=does, why=why)


def _resume(staff: Staff, tx: Transaction, patient_id: str, form: Typed) -> str:
    version, does = _number(form, "version"), form.get("does", "")
    return acts.resume_step(staff.app, tx, staff.principal, patient_id=patient_id, version=version, does=does)


def _add(staff: Staff, tx: Transaction, patient_id: str, form: Typed) -> str:
    return acts.add_step(
        staff.app,
        tx,
        staff.principal,
        patient_id=patient_id,
        version=_number(form, "version"),
        title=form.get("title", ""),
        goal=form.get("goal", ""),
        amount=_number(form, "amount"),
        unit=form.get("unit", ""),
        owner=form.get("owner", ""),
        minutes=_number(form, "minutes"),
    )


def _settle(staff: Staff, tx: Transaction, patient_id: str, form: Typed) -> str:
    return acts.settle(
        staff.app,
        tx,
        staff.principal,
        patient_id=patient_id,
        version=_number(form, "version"),
        subject=form.get("subject", ""),
        holds=form.get("holds", ""),
        why=form.get("why", ""),
    )


def _ask(staff: Staff, tx: Transaction, patient_id: str, form: Typed) -> str:
    subject, to, key = form.get("subject", ""), form.get("to", ""), form.get("key")
    return acts.ask(staff.app, tx, staff.principal, patient_id=patient_id, subject=subject, to=to, key=key)


def _agree(staff: Staff, tx: Transaction, patient_id: str, form: Typed) -> str:
    return acts.agree(
        staff.app,
        tx,
        staff.principal,
        patient_id=patient_id,
        version=_number(form, "version"),
        party=form.get("party", ""),
        how=form.get("how", ""),
    )


def _note(staff: Staff, tx: Transaction, patient_id: str, form: Typed) -> str:
    does, on, result = form.get("does", ""), form.get("on", ""), form.get("result", "")
    return acts.note_step(staff.app, tx, staff.principal, patient_id=patient_id, does=does, on=on, result=result)


def _end(staff: Staff, tx: Transaction, patient_id: str, form: Typed) -> str:
    version, why = _number(form, "version"), form.get("why", "")
    return acts.end(staff.app, tx, staff.principal, patient_id=patient_id, version=version, why=why)


_ACTS: Mapping[str, Act] = {
    "choose": _choose,
    "matters": _matters,
    "change": _change,
    "stop": _stop,
    "resume": _resume,
    "add": _add,
    "settle": _settle,
    "ask": _ask,
    "agree": _agree,
    "note": _note,
    "end": _end,
}
