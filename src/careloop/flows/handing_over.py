"""Work changes hands: by an offer that somebody accepts, or because its owner leaves. Never without an owner."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from careloop.access import accounts
from careloop.access.model import Principal
from careloop.access.policy import Action, require_action
from careloop.db import Row, Transaction
from careloop.errors import Conflict, NotFound, NotPermitted, Rejected
from careloop.fhir.ids import new_id
from careloop.flows import acting, closing, engine, noticing, routing
from careloop.flows.app import App
from careloop.flows.causes import Cause
from careloop.loops import owning, store
from careloop.loops.ownership import unfit
from careloop.loops.plans import Owner

BATCH = 50
"""Patients whose work is moved together."""


def hand_over(app: App, tx: Transaction, principal: Principal, *, loop_id: str, to: str, why: str) -> acting.ActReceipt:
    """`to` is asked to take the loop; its owner stays responsible until they accept. One offer at a time. `Rejected`
    for somebody who may not do the work on its due date (PG-04) or is away."""
    require_action(principal, Action.LOOP_WORK)
    acting.require_text("why", why)
    require_owner(tx, to)
    tx.lock(f"patient {acting.find_loop(tx, loop_id).patient_id}")
    loop = acting.find_loop(tx, loop_id)
    giver = giver_of(principal, loop)
    if not loop.state.status.is_open or to == giver:
        raise Rejected(at="to", expected="somebody else than the owner of an open loop", code="business-rule")
    require_fit(app, tx, loop, held_steps(loop, giver), to)
    if store.open_offer(tx, loop_id):
        raise Conflict("this loop is on offer already")
    offer = store.Offer(id=new_id(), loop_id=loop_id, giver=giver, taker=to, why=why, offered=app.clock.now())
    store.add_offer(tx, offer)
    says = f"{engine.title(app.catalog, loop.state.pathway, '')} is offered to you: {why}"
    noticing.note_offer(
        app, tx, offer_id=offer.id, patient_id=loop.patient_id, loop_id=loop_id, to=to, by=giver, says=says
    )
    return acting.ActReceipt(act_id=offer.id, says="Offered. You stay the owner until it is accepted.")


def accept_offer(app: App, tx: Transaction, principal: Principal, *, loop_id: str) -> acting.ActReceipt:
    """The taker owns the loop, and the open steps of it that the giver held."""
    offer, loop = _answerable(tx, principal, loop_id)
    taker = principal.reference if principal.practitioner_id else offer.taker
    require_fit(app, tx, loop, held_steps(loop, offer.giver), taker)
    store.answer_offer(tx, offer.id, answer="accepted", why=None, at=app.clock.now())
    give(app, tx, loop, giver=offer.giver, taker=taker, why=f"hand-over accepted: {offer.why}", by=principal.reference)
    return acting.ActReceipt(act_id=offer.id, says="Accepted. This is yours now.")


def decline_offer(app: App, tx: Transaction, principal: Principal, *, loop_id: str, why: str) -> acting.ActReceipt:
    """The offer is over; the giver stays owner and sees why."""
    acting.require_text("why", why)
    offer, _ = _answerable(tx, principal, loop_id)
    store.answer_offer(tx, offer.id, answer="declined", why=why, at=app.clock.now())
    return acting.ActReceipt(act_id=offer.id, says="Declined. The loop stays where it was.")


def give(app: App, tx: Transaction, loop: store.StoredLoop, *, giver: str, taker: str, why: str, by: str) -> None:
    """The loop (where the giver owned it) and the giver's open steps in it belong to `taker`."""
    owner = Owner(owner=taker, why=why)
    places = [*([""] if loop.owner == giver else []), *held_steps(loop, giver)]
    assignments = {(loop.id, step_id): owner for step_id in places}
    closing.review(app, tx, [loop.patient_id], Cause(fact="hand-over", by=by, assignments=assignments))


def assign(
    app: App,
    tx: Transaction,
    loop: store.StoredLoop,
    step_id: str,
    owner: str,
    *,
    by: str,
    why: str = "assigned by a program",
) -> None:
    """The step belongs to `owner`; a loop (step id '') takes along the open steps that its owner held."""
    require_fit(app, tx, loop, held_steps(loop, loop.owner) if step_id == "" else [step_id], owner)
    if step_id == "":
        give(app, tx, loop, giver=loop.owner, taker=owner, why=why, by=by)
        return
    cause = Cause(fact="assignment", by=by, assignments={(loop.id, step_id): Owner(owner=owner, why=why)})
    closing.review(app, tx, [loop.patient_id], cause)


def move_work(
    app: App,
    tx: Transaction,
    principal: Principal,
    *,
    from_: str,
    to: str | None = None,
    why: str = "its owner left",
    patients: Sequence[str] | None = None,
    role: str | None = None,
    to_pool: frozenset[str] = frozenset(),
) -> int:
    """Everything open that `from_` held (for these patients, of this role) has another owner: `to` where they may do
    it, else the queue for pathways in `to_pool`, where somebody takes each of them, else whoever routing names. How
    many things moved. Afterwards nothing of it is left with `from_`; else `Conflict`. `why` begins the reason of each.
    """
    if to is not None:
        require_owner(tx, to)

    def held() -> list[Row]:
        return [row for row in owning.work_of(tx, from_, patients) if role in (None, row["owner_role"])]

    work = held()
    by_patient: dict[str, list[Row]] = {}
    for row in work:
        by_patient.setdefault(row["patient_id"], []).append(row)
    waiting = sorted(by_patient)
    for start in range(0, len(waiting), BATCH):
        some = {one: by_patient[one] for one in waiting[start : start + BATCH]}
        _move_some(app, tx, principal, some, _Way(from_=from_, to=to, why=why, to_pool=to_pool))
    if patients is None:
        _move_escalations(app, tx, from_, to)
    if held():
        raise Conflict("some work could not be moved")
    return len(work)


