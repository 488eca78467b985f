"""Assessments: what is due, guided check-ins one question at a time, results with bands and trend, points entered."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery

from careloop.access.model import Role
from careloop.access.policy import require
from careloop.assessments.model import Instrument
from careloop.errors import CareloopError, Conflict, NotPermitted, Rejected
from careloop.flows import assessment_page as flow
from careloop.flows import checkin_links, checkin_pages, checkins
from careloop.flows.checkins import Session, Teller
from careloop.flows.patient_reading import full_name
from careloop.web.charts import Limit, Point, chart
from careloop.web.staff.context import SignedInStaff, Staff, checked_form
from careloop.web.staff.patient_head import head_values
from careloop.web.words import born_words

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
_PATIENTS = "/patients"


@get("/patients/{patient_id:str}/assessments", sync_to_thread=True)
def assessments_page(staff: SignedInStaff, patient_id: FromPath[str], about: FromQuery[str] = "") -> Response[str]:
    """What is due, what is open, the newest scores, proposals that wait; what a request (`about`) asks is chosen."""
    return _list(staff, patient_id, about=about)


@post("/patients/{patient_id:str}/assessments", sync_to_thread=True)
def assessments_start(staff: SignedInStaff, patient_id: FromPath[str], data: Form) -> Response[str]:
    """A check-in begins, or goes on where it was left."""
    form = checked_form(staff, data)
    try:
        with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
            found = checkins.start(staff.app, tx, staff.principal, patient_id, form.get("what", ""))
    except Rejected as error:
        return _list(staff, patient_id, problem=error.message, status=422)
    return staff.back(f"/check-ins/{found}")


@post("/patients/{patient_id:str}/assessments/act", sync_to_thread=True)
def assessments_act(staff: SignedInStaff, patient_id: FromPath[str], data: Form) -> Response[str]:
    """A proposed code is confirmed or not, a page is taken."""
    form = checked_form(staff, data)
    try:
        with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
            if form.get("do") == "take":
                said = flow.take_page(staff.app, tx, staff.principal, form.get("id", ""))
            else:
                said = flow.decide_need(staff.app, tx, staff.principal, form.get("id", ""), form.get("code", ""))
    except (Rejected, Conflict) as error:
        return _list(staff, patient_id, problem=error.message, status=422)
    return staff.back(f"/patients/{patient_id}/assessments", said=f"{said}.")


@get("/patients/{patient_id:str}/assessments/{instrument:str}", sync_to_thread=True)
def assessment_page(staff: SignedInStaff, patient_id: FromPath[str], instrument: FromPath[str]) -> Response[str]:
    """One instrument over time: a chart with its table, and points to be entered where its wording is not here."""
    return _trend(staff, patient_id, instrument)


@post("/patients/{patient_id:str}/assessments/{instrument:str}", sync_to_thread=True)
def assessment_enter(
    staff: SignedInStaff, patient_id: FromPath[str], instrument: FromPath[str], data: Form
) -> Response[str]:
    """Points of the site's own copy are saved."""
    form = checked_form(staff, data)
    try:
        with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
            said = flow.enter(staff.app, tx, staff.principal, patient_id, instrument, form)
    except Rejected as error:
        return _trend(staff, patient_id, instrument, problem=f"Please give {error.faults[0].expected}.", typed=form)
    return staff.back(f"/patients/{patient_id}/assessments/{instrument}", said=f"{said}.")


@get("/check-ins/{response_id:str}", sync_to_thread=True)
def checkin_page(
    staff: SignedInStaff, response_id: FromPath[str], at: FromQuery[str] = "", alone: FromQuery[str] = ""
) -> Response[str]:
    """The question that comes next, or the one that is named."""
    return _checkin(staff, response_id, at=at, alone=alone == "yes")


@post("/check-ins/{response_id:str}", sync_to_thread=True)
def checkin_send(staff: SignedInStaff, response_id: FromPath[str], data: Form) -> Response[str]:
    """One answer is saved, the check-in is finished or given up, a part of it goes to somebody by link."""
    form: dict[str, Any] = {**checked_form(staff, data)}
    form |= {name: data[name] for name in ("answer", "changed", "section") if name in data}
    require(staff.principal, "update", "QuestionnaireResponse")
    alone = form.get("alone") == "yes"
    try:
        with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
            path, said = _done(staff, tx, response_id, form)
    except (Rejected, Conflict) as error:
        return _checkin(staff, response_id, at=str(form.get("link", "")), alone=alone, problem=_words(error))
    return staff.back(f"{path}?alone=yes" if alone and path.startswith("/check-ins/") else path, said=said)


