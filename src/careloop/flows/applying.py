"""`$apply`: what a plan would mean for one person, proposed and not written (FHIR R4 PlanDefinition-apply)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from careloop.access.policy import require
from careloop.errors import Rejected
from careloop.fhir.fhirpath import compile_expression
from careloop.flows import engine
from careloop.flows.interactions import Interaction
from careloop.loops.proposals import Applied, care_plan, deadlines_of

Resource = dict[str, Any]
FHIRPATH = "text/fhirpath"


@dataclass(frozen=True, kw_only=True)
class ToApply:
    """Which plan, and to whom. References are `Type/id`; `plan` is a PlanDefinition that need not be in the record."""

    plan_id: str | None = None
    plan: Resource | None = None
    subject: str
    encounter: str | None = None
    practitioner: str | None = None


def apply_plan(door: Interaction, asked: ToApply) -> Resource:
    """The CarePlan that the plan proposes. Actions whose condition is false for the subject are left out; one whose
    condition cannot be worked out stays, and a note says so: unknown is not false."""
    require(door.principal, "read", "PlanDefinition")
    plan = asked.plan or door.read("PlanDefinition", str(asked.plan_id)).resource
    kind, _, identity = asked.subject.partition("/")
    if kind != "Patient":
        raise Rejected(at="subject", expected="Patient/id", code="not-supported")
    subject = door.read("Patient", identity).resource
    _check_there(door, asked)
    left_out, notes = _conditions(plan, subject)
    tenant = engine.tenant_of(door.tx)
    content, now = engine.content_for(door.app, door.tx), door.app.clock.now()
    pathway = content.pathways.active.get(str(plan.get("id")))
    ours = pathway is not None and plan.get("url") == f"urn:careloop:pathway:{plan.get('id')}"
    applied = Applied(
        subject=asked.subject,
        now=now,
        zone=ZoneInfo(tenant.zone),
        encounter=asked.encounter,
        author=asked.practitioner,
        deadlines=deadlines_of(pathway, now, tenant.zone, content.calendar) if ours and pathway else {},
        left_out=left_out,
        notes=notes,
    )
    return care_plan(plan, applied)


def _check_there(door: Interaction, asked: ToApply) -> None:
    for name, reference in (("encounter", asked.encounter), ("practitioner", asked.practitioner)):
        if reference is not None and door.app.record.missing(door.tx, [reference]):
            raise Rejected(at=name, expected="a reference to what is in the record", code="not-found")


def _conditions(plan: Mapping[str, Any], subject: Resource) -> tuple[frozenset[str], list[str]]:
    """The ids of the actions that do not apply, and what could not be found out."""
    left_out: set[str] = set()
    notes: list[str] = []
    waiting = list(plan.get("action", ()))
    while waiting:
        action = waiting.pop(0)
        waiting += action.get("action", ())
        for condition in action.get("condition", ()):
            if condition.get("kind") != "applicability":
                continue
            holds = _holds(condition.get("expression") or {}, subject)
            name = str(action.get("id") or action.get("title") or "an action")
            if holds is False and action.get("id"):
                left_out.add(action["id"])
            elif holds is not True:
                notes.append(f"Whether {name} applies could not be worked out.")
    return frozenset(left_out), notes


def _holds(expression: Mapping[str, Any], subject: Resource) -> bool | None:
    """Whether an expression is true of the subject; None where we cannot tell."""
    if expression.get("language") != FHIRPATH or not expression.get("expression"):
        return None
    try:
        found = compile_expression(str(expression["expression"])).evaluate(
            subject, variables={"subject": subject, "patient": subject}
        )
    except Rejected:
        return None
    return found[0] if len(found) == 1 and isinstance(found[0], bool) else None
