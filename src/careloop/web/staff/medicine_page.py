"""All about a patient's medicines, and what they take at home as somebody tells it (ui.md §8 Medicines)."""

from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath

from careloop.access.policy import Action, may, require, require_action
from careloop.errors import Conflict, NotPermitted, Rejected
from careloop.flows import home_lists, medicine_decide, medicine_links, medicine_safety
from careloop.flows import medicine_page as flow
from careloop.longitudinal.rules.ages import age_words
from careloop.medications.rules.reconciling import words
from careloop.web.staff.context import SignedInStaff, Staff, checked_form
from careloop.web.staff.patient_head import head_values

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
HERE = "/patients"


@get("/patients/{patient_id:str}/medicines", sync_to_thread=True)
def medicines_page(staff: SignedInStaff, patient_id: FromPath[str]) -> Response[str]:
    """What is taken, who told it, what differs, what is not safe."""
    return _page(staff, patient_id)


@post("/patients/{patient_id:str}/medicines", sync_to_thread=True)
def medicines_do(staff: SignedInStaff, patient_id: FromPath[str], data: Form) -> Response[str]:
    """A medicine is decided about, a warning gets its reason, a link is made."""
    form = checked_form(staff, data)
    act, app, who = form.get("act", ""), staff.app, staff.principal
    require_action(who, Action.LOOP_WORK)
    require(who, "create", "Communication")

    def work(tx: Any) -> Any:
        if act == "decide":
            return medicine_decide.settle(
                app, tx, who, patient_id, form.get("task", ""), outcome=form.get("outcome", ""),
                how=form.get("how", ""), reason=form.get("reason", ""),
            )  # fmt: skip
        if act == "override":
            return medicine_safety.override(app, tx, who, form.get("finding", ""), form.get("why", ""))
        if act == "take-back":
            return medicine_safety.take_back(app, tx, who, form.get("finding", ""))
        return medicine_links.make(app, tx, who, patient_id)

    try:
        done = staff.app.database.run(staff.tenant.id, work, actor=who.reference)
    except (Rejected, Conflict, NotPermitted) as error:
        text = f"Still needed: {error.expected}." if isinstance(error, Rejected) else f"{error.message.capitalize()}."
        status = {Conflict: 409, NotPermitted: 403}.get(type(error), 422)
        return _page(staff, patient_id, problem=text, status=status)
    if act == "link":
        return _page(staff, patient_id, codes=done)
    return staff.back(f"/patients/{patient_id}/medicines", str(done))


@get("/patients/{patient_id:str}/medicines/home", sync_to_thread=True)
def home_page(staff: SignedInStaff, patient_id: FromPath[str]) -> Response[str]:
    """The form: every medicine that we know of, and lines for what we do not know of."""
    return _home(staff, patient_id, {})


@post("/patients/{patient_id:str}/medicines/home", sync_to_thread=True)
def home_save(staff: SignedInStaff, patient_id: FromPath[str], data: Form) -> Response[str]:
    """What was told is the list from home."""
    form = checked_form(staff, data)
    for kind in ("MedicationStatement", "List"):
        require(staff.principal, "create", kind)
    told = told_of(form)

    def work(tx: Any) -> str:
        staff.app.record.read(tx, staff.principal, "Patient", patient_id)
        return home_lists.save(staff.app, tx, staff.principal, patient_id, form.get("teller", ""), told)

    try:
        said = staff.app.database.run(staff.tenant.id, work, actor=staff.principal.reference)
    except Rejected as error:
        faults = error.faults
        return _home(
            staff, patient_id, form, faults=[(fault.at, f"Still needed: {fault.expected}.") for fault in faults]
        )
    return staff.back(f"/patients/{patient_id}/medicines/compare", said)


def told_of(form: dict[str, str]) -> home_lists.Told:
    """The form as what was told: `answer-<reference>`, `how-<reference>`, and lines of `more`."""
    return home_lists.Told(
        answers={name[7:]: value for name, value in form.items() if name.startswith("answer-") and value},
        otherwise={name[4:]: value for name, value in form.items() if name.startswith("how-")},
        more=form.get("more", "").splitlines(),
    )


def _page(staff: Staff, patient_id: str, *, problem: str = "", status: int = 200, codes: Any = None) -> Response[str]:
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        page = flow.page(staff.app, tx, staff.principal, patient_id)
        head = head_values(staff, tx, patient_id, "medicines")
    values = {
        **head,
        "identity": head["page"],
        "page": page,
        "sources": words.SOURCES,
        "age": lambda day: age_words(day.isoformat(), staff.now, staff.words.zone) if day else "date not told",
        "outcomes": medicine_decide.OUTCOMES,
        "may_allow": medicine_safety.may_allow(staff.principal),
        "may_decide": may(staff.principal, "update", "MedicationStatement"),
        "problem": problem,
        "codes": codes,
    }
    return staff.page("medicines.html", HERE, values, status=status, about=patient_id)


def _home(staff: Staff, patient_id: str, form: dict[str, str], *, faults: Any = ()) -> Response[str]:
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        page = flow.page(staff.app, tx, staff.principal, patient_id)
        asked = home_lists.asked_about(staff.app, tx, patient_id)
        tellers = home_lists.tellers(staff.app, tx, patient_id)
    values = {
        "page": page,
        "asked": asked,
        "tellers": tellers,
        "answers": home_lists.ANSWERS,
        "form": form,
        "faults": faults,
        "most": home_lists.MOST_LINES,
    }
    return staff.page("medicines_home.html", HERE, values, status=422 if faults else 200, about=patient_id)
