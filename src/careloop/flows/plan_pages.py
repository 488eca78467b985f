"""The care plan of a person as its page shows it: what matters, goals with what is done for them, conflicts, burden,
who agreed, what changed since, and how far it is kept to. Audited reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from careloop.access.model import Principal
from careloop.careplans.model import (
    Activity,
    Adherence,
    Agreement,
    Burden,
    Change,
    Conflict,
    Done,
    Goal,
    Intervention,
    Kept,
    Party,
    Plan,
    Planning,
    PlanState,
    Template,
    Whose,
)
from careloop.careplans.others import FROM
from careloop.careplans.resources import is_shared, plan_from
from careloop.careplans.rules.adherence import adherence, by_whose
from careloop.careplans.rules.burden import burden
from careloop.careplans.rules.diffing import changes
from careloop.careplans.rules.lifecycle import agreed, state_of
from careloop.careplans.rules.merging import batches
from careloop.careplans.rules.suggesting import fitting
from careloop.careplans.rules.taking import OURS, Beside, beside
from careloop.db import Transaction
from careloop.flows import leading, questions
from careloop.flows import patient_reading as reading
from careloop.flows.app import App
from careloop.flows.contradiction_values import Waiting
from careloop.flows.patient_facts import FACT_TYPES, chart_of
from careloop.flows.patient_values import Header
from careloop.flows.plan_acts import RESULT, STEP
from careloop.flows.plan_desk import PATHWAY, PlanDesk, codes_of, open_desk
from careloop.flows.timeline import instant_of

LOOKED_BACK = timedelta(days=30)
_HEADER_TYPES = ("Task", "Communication")
_VERSIONS = 30
_LOINC = "http://loinc.org"
WHOSE: Mapping[Whose, str] = {
    Whose.PATIENT: "the patient could not or did not want to",
    Whose.PRACTICE: "we did not",
    Whose.SYSTEM: "it could not be had",
}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of the plan with how far it was kept to in the last 30 days. `shares` names what it is done with."""

    activity: Activity
    kept: Adherence
    plans: tuple[str, ...]
    shares: str
    evidence: tuple[str, ...]
    effect: str


@dataclass(frozen=True, kw_only=True)
class GoalBlock:
    """A goal with the steps that cite it first; a step that cites several stands under the first of them."""

    goal: Goal
    plan: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, kw_only=True)
class PlanPage:
    """Everything that the care plan page shows. `since` is the wording that all agreed to last, None before that;
    `lead` is the name of the lead coordinator, empty while nobody leads."""

    header: Header
    contradictions: tuple[Waiting, ...]
    matters: tuple[str, ...]
    plan: Plan
    version: int
    state: PlanState
    agreed: Mapping[Party, Agreement]
    changes: tuple[Change, ...]
    since: date | None
    goals: tuple[GoalBlock, ...]
    stopped: tuple[Activity, ...]
    advice: tuple[Kept, ...]
    conflicts: tuple[Conflict, ...]
    burden: Burden
    whose: Mapping[Whose, int]
    offered: tuple[Template, ...]
    templates: tuple[Template, ...]
    others: tuple[Beside, ...]
    names: Mapping[str, str]
    owners: tuple[str, ...]
    reasons: tuple[tuple[str, str], ...]
    physicians: tuple[tuple[str, str], ...]
    review_loop: str | None
    lead: str


