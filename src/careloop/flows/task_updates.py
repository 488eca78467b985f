"""A FHIR client changes the Task of a loop or a step: what it asks for becomes acts, the engine writes the Task.

Status, owner, proof and reasons are the client's to change (interface.md §4); everything else in such a Task is kept
as the engine wrote it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from careloop.access.model import Principal, PrincipalKind
from careloop.db import Transaction
from careloop.errors import Conflict, PreconditionFailed, Rejected
from careloop.events import ChangeKind
from careloop.flows import acting, contradictions, handing_over, identifying
from careloop.flows.app import App
from careloop.loops import store
from careloop.loops.model import ActKind, Status
from careloop.loops.tasks import REASON
from careloop.record import Stored, Write, Written

Resource = Mapping[str, Any]

WAKES_AFTER = timedelta(days=7)
"""A client that puts a Task on hold without `urn:careloop:wake` is asked again after so long."""

_WORKING = frozenset({"requested", "received", "ready", "accepted", "in-progress"})


def task_update(
    app: App, tx: Transaction, principal: Principal, task: Resource, *, if_match: int | None = None
) -> Written:
    """The Task as it stands after the client's change was carried out as acts. A Task that stands for no loop and no
    step is written as it came. `Rejected` where completion has no proof or cancellation no reason."""
    place = store.place_of_task(tx, str(task.get("id", "")))
    if place is None:
        return _plain(app, tx, principal, task, if_match)
    tx.lock(f"patient {place.patient_id}")
    before = _stored(app, tx, task["id"])
    if if_match is not None and before.version != if_match:
        raise PreconditionFailed("somebody else changed it first")
    _change_status(app, tx, principal, task, place)
    _change_owner(app, tx, principal, task, place)
    after = _stored(app, tx, task["id"])
    change = ChangeKind.UNCHANGED if after.version == before.version else ChangeKind.UPDATED
    return Written(
        resource_type="Task",
        id=after.id,
        version=after.version,
        change=change,
        patient_id=after.patient_id,
        last_updated=after.last_updated,
        resource=after.resource,
    )


def refuse_delete(tx: Transaction, task_id: str | None) -> None:
    """Nothing happens unless this Task stands for a loop or a step: those end by cancelling, with a reason."""
    if store.place_of_task(tx, task_id or "") is not None:
        raise Conflict("a loop or step is cancelled with a statusReason, never deleted")


def _plain(app: App, tx: Transaction, principal: Principal, task: Resource, if_match: int | None) -> Written:
    if identifying.task_update(app, tx, principal, task) or contradictions.task_update(app, tx, principal, task):
        return _as_written(_stored(app, tx, task["id"]))
    write = Write(method="update", resource_type="Task", id=task.get("id"), resource=task, if_match=if_match)
    return app.record.write(tx, principal, app.clock.now(), [write])[0]


def _as_written(stored: Stored) -> Written:
    return Written(
        resource_type="Task",
        id=stored.id,
        version=stored.version,
        change=ChangeKind.UPDATED,
        patient_id=stored.patient_id,
        last_updated=stored.last_updated,
        resource=stored.resource,
    )


def _stored(app: App, tx: Transaction, task_id: str) -> Stored:
    return app.record.fetch(tx, [f"Task/{task_id}"])[f"Task/{task_id}"]


def _change_status(app: App, tx: Transaction, principal: Principal, task: Resource, place: store.TaskPlace) -> None:
    loop = acting.find_loop(tx, place.loop_id)
    now, wanted = _status(loop, place.step_id), task.get("status")
    if wanted == now.value and wanted != "completed":
        return
    if wanted in _WORKING:
        _work_again(app, tx, principal, task, place, now)
    elif wanted == "on-hold":
        _hold(app, tx, principal, task, place)
    elif wanted == "completed":
        _complete(app, tx, principal, task, place, loop)
    elif wanted == "cancelled":
        _cancel(app, tx, principal, task, place)
    else:
        raise Rejected(
            at="Task.status",
            expected="requested, accepted, in-progress, on-hold, completed or cancelled",
            code="business-rule",
        )


def _work_again(
    app: App, tx: Transaction, principal: Principal, task: Resource, place: store.TaskPlace, now: Status
) -> None:
    """Open again, off hold, or begun: whatever leads from the status that stands to work."""
    if not now.is_open:
        _act(app, tx, principal, place, ActKind.RESTORE, {"note": _note(task) or "set open by a FHIR client"})
    elif now == Status.ON_HOLD:
        _act(app, tx, principal, place, ActKind.RELEASE, {})
    if task["status"] in ("accepted", "in-progress"):
        _act(app, tx, principal, place, ActKind.START, {"status": task["status"]})


def _hold(app: App, tx: Transaction, principal: Principal, task: Resource, place: store.TaskPlace) -> None:
    reason = _reason_code(task) or _reason_text(task)
    if not reason:
        raise Rejected(at="Task.statusReason", expected="why it waits", code="required")
    wakes = [
        entry.get("valueDateTime") for entry in task.get("extension", []) if entry.get("url") == "urn:careloop:wake"
    ]
    until = _instant(wakes[0]) if wakes else app.clock.now() + WAKES_AFTER
    if until <= app.clock.now():
        raise Rejected(at="Task.extension", expected="urn:careloop:wake ahead of now", code="business-rule")
    _act(app, tx, principal, place, ActKind.HOLD, {"reason": reason, "until": until.isoformat()})


def _complete(
    app: App, tx: Transaction, principal: Principal, task: Resource, place: store.TaskPlace, loop: store.StoredLoop
) -> None:
    """Proof, or a coded reason and a note. A loop completes through its steps only."""
    if place.step_id == "":
        if loop.state.status == Status.COMPLETED:
            return
        raise Rejected(at="Task.status", expected="its steps completed; the loop then follows", code="business-rule")
    step = next(step for step in loop.state.steps if step.step_id == place.step_id)
    known = {proof.reference.split("/_history/")[0] for proof in step.evidence}
    proofs = [reference for reference in _proofs(task) if reference.split("/_history/")[0] not in known]
    for reference in proofs:
        versioned = acting.evidence_reference(app, tx, place.patient_id, reference)
        _act(app, tx, principal, place, ActKind.EVIDENCE, {"reference": versioned})
    if proofs or step.status == Status.COMPLETED:
        return
    reason, note = _reason_code(task), _note(task)
    if not reason or not note:
        raise Rejected(at="Task.output", expected="proof, or a coded statusReason and a note", code="business-rule")
    acting.require_reason(reason)
    _act(app, tx, principal, place, ActKind.ATTEST, {"reason": reason, "note": note})


def _cancel(app: App, tx: Transaction, principal: Principal, task: Resource, place: store.TaskPlace) -> None:
    reason = _reason_code(task)
    if not reason:
        raise Rejected(at="Task.statusReason", expected=f"a code of {REASON}", code="required")
    acting.require_reason(reason)
    _act(app, tx, principal, place, ActKind.CANCEL, {"reason": reason, "note": _note(task) or reason})


def _change_owner(app: App, tx: Transaction, principal: Principal, task: Resource, place: store.TaskPlace) -> None:
    """A program with the right scope assigns; a person's change of owner is an offer."""
    wanted = (task.get("owner") or {}).get("reference")
    loop = acting.find_loop(tx, place.loop_id)
    now = loop.owner if place.step_id == "" else loop.steps[place.step_id].owner
    if wanted is None or wanted == now or not _status(loop, place.step_id).is_open:
        return
    if principal.kind == PrincipalKind.USER:
        handing_over.hand_over(app, tx, principal, loop_id=loop.id, to=wanted, why="asked for by a change of the Task")
        return
    handing_over.require_owner(tx, wanted)
    handing_over.assign(app, tx, loop, place.step_id, wanted, by=principal.reference)


