"""What people do to loops. Each act is one transaction: kept, derived from, explained; a press twice is one act.

Evidence goes into the record through `flows.writing`, so that it closes steps exactly as a feed's would. Hand-overs
are in `flows.handing_over`, acts of FHIR clients on Tasks in `flows.task_updates`, undo in `flows.undoing`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from careloop.access.model import Principal
from careloop.access.policy import Action, require_action
from careloop.db import Transaction
from careloop.errors import NotFound, Rejected
from careloop.fhir.ids import new_id
from careloop.flows import closing
from careloop.flows.app import App
from careloop.flows.causes import Cause
from careloop.loops import store
from careloop.loops.model import Act, ActKind

SNOOZE_AT_MOST = timedelta(days=7)
UNDO_WITHIN = timedelta(minutes=10)

REASONS = frozenset(
    {
        "discharge-cancelled",
        "readmitted",
        "deceased",
        "merged",
        "window-over",
        "superseded",
        "not-applicable",
        "patient-declined",
        "done-elsewhere",
        "duplicate",
        "moved-away",
        "unable-to-reach",
        "entered-in-error",
        "other",
    }
)
"""Codes of `urn:careloop:reason` (interface.md §4)."""


@dataclass(frozen=True, kw_only=True)
class ActReceipt:
    """What came of an act: its id (to undo it), a sentence for the live region, the loop to work next, and what it
    wrote, one line each, where it wrote several things."""

    act_id: str
    says: str
    next_loop_id: str | None = None
    outputs: tuple[str, ...] = ()


def hold(
    app: App, tx: Transaction, principal: Principal, *, loop_id: str, step_id: str | None, reason: str, until: datetime
) -> ActReceipt:
    """The loop or step waits for others until `until`, then wakes by itself. The deadline stays."""
    require_text("reason", reason)
    if until <= app.clock.now():
        raise Rejected(at="until", expected="an instant that is still ahead")
    data = {"reason": reason, "until": until.isoformat()}
    return perform(app, tx, principal, loop_id, step_id, ActKind.HOLD, data, says="Waiting on others")


def release(app: App, tx: Transaction, principal: Principal, *, loop_id: str, step_id: str | None) -> ActReceipt:
    """The loop or step is to be worked again."""
    return perform(app, tx, principal, loop_id, step_id, ActKind.RELEASE, {}, says="Back on the list")


def start(app: App, tx: Transaction, principal: Principal, *, loop_id: str, step_id: str | None) -> ActReceipt:
    """Somebody is working on it."""
    return perform(app, tx, principal, loop_id, step_id, ActKind.START, {}, says="Started")


def snooze(app: App, tx: Transaction, principal: Principal, *, loop_id: str, until: datetime) -> ActReceipt:
    """Off the list until `until`: at most 7 days, never past the next deadline."""
    now = app.clock.now()
    loop = find_loop(tx, loop_id)
    dues = [step.due for step in loop.state.steps if step.status.is_open]
    limit = min([loop.state.deadline, now + SNOOZE_AT_MOST, *dues])
    if not now < until <= limit:
        raise Rejected(at="until", expected="an instant ahead, within 7 days and not past the deadline")
    data = {"until": until.isoformat()}
    return perform(app, tx, principal, loop_id, None, ActKind.SNOOZE, data, says="Snoozed")


def close_without_proof(
    app: App, tx: Transaction, principal: Principal, *, loop_id: str, step_id: str | None, reason: str, note: str
) -> ActReceipt:
    """The loop or step is closed with a coded reason and a sentence; such closures are counted apart."""
    require_action(principal, Action.LOOP_CLOSE_WITHOUT_PROOF)
    require_reason(reason)
    require_text("note", note)
    data = {"reason": reason, "note": note}
    return perform(app, tx, principal, loop_id, step_id, ActKind.CANCEL, data, says="Closed without proof")


def attest(
    app: App, tx: Transaction, principal: Principal, *, loop_id: str, step_id: str, reason: str, note: str
) -> ActReceipt:
    """The step is complete on this person's word: a coded reason and a sentence."""
    require_reason(reason)
    require_text("note", note)
    data = {"reason": reason, "note": note}
    return perform(app, tx, principal, loop_id, step_id, ActKind.ATTEST, data, says="Done, on your word")


