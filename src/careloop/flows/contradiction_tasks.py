"""The Task of each contradiction: a work item with both sides, an owner and a deadline, for people and FHIR clients."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from careloop.access.model import system_principal
from careloop.db import Transaction
from careloop.flows import people
from careloop.flows.app import App
from careloop.longitudinal import Side
from careloop.longitudinal.content import ContradictionRule
from careloop.longitudinal.store import OPEN, SETTLED, Standing
from careloop.record import Write

SYSTEM, CODE, ANSWER = "urn:careloop:work", "contradiction", "urn:careloop:contradiction-answer"
_PRIORITY = {"high": "urgent", "middle": "asap", "low": "routine"}
_STATUS = {OPEN: "requested", SETTLED: "completed"}
DECIDED = {
    "left": "The first is right",
    "right": "The second is right",
    "both": "Both are right",
    "neither": "Neither is right",
}
"""What a person may decide."""


def announce(app: App, tx: Transaction, standing: Sequence[Standing], rules: Mapping[str, ContradictionRule]) -> None:
    """The Tasks say what these contradictions say."""
    if not standing:
        return
    now, zone = app.clock.now(), people.zone_of(tx)
    writes = [_put(_task(one, rules.get(one.rule), now, zone)) for one in standing]
    app.record.write(tx, system_principal(tx.tenant_id, "contradictions"), now, writes, validate=False, audit=False)


def title_of(one: Standing, rules: Mapping[str, ContradictionRule]) -> str:
    """What kind of contradiction it is; the name of the rule where a site has taken the rule away."""
    rule = rules.get(one.rule)
    return rule.title if rule else one.rule.replace("-", " ").capitalize()


def sentence(one: Standing) -> str:
    """Both sides in one sentence, each with its source."""
    sides = (one.left, one.right) if one.right else (one.left[:1], one.left[1:])
    return "; ".join(", ".join(_said(side) for side in some[:2]) for some in sides if some)


def _said(side: Side) -> str:
    return f"{side.words} ({side.source})"


def _task(one: Standing, rule: ContradictionRule | None, now: datetime, zone: ZoneInfo) -> dict[str, Any]:
    facts = [side.reference for side in (*one.left, *one.right)]
    period = {"start": _instant(one.opened, zone), **({"end": _instant(one.ended, zone)} if one.ended else {})}
    task: dict[str, Any] = {
        "resourceType": "Task",
        "id": one.id,
        "status": _STATUS.get(one.state, "cancelled"),
        "intent": "order",
        "priority": _PRIORITY[one.severity.value],
        "code": {"coding": [{"system": SYSTEM, "code": CODE}], "text": rule.title if rule else one.rule},
        "description": sentence(one),
        "focus": {"reference": facts[0]},
        "for": {"reference": f"Patient/{one.patient_id}"},
        "authoredOn": _instant(one.opened, zone),
        "lastModified": _instant(now, zone),
        "owner": {"reference": one.owner},
        "restriction": {"period": {"end": _instant(one.due, zone)}},
        "executionPeriod": period,
        "input": [
            {"type": {"text": "fact"}, "valueReference": {"reference": reference}} for reference in dict.fromkeys(facts)
        ],
    }
    if rule is not None:
        task["reasonCode"] = {"text": rule.ask}
    if one.state == SETTLED:
        coding = [{"system": ANSWER, "code": one.decision}]
        task["statusReason"] = {"coding": coding, "text": DECIDED.get(one.decision or "", "Settled")}
        task["note"] = [{"authorReference": {"reference": one.decided_by}, "text": one.why}]
    elif one.state != OPEN:
        task["statusReason"] = {"text": "The facts do not contradict each other any more"}
    return task


def _instant(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).isoformat(timespec="seconds")


def _put(resource: dict[str, Any]) -> Write:
    return Write(method="update", resource_type="Task", id=resource["id"], resource=resource)
