"""Goals and steps of another source become part of the shared plan, with where they came from."""

from collections.abc import Sequence
from typing import Any

from careloop.access.model import Principal
from careloop.careplans.others import OtherPlan
from careloop.careplans.rules.taking import taken
from careloop.db import Transaction
from careloop.errors import NotFound, Rejected
from careloop.fhir.ids import new_id
from careloop.flows.app import App
from careloop.flows.plan_acts import changed, opened
from careloop.flows.plan_desk import PlanDesk
from careloop.flows.plan_others import LOOSE

Json = dict[str, Any]
ALL = "all"


def take(
    app: App,
    tx: Transaction,
    principal: Principal,
    *,
    patient_id: str,
    version: int,
    other: str,
    steps: Sequence[str] = (),
    goals: Sequence[str] = (),
    everything: bool = False,
) -> str:
    """These steps (by number) and goals (by id) of the other plan are in ours, all of it where `everything`; a
    Provenance names what they were taken from. What they say differently waits for a clinician."""
    desk = opened(app, tx, principal, patient_id, version)
    theirs = next((one for one in desk.others if one.id == other), None)
    if theirs is None:
        raise NotFound("there is no such plan of another source")
    wanted = set(range(len(theirs.steps))) if everything else {int(one) for one in steps if one.isdecimal()}
    named = {one.id for one in theirs.goals} if everything else set(goals)
    if not wanted & set(range(len(theirs.steps))) and not named & {one.id for one in theirs.goals}:
        raise Rejected(at="steps", expected="a step or a goal of that plan", code="required")
    plan = taken(desk.known, desk.planning, desk.plan, theirs, wanted, named)
    if plan == desk.plan:
        raise Rejected(at="steps", expected="something that the plan does not have yet", code="business-rule")
    return changed(
        app, tx, principal, desk, plan, f"Taken over from {theirs.source}.", [_origin(app, principal, desk, theirs)]
    )


def _origin(app: App, principal: Principal, desk: PlanDesk, theirs: OtherPlan) -> Json:
    """Where this version of our plan took it from."""
    sources = [f"Goal/{one.id}" for one in theirs.goals]
    if theirs.id != LOOSE:
        sources.insert(0, f"CarePlan/{theirs.id}")
    return {
        "resourceType": "Provenance",
        "id": new_id(),
        "target": [{"reference": f"CarePlan/{desk.plan.id}"}],
        "recorded": app.clock.now().isoformat(),
        "activity": {"text": f"Taken over from {theirs.source}"},
        "agent": [{"who": {"reference": principal.reference}}],
        "entity": [{"role": "source", "what": {"reference": one}} for one in sources],
    }
