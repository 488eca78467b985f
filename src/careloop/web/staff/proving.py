"""One step of a loop proven by hand: the forms that the pathway accepts, and what the record holds already."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath

from careloop.access.policy import Action, require_action
from careloop.db import Transaction
from careloop.errors import Conflict, NotFound, NotPermitted, Rejected
from careloop.fhir.ids import new_id
from careloop.flows import acting, acts, proof_ways, worklist
from careloop.flows.acting import ActReceipt
from careloop.flows.proof_resources import CLASSES, MEDIA, Said
from careloop.flows.worklist_values import LoopDetail
from careloop.web.staff.context import SignedInStaff, Staff, checked_form
from careloop.web.staff.words import ROLE_NAMES, THING_NAMES

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]


@dataclass(frozen=True, kw_only=True)
class Place:
    """The screen on which a step is worked. `beside`: what the step asks for is still told here."""

    path: str
    says: str
    beside: bool = False


@dataclass(frozen=True, kw_only=True)
class Screen:
    """Where a pathway is worked: its address, with `{loop}`, `{patient}` and `{focus}` as opaque ids, and the words of
    its link. `of`: only where the matter is such a resource."""

    path: str
    says: str
    beside: bool = False
    of: str = ""


PLACES: Mapping[str, Screen] = {
    "test-result": Screen(path="/results/{loop}", says="Open the result"),
    "referral": Screen(path="/referrals/{focus}", says="Open the referral"),
    "patient-message": Screen(path="/messages/{loop}", says="Open the message"),
    "missed-appointment": Screen(path="/schedule/visits/{focus}", says="Open the visit"),
    "expected-document": Screen(path="/expected", says="Open what is expected"),
    "medication-reconciliation": Screen(path="/patients/{patient}/medicines/compare", says="Compare medicines"),
    "medicine-decision/decided": Screen(path="/patients/{patient}/medicines", says="Open the medicines"),
    "medicine-safety": Screen(path="/patients/{patient}/medicines", says="Look at the medicines"),
    "refill-gap": Screen(path="/patients/{patient}/medicines", says="See the fills", beside=True),
    "teach-back": Screen(path="/patients/{patient}/education?about={focus}", says="Open the script"),
    "screening-due": Screen(path="/patients/{patient}/assessments?about={focus}", says="Open the questions"),
    "assessment-follow-up": Screen(path="/patients/{patient}/assessments", says="See the answers", beside=True),
    "symptom-alert": Screen(path="/monitoring/alerts/{focus}", says="Open the alert", of="DetectedIssue/"),
    "care-plan-review": Screen(path="/patients/{patient}/plan", says="Open the care plan", beside=True),
    "new-patient-intake/assessment": Screen(
        path="/patients/{patient}/assessments", says="Get to know them", beside=True
    ),
    "new-patient-intake/plan": Screen(path="/patients/{patient}/plan", says="Open the care plan", beside=True),
    "contact-repair": Screen(path="/patients/{patient}/contacts#numbers", says="Write down a number", beside=True),
}
"""The own screens of pathways, and of single steps (`pathway/step`)."""

BOOKING = Screen(path="/schedule/book?patient={patient}&about={matter}", says="Find a free time")
"""Where a visit with us is booked for a matter."""


def place_of(detail: LoopDetail) -> Place | None:
    """The screen on which this loop is worked, where it has one of its own; else where its next visit is booked."""
    own = PLACES.get(f"{detail.row.pathway}/{detail.row.step_id}") or PLACES.get(detail.row.pathway)
    books = detail.proof is not None and any(way.kind == "booking" for way in detail.proof.ways)
    found = own if own is not None and detail.focus.startswith(own.of) else None
    if found is None and books and detail.row.step_id in ("booked", "rebooked"):
        found = BOOKING
    if found is None:
        return None
    path = found.path.format(
        loop=detail.row.loop_id,
        patient=detail.row.patient_id,
        focus=detail.focus.rpartition("/")[2],
        matter=detail.focus,
    )
    return Place(path=path, says=found.says, beside=found.beside)


@get("/loops/{loop_id:str}/steps/{step_id:str}", sync_to_thread=True)
def step_page(staff: SignedInStaff, loop_id: FromPath[str], step_id: FromPath[str]) -> Response[str]:
    """Every way in which this step can be proven."""
    return _page(staff, loop_id, step_id)


@post("/loops/{loop_id:str}/steps/{step_id:str}", sync_to_thread=True)
def step_send(staff: SignedInStaff, loop_id: FromPath[str], step_id: FromPath[str], data: Form) -> Response[str]:
    """The proof is in the record; the same page with what is wrong, and what was typed, where it is not."""
    form = checked_form(staff, data)

    def work(tx: Transaction) -> ActReceipt:
        if form.get("way") == "shown":
            return acts.show(
                staff.app, tx, staff.principal, loop_id=loop_id, step_id=step_id, reference=form.get("reference", "")
            )
        return acts.prove(
            staff.app, tx, staff.principal,
            loop_id=loop_id, step_id=step_id, way=form.get("way", ""), said=said_of(staff, form),
            key=form.get("key") or None,
        )  # fmt: skip

    try:
        receipt = staff.app.database.run(staff.tenant.id, work, actor=staff.principal.reference)
    except (Rejected, Conflict, NotPermitted) as error:
        return _page(staff, loop_id, step_id, typed=form, problem=error)
    query = form.get("query") or "scope=all&"
    return staff.back(
        f"/worklist?{query}loop={receipt.next_loop_id or loop_id}", said=receipt.says, act=receipt.act_id
    )  # fmt: skip


def said_of(staff: Staff, form: Mapping[str, str]) -> Said:
    """What the form says. `Rejected` for a time that is none."""
    count = int(form["points"]) if form.get("points", "").isdecimal() else 0
    points = [(form.get(f"point-{number}", ""), form.get(f"answer-{number}", "")) for number in range(min(count, 20))]
    return Said(
        text=form.get("text", "")[:4000],
        choice=form.get("choice", ""),
        how=form.get("how", ""),
        who=form.get("who", "")[:200],
        title=form.get("title", "")[:2000],
        when=_when(staff, form),
        points=[(point, answer[:1000]) for point, answer in points if point],
    )


def _when(staff: Staff, form: Mapping[str, str]) -> datetime | None:
    if not form.get("when"):
        return None
    try:
        local = datetime.fromisoformat(form["when"])
    except ValueError as error:
        raise Rejected(at="when", expected="a date and a time") from error
    return local.replace(tzinfo=staff.words.zone) if local.tzinfo is None else local


def _page(
    staff: Staff,
    loop_id: str,
    step_id: str,
    *,
    typed: Mapping[str, str] | None = None,
    problem: Rejected | Conflict | NotPermitted | None = None,
) -> Response[str]:
    require_action(staff.principal, Action.LOOP_WORK)
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        detail = worklist.detail(staff.app, tx, staff.principal, loop_id)
        loop = acting.find_loop(tx, loop_id)
        if step_id not in {step.step_id for step in detail.steps}:
            raise NotFound("there is no such step")
        proof = proof_ways.offered(staff.app, tx, staff.principal, loop, step_id)
        shown = proof_ways.in_record(staff.app, tx, loop, step_id) if proof else []
    values = {
        "detail": detail,
        "step": next(step for step in detail.steps if step.step_id == step_id),
        "shown": shown,
        "problem": problem.message if problem else "",
        "typed": typed or {},
        "thing_names": THING_NAMES,
        "idempotency_key": new_id(),
        **form_values(staff, proof),
        "place": place_of(detail),
    }
    status = {Rejected: 422, Conflict: 409, NotPermitted: 403}[type(problem)] if problem else 200
    return staff.page("prove.html", "/worklist", values, status=status, about=detail.row.patient_id)


def form_values(staff: Staff, proof: proof_ways.Offered | None) -> dict[str, Any]:
    """What the forms of a step need to be drawn."""
    return {
        "proof": proof,
        "places_of_visit": CLASSES,
        "media": MEDIA,
        "role_names": ROLE_NAMES,
        "now_on_form": staff.words.on_form(staff.now),
    }
