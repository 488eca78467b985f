"""The shared plan as others read it: each step and each piece of advice with a code, its goals, its words. Pure."""

from collections.abc import Mapping
from typing import Any

from careloop.careplans.others import ADVICE_SYSTEM, STEP_SYSTEM
from careloop.careplans.resources import activity_facts, goal_from, plan_from

Json = dict[str, Any]
Read = Mapping[str, Any]


def steps_of(plan: Read, goals: Mapping[str, Read]) -> list[Json]:
    """What is done now, each as `activity.detail` with an id, a code of ours, minutes and who does it; then what is
    advised. `goals`: Goal resources by reference."""
    steps = [_step(plan, one) for one in plan.get("activity", ()) if one["detail"].get("status") != "stopped"]
    by_key = {goal_from(goal).key: reference for reference, goal in goals.items()}
    advice = [
        {
            "id": f"{plan['id']} advice {one.subject}",
            "code": {"coding": [{"system": ADVICE_SYSTEM, "code": one.subject}], "text": one.says},
            "description": one.patient,
            "status": "in-progress",
            "goal": [{"reference": by_key[key]} for key in one.goals if key in by_key],
        }
        for one in plan_from(plan, goals).advice
    ]
    return [*steps, *advice]


def _step(plan: Read, activity: Read) -> Json:
    facts, detail = activity_facts(activity), activity["detail"]
    code = {"system": STEP_SYSTEM, "code": facts["does"].replace("/", ".")}
    return {
        **detail,
        "id": f"{plan['id']} {facts['does']}",
        "code": {"coding": [code], "text": detail["code"]["text"]},
        "minutes": facts.get("minutes", 0),
        "performerType": [{"text": facts["owner"].replace("-", " ")}],
    }
