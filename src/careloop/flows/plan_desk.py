"""The shared care plan of a person, read from the record and written back: what plan pages and plan acts rest on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from careloop.access.model import Principal
from careloop.careplans import store
from careloop.careplans.content import planning_of, recognition_of
from careloop.careplans.model import Plan, Planning, PlanState, Settled
from careloop.careplans.others import OtherPlan
from careloop.careplans.resources import care_plan_of, goal_of, is_in_own_words, is_of_library, is_shared, plan_from
from careloop.careplans.rules.lifecycle import carried, state_of
from careloop.careplans.rules.merging import merge
from careloop.careplans.rules.recognising import Recognition
from careloop.careplans.rules.taking import OURS, held_against, outside_advice
from careloop.db import Transaction
from careloop.errors import Conflict
from careloop.fhir.codes import falls_under
from careloop.fhir.ids import derived_id, new_id
from careloop.flows import engine, people, writing
from careloop.flows.app import App
from careloop.flows.plan_others import GOAL_STANDS, other_plans
from careloop.loops.store import StoredLoop, load_loops
from careloop.record import Stored, Write

PATHWAY = "care-plan-review"
SAYS_CHANGED = "The care plan was changed and needs a yes"
_OVER = ("cancelled", "completed")
Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class PlanDesk:
    """The plan of a patient with what is needed to work on it. `version` is that of the CarePlan, 0 for a new one;
    `saved` is the plan as it was saved, `plan` the same held against what others plan now."""

    plan: Plan
    saved: Plan
    version: int
    planning: Planning
    today: date
    zone: ZoneInfo
    stored: Sequence[Stored]
    known: Recognition
    others: tuple[OtherPlan, ...] = ()
    """Plans of other sources, those that hold first."""

    @property
    def state(self) -> PlanState:
        """Where the plan stands today."""
        return state_of(self.plan, self.today)

    @property
    def own_goals(self) -> list[Mapping[str, Any]]:
        """What matters to the patient in their own words, the newest first."""
        found = [one.resource for one in self.stored if one.resource_type == "Goal"]
        mine = [one for one in found if is_in_own_words(one) and one.get("lifecycleStatus") in GOAL_STANDS]
        return sorted(mine, key=lambda one: str(one.get("startDate", "")), reverse=True)

    def named(self, plan: str) -> str:
        """A plan as it is called: one of the library, ours, or somebody else's."""
        if plan in self.planning.templates:
            return self.planning.templates[plan].title
        return next((one.source for one in self.others if one.key == plan), "Our plan" if plan == OURS else plan)

    def held(self, plan: Plan, settled: Sequence[Settled]) -> Plan:
        """The plan with what other sources plan held against it: what they say differently is a conflict."""
        outside = outside_advice(self.known, self.planning, plan, self.others)
        return held_against(self.planning, plan, outside, settled)

    def of(self, templates: Iterable[str], settled: Sequence[Settled]) -> Plan:
        """Our plan made of these templates; what people changed and took over stays."""
        return self.held(carried(self.plan, merge(self.planning, templates, settled)), settled)


def open_desk(app: App, tx: Transaction, patient_id: str, *, more: Sequence[str] = ()) -> PlanDesk:
    """The desk of a patient whom the caller has read. `more` are further types to bring along. Not audited."""
    kinds = dict.fromkeys(("CarePlan", "Goal", "Condition", "CareTeam", *more))
    stored = app.record.of_patient(tx, patient_id, tuple(kinds))
    zone = people.zone_of(tx)
    today = app.clock.now().astimezone(zone).date()
    goals = {one.reference: one.resource for one in stored if one.resource_type == "Goal"}
    mine = [one for one in stored if one.resource_type == "CarePlan" and is_shared(one.resource)]
    mine.sort(key=lambda one: (one.resource.get("status") in ("draft", "active"), one.last_updated))
    standing = mine[-1] if mine and mine[-1].resource.get("status") in ("draft", "active") else None
    fresh = Plan(id=new_id(), patient_id=patient_id, began=today)
    catalog = engine.catalog_for(app, tx)
    plan = plan_from(standing.resource, goals) if standing else fresh
    desk = PlanDesk(
        plan=plan,
        saved=plan,
        version=standing.version if standing else 0,
        planning=planning_of(catalog),
        today=today,
        zone=zone,
        stored=stored,
        known=recognition_of(catalog),
        others=other_plans(app, tx, stored),
    )
    return replace(desk, plan=desk.held(plan, plan.settled)) if standing else desk


def require_version(desk: PlanDesk, version: int) -> None:
    """`Conflict` where somebody else saved since the page was drawn: nothing is overwritten."""
    if version != desk.version:
        raise Conflict("somebody else changed this plan meanwhile; look at it again")


def save(
    app: App, tx: Transaction, principal: Principal, desk: PlanDesk, plan: Plan, also: Iterable[Json] = ()
) -> PlanState:
    """The plan is in the record with its goals; goals that it no longer has are ended; its review is kept in mind."""
    state, resources = resources_of(tx, principal, desk, plan)
    writing.write(app, tx, principal, [_put(one) for one in (*resources, *also)])
    note_review(tx, plan)
    return state


