"""The line list of check-ins, and a check-in that a member of the staff asks on the phone."""

from collections.abc import Mapping
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery

from careloop.access.policy import Action, may, may_act, require, require_action
from careloop.db import Transaction
from careloop.errors import Conflict, NotFound, Rejected
from careloop.flows import home_asking, home_entering, home_lines, home_links
from careloop.flows.home_links import Today
from careloop.monitoring import check_in_store
from careloop.web.staff.context import SignedInStaff, Staff, checked_form
from careloop.web.staff.patient_head import head_values

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
_HERE = "/monitoring/today"
_WARNING = 3


@get("/monitoring/today", sync_to_thread=True)
def line_list_page(
    staff: SignedInStaff, show: FromQuery[str] = "", programme: FromQuery[str] = "", name: FromQuery[str] = ""
) -> Response[str]:
    """Everybody who is asked, the most urgent first."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        found = home_lines.line_list(
            staff.app, tx, staff.principal, state=show, programme=programme, name=name.strip()[:100]
        )
    values = {
        "found": found,
        "states": home_lines.STATES,
        "show": show,
        "programme": programme,
        "name": name,
        "may": _may_work(staff),
    }
    return staff.page("check_ins.html", "/monitoring", values)


@post("/monitoring/today", sync_to_thread=True)
def line_list_save(staff: SignedInStaff, data: Form) -> Response[str]:
    """What a patient said was read."""
    form = checked_form(staff, data)
    require_action(staff.principal, Action.LOOP_WORK)
    require(staff.principal, "update", "DetectedIssue")
    said = staff.app.database.run(
        staff.tenant.id,
        lambda tx: home_lines.mark_read(staff.app, tx, staff.principal, form.get("check_in", "")),
        actor=staff.principal.reference,
    )
    return staff.back(_HERE, said=said)


@get("/patients/{patient_id:str}/check-in", sync_to_thread=True)
def phone_page(staff: SignedInStaff, patient_id: FromPath[str]) -> Response[str]:
    """The check-in of now, to be asked on the phone; nothing is begun by looking. Who does not take part is sent to the
    page where they can be enrolled."""
    try:
        return _phone(staff, patient_id, _shown(staff, patient_id))
    except Conflict:
        return staff.back(f"/patients/{patient_id}/vitals", said="Not enrolled yet: nobody is asked.")


def _shown(staff: Staff, patient_id: str) -> Today:
    require_action(staff.principal, Action.WORKLIST_READ)
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        patient = staff.app.record.read(tx, staff.principal, "Patient", patient_id)
        kept = home_asking.open_or_new(staff.app, tx, patient_id)
        return home_links.by_staff(staff.app, tx, patient, kept, staff.principal.reference)


@post("/patients/{patient_id:str}/check-in", sync_to_thread=True)
def phone_save(staff: SignedInStaff, patient_id: FromPath[str], data: Form) -> Response[str]:
    """One answer that the patient gave on the phone is saved."""
    form = checked_form(staff, data)
    require_action(staff.principal, Action.LOOP_WORK)
    require(staff.principal, "create", "QuestionnaireResponse")
    problem = ""
    try:
        found = staff.app.database.run(
            staff.tenant.id, lambda tx: _said(staff, tx, patient_id, form), actor=staff.principal.reference
        )
    except Rejected as error:
        problem = f"Please give {error.expected}."
        found = staff.app.database.run(
            staff.tenant.id, lambda tx: _today(staff, tx, patient_id, form), actor=staff.principal.reference
        )
    if not problem and form.get("do") == "numbers":
        return staff.back(_HERE, said=f"Saved. {found.outcome.says if found.outcome else ''}".strip())
    return _phone(staff, patient_id, found, problem=problem, form=form)


def _said(staff: Staff, tx: Transaction, patient_id: str, form: Mapping[str, str]) -> Today:
    tx.lock(f"patient {patient_id}")
    found = _today(staff, tx, patient_id, form)
    if form.get("do") == "numbers":
        if found.asked is not None:
            raise Rejected(at="answer", expected="an answer to each question", code="required")
        given = {one: form.get(one, "") for metric in found.metrics for one in (metric, f"{metric}-unit")}
        if any(given[metric] for metric in found.metrics):
            zone = ZoneInfo(found.plan.zone)
            typed = home_entering.typed_of(found.content, given, staff.now, zone)
            home_links.save_typed(staff.app, tx, found, typed)
        return found
    do = home_links.BACK if form.get("do") == "back" else home_links.ANSWER
    return home_links.said(staff.app, tx, found, form.get("place", ""), form.get("answer", ""), do)


def _today(staff: Staff, tx: Transaction, patient_id: str, form: Mapping[str, str]) -> Today:
    """The check-in that the form is about; a new one where none was begun."""
    patient = staff.app.record.read(tx, staff.principal, "Patient", patient_id)
    kept = check_in_store.one(tx, form.get("check_in", ""))
    if kept is None:
        kept = home_asking.now_open(staff.app, tx, staff.principal, patient_id)
    if kept.patient_id != patient_id:
        raise NotFound("there is no such check-in")
    return home_links.by_staff(staff.app, tx, patient, kept, staff.principal.reference)


def _phone(
    staff: Staff,
    patient_id: str,
    found: Today,
    *,
    problem: str = "",
    form: Mapping[str, str] | None = None,
) -> Response[str]:
    with staff.app.database.transaction(staff.tenant.id) as tx:
        head = head_values(staff, tx, patient_id, "vitals")
    values = {
        **head,
        "found": found,
        "patient_id": patient_id,
        "metrics": [found.content.metrics[one] for one in found.metrics],
        "problem": problem,
        "problem_at": "answer",
        "form": form or {},
        "may": _may_work(staff),
        "is_warning": found.outcome is not None and found.outcome.level >= _WARNING,
    }
    status = 422 if problem else 200
    return staff.page("check_in_phone.html", "/monitoring", values, status=status, about=patient_id)


def _may_work(staff: Staff) -> bool:
    who = staff.principal
    return may_act(who, Action.LOOP_WORK) and may(who, "create", "QuestionnaireResponse")
