"""A plan applied to one person: a CarePlan that proposes a Task for each action, and changes nothing. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from careloop.loops.model import Tier
from careloop.loops.rules.calendar import Calendar, Deadline, after
from careloop.loops.rules.pathways import Pathway
from careloop.loops.tasks import moment

Resource = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Applied:
    """To whom a plan is applied, when, and by whom. References are `Type/id`."""

    subject: str
    now: datetime
    zone: tzinfo
    encounter: str | None = None
    author: str | None = None
    deadlines: Mapping[str, Deadline] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()
    notes: Sequence[str] = ()


def deadlines_of(pathway: Pathway, now: datetime, zone: str, calendar: Calendar) -> dict[str, Deadline]:
    """When each step would be due if the pathway opened now. A step whose clock hangs on what has not happened yet has
    no deadline. Where the tier decides it is high, as while it cannot be computed (interface.md section 4)."""
    found: dict[str, Deadline] = {}
    for step in pathway.steps:
        span = step.due.within or step.due.otherwise or (step.due.by_tier or {}).get(Tier.HIGH)
        if span is not None and step.due.since is None:
            found[step.id] = after(now, span, zone, calendar)
    for step in pathway.steps:
        if step.due.date_of in found:
            found[step.id] = found[str(step.due.date_of)]
    return found


def care_plan(plan: Mapping[str, Any], applied: Applied) -> Resource:
    """The proposal: a draft CarePlan with a contained draft Task for each action that applies, inner ones after the
    action that they are part of."""
    tasks = [task for action in plan.get("action", ()) for task in _tasks(action, None, applied)]
    for place, task in enumerate(tasks):
        task["id"] = task.get("id") or f"action-{place + 1}"
    canonical = "|".join(part for part in (plan.get("url"), plan.get("version")) if part)
    found: Resource = {
        "resourceType": "CarePlan",
        "contained": tasks,
        "instantiatesCanonical": [canonical or f"PlanDefinition/{plan['id']}"],
        "status": "draft",
        "intent": "proposal",
        "title": plan.get("title") or plan.get("name") or plan["id"],
        "subject": {"reference": applied.subject},
        "created": moment(applied.now, applied.zone),
        "activity": [{"reference": {"reference": f"#{task['id']}"}} for task in tasks],
        "note": [{"text": text} for text in applied.notes],
        **_around(applied, "author"),
    }
    return {name: value for name, value in found.items() if value != []}


def _tasks(action: Mapping[str, Any], parent: str | None, applied: Applied) -> list[Resource]:
    identity = action.get("id")
    if identity in applied.left_out:
        return []
    task = {
        "resourceType": "Task",
        **({"id": identity} if identity else {}),
        **({"partOf": [{"reference": f"#{parent}"}]} if parent else {}),
        "status": "draft",
        "intent": "proposal",
        **_words(action),
        "for": {"reference": applied.subject},
        "authoredOn": moment(applied.now, applied.zone),
        **_around(applied, "requester"),
        **_due(applied.deadlines.get(str(identity)), applied.zone),
    }
    inner = [one for child in action.get("action", ()) for one in _tasks(child, identity, applied)]
    return [task, *inner]


def _words(action: Mapping[str, Any]) -> Resource:
    found: Resource = {}
    if action.get("code"):
        found["code"] = action["code"][0]
    if text := action.get("title") or action.get("description") or action.get("textEquivalent"):
        found["description"] = text
    if definition := action.get("definitionCanonical"):
        found["instantiatesCanonical"] = definition
    elif definition := action.get("definitionUri"):
        found["instantiatesUri"] = definition
    return found


def _due(deadline: Deadline | None, zone: tzinfo) -> Resource:
    if deadline is None:
        return {}
    return {
        "restriction": {"period": {"end": moment(deadline.due, zone)}},
        "note": [{"text": f"Due {deadline.because}."}],
    }


def _around(applied: Applied, by: str) -> Resource:
    found: Resource = {}
    if applied.encounter:
        found["encounter"] = {"reference": applied.encounter}
    if applied.author:
        found[by] = {"reference": applied.author}
    return found
