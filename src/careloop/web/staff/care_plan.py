"""The care plan of a patient: one plan out of several, agreed by patient, clinician and lead."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath

from careloop.access.model import Role
from careloop.access.policy import require
from careloop.careplans.model import Party, PlanState
from careloop.careplans.rules.taking import UNDECIDED
from careloop.db import Transaction
from careloop.errors import CareloopError, Rejected
from careloop.flows import plan_acts as acts
from careloop.flows import plan_pages as flow
from careloop.flows import plan_taking
from careloop.web.staff.care_plan_files import printed_at
from careloop.web.staff.context import SignedInStaff, Staff, checked_form
from careloop.web.staff.team import problem_of
from careloop.web.words import born_words

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
Typed = Mapping[str, str]

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
_PLAN, _STEP, _GOAL = "plan.", "step.", "goal."


@get("/patients/{patient_id:str}/plan", sync_to_thread=True)
def care_plan_page(staff: SignedInStaff, patient_id: FromPath[str]) -> Response[str]:
    """The plan as it stands."""
    return _page(staff, patient_id)


@get("/patients/{patient_id:str}/plan/sheet", sync_to_thread=True)
def care_plan_sheet(staff: SignedInStaff, patient_id: FromPath[str]) -> Response[str]:
    """The plan in the patient's words, to print."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        page = flow.page(staff.app, tx, staff.principal, patient_id)
    return staff.page("care_plan_sheet.html", "/patients", _sheet(page, staff), about=patient_id)


@post("/patients/{patient_id:str}/plan", sync_to_thread=True)
def care_plan_save(staff: SignedInStaff, patient_id: FromPath[str], data: Form) -> Response[str]:
    """One act on the plan (`do`); `preview` shows what the ticked plans would change and writes nothing."""
    form = checked_form(staff, data)
    if form.get("do") == "preview":
        return _page(staff, patient_id, chosen=_ticked(form, _PLAN))
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


def _sheet(page: flow.PlanPage, staff: Staff) -> dict[str, Any]:
    site, printed = staff.tenant.name, printed_at(staff)
    return {"page": page, "born": born_words, "parties": PARTIES, "site": site, "printed": printed}


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
        "day": lambda on: born_words(date.fromisoformat(on)),
        "problem": problem,
        "typed": typed or {},
        "states": STATES,
        "parties": PARTIES,
        "hows": acts.HOWS,
        "units": acts.UNITS,
        "today": staff.now.astimezone(staff.words.zone).date().isoformat(),
        "undecided": UNDECIDED,
        "whose": flow.WHOSE,
        "reasons": dict(page.reasons),
        "decides": Role.PHYSICIAN in staff.principal.roles,
    }
    return staff.page("care_plan.html", "/patients", values, about=patient_id, status=status)


def _ticked(form: Typed, kind: str) -> list[str]:
    return sorted(name.removeprefix(kind) for name in form if name.startswith(kind))


def _number(form: Typed, name: str) -> int:
    try:
        return int(form.get(name) or "0")
    except ValueError as error:
        raise Rejected(at=name, expected="a whole number", code="value") from error


@dataclass(frozen=True, kw_only=True)
class _Act:
    """An act and the fields of the form that it takes, as they are and as whole numbers."""

    run: Callable[..., str]
    words: Sequence[str] = ()
    numbers: Sequence[str] = ("version",)

    def __call__(self, staff: Staff, tx: Transaction, patient_id: str, form: Typed, **more: Any) -> str:
        given = {name: form.get(name, "") for name in self.words} | {name: _number(form, name) for name in self.numbers}
        return self.run(staff.app, tx, staff.principal, patient_id=patient_id, **given, **more)


def _choose(staff: Staff, tx: Transaction, patient_id: str, form: Typed) -> str:
    return _Act(run=acts.choose)(staff, tx, patient_id, form, templates=_ticked(form, _PLAN))


def _ask(staff: Staff, tx: Transaction, patient_id: str, form: Typed) -> str:
    act = _Act(run=acts.ask, words=("subject", "to"), numbers=())
    return act(staff, tx, patient_id, form, key=form.get("key"))


def _take(staff: Staff, tx: Transaction, patient_id: str, form: Typed) -> str:
    act = _Act(run=plan_taking.take, words=("other",))
    ticked = {"steps": _ticked(form, _STEP), "goals": _ticked(form, _GOAL)}
    return act(staff, tx, patient_id, form, everything=form.get("everything") == "1", **ticked)


_ACTS: Mapping[str, Callable[[Staff, Transaction, str, Typed], str]] = {
    "choose": _choose,
    "matters": _Act(run=acts.say_what_matters, words=("words",), numbers=()),
    "change": _Act(run=acts.change_step, words=("does", "unit", "owner", "why"), numbers=("version", "amount")),
    "stop": _Act(run=acts.stop_step, words=("does", "why")),
    "resume": _Act(run=acts.resume_step, words=("does",)),
    "add": _Act(run=acts.add_step, words=("title", "goal", "unit", "owner"), numbers=("version", "amount", "minutes")),
    "settle": _Act(run=acts.settle, words=("subject", "holds", "why")),
    "ask": _ask,
    "agree": _Act(run=acts.agree, words=("party", "how")),
    "note": _Act(run=acts.note_step, words=("does", "on", "result"), numbers=()),
    "take": _take,
    "end": _Act(run=acts.end, words=("why",)),
}