def note_review(tx: Transaction, plan: Plan) -> None:
    """The day of the next review is kept in mind."""
    store.keep_review(tx, plan_id=plan.id, patient_id=plan.patient_id, review_by=plan.review_by, ended=plan.ended)


def resources_of(tx: Transaction, principal: Principal, desk: PlanDesk, plan: Plan) -> tuple[PlanState, list[Json]]:
    """What of the plan is written new, and where it stands then."""
    began = plan.began or desk.today
    ids = {one.key: _goal_id(tx, plan, one.key) for one in plan.goals}
    state = state_of(plan, desk.today)
    resources = [goal_of(one, ids[one.key], plan, began) for one in plan.goals if not one.key.startswith("own/")]
    resources += [_ended(one) for one in _dropped(desk, set(ids.values()))]
    resources.append(care_plan_of(plan, state, principal.reference, ids) | _about(desk, plan))
    standing = {one.reference: one.resource for one in desk.stored}
    return state, [one for one in resources if _bare(one) != _bare(standing.get(f"{one['resourceType']}/{one['id']}"))]


def _about(desk: PlanDesk, plan: Plan) -> Json:
    """The problems that the plan is for and the team that works on it, as other systems search for it. What was told in
    private is not named."""
    wanted = [code for name in plan.templates for code in desk.planning.templates[name].applies]
    problems = [
        one.reference
        for one in desk.stored
        if one.resource_type == "Condition"
        and not (one.resource.get("meta") or {}).get("security")
        and any(falls_under(code, each) for code in codes_of([one]) for each in wanted)
    ]
    teams = [one.reference for one in desk.stored if one.resource_type == "CareTeam" and _works(one.resource)]
    named = {"addresses": sorted(problems), "careTeam": sorted(teams)}
    return {name: [{"reference": one} for one in found] for name, found in named.items() if found}


def _works(team: Mapping[str, Any]) -> bool:
    return team.get("status", "active") in ("active", "proposed")


def codes_of(stored: Sequence[Stored]) -> list[str]:
    """Codes of problems that stand."""
    found = []
    for one in stored:
        if one.resource_type != "Condition":
            continue
        status = (one.resource.get("clinicalStatus") or {}).get("coding", ())
        if any(each.get("code") in ("inactive", "remission", "resolved") for each in status):
            continue
        found += [
            f"{each.get('system')}|{each.get('code')}" for each in (one.resource.get("code") or {}).get("coding", ())
        ]
    return found


def _bare(resource: Mapping[str, Any] | None) -> Json:
    return {name: value for name, value in (resource or {}).items() if name != "meta"}


def _goal_id(tx: Transaction, plan: Plan, key: str) -> str:
    """A goal in the patient's own words is its own resource already."""
    return key.removeprefix("own/") if key.startswith("own/") else derived_id(tx.tenant_id, "plan goal", plan.id, key)


def _dropped(desk: PlanDesk, kept: set[str]) -> list[Mapping[str, Any]]:
    goals = [one.resource for one in desk.stored if one.resource_type == "Goal" and is_of_library(one.resource)]
    dropped = set(_ids_of(desk)) - kept
    return [one for one in goals if one["id"] in dropped and one.get("lifecycleStatus") not in _OVER]


def _ids_of(desk: PlanDesk) -> list[str]:
    plans = [one.resource for one in desk.stored if one.resource_type == "CarePlan" and one.id == desk.plan.id]
    return [one["reference"].split("/")[1] for plan in plans for one in plan.get("goal", ())]


def _ended(goal: Mapping[str, Any]) -> Json:
    return {**{name: value for name, value in goal.items() if name != "meta"}, "lifecycleStatus": "cancelled"}


def _put(resource: Json) -> Write:
    return Write(method="update", resource_type=resource["resourceType"], id=resource["id"], resource=resource)


def review_loop(tx: Transaction, patient_id: str) -> StoredLoop | None:
    """The open loop in which the plan is looked at, None where there is none."""
    loops = [one for one in load_loops(tx, patients=[patient_id]) if one.state.pathway == PATHWAY]
    return next((one for one in loops if one.state.status.is_open), None)


def opening(plan: Plan, now: str, by: str, says: str) -> Json:
    """The request that has the plan looked at: it opens the loop `care-plan-review`."""
    return {
        "resourceType": "Task",
        "id": new_id(),
        "status": "requested",
        "intent": "order",
        "priority": "routine",
        "code": {"coding": [{"system": "urn:careloop:open", "code": PATHWAY}], "text": says},
        "focus": {"reference": f"CarePlan/{plan.id}"},
        "for": {"reference": f"Patient/{plan.patient_id}"},
        "authoredOn": now,
        "lastModified": now,
        **({"requester": {"reference": by}} if by.startswith("Practitioner/") else {}),
    }
