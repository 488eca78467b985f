"""Episode cards, and the contact budget of one patient."""

from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery, QueryParameter

from careloop.access.policy import may
from careloop.engagement.contacts.model import Choice
from careloop.errors import Rejected
from careloop.flows import contact_numbers, contacting
from careloop.flows import episode_cards as flow
from careloop.flows.acts import ActReceipt
from careloop.web.staff.context import SignedInStaff, Staff, checked_form
from careloop.web.staff.loop_acts import save_as_act
from careloop.web.staff.patient_head import head_values

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
HERE = "/episodes"


@get(HERE, sync_to_thread=True)
def episodes_page(
    staff: SignedInStaff, whose: Annotated[str, QueryParameter(name="scope")] = "mine", after: FromQuery[int] = 0
) -> Response[str]:
    """One card for each current stay or flare."""
    chosen, from_ = "team" if whose == "team" else "mine", min(max(after, 0), 100_000)
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        found = flow.page(staff.app, tx, staff.principal, scope=chosen, after=from_)
    return staff.page("episodes.html", HERE, {"found": found, "scope": chosen, "after": from_})


@get("/patients/{patient_id:str}/episodes", sync_to_thread=True)
def patient_episodes(staff: SignedInStaff, patient_id: FromPath[str]) -> Response[str]:
    """All cards of one patient."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        person, cards = flow.page_of(staff.app, tx, staff.principal, patient_id)
        head = head_values(staff, tx, patient_id)
    values = {**head, "person": person, "cards": cards, "patient_id": patient_id}
    return staff.page("patient_episodes.html", "/patients", values, about=patient_id)


@get("/patients/{patient_id:str}/contacts", sync_to_thread=True)
def patient_contacts(staff: SignedInStaff, patient_id: FromPath[str]) -> Response[str]:
    """How often, when and by which way the patient was contacted, and what is planned."""
    return _contacts(staff, patient_id)


@post("/patients/{patient_id:str}/contacts", sync_to_thread=True)
def patient_contacts_save(staff: SignedInStaff, patient_id: FromPath[str], data: Form) -> Response[str]:
    """What the patient wants binds every program; a number that works is called first."""
    form, refused = checked_form(staff, data), data.get("refused", [])
    choice = Choice(
        refused=frozenset(str(one) for one in (refused if isinstance(refused, list) else [refused])),
        preferred=form.get("preferred", ""),
        hours=form.get("hours", ""),
    )
    try:
        said = staff.app.database.run(
            staff.tenant.id,
            lambda tx: (
                contact_numbers.new_number(
                    staff.app, tx, staff.principal, patient_id, form.get("number", ""), instead_of=form.get("old", "")
                )
                if form.get("do") == "number"
                else contacting.choose(staff.app, tx, staff.principal, patient_id, choice)
            ),
            actor=staff.principal.reference,
        )
    except Rejected as error:
        problem = f"Not saved. Still needed: {error.expected}."
        return _contacts(staff, patient_id, problem=problem, typed=form.get("number", ""))
    return staff.back(f"/patients/{patient_id}/contacts", said=said)


@post("/loops/{loop_id:str}/put-off", sync_to_thread=True)
def put_off(staff: SignedInStaff, loop_id: FromPath[str], data: Form) -> Response[str]:
    """The contact waits until the budget has room, by the rule that says so."""
    form = checked_form(staff, data)

    def work(tx: Any) -> ActReceipt:
        return contacting.put_off(staff.app, tx, staff.principal, loop_id)

    return save_as_act(staff, loop_id, form, work)


def _contacts(staff: Staff, patient_id: str, *, problem: str = "", typed: str = "") -> Response[str]:
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        found = contacting.of_patient(staff.app, tx, staff.principal, patient_id)
        numbers = contact_numbers.listed(staff.app, tx, patient_id)
        head = head_values(staff, tx, patient_id)
    values = {
        **head,
        "contact": found,
        "numbers": numbers,
        "problem": problem,
        "typed": typed,
        "may_change": may(staff.principal, "update", "Patient"),
    }
    status = 422 if problem else 200
    return staff.page("patient_contacts.html", "/patients", values, about=patient_id, status=status)
