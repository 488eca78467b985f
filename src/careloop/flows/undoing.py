"""Undo, for ten minutes: what a person saved counts no longer; both the saving and the undoing stay readable."""

from datetime import datetime

from careloop.access.model import Principal
from careloop.access.policy import Action, require_action
from careloop.db import Transaction
from careloop.errors import Conflict, NotFound, NotPermitted
from careloop.fhir.ids import new_id
from careloop.flows import acting, closing, medicine_finish, one_act, writing
from careloop.flows.app import App
from careloop.flows.causes import Cause
from careloop.loops import store
from careloop.loops.model import Act
from careloop.record import Stored, Write


def undo(app: App, tx: Transaction, principal: Principal, *, act_id: str) -> acting.ActReceipt:
    """The act, the call or the offer with this id is taken back by whoever did it, at most 10 minutes later."""
    require_action(principal, Action.LOOP_WORK)
    act = store.find_act(tx, act_id) if store.is_loop_id(act_id) else None
    if act is not None:
        return _undo_act(app, tx, principal, act)
    if signed := medicine_finish.signed(tx, act_id):
        return _undo_reconciliation(app, tx, principal, act_id, signed)
    whole = one_act.find(app, tx, act_id)
    if whole is not None:
        return _undo_whole(app, tx, principal, whole)
    call = app.record.fetch(tx, [f"Communication/{act_id}"]).get(f"Communication/{act_id}")
    if call is not None and not call.deleted:
        return _undo_call(app, tx, principal, call)
    return _withdraw(app, tx, principal, act_id)


def _undo_act(app: App, tx: Transaction, principal: Principal, act: Act) -> acting.ActReceipt:
    _require_fresh(app, principal, act.by, act.at)
    loop = acting.find_loop(tx, act.loop_id)
    tx.lock(f"patient {loop.patient_id}")
    current = store.find_act(tx, act.id)
    if current is None or current.undone:
        raise Conflict("this was undone already")
    undo_id = new_id()
    together = [store.find_act(tx, each) for each in act.data.get("with", ()) if each != act.id]
    for one in (act, *(other for other in together if other is not None and not other.undone)):
        store.add_undo(tx, undo_id if one is act else new_id(), one, app.clock.now(), principal.reference)
    closing.review(app, tx, [loop.patient_id], Cause(fact=f"undo {act.kind.value}", by=principal.reference))
    return acting.ActReceipt(act_id=undo_id, says="Undone")


def _undo_whole(app: App, tx: Transaction, principal: Principal, act: Stored) -> acting.ActReceipt:
    """Everything that one save wrote is taken back together."""
    _require_fresh(app, principal, _by(act, principal), datetime.fromisoformat(act.resource["recorded"]))
    one_act.take_back(app, tx, principal, act)
    return acting.ActReceipt(act_id=act.id, says="Undone. What was saved no longer counts.")


def _undo_reconciliation(
    app: App, tx: Transaction, principal: Principal, own_id: str, signed: tuple[str, datetime]
) -> acting.ActReceipt:
    """A signed comparison of medicines counts no longer, with all that it wrote."""
    _require_fresh(app, principal, *signed)
    says = medicine_finish.withdraw(app, tx, principal, own_id, "Undone")
    return acting.ActReceipt(act_id=own_id, says=says)


def _by(act: Stored, principal: Principal) -> str:
    who = act.resource["agent"][0]["who"]
    return str(who.get("reference") or (principal.reference if who.get("display") == principal.name else ""))


def _undo_call(app: App, tx: Transaction, principal: Principal, call: Stored) -> acting.ActReceipt:
    """The Communication is entered in error, so what it proved is open again with its old deadline."""
    resource = call.resource
    sender = resource.get("sender", {}).get("reference", principal.reference)
    _require_fresh(app, principal, sender, datetime.fromisoformat(resource["sent"]))
    if resource["status"] == "entered-in-error":
        raise Conflict("this was undone already")
    taken_back = {**resource, "status": "entered-in-error"}
    write = Write(
        method="update", resource_type="Communication", id=call.id, resource=taken_back, if_match=call.version
    )
    writing.write(app, tx, principal, [write])
    return acting.ActReceipt(act_id=call.id, says="Undone. The call no longer counts.")


def _withdraw(app: App, tx: Transaction, principal: Principal, offer_id: str) -> acting.ActReceipt:
    offer = store.find_offer(tx, offer_id) if store.is_loop_id(offer_id) else None
    if offer is None:
        raise NotFound("there is nothing to undo")
    _require_fresh(app, principal, offer.giver, offer.offered)
    store.answer_offer(tx, offer.id, answer="withdrawn", why=None, at=app.clock.now())
    return acting.ActReceipt(act_id=offer.id, says="The offer is withdrawn")


def _require_fresh(app: App, principal: Principal, by: str, at: datetime) -> None:
    if by != principal.reference:
        raise NotPermitted("only the person who saved this can undo it")
    if app.clock.now() - at > acting.UNDO_WITHIN:
        raise Conflict("more than 10 minutes have passed; correct it on the patient page")
