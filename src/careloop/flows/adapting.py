"""One patient's loop adapted: a step skipped, a clock changed, a step more; each with its reason (engine.md §2).

An adaptation is an act like any other: kept for ever, undone by another, part of what the engine folds. It changes
nothing for anybody else; what people adapt again and again is read in `flows.skipping` and mended in the rules.
"""

from datetime import datetime

from careloop.access.model import Principal
from careloop.access.policy import Action, require_action
from careloop.db import Transaction
from careloop.errors import NotFound, Rejected
from careloop.flows import acting
from careloop.flows.acting import ActReceipt
from careloop.flows.app import App
from careloop.loops import store
from careloop.loops.model import ActKind

MOST_EXTRA = 12
"""So many steps a loop may have more than its pathway says."""
_LONGEST_TITLE = 80


def skip_step(
    app: App, tx: Transaction, principal: Principal, *, loop_id: str, step_id: str, reason: str, note: str
) -> ActReceipt:
    """The step is not done for this patient; counted as closed without proof."""
    _open_step(tx, loop_id, step_id)
    done = acting.close_without_proof(
        app, tx, principal, loop_id=loop_id, step_id=step_id, reason=reason, note=note
    )  # fmt: skip
    return ActReceipt(act_id=done.act_id, says="Skipped for this patient")


def set_clock(
    app: App,
    tx: Transaction,
    principal: Principal,
    *,
    loop_id: str,
    step_id: str,
    due: datetime,
    reason: str,
    note: str,
) -> ActReceipt:
    """The step is due then, for this patient: after now, and within the time of the loop."""
    loop = _open_step(tx, loop_id, step_id)
    _require(app, reason, note)
    _require_due(app, loop, due)
    data = {"due": due.isoformat(), "reason": reason, "note": note}
    return acting.perform(app, tx, principal, loop_id, step_id, ActKind.DEADLINE, data, says="Due at another time")


def add_step(
    app: App,
    tx: Transaction,
    principal: Principal,
    *,
    loop_id: str,
    title: str,
    role: str,
    due: datetime,
    reason: str,
    note: str,
) -> ActReceipt:
    """The loop of this patient has one more step, owned by somebody of this role; it closes by proof or a word."""
    require_action(principal, Action.LOOP_WORK)
    loop = acting.find_loop(tx, loop_id)
    if not loop.state.status.is_open:
        raise Rejected(at="loop", expected="a loop that is open", code="business-rule")
    tx.lock(f"patient {loop.patient_id}")
    loop = acting.find_loop(tx, loop_id)
    title = " ".join(title.split())
    if not 3 <= len(title) <= _LONGEST_TITLE:
        raise Rejected(at="title", expected=f"what is to be done, in 3 to {_LONGEST_TITLE} letters", code="value")
    if role not in app.catalog.document("vocabulary", "careloop")["roles"]["staff"]:
        raise Rejected(at="role", expected="a role of the staff", code="code-invalid")
    _require(app, reason, note)
    _require_due(app, loop, due)
    before = sum(act.kind is ActKind.EXTRA for act in loop.acts)
    if before >= MOST_EXTRA:
        raise Rejected(at="title", expected=f"at most {MOST_EXTRA} steps more", code="business-rule")
    data = {
        "step": f"extra-{before + 1}",
        "title": title,
        "role": role,
        "due": due.isoformat(),
        "reason": reason,
        "note": note,
    }
    return acting.perform(app, tx, principal, loop_id, None, ActKind.EXTRA, data, says="One step more")


def _open_step(tx: Transaction, loop_id: str, step_id: str) -> store.StoredLoop:
    loop = acting.find_loop(tx, loop_id)
    step = next((one for one in loop.state.steps if one.step_id == step_id), None)
    if step is None:
        raise NotFound("there is no such step")
    if not step.status.is_open:
        raise Rejected(at="step", expected="a step that is open", code="business-rule")
    return loop


def _require(app: App, reason: str, note: str) -> None:
    known = app.catalog.document("vocabulary", "careloop")["adaptations"]["codes"]
    if reason not in known:
        raise Rejected(at="reason", expected=f"one of {', '.join(known)}", code="code-invalid")
    acting.require_text("note", note)


def _require_due(app: App, loop: store.StoredLoop, due: datetime) -> None:
    if not app.clock.now() < due <= loop.state.deadline:
        raise Rejected(at="due", expected="an instant ahead, and not after the whole loop is over", code="value")