def _done(staff: Staff, tx: Any, response_id: str, form: Mapping[str, Any]) -> tuple[str, str]:
    app, who, here = staff.app, staff.principal, f"/check-ins/{response_id}"
    match form.get("do"):
        case "finish":
            session = checkins.finish(app, tx, who, response_id)
            return f"/patients/{session.patient_id}/assessments", f"{session.title} is finished and saved."
        case "stop":
            patient_id = checkins.load(app, tx, response_id).patient_id
            checkins.stop(app, tx, who, response_id)
            return f"/patients/{patient_id}/assessments", "The check-in was given up. Its answers can still be read."
        case "share":
            sections = form.get("section", [])
            codes = checkin_links.share(
                app, tx, who, response_id, who=str(form.get("who", "")), name=str(form.get("name", "")),
                sections=[str(one) for one in (sections if isinstance(sections, list) else [sections])],
            )  # fmt: skip
            return here, f"The link is ready. Its code is {codes.sheet}."
        case "private":
            return here, ""
    mode = str(form.get("mode", "interview"))
    teller = Teller(who="staff", by=who.name, mode=mode if mode in checkins.MODES else "interview")
    _, is_danger = checkin_pages.act(app, tx, who, response_id, form, teller)
    return here, "Saved. This answer opens a safety concern: stay with the person." if is_danger else "Saved."


def _list(staff: Staff, patient_id: str, *, problem: str = "", status: int = 200, about: str = "") -> Response[str]:
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        page = flow.page(staff.app, tx, staff.principal, patient_id)
        asked = flow.asked_for(staff.app, tx, staff.principal, patient_id, about) if about else ""
    instruments = sorted(page.content.instruments.values(), key=lambda one: (one.about, one.title))
    values = {
        **_beside(page, problem),
        "asked": asked,
        "askable": [one for one in instruments if one.can_be_asked],
        "enterable": [one for one in instruments if one.items and not one.can_be_asked],
        "slots": [one for one in instruments if not one.items],
        "checkins": list(page.content.checkins.values()),
        "may_code": Role.PHYSICIAN in staff.principal.roles,
    }
    return staff.page("assessments.html", _PATIENTS, values, about=patient_id, status=status)


def _trend(
    staff: Staff, patient_id: str, instrument: str, *, problem: str = "", typed: Mapping[str, str] | None = None
) -> Response[str]:
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        page = flow.trend(staff.app, tx, staff.principal, patient_id, instrument)
    drawn = [one for one in reversed(page.totals) if one.total is not None]
    points = [Point(at=one.at, value=float(one.total or 0), marked=one.positive == "Positive") for one in drawn]
    days = [
        (one.at, one.at.astimezone(staff.words.zone).strftime("%-d %b")) for one in drawn[:: max(1, len(drawn) // 5)]
    ]
    says = f"{page.instrument.short}, {len(drawn)} scores"
    values = {
        **_beside(page, problem),
        "drawing": chart(points, _limits(page.instrument), says, days) if len(points) > 1 else "",
        "typed": typed or {},
    }
    return staff.page("assessment.html", _PATIENTS, values, about=patient_id, status=422 if problem else 200)


def _limits(instrument: Instrument) -> Sequence[Limit]:
    rule = instrument.positive
    cut = (rule.at_least if rule.at_least is not None else rule.at_most) if rule else None
    return [Limit(value=float(cut), shown="positive")] if cut is not None else []


def _beside(page: Any, problem: str) -> dict[str, Any]:
    return {"page": page, "tab": "assessments", "primary": None, "born": born_words, "problem": problem}


def _checkin(staff: Staff, response_id: str, *, at: str = "", alone: bool = False, problem: str = "") -> Response[str]:
    require(staff.principal, "read", "QuestionnaireResponse")
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        session = checkins.load(staff.app, tx, response_id)
        staff.app.record.read(tx, staff.principal, "Patient", session.patient_id)
        shared = checkin_links.links_of(staff.app, tx, response_id)
        head = head_values(staff, tx, session.patient_id, "assessments")
    shown = checkin_pages.next_page(session, "staff", alone=alone, at=at)
    values = {
        **head,
        "session_": session,
        "why": checkin_pages.why_so_many(session, "staff"),
        "name": full_name(session.patient),
        "shown": shown,
        "texts": session.content.texts,
        "notice": _notice(session, shown),
        "reviewed": session.checkin.reviewed
        if session.checkin
        else bool(session.instrument and session.instrument.reviewed),
        "shared": shared,
        "alone": alone,
        "modes": checkins.MODES,
        "problem": problem,
    }
    status = 422 if problem else 200
    return staff.page("checkin.html", _PATIENTS, values, about=session.patient_id, status=status)


def _notice(session: Session, shown: checkin_pages.Page) -> str:
    step = shown.step
    found = session.content.instruments.get(step.link.partition("/")[0]) if step and step.item else None
    return found.notice if found else ""


def _words(error: CareloopError) -> str:
    if isinstance(error, Rejected) and error.faults:
        return f"Please give {error.faults[0].expected}."
    return error.message if not isinstance(error, NotPermitted) else "You may not do this."


routes = [
    assessments_page,
    assessments_start,
    assessments_act,
    assessment_page,
    assessment_enter,
    checkin_page,
    checkin_send,
]
