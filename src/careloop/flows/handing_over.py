"""Work changes hands: by an offer that somebody accepts, or because its owner leaves. Never without an owner."""

from collections.abc import Sequence

from careloop.access import accounts
from careloop.access.model import Principal
from careloop.access.policy import Action, require_action
from careloop.db import Transaction
from careloop.errors import Conflict, NotFound, NotPermitted, Rejected
from careloop.fhir.ids import new_id
from careloop.flows import acting, closing, engine, routing
from careloop.flows.app import App
from careloop.flows.causes import Cause
from careloop.loops import store
from careloop.loops.plans import Owner
from careloop.record import Stored


def hand_over(app: App, tx: Transaction, principal: Principal, *, loop_id: str, to: str, why: str) -> acting.ActReceipt:
    """`to` is asked to take the loop; its owner stays responsible until they accept. One offer at a time."""
    require_action(principal, Action.LOOP_WORK)
    acting.require_text("why", why)
    require_owner(tx, to)
    loop = acting.find_loop(tx, loop_id)
    giver = _giver(principal, loop)
    if not loop.state.status.is_open or to == giver:
        raise Rejected(at="to", expected="somebody else than the owner of an open loop", code="business-rule")
    tx.lock(f"patient {loop.patient_id}")
    if store.open_offer(tx, loop_id):
        raise Conflict("this loop is on offer already")
    offer = store.Offer(id=new_id(), loop_id=loop_id, giver=giver, taker=to, why=why, offered=app.clock.now())
    store.add_offer(tx, offer)
    return acting.ActReceipt(act_id=offer.id, says="Offered. You stay the owner until it is accepted.")


def accept_offer(app: App, tx: Transaction, principal: Principal, *, loop_id: str) -> acting.ActReceipt:
    """The taker owns the loop, and the open steps of it that the giver held."""
    offer, loop = _answerable(tx, principal, loop_id)
    store.answer_offer(tx, offer.id, answer="accepted", why=None, at=app.clock.now())
    taker = principal.reference if principal.practitioner_id else offer.taker
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
    held = [step_id for step_id, step in loop.steps.items() if step.owner == giver and _is_open(loop, step_id)]
    places = [*([""] if loop.owner == giver else []), *held]
    assignments = {(loop.id, step_id): owner for step_id in places}
    closing.review(app, tx, [loop.patient_id], Cause(fact="hand-over", by=by, assignments=assignments))


def assign(app: App, tx: Transaction, loop: store.StoredLoop, step_id: str, owner: str, *, by: str) -> None:
    """The step belongs to `owner`; a loop (step id '') takes along the open steps that its owner held."""
    why = "assigned by a program"
    if step_id == "":
        give(app, tx, loop, giver=loop.owner, taker=owner, why=why, by=by)
        return
    cause = Cause(fact="assignment", by=by, assignments={(loop.id, step_id): Owner(owner=owner, why=why)})
    closing.review(app, tx, [loop.patient_id], cause)


def move_work(app: App, tx: Transaction, principal: Principal, *, from_: str, to: str | None = None) -> int:
    """Everything open that `from_` held has another owner: `to`, else whoever routing names. How many things moved.

    Run before an account is disabled; afterwards nothing open is left with `from_`.
    """
    if to is not None:
        require_owner(tx, to)
    work = store.work_of(tx, from_)
    for patient_id in sorted({row["patient_id"] for row in work}):
        resources = app.record.of_patient(tx, patient_id, engine.RESOURCE_TYPES)
        assignments = {
            (row["loop_id"], row["step_id"]): _successor(tx, patient_id, row["owner_role"], resources, from_, to)
            for row in work
            if row["patient_id"] == patient_id
        }
        cause = Cause(fact="its owner left", by=principal.reference, assignments=assignments)
        closing.review(app, tx, [patient_id], cause)
    if store.work_of(tx, from_):
        raise Conflict("some work could not be moved")
    return len(work)


def require_owner(tx: Transaction, reference: str) -> None:
    """Nothing happens for an active member of the staff, or the queue; else `Rejected`."""
    if reference == routing.queue_reference(tx.tenant_id):
        return
    if reference not in {member.reference for member in accounts.staff(tx) if member.active}:
        raise Rejected(at="to", expected="an active member of the staff, or the queue", code="business-rule")


def _successor(
    tx: Transaction, patient_id: str, role: str, resources: Sequence[Stored], from_: str, to: str | None
) -> Owner:
    if to is not None:
        return Owner(owner=to, why="given by whoever closed the account")
    return routing.route(tx, patient_id, role, resources, without=from_)


def _giver(principal: Principal, loop: store.StoredLoop) -> str:
    """Whose work is given away: the principal's where they hold some of it, else the owner's."""
    mine = principal.reference
    if mine == loop.owner or any(step.owner == mine for step in loop.steps.values()):
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
