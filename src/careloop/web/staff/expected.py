"""What was promised and has not arrived, across all kinds; and phone it in, where systems do not talk."""

from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery

from careloop.errors import Conflict, Rejected
from careloop.flows import expected_documents as flow
from careloop.flows import partner_links, partner_sheets, phoning
from careloop.web.staff.context import SignedInStaff, Staff, checked_form
from careloop.web.staff.patient_head import head_values

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
HERE = "/expected"


@get("/expected", sync_to_thread=True)
def expected_page(staff: SignedInStaff) -> Response[str]:
    """Late and due within two weeks, the most urgent first."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        lines = flow.listed(staff.app, tx, staff.principal)
    values = {"lines": lines, "ladder": flow.ladder(staff.app), "late": sum(one.late for one in lines)}
    return staff.page("expected.html", HERE, values)


@post("/expected/{loop_id:str}/chase", sync_to_thread=True)
def expected_chase(staff: SignedInStaff, loop_id: FromPath[str], data: Form) -> Response[str]:
    """A try is noted."""
    form = checked_form(staff, data)
    said = staff.app.database.run(
        staff.tenant.id,
        lambda tx: flow.chase(staff.app, tx, staff.principal, loop_id, form.get("way", ""), form.get("note", "")),
        actor=staff.principal.reference,
    )
    return staff.back(HERE, said=said)


@get("/patients/{patient_id:str}/expected", sync_to_thread=True)
def promise_page(staff: SignedInStaff, patient_id: FromPath[str]) -> Response[str]:
    """The form for something that somebody outside has promised."""
    return _promise(staff, patient_id, {})


@post("/patients/{patient_id:str}/expected", sync_to_thread=True)
def promise_send(staff: SignedInStaff, patient_id: FromPath[str], data: Form) -> Response[str]:
    """It is expected from now on, with an owner and a clock."""
    form = checked_form(staff, data)
    try:
        staff.app.database.run(
            staff.tenant.id,
            lambda tx: flow.promise(
                staff.app, tx, staff.principal, patient_id,
                what=form.get("what", ""), source=form.get("source", ""), by=form.get("by", ""),
            ),
            actor=staff.principal.reference,
        )  # fmt: skip
    except Rejected as error:
        return _promise(staff, patient_id, form, problem=f"Please give {error.expected}.")
    return staff.back(HERE, said="Noted. It is on the list until it arrives.")


@get("/phone", sync_to_thread=True)
def phone_page(staff: SignedInStaff, about: FromQuery[str] = "", script: FromQuery[str] = "") -> Response[str]:
    """A call script for a request, and what was said before."""
    return _phone(staff, about, script, {})


@post("/phone", sync_to_thread=True)
def phone_send(staff: SignedInStaff, data: Form) -> Response[str]:
    """Who said what is saved."""
    form = checked_form(staff, data)
    about, script = form.get("about", ""), form.get("script", "")
    answers = {name.removeprefix("q-"): text for name, text in form.items() if name.startswith("q-")}
    try:
        staff.app.database.run(
            staff.tenant.id,
            lambda tx: phoning.save(
                staff.app, tx, staff.principal, request=about, script=script, who=form.get("who", ""), answers=answers
            ),
            actor=staff.principal.reference,
        )
    except Rejected as error:
        return _phone(staff, about, script, form, problem=f"Please give {error.expected}.")
    return staff.back(f"/phone?about={about}", said="Saved. When the paper comes, hold it against this.")


@post("/phone/{communication_id:str}", sync_to_thread=True)
def phone_judge(staff: SignedInStaff, communication_id: FromPath[str], data: Form) -> Response[str]:
    """What was said is held against the paper."""
    form = checked_form(staff, data)
    about, version = form.get("about", ""), form.get("version", "")
    verdicts = {
        int(name.removeprefix("v-")): verdict
        for name, verdict in form.items()
        if name.startswith("v-") and name[2:].isascii() and name[2:].isdecimal() and len(name) < 6 and verdict
    }
    try:
        staff.app.database.run(
            staff.tenant.id,
            lambda tx: phoning.judge(
                staff.app, tx, staff.principal, communication_id,
                document=form.get("document", ""), verdicts=verdicts,
                version=int(version) if version.isascii() and version.isdecimal() and len(version) < 9 else 0,
            ),
            actor=staff.principal.reference,
        )  # fmt: skip
    except Rejected as error:
        return _phone(staff, about, "", {}, problem=f"Please give {error.expected}.")
    except Conflict:
        return _phone(staff, about, "", {}, problem="Somebody else looked at this call meanwhile.", status=409)
    return staff.back(f"/phone?about={about}", said="Saved.")


def _promise(staff: Staff, patient_id: str, form: dict[str, str], *, problem: str = "") -> Response[str]:
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        name = partner_sheets.letter(staff.app, tx, staff.principal, patient_id).patient
        head = head_values(staff, tx, patient_id, "expected")
    values = {**head, "patient_id": patient_id, "patient": name, "form": form, "problem": problem}
    return staff.page("promise.html", "/patients", values, about=patient_id, status=422 if problem else 200)


def _phone(
    staff: Staff, about: str, script: str, form: dict[str, str], *, problem: str = "", status: int = 422
) -> Response[str]:
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        request = partner_sheets.request_of(staff.app, tx, staff.principal, about)
        calls = phoning.calls(staff.app, tx, staff.principal, about)
        papers = phoning.documents(staff.app, tx, request.patient_id) if any(one.is_open for one in calls) else []
        head = head_values(staff, tx, request.patient_id)
    scripts = phoning.scripts(staff.app)
    usual = next((one for one in scripts.values() if one.purpose == request.purpose), next(iter(scripts.values())))
    chosen = scripts.get(script, usual)
    good = sorted(
        (one for one in request.links if one.is_good(staff.now)), key=lambda one: one.purpose != chosen.purpose
    )
    values = {
        **head,
        "request": request,
        "code": partner_links.codes_of(staff.app, good[0]).sheet if good else request.number,
        "calls": calls,
        "papers": papers,
        "verdicts": phoning.VERDICTS,
        "scripts": scripts,
        "script": chosen,
        "form": form,
        "problem": problem,
    }
    return staff.page("phone.html", HERE, values, about=request.patient_id, status=status if problem else 200)
