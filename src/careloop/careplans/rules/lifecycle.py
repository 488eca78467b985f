"""Where a plan stands: draft, agreed by patient, clinician and lead, changed since, stale (features 13)."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256

from careloop.careplans.model import Activity, Agreement, Kept, Merged, Party, Plan, PlanState
from careloop.careplans.others import FROM
from careloop.errors import Rejected


def digest(plan: Plan) -> str:
    """The same for the same wording: what an agreement is about. Words for the patient and numbers count; who agreed
    and when does not."""
    goals = [(one.key, one.title) for one in plan.goals]
    activities = [(one.does, one.title, one.every.text, one.minutes, one.owner, one.stopped) for one in plan.activities]
    advice = [(one.subject, one.says) for one in plan.advice]
    undecided = [one.subject for one in plan.open_conflicts]
    return sha256(repr((sorted(goals), sorted(activities), sorted(advice), undecided)).encode()).hexdigest()[:16]


def agreed(plan: Plan) -> dict[Party, Agreement]:
    """Who agreed to the wording that the plan has now, the last time each did."""
    now = digest(plan)
    return {one.party: one for one in plan.agreements if one.digest == now}


def state_of(plan: Plan, today: date) -> PlanState:
    """`CURRENT` only while all three agreed to this very wording and the day of review has not passed."""
    if plan.ended:
        return PlanState.ENDED
    if set(agreed(plan)) == set(Party):
        return PlanState.STALE if plan.review_by is not None and today > plan.review_by else PlanState.CURRENT
    before: dict[str, set[Party]] = {}
    for one in plan.agreements:
        before.setdefault(one.digest, set()).add(one.party)
    return PlanState.CHANGED if any(some == set(Party) for some in before.values()) else PlanState.DRAFT


def agree(plan: Plan, yes: Agreement) -> Plan:
    """The plan with one more yes to its wording; with the third the day of review is set. `Rejected` while plans
    contradict each other: nobody can agree to two things that cannot both be done."""
    if plan.open_conflicts:
        undecided = ", ".join(one.title.lower() for one in plan.open_conflicts)
        raise Rejected(at="plan", expected=f"a clinician's decision first on {undecided}", code="business-rule")
    if not plan.running:
        raise Rejected(at="plan", expected="a plan with something to do", code="business-rule")
    with_yes = replace(plan, agreements=(*plan.agreements, replace(yes, digest=digest(plan))))
    if set(agreed(with_yes)) != set(Party):
        return with_yes
    return replace(with_yes, review_by=review_by(with_yes, yes.on))


def review_by(plan: Plan, on: date) -> date:
    """The day by which it must be looked at again: the soonest that any of its activities asks for."""
    return on + timedelta(days=min(one.review_days for one in plan.running))


def carried(plan: Plan, merged: Merged) -> Plan:
    """The plan with other templates: what people changed, stopped, added by hand or took over stays so."""
    before = {one.does: one for one in plan.activities}
    fresh = [_with_taken(_kept_change(one, before.get(one.does)), before.get(one.does)) for one in merged.activities]
    named = {one.does for one in fresh}
    by_hand = [_without_library(one) for one in plan.activities if _stays(one) and one.does not in named]
    own_goals = [one for one in plan.goals if one.key.startswith(("own/", FROM))]
    return replace(
        plan,
        templates=merged.templates,
        goals=(*own_goals, *merged.goals),
        activities=(*fresh, *by_hand),
        advice=(*merged.advice, *_taken_advice(plan, merged)),
        conflicts=merged.conflicts,
    )


def _kept_change(fresh: Activity, before: Activity | None) -> Activity:
    if before is None or not (before.changed or before.stopped):
        return fresh
    return replace(
        fresh,
        every=before.every if before.changed else fresh.every,
        owner=before.owner if before.changed else fresh.owner,
        changed=before.changed,
        stopped=before.stopped,
    )


def _taken_advice(plan: Plan, merged: Merged) -> list[Kept]:
    """What was taken over stays advised where no plan of the library says anything on it."""
    said = {one.subject for one in merged.advice} | {one.subject for one in merged.conflicts}
    taken = [one for one in plan.advice if any(name.startswith(FROM) for name in one.plans[1:])]
    return [one for one in taken if one.subject not in said]


def _stays(one: Activity) -> bool:
    """Added by hand, or taken over from a plan of another source."""
    return not one.sources or any(source.startswith(FROM) for source in one.sources)


def _without_library(one: Activity) -> Activity:
    """What served one of our plans and another's serves the other's alone once ours is gone."""
    if not one.sources:
        return one
    goals = tuple(key for key in one.goals if key.startswith(("own/", FROM)))
    return replace(one, goals=goals, sources=tuple(source for source in one.sources if source.startswith(FROM)))


def _with_taken(fresh: Activity, before: Activity | None) -> Activity:
    """It still serves the plans of others that it served."""
    sources = [one for one in (before.sources if before else ()) if one.startswith(FROM)]
    if before is None or not sources:
        return fresh
    goals = [one for one in before.goals if one.startswith(("own/", FROM))]
    return replace(
        fresh,
        goals=tuple(dict.fromkeys((*fresh.goals, *goals))),
        sources=tuple(dict.fromkeys((*fresh.sources, *sources))),
    )


def uncited(plan: Plan) -> Iterable[Activity]:
    """Activities that cite no goal of the plan: there should be none (features 32)."""
    known = {one.key for one in plan.goals}
    return [one for one in plan.running if not known.intersection(one.goals)]
