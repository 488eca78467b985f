"""The shared plan of a person as FHIR: one CarePlan, a Goal for each goal. Written and read back without loss; pure.

What R4 has a place for stands there, so that any client can read it: what is done, for which goal, how often, by whom
(as a word), whether it was stopped. What it has no place for stands in extensions of `urn:careloop:plan-…`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from careloop.careplans.model import (
    Activity,
    Advice,
    Agreement,
    Conflict,
    Goal,
    Interval,
    Kept,
    Party,
    Plan,
    PlanState,
    Settled,
)
from careloop.careplans.others import STEP_SYSTEM

Json = dict[str, Any]
Read = Mapping[str, Any]

SHARED = {"system": "urn:careloop:care-plan", "code": "shared"}
CATEGORY = {"system": "http://hl7.org/fhir/us/core/CodeSystem/careplan-category", "code": "assess-plan"}
PROFILE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-careplan"
GOAL_PROFILES = (
    "http://hl7.org/fhir/us/core/StructureDefinition/us-core-goal",
    "http://hl7.org/fhir/us/mcc/StructureDefinition/MCCGoal",
)
_ACTIVITY, _ADVICE, _CONFLICT = "urn:careloop:plan-activity", "urn:careloop:plan-advice", "urn:careloop:plan-conflict"
_AGREEMENT, _REVIEW, _KEY = "urn:careloop:plan-agreement", "urn:careloop:plan-review-by", "urn:careloop:plan-goal"
_TEMPLATES = "urn:careloop:plan-templates"
_UNITS = {"day": "d", "week": "wk", "month": "mo", "year": "a"}
_FROM_UNITS = {code: word for word, code in _UNITS.items()}


def care_plan_of(plan: Plan, state: PlanState, author: str, goal_ids: Mapping[str, str]) -> Json:
    """The CarePlan. `goal_ids`: the id of the Goal of each key. Active once all agreed, a draft until then; a changed
    plan is a draft again."""
    status = {PlanState.ENDED: "completed", PlanState.CURRENT: "active", PlanState.STALE: "active"}.get(state, "draft")
    resource: Json = {
        "resourceType": "CarePlan",
        "id": plan.id,
        "meta": {"profile": [PROFILE]},
        "text": {"status": "generated", "div": _narrative(plan)},
        "extension": [
            {"url": _TEMPLATES, "valueString": " ".join(plan.templates)},
            *(_parts(_ADVICE, _advice_parts(one)) for one in plan.advice),
            *(_conflict(one) for one in plan.conflicts),
            *(_parts(_AGREEMENT, _agreement_parts(one)) for one in plan.agreements),
            *([{"url": _REVIEW, "valueDate": plan.review_by.isoformat()}] if plan.review_by else []),
        ],
        "status": status,
        "intent": "plan",
        "category": [{"coding": [CATEGORY]}, {"coding": [SHARED]}],
        "title": "Care plan",
        "subject": {"reference": f"Patient/{plan.patient_id}"},
        "period": {"start": plan.began.isoformat()} if plan.began else None,
        "author": {"reference": author},
        "goal": [{"reference": f"Goal/{goal_ids[one.key]}"} for one in plan.goals],
        "activity": [_activity(one, goal_ids) for one in plan.activities],
    }
    return {name: value for name, value in resource.items() if value not in (None, [])}


def _narrative(plan: Plan) -> str:
    lines = [f"{one.title}, {one.every.words}" for one in plan.running] + [one.says for one in plan.advice]
    return (
        f'<div xmlns="http://www.w3.org/1999/xhtml"><ul>{"".join(f"<li>{_safe(one)}</li>" for one in lines)}</ul></div>'
    )


def _safe(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _parts(url: str, parts: Sequence[tuple[str, Any]]) -> Json:
    return {"url": url, "extension": [_part(name, value) for name, value in parts if value not in (None, "")]}


def _part(name: str, value: Any) -> Json:
    if isinstance(value, int):
        return {"url": name, "valueInteger": value}
    if isinstance(value, Decimal):
        return {"url": name, "valueDecimal": value}
    if isinstance(value, date):
        return {"url": name, "valueDate": value.isoformat()}
    return {"url": name, "valueString": str(value)}


def _advice_parts(one: Kept) -> list[tuple[str, Any]]:
    return [
        ("subject", one.subject),
        ("title", one.title),
        ("says", one.says),
        ("patient", one.patient),
        ("plans", " ".join(one.plans)),
        ("goals", " ".join(one.goals)),
        ("at-least", one.at_least),
        ("at-most", one.at_most),
        ("choose", one.choose),
    ]


def _conflict(one: Conflict) -> Json:
    sides = [_parts("side", _side_parts(side)) for side in one.sides]
    word = one.settled
    settled = (
        [_parts("settled", [("plan", word.plan), ("by", word.by), ("on", word.on), ("why", word.why)])] if word else []
    )
    base = _parts(_CONFLICT, [("subject", one.subject), ("title", one.title)])
    return {**base, "extension": [*base["extension"], *sides, *settled]}


def _side_parts(one: Advice) -> list[tuple[str, Any]]:
    return [
        ("plan", one.plan),
        ("says", one.says),
        ("patient", one.patient),
        ("goal", one.goal),
        ("ref", one.ref),
        ("mark", one.mark),
        ("at-least", one.at_least),
        ("at-most", one.at_most),
        ("choose", one.choose),
    ]


def _agreement_parts(one: Agreement) -> list[tuple[str, Any]]:
    return [
        ("party", one.party.value),
        ("by", one.by),
        ("name", one.name),
        ("on", one.on),
        ("digest", one.digest),
        ("how", one.how),
    ]


def _code(one: Activity) -> Json:
    """What is done, for other systems: our name of it over all plans, and the LOINC code of what shows it."""
    coding = [{"system": STEP_SYSTEM, "code": one.does.replace("/", ".")}] if one.does else []
    coding += [{"system": "http://loinc.org", "code": one.loinc}] if one.loinc else []
    return {**({"coding": coding} if coding else {}), "text": one.title}


def _activity(one: Activity, goal_ids: Mapping[str, str]) -> Json:
    parts = [
        ("does", one.does),
        ("minutes", one.minutes),
        ("owner", one.owner),
        ("sources", " ".join(one.sources)),
        ("loinc", one.loinc),
        ("encounter", one.encounter),
        ("review-days", one.review_days),
        ("changed", one.changed),
    ]
    detail: Json = {
        "code": _code(one),
        "goal": [{"reference": f"Goal/{goal_ids[key]}"} for key in one.goals if key in goal_ids],
        "status": "stopped" if one.stopped else "in-progress",
        "scheduledTiming": _timing(one.every),
        "description": one.patient,
    }
    if one.stopped:
        detail["statusReason"] = {"text": one.stopped}
    return {
        "extension": [_parts(_ACTIVITY, parts)],
        "detail": {name: value for name, value in detail.items() if value not in ([], "")},
    }


def _timing(every: Interval) -> Json:
    if every.once:
        return {"repeat": {"count": 1}}
    return {"repeat": {"frequency": 1, "period": every.amount, "periodUnit": _UNITS[every.unit]}}


def goal_of(goal: Goal, goal_id: str, plan: Plan, began: date) -> Json:
    """The Goal: in the clinician's words as description, in the patient's as note; the day by which it is due."""
    target: Json = {"dueDate": (began + timedelta(days=goal.within_days)).isoformat()}
    if goal.loinc:
        target["measure"] = {"coding": [{"system": "http://loinc.org", "code": goal.loinc}]}
    parts = [
        ("key", goal.key),
        ("within-days", goal.within_days),
        ("safety", "yes" if goal.safety else ""),
        ("loinc", goal.loinc),
        ("unit", goal.unit),
    ]
    return {
        "resourceType": "Goal",
        "id": goal_id,
        "meta": {"profile": list(GOAL_PROFILES)},
        "extension": [_parts(_KEY, parts)],
        "lifecycleStatus": "completed" if plan.ended else "active",
        "description": {"text": goal.title},
        "subject": {"reference": f"Patient/{plan.patient_id}"},
        "startDate": began.isoformat(),
        "target": [target],
        "note": [{"text": goal.patient}],
    }


def is_shared(resource: Read) -> bool:
    """True for the CarePlan that this module writes."""
    codes = [coding for category in resource.get("category", ()) for coding in category.get("coding", ())]
    return any(one.get("system") == SHARED["system"] and one.get("code") == SHARED["code"] for one in codes)


def is_of_library(goal: Read) -> bool:
    """True for a Goal that came from a plan, False for one that the patient named."""
    return any(one.get("url") == _KEY for one in goal.get("extension", ()))


def is_in_own_words(goal: Read) -> bool:
    """True for a Goal that the patient, or somebody of the family, named; not one that another source set."""
    by = str(goal.get("expressedBy", {}).get("reference", ""))
    return not is_of_library(goal) and by.startswith(("Patient/", "RelatedPerson/"))


def plan_from(resource: Read, goals: Mapping[str, Read]) -> Plan:
    """The plan that a CarePlan of ours says. `goals`: Goal resources by reference; one that is missing is left out."""
    extensions = resource.get("extension", ())
    read = [goal_from(goals[one["reference"]]) for one in resource.get("goal", ()) if one.get("reference") in goals]
    by_reference = {
        one["reference"]: goal_from(goals[one["reference"]]).key
        for one in resource.get("goal", ())
        if one.get("reference") in goals
    }
    review = next((one["valueDate"] for one in extensions if one["url"] == _REVIEW), None)
    templates = next((one.get("valueString", "") for one in extensions if one["url"] == _TEMPLATES), "")
    start = resource.get("period", {}).get("start")
    return Plan(
        id=resource["id"],
        patient_id=resource["subject"]["reference"].split("/")[1],
        templates=tuple(templates.split()),
        goals=tuple(read),
        activities=tuple(_activity_from(one, by_reference) for one in resource.get("activity", ())),
        advice=tuple(_advice_from(_inner(one)) for one in extensions if one["url"] == _ADVICE),
        conflicts=tuple(_conflict_from(one) for one in extensions if one["url"] == _CONFLICT),
        agreements=tuple(_agreement_from(_inner(one)) for one in extensions if one["url"] == _AGREEMENT),
        review_by=date.fromisoformat(review) if review else None,
        began=date.fromisoformat(start[:10]) if start else None,
        ended=resource.get("status") in ("completed", "revoked", "entered-in-error"),
    )


def _inner(extension: Read) -> dict[str, Any]:
    return {
        one["url"]: next(value for name, value in one.items() if name.startswith("value"))
        for one in extension.get("extension", ())
        if any(name.startswith("value") for name in one)
    }


def goal_from(resource: Read) -> Goal:
    """The goal that a Goal says; one that came from no plan has the key `own/<id>`."""
    told = next((_inner(one) for one in resource.get("extension", ()) if one.get("url") == _KEY), {})
    note = next((one.get("text", "") for one in resource.get("note", ())), "")
    title = str(resource.get("description", {}).get("text", ""))
    return Goal(
        key=told.get("key", f"own/{resource['id']}"),
        title=title,
        patient=note or title,
        within_days=told.get("within-days", 365),
        safety=told.get("safety") == "yes",
        loinc=told.get("loinc"),
        unit=told.get("unit"),
    )


def activity_facts(activity: Read) -> dict[str, Any]:
    """What our extension says of a step: what it does, who owns it, minutes."""
    return next((_inner(one) for one in activity.get("extension", ()) if one["url"] == _ACTIVITY), {})


def _activity_from(activity: Read, goal_keys: Mapping[str, str]) -> Activity:
    told = activity_facts(activity)
    detail = activity.get("detail", {})
    repeat = detail.get("scheduledTiming", {}).get("repeat", {})
    every = Interval(int(repeat["period"]), _FROM_UNITS[repeat["periodUnit"]]) if "period" in repeat else Interval(0)
    return Activity(
        does=told["does"],
        title=detail["code"]["text"],
        patient=detail.get("description", ""),
        every=every,
        minutes=told.get("minutes", 0),
        owner=told["owner"],
        goals=tuple(goal_keys[one["reference"]] for one in detail.get("goal", ()) if one["reference"] in goal_keys),
        sources=tuple(told.get("sources", "").split()),
        loinc=told.get("loinc"),
        encounter=told.get("encounter"),
        review_days=told.get("review-days", 90),
        changed=told.get("changed", ""),
        stopped=detail.get("statusReason", {}).get("text", "") if detail.get("status") == "stopped" else "",
    )


def _number(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _advice_from(told: Mapping[str, Any]) -> Kept:
    return Kept(
        subject=told["subject"],
        title=told["title"],
        says=told["says"],
        patient=told["patient"],
        plans=tuple(told.get("plans", "").split()),
        goals=tuple(told.get("goals", "").split()),
        at_least=_number(told.get("at-least")),
        at_most=_number(told.get("at-most")),
        choose=told.get("choose"),
    )


def _conflict_from(extension: Read) -> Conflict:
    told = _inner(extension)
    nested = [(one["url"], _inner(one)) for one in extension["extension"] if "extension" in one]
    sides = tuple(_side_from(told["subject"], inner) for url, inner in nested if url == "side")
    settled = next(
        (Settled(subject=told["subject"], **{"why": "", **inner}) for url, inner in nested if url == "settled"), None
    )
    return replace(Conflict(subject=told["subject"], title=told["title"], sides=sides), settled=settled)


def _side_from(subject: str, told: Mapping[str, Any]) -> Advice:
    return Advice(
        plan=told["plan"],
        subject=subject,
        says=told["says"],
        patient=told["patient"],
        goal=told.get("goal", ""),
        ref=told.get("ref", ""),
        mark=told.get("mark", ""),
        at_least=_number(told.get("at-least")),
        at_most=_number(told.get("at-most")),
        choose=told.get("choose"),
    )


def _agreement_from(told: Mapping[str, Any]) -> Agreement:
    return Agreement(
        party=Party(told["party"]),
        by=told["by"],
        name=told["name"],
        on=date.fromisoformat(told["on"]),
        digest=told["digest"],
        how=told.get("how", ""),
    )