def page(app: App, tx: Transaction, principal: Principal, patient_id: str) -> PlanPage:
    """The plan of the patient, an empty one where there is none yet. `NotFound` for a foreign id and a missing one."""
    patient = app.record.read(tx, principal, "Patient", patient_id).resource
    desk = open_desk(app, tx, patient_id, more=("Condition", "Observation", "Encounter"))
    chart = chart_of(app, tx, patient_id, tuple(dict.fromkeys((*FACT_TYPES, *_HEADER_TYPES))), app.clock.now())
    plan, planning = desk.plan, desk.planning
    told = told_of(desk)
    steps = {one.does: _step(planning, plan, one, desk, told) for one in plan.running}
    agreed_before, on = _agreed_before(app, tx, principal, desk)
    return PlanPage(
        header=reading.header_of(patient, chart.for_header, desk.today),
        lead=lead.name if (lead := leading.lead_shown(tx, patient_id)) else "",
        contradictions=(),
        matters=tuple(str((one.get("description") or {}).get("text", "")) for one in desk.own_goals),
        plan=plan,
        version=desk.version,
        state=desk.state,
        agreed=agreed(plan),
        changes=changes(agreed_before, plan) if agreed_before else (),
        since=on,
        goals=tuple(_blocks(desk, plan, steps)),
        stopped=tuple(one for one in plan.activities if one.stopped),
        advice=plan.advice,
        conflicts=plan.conflicts,
        burden=burden(planning, plan.activities, batches(planning, plan.running)),
        whose=by_whose(planning, [one.kept for one in steps.values()]),
        offered=tuple(planning.templates[name] for name in fitting(planning, codes_of(desk.stored), plan.templates)),
        templates=tuple(sorted(planning.templates.values(), key=lambda one: one.title)),
        others=tuple(beside(desk.known, planning, plan, one) for one in desk.others),
        names=_names(desk),
        owners=planning.owners,
        reasons=tuple((one.id, one.title) for one in planning.reasons.values()),
        physicians=tuple(questions.physicians(tx)),
        review_loop=_review_loop(chart.by_type.get("Task", ())),
    )


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What the plan would be with other plans chosen: nothing is written."""

    added: tuple[Change, ...]
    conflicts: tuple[Conflict, ...]
    before: Burden
    after: Burden


def preview(app: App, tx: Transaction, principal: Principal, patient_id: str, chosen: Sequence[str]) -> Preview:
    """How the plan changes with these plans: each difference, what would have to be decided, hours a month."""
    app.record.read(tx, principal, "Patient", patient_id)
    desk = open_desk(app, tx, patient_id)
    after = desk.of(chosen, desk.plan.settled)
    return Preview(
        added=changes(desk.plan, after),
        conflicts=after.open_conflicts,
        before=burden(desk.planning, desk.plan.activities, batches(desk.planning, desk.plan.running)),
        after=burden(desk.planning, after.activities, batches(desk.planning, after.running)),
    )


def _step(planning: Planning, plan: Plan, one: Activity, desk: PlanDesk, told: Sequence[Done]) -> Step:
    since = max(desk.today - LOOKED_BACK + timedelta(days=1), plan.began or desk.today)
    kind = planning.kinds.get(one.does.split("/")[0])
    together = planning.together.get(kind.together) if kind and kind.together else None
    asked = _interventions(planning, one)
    return Step(
        activity=one,
        kept=adherence(one, since, desk.today, told),
        plans=tuple(dict.fromkeys(desk.named(name) for name in _plans(one))),
        shares=together.title if together else "",
        evidence=tuple(dict.fromkeys(f"{each.evidence} [{each.mark}]" for each in asked)),
        effect=next((each.effect for each in asked), ""),
    )


def _interventions(planning: Planning, one: Activity) -> list[Intervention]:
    return [
        each
        for name in _plans(one)
        if name in planning.templates
        for each in planning.templates[name].interventions
        if each.key in one.sources
    ]


def _plans(one: Activity) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key if key.startswith(FROM) else key.split("/")[0] for key in one.sources))


def _blocks(desk: PlanDesk, plan: Plan, steps: Mapping[str, Step]) -> list[GoalBlock]:
    left = dict(steps)
    found = []
    for goal in plan.goals:
        mine = [does for does, one in left.items() if goal.key in one.activity.goals]
        found.append(GoalBlock(goal=goal, plan=_whose(desk, goal), steps=tuple(left.pop(does) for does in mine)))
    return found


def _whose(desk: PlanDesk, goal: Goal) -> str:
    """From which plan a goal is: one of the library, somebody else's, or the patient's own words."""
    if goal.key.startswith("own/"):
        return "In their own words"
    if not goal.key.startswith(FROM):
        return desk.named(goal.key.split("/")[0])
    own = goal.key.removeprefix(FROM)
    theirs = next((one for one in desk.others if one.id == own or own in {each.id for each in one.goals}), None)
    return f"Taken over from {theirs.source}" if theirs else "Taken over from another source"


def told_of(desk: PlanDesk) -> list[Done]:
    """Every time that a step was done, or was not, as the record tells it: what staff noted, readings, visits."""
    by_loinc = {one.loinc: one.does for one in desk.plan.activities if one.loinc}
    by_class = {one.encounter: one.does for one in desk.plan.activities if one.encounter}
    found = []
    for stored in desk.stored:
        resource = stored.resource
        if stored.resource_type == "Observation":
            found += _of_observation(resource, by_loinc, desk)
        elif stored.resource_type == "Encounter" and resource.get("status") == "finished":
            does = by_class.get(str((resource.get("class") or {}).get("code")))
            at = instant_of((resource.get("period") or {}).get("start"))
            found += [Done(does=does, on=at.astimezone(desk.zone).date())] if does and at else []
    return found


def _of_observation(resource: Mapping[str, Any], by_loinc: Mapping[str, str], desk: PlanDesk) -> list[Done]:
    if resource.get("status") in ("cancelled", "entered-in-error"):
        return []
    stated = str(resource.get("effectiveDateTime", ""))
    at = instant_of(stated)
    day = date.fromisoformat(stated) if len(stated) == 10 else at.astimezone(desk.zone).date() if at else None
    if day is None:
        return []
    for coding in (resource.get("code") or {}).get("coding", ()):
        if coding.get("system") == STEP:
            value = (resource.get("valueCodeableConcept") or {}).get("coding", ())
            result = next((one.get("code") for one in value if one.get("system") == RESULT), None)
            does = str(coding.get("code", "")).replace(".", "/", 1)
            return [Done(does=does, on=day, reason=None if result == "done" else result)] if result else []
        if coding.get("system") == _LOINC and coding.get("code") in by_loinc:
            return [Done(does=by_loinc[coding["code"]], on=day)]
    return []


def _agreed_before(app: App, tx: Transaction, principal: Principal, desk: PlanDesk) -> tuple[Plan | None, date | None]:
    """The last wording that all three agreed to, and the day of the last yes; None before that or while it still is."""
    if not desk.version or not desk.plan.agreements or desk.state in (PlanState.CURRENT, PlanState.STALE):
        return None, max((one.on for one in desk.plan.agreements), default=None) if desk.version else None
    goals = {one.reference: one.resource for one in desk.stored if one.resource_type == "Goal"}
    history = app.record.history(tx, principal, "CarePlan", desk.plan.id, count=_VERSIONS)
    for entry in history.entries:
        if entry.stored.deleted or not is_shared(entry.stored.resource):
            continue
        before = plan_from(entry.stored.resource, goals)
        if state_of(before, date.min) is PlanState.CURRENT:
            return before, max(one.on for one in before.agreements)
    return None, None


def _names(desk: PlanDesk) -> Mapping[str, str]:
    """What plans are called: those of the library, those of others, ours."""
    library = {one.id: one.title for one in desk.planning.templates.values()}
    return {**library, **{one.key: one.source for one in desk.others}, OURS: desk.named(OURS)}


def _review_loop(tasks: Sequence[Mapping[str, Any]]) -> str | None:
    """The open loop in which this plan is looked at."""
    for task in tasks:
        codes = (task.get("code") or {}).get("coding", ())
        mine = any(one.get("system") == "urn:careloop:pathway" and one.get("code") == PATHWAY for one in codes)
        if mine and task.get("status") in ("requested", "accepted", "in-progress", "on-hold"):
            return str(task["id"])
    return None