def _act(
    app: App, tx: Transaction, principal: Principal, place: store.TaskPlace, kind: ActKind, data: dict[str, Any]
) -> None:
    acting.perform(app, tx, principal, place.loop_id, place.step_id or None, kind, data, says="")


def _status(loop: store.StoredLoop, step_id: str) -> Status:
    if step_id == "":
        return loop.state.status
    return next(step.status for step in loop.state.steps if step.step_id == step_id)


def _proofs(task: Resource) -> list[str]:
    references = [(entry.get("valueReference") or {}).get("reference") for entry in task.get("output", [])]
    return [reference for reference in references if isinstance(reference, str)]


def _reason_code(task: Resource) -> str | None:
    codings = (task.get("statusReason") or {}).get("coding", [])
    return next((coding.get("code") for coding in codings if coding.get("system") == REASON), None)


def _reason_text(task: Resource) -> str | None:
    return (task.get("statusReason") or {}).get("text")


def _note(task: Resource) -> str | None:
    texts = [entry.get("text", "").strip() for entry in task.get("note", [])]
    return texts[-1] if texts and texts[-1] else None


def _instant(text: object) -> datetime:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise Rejected(at="Task.extension", expected="urn:careloop:wake as an instant") from error
    if found.tzinfo is None:
        raise Rejected(at="Task.extension", expected="urn:careloop:wake with an offset")
    return found