def _move_some(
    app: App,
    tx: Transaction,
    principal: Principal,
    work: Mapping[str, Sequence[Row]],
    way: "_Way",
) -> None:
    """The work about some patients, in one review."""
    closing.lock(tx, work)
    resources = app.record.of_patients(tx, sorted(work), engine.RESOURCE_TYPES)
    office = routing.Office(app, tx, way.from_)
    desks = {patient: routing.Desk(office, patient, resources[patient]) for patient in work}
    assignments = {
        (row["loop_id"], row["step_id"]): _successor(office, desks[patient], row, way)
        for patient, rows in work.items()
        for row in rows
    }
    closing.review(app, tx, sorted(work), Cause(fact=way.why, by=principal.reference, assignments=assignments))


@dataclass(frozen=True, kw_only=True)
class _Way:
    """From whom to whom work moves, and why."""

    from_: str
    to: str | None
    why: str
    to_pool: frozenset[str]


def _successor(office: routing.Office, desk: routing.Desk, row: Row, way: _Way) -> Owner:
    """`to` where they may do it on its due date, else the pool or whoever routing names."""
    need = office.need(row["pathway"], row["step_id"], row["owner_role"], row["due"].date())
    if way.to is not None:
        named = office.people([way.to])
        if not named or unfit(named[0], row["owner_role"], need, "") is None:
            return Owner(owner=way.to, why=way.why)
    if row["pathway"] in way.to_pool:
        return Owner(
            owner=routing.queue_reference(office.tx.tenant_id), why=f"{way.why}: the pool, until somebody takes it"
        )
    chosen = desk.choice(row["owner_role"], need)
    return Owner(owner=chosen.owner, why=f"{way.why}: {chosen.why}")


def _move_escalations(app: App, tx: Transaction, from_: str, to: str | None) -> None:
    """Nobody is called who is not there any more."""
    calls = owning.escalations_to(tx, from_)
    patients = sorted({patient for patient, _ in calls})
    resources = app.record.of_patients(tx, patients, engine.RESOURCE_TYPES) if patients and to is None else {}
    office = routing.Office(app, tx, from_)
    desks = {patient: routing.Desk(office, patient, found) for patient, found in resources.items()}
    for patient, role in calls:
        owner = to or desks[patient].choice(role).owner
        owning.pass_escalations(tx, from_=from_, to=owner, patient_id=patient, role=role)


def require_owner(tx: Transaction, reference: str) -> None:
    """Nothing happens for an active member of the staff, or the queue; else `Rejected`."""
    if reference == routing.queue_reference(tx.tenant_id):
        return
    if not any(member.active for member in accounts.members(tx, [reference])):
        raise Rejected(at="to", expected="an active member of the staff, or the queue", code="business-rule")


def require_fit(app: App, tx: Transaction, loop: store.StoredLoop, step_ids: Sequence[str], to: str) -> None:
    """Nothing happens for somebody who is here and has every competency that these steps need on their due dates
    (PG-04), and for the queue; else `Rejected`, which says what is missing."""
    if to == routing.queue_reference(tx.tenant_id):
        return
    office = routing.Office(app, tx)
    person = next(iter(office.people([to])), None)
    if person is None:
        raise Rejected(at="to", expected="an active member of the staff, or the queue", code="business-rule")
    if person.away is not None:
        raise Rejected(at="to", expected=f"somebody who is not away until {_words(person.away.until)}")
    for step in loop.state.steps:
        if step.step_id in step_ids:
            need = office.need(loop.state.pathway, step.step_id, step.owner_role, step.due.date())
            if problem := unfit(person, step.owner_role, need, ""):
                raise Rejected(
                    at="to", expected=f"somebody fit for {step.step_id} (PG-04): {problem}", code="business-rule"
                )


def held_steps(loop: store.StoredLoop, owner: str) -> list[str]:
    """Open steps that this owner holds."""
    return [step_id for step_id, step in loop.steps.items() if step.owner == owner and _is_open(loop, step_id)]


def giver_of(principal: Principal, loop: store.StoredLoop) -> str:
    """Whose work is given away: the principal's where they hold some of it that is open, else the owner's."""
    mine = principal.reference
    if mine == loop.owner or held_steps(loop, mine):
        return mine
    return loop.owner


def _answerable(tx: Transaction, principal: Principal, loop_id: str) -> tuple[store.Offer, store.StoredLoop]:
    """The open offer that this principal may answer, and its loop as it stands now."""
    require_action(principal, Action.LOOP_WORK)
    tx.lock(f"patient {acting.find_loop(tx, loop_id).patient_id}")
    offer = store.open_offer(tx, loop_id)
    if offer is None:
        raise NotFound("there is no offer to answer")
    if offer.taker not in (principal.reference, routing.queue_reference(tx.tenant_id)):
        raise NotPermitted("this offer is for somebody else")
    return offer, acting.find_loop(tx, loop_id)


def _is_open(loop: store.StoredLoop, step_id: str) -> bool:
    return any(step.status.is_open for step in loop.state.steps if step.step_id == step_id)


def _words(at: datetime) -> str:
    return f"{at:%a} {at.day} {at:%b}"
