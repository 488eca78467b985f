"""Education of a patient: what fits, what was sent, opened and understood; the script for a talk."""

from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery

from careloop.access.policy import require
from careloop.community import Codes
from careloop.errors import CareloopError
from careloop.flows import educating as flow
from careloop.web.staff.context import SignedInStaff, Staff, checked_form
from careloop.web.staff.team import problem_of
from careloop.web.words import born_words

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]


@get("/patients/{patient_id:str}/education", sync_to_thread=True)
def education_page(staff: SignedInStaff, patient_id: FromPath[str], about: FromQuery[str] = "") -> Response[str]:
    """What fits this person and how far it is understood; `about` a request to explain again, its script at once."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        item_id = flow.item_of_request(staff.app, tx, staff.principal, patient_id, about) if about else None
    return _lesson(staff, patient_id, item_id) if item_id else _page(staff, patient_id)


@post("/patients/{patient_id:str}/education", sync_to_thread=True)
def education_send(staff: SignedInStaff, patient_id: FromPath[str], data: Form) -> Response[str]:
    """An item waits behind a link for the patient."""
    form = checked_form(staff, data)
    require(staff.principal, "create", "Communication")
    item = form.get("item", "")
    try:
        staff.app.database.run(
            staff.tenant.id,
            lambda tx: flow.send(staff.app, tx, staff.principal, patient_id=patient_id, item_id=item),
            actor=staff.principal.reference,
        )
    except CareloopError as error:
        problem, status = problem_of(error)
        return _page(staff, patient_id, problem=problem, status=status)
    return staff.back(f"/patients/{patient_id}/education", said="The link is ready. Give or send it to the patient.")


@get("/patients/{patient_id:str}/education/{item_id:str}", sync_to_thread=True)
def education_lesson(staff: SignedInStaff, patient_id: FromPath[str], item_id: FromPath[str]) -> Response[str]:
    """The script for a talk: it starts from what was misunderstood."""
    return _lesson(staff, patient_id, item_id)


@post("/patients/{patient_id:str}/education/{item_id:str}", sync_to_thread=True)
def education_teach(
    staff: SignedInStaff, patient_id: FromPath[str], item_id: FromPath[str], data: Form
) -> Response[str]:
    """What the patient said back is kept."""
    form = checked_form(staff, data)
    require(staff.principal, "create", "QuestionnaireResponse")
    given = {"choice_id": form.get("choice", ""), "way": form.get("way", "")}
    try:
        told = staff.app.database.run(
            staff.tenant.id,
            lambda tx: flow.teach(staff.app, tx, staff.principal, patient_id=patient_id, item_id=item_id, **given),
            actor=staff.principal.reference,
        )
    except CareloopError as error:
        problem, status = problem_of(error)
        return _lesson(staff, patient_id, item_id, problem=problem, status=status)
    if not told.choice.right:
        return _lesson(staff, patient_id, item_id, said=told.says)
    return staff.back(f"/patients/{patient_id}/education", said=told.says)


def _page(staff: Staff, patient_id: str, *, problem: str = "", status: int = 200) -> Response[str]:
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        page = flow.page(staff.app, tx, staff.principal, patient_id)
    values = {
        "page": page,
        "tab": "education",
        "primary": None,
        "born": born_words,
        "problem": problem,
        "path_of": _path,
    }
    return staff.page("education.html", "/patients", values, about=patient_id, status=status)


def _path(codes: Codes) -> str:
    return f"/p/{codes.secret}"


def _lesson(
    staff: Staff, patient_id: str, item_id: str, *, problem: str = "", said: str = "", status: int = 200
) -> Response[str]:
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        found = flow.lesson(staff.app, tx, staff.principal, patient_id, item_id)
    values = {"found": found, "patient_id": patient_id, "ways": flow.WAYS, "problem": problem, "told": said}
    return staff.page("lesson.html", "/patients", values, about=patient_id, status=status)
