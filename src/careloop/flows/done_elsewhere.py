"""Done or asked for elsewhere: shown on the loop of an order, and one click ties its result to what it proves.

What counts as the same, and for how long, is the content of the `order-sign` service (`content/cds/duplicates.yaml`).
A result that is used is evidence of the steps that lead to a result or report, with the reason `done-elsewhere`; that a
doctor reads it and that the patient is told stays work, unless the doctor is who uses it (features row 6).
"""

from collections.abc import Mapping
from typing import Any

from careloop.access.model import Principal, Role
from careloop.access.policy import Action, require_action
from careloop.db import Transaction
from careloop.errors import Conflict, NotFound
from careloop.fhir.ids import new_id
from careloop.flows import acting, closing, people
from careloop.flows.app import App
from careloop.flows.causes import Cause
from careloop.flows.cds_orders import Repeated, repeated
from careloop.flows.interactions import Interaction
from careloop.loops import store
from careloop.loops.model import Act, ActKind

REASON = "done-elsewhere"
_PROVEN: Mapping[str, frozenset[str]] = {
    "test-result": frozenset({"collected", "resulted"}),
    "referral": frozenset({"sent", "accepted", "booked", "seen"}),
}
PATHWAYS = frozenset(_PROVEN)
_READ: Mapping[str, str] = {"test-result": "reviewed", "referral": "report"}
"""The step that a physician who uses the result does with it."""


def of_loop(app: App, tx: Transaction, principal: Principal, loop: store.StoredLoop) -> Repeated | None:
    """What the order of this loop would repeat; None where the loop has no order, is closed, or nothing is the same."""
    order = _order(app, tx, loop)
    if order is None or not loop.state.status.is_open:
        return None
    door = Interaction(app=app, tx=tx, principal=principal)
    used = [str(one.reference).split("/_history/")[0] for step in loop.state.steps for one in step.evidence]
    return repeated(door, loop.patient_id, order, people.zone_of(tx), without=[loop.state.focus, *used])


def use(app: App, tx: Transaction, principal: Principal, *, loop_id: str, reference: str) -> acting.ActReceipt:
    """The result is tied to every open step that it proves. `Conflict` where it is not what the loop shows now."""
    require_action(principal, Action.LOOP_WORK)
    loop = acting.find_loop(tx, loop_id)
    tx.lock(f"patient {loop.patient_id}")
    found = of_loop(app, tx, principal, loop)
    if found is None or found.reference != reference or found.is_pending:
        raise Conflict("this result is no longer the newest of the same; look again")
    wanted = _PROVEN[loop.state.pathway] | ({_READ[loop.state.pathway]} if Role.PHYSICIAN in principal.roles else set())
    steps = [step.step_id for step in loop.state.steps if step.step_id in wanted and step.status.is_open]
    if not steps:
        raise Conflict("the loop has its result already")
    now = app.clock.now()
    day = f"{found.at.astimezone(people.zone_of(tx)):%-d %b %Y}"
    note = ", ".join(part for part in (f"{found.name} of {day}", found.place, found.result) if part)
    ids = [new_id() for _ in steps]
    for act_id, step_id in zip(ids, steps, strict=True):
        data = {"reference": found.version, "reason": REASON, "note": note, "with": ids}
        store.add_act(
            tx,
            Act(
                id=act_id,
                loop_id=loop.id,
                step_id=step_id,
                kind=ActKind.EVIDENCE,
                at=now,
                by=principal.reference,
                data=data,
            ),
        )
    closing.review(app, tx, [loop.patient_id], Cause(fact=f"used: {found.reference}", by=principal.reference))
    left = [step for step in acting.find_loop(tx, loop_id).state.steps if step.status.is_open]
    still = f" Still open: {len(left)} {'step' if len(left) == 1 else 'steps'}." if left else " The loop is closed."
    return acting.ActReceipt(act_id=ids[-1], says=f"Used: {note}.{still}")


def _order(app: App, tx: Transaction, loop: store.StoredLoop) -> Mapping[str, Any] | None:
    if loop.state.pathway not in _PROVEN or not loop.state.focus.startswith("ServiceRequest/"):
        return None
    stored = app.record.fetch(tx, [loop.state.focus]).get(loop.state.focus)
    if stored is None or stored.deleted:
        raise NotFound("the order is no longer in the record")
    return stored.resource
