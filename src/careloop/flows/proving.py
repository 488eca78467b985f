"""A step proven by hand: what the pathway accepts is offered as forms, and what was filled in becomes FHIR evidence.

Nothing closes without evidence: the form writes the resource that the step's `done_when` asks for, with a Provenance,
through the one write door. Where FHIR has no element that ties such a resource to the matter, the person's act names
it as proof (`acting.add_evidence`), and withdrawing it opens the step again.
"""

from dataclasses import replace
from typing import Any

from careloop.access.model import Principal
from careloop.access.policy import Action, require, require_action
from careloop.db import Transaction
from careloop.errors import Conflict, NotFound, NotPermitted, Rejected
from careloop.fhir.ids import new_id
from careloop.flows import acting, one_act, people, proof_tasks, worklist
from careloop.flows.app import App
from careloop.flows.proof_resources import About, Said, resource_for
from careloop.flows.proof_ways import (
    NAMES_STAFF,
    OWN_SCREENS,
    Worked,
    can_be_shown,
    comes_first,
    is_open,
    known_ways,
    may_be_by,
    person_meant,
    state_of,
    step_of,
)
from careloop.loops.ids import step_task_id
from careloop.loops.model import Status
from careloop.loops.rules.conditions import in_words
from careloop.loops.rules.pathways import Step
from careloop.loops.rules.proving import Kind, Way

_WITHOUT_TIE = frozenset({Kind.VISIT, Kind.PROCEDURE})
"""FHIR has no element by which these name the matter: the act names them."""


def prove(
    app: App,
    tx: Transaction,
    principal: Principal,
    *,
    loop_id: str,
    step_id: str,
    way: str,
    said: Said,
    key: str | None = None,
) -> acting.ActReceipt:
    """What was said is in the record with its Provenance, the step is what follows. The same press twice is one act."""
    require_action(principal, Action.LOOP_WORK)
    if before := acting.once(tx, principal, key):
        return before
    loop = acting.find_loop(tx, loop_id)
    step, chosen = _chosen(app, tx, principal, loop, step_id, way)
    if chosen.kind in NAMES_STAFF:
        said = replace(said, who=person_meant(tx, chosen, said.who))
    about = _about(app, tx, principal, loop, step_id)
    act_id = new_id()
    resource = _written(app, tx, principal, chosen, said, about, act_id)
    after = acting.find_loop(tx, loop_id)
    if is_open(after, step_id) and chosen.belongs and chosen.kind in _WITHOUT_TIE:
        acting.add_evidence(
            app, tx, principal, loop_id=loop_id, step_id=step_id,
            reference=f"{resource['resourceType']}/{resource['id']}",
        )  # fmt: skip
        after = acting.find_loop(tx, loop_id)
    receipt = _receipt(app, tx, principal, act_id, step, after)
    acting.keep_receipt(tx, principal, key, receipt, app.clock.now())
    return receipt


def show(
    app: App, tx: Transaction, principal: Principal, *, loop_id: str, step_id: str, reference: str
) -> acting.ActReceipt:
    """Something that is in the record already proves the step: it is of a kind that the pathway accepts."""
    loop = acting.find_loop(tx, loop_id)
    step = step_of(app, tx, loop, step_id)
    if step is None or loop.state.pathway in OWN_SCREENS:
        raise NotFound("there is no such step")
    stored = app.record.fetch(tx, [reference]).get(reference)
    if stored is None or not can_be_shown(loop, step, stored):
        raise Rejected(at="reference", expected=in_words(step.done_when), code="business-rule")
    _require_in_turn(app, tx, loop, step)
    return acting.add_evidence(app, tx, principal, loop_id=loop_id, step_id=step_id, reference=reference)


def _require_in_turn(app: App, tx: Transaction, loop: Worked, step: Step) -> None:
    if first := comes_first(app, tx, loop, step):
        raise Conflict(f"first comes: {first}")


def _chosen(app: App, tx: Transaction, principal: Principal, loop: Worked, step_id: str, key: str) -> tuple[Step, Way]:
    step = step_of(app, tx, loop, step_id)
    if step is None or state_of(loop, step_id) is None:
        raise NotFound("there is no such step")
    if not is_open(loop, step_id):
        raise Conflict("this step is closed by now")
    way = known_ways(app, tx, loop, step).get(key)
    if way is None:
        raise Rejected(at="way", expected="one of the forms of this step", code="value")
    if not may_be_by(principal, way):
        raise NotPermitted(f"this is done by: {', '.join(way.by)}")
    _require_in_turn(app, tx, loop, step)
    return step, way


def _about(app: App, tx: Transaction, principal: Principal, loop: Worked, step_id: str) -> About:
    by: dict[str, Any] = {"display": principal.name}
    if principal.practitioner_id:
        by["reference"] = principal.reference
    return About(
        patient=loop.patient_id,
        focus=loop.state.focus.split("/_history/")[0],
        task=f"Task/{step_task_id(loop.id, step_id)}",
        by=by,
        now=app.clock.now(),
        zone=people.zone_of(tx),
    )


def _written(
    app: App, tx: Transaction, principal: Principal, way: Way, said: Said, about: About, act_id: str
) -> dict[str, Any]:
    """The resource is in the record as one act: with its Provenance, and undone as a whole."""
    is_task = way.kind in proof_tasks.KINDS
    resource = proof_tasks.task_for(app, tx, way, said, about) if is_task else resource_for(way, said, about)
    require(principal, "update" if is_task else "create", resource["resourceType"])
    one_act.write(app, tx, principal, [resource], act_id=act_id)
    return resource


def _receipt(
    app: App, tx: Transaction, principal: Principal, act_id: str, step: Step, after: Worked
) -> acting.ActReceipt:
    found = state_of(after, step.id)
    done = found is not None and found.status is Status.COMPLETED
    closed = not after.state.status.is_open
    says = "The loop is closed." if closed else f"Done: {step.title}." if done else "Saved. The step is still open."
    following = worklist.next_loop(app, tx, principal, without=[after.id]) if closed else after.id
    return acting.ActReceipt(act_id=act_id, says=says, next_loop_id=following)