def add_evidence(
    app: App, tx: Transaction, principal: Principal, *, loop_id: str, step_id: str, reference: str
) -> ActReceipt:
    """This resource of the same patient proves this step, in the version that it has now."""
    loop = find_loop(tx, loop_id)
    data = {"reference": evidence_reference(app, tx, loop.patient_id, reference)}
    return perform(app, tx, principal, loop_id, step_id, ActKind.EVIDENCE, data, says="Proof added")


def restore(
    app: App, tx: Transaction, principal: Principal, *, loop_id: str, step_id: str | None, note: str
) -> ActReceipt:
    """A loop or step that a person closed is open again."""
    require_text("note", note)
    return perform(app, tx, principal, loop_id, step_id, ActKind.RESTORE, {"note": note}, says="Open again")


def perform(
    app: App,
    tx: Transaction,
    principal: Principal,
    loop_id: str,
    step_id: str | None,
    kind: ActKind,
    data: Mapping[str, Any],
    *,
    says: str,
) -> ActReceipt:
    """The act is kept and the loop is what follows from it. `NotFound` for a loop or step that is not there."""
    require_action(principal, Action.LOOP_WORK)
    loop = find_loop(tx, loop_id)
    if step_id is not None and step_id not in loop.steps:
        raise NotFound("there is no such step")
    act = Act(
        id=new_id(), loop_id=loop_id, step_id=step_id, kind=kind, at=app.clock.now(), by=principal.reference, data=data
    )
    tx.lock(f"patient {loop.patient_id}")
    store.add_act(tx, act)
    closing.review(app, tx, [loop.patient_id], Cause(fact=f"act {act.kind.value}", by=principal.reference))
    return ActReceipt(act_id=act.id, says=says)


def find_loop(tx: Transaction, loop_id: str) -> store.StoredLoop:
    """The loop as it stands, else `NotFound`."""
    found = store.load_loops(tx, ids=[loop_id]) if store.is_loop_id(loop_id) else []
    if not found:
        raise NotFound("there is no such loop")
    return found[0]


def evidence_reference(app: App, tx: Transaction, patient_id: str, reference: str) -> str:
    """The versioned form of a reference to a resource of this patient; `Rejected` when it is not one."""
    thing = reference.split("/_history/")[0]
    stored = app.record.fetch(tx, [thing]).get(thing)
    if stored is None or stored.deleted or stored.patient_id != patient_id:
        raise Rejected(at="reference", expected="a resource of the same patient", code="business-rule")
    return stored.versioned_reference


def require_reason(reason: str) -> None:
    """Nothing happens for a code of `urn:careloop:reason`."""
    if reason not in REASONS:
        raise Rejected(at="reason", expected=f"one of {', '.join(sorted(REASONS))}", code="code-invalid")


def require_text(name: str, text: str) -> None:
    """Nothing happens when a person wrote something."""
    if not text.strip():
        raise Rejected(at=name, expected="a sentence", code="required")


def once(tx: Transaction, principal: Principal, key: str | None) -> ActReceipt | None:
    """The receipt of the same press before, if there was one. Two presses at once wait for each other."""
    if key is None:
        return None
    tx.lock(f"receipt {principal.reference} {key}")
    receipt = store.find_receipt(tx, principal.reference, key)
    return None if receipt is None else msgspec.json.decode(receipt, type=ActReceipt)


def keep_receipt(tx: Transaction, principal: Principal, key: str | None, receipt: ActReceipt, at: datetime) -> None:
    """The same press again gets the same answer."""
    if key is not None:
        text = msgspec.json.encode(receipt).decode()
        store.save_receipt(tx, by=principal.reference, key=key, act_id=receipt.act_id, receipt=text, at=at)


def same_patient(loops: Sequence[store.StoredLoop]) -> str:
    """The one patient of these loops, else `Rejected`."""
    patients = {loop.patient_id for loop in loops}
    if len(patients) != 1:
        raise Rejected(at="also", expected="loops of the same patient", code="business-rule")
    return patients.pop()
