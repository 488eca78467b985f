"""Somebody is watched at home, for what, with which limits: enrolled, paused, ended; limits signed by a clinician."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from careloop.access.model import Principal, Role
from careloop.access.policy import Action, require, require_action
from careloop.db import Transaction
from careloop.errors import Conflict, Fault, NotPermitted, Rejected
from careloop.fhir.ids import new_id
from careloop.flows import home_plans, monitoring, people, writing
from careloop.flows.app import App
from careloop.monitoring import store
from careloop.monitoring.content import Monitoring
from careloop.monitoring.model import Plan, SignedLimits
from careloop.monitoring.rules import check_ins
from careloop.monitoring.rules.enrolment import enrolment_faults
from careloop.record import Write

TOLD_WORDS = (
    "This is not an emergency service. Nobody watches your readings every minute. If you feel very sick, call 911."
)
SIGNERS = frozenset({Role.PHYSICIAN})
_COMPARATOR = {
    "at_least": ">=",
    "above": ">",
    "at_most": "<=",
    "below": "<",
    "pounds": ">=",
    "percent": ">=",
    "by": ">=",
}
_UNIT = {"pounds": ("lb", "[lb_av]"), "percent": ("%", "%"), "days": ("days", "d"), "times": ("in a row", "1")}


@dataclass(frozen=True, kw_only=True)
class Enrolment:
    """What is said when somebody is enrolled. `told`: the patient knows that this is no emergency service (MO-09).
    `rhythm`: how often they are asked; empty for what their programmes say."""

    programmes: Sequence[str]
    on_call: bool
    told: bool
    usual: Mapping[str, Decimal] = field(default_factory=dict)
    rhythm: str = ""


def enrol(app: App, tx: Transaction, principal: Principal, patient_id: str, new: Enrolment) -> str:
    """The patient is watched from now on; what to say afterwards. `Rejected` in words where nobody is on call and the
    patient was not told; `Conflict` where they take part already."""
    _require(principal)
    content, now = monitoring.content_of(app, tx), app.clock.now()
    faults = enrolment_faults(content, new.programmes, on_call=new.on_call, told=new.told)
    new = replace(new, rhythm=new.rhythm or _usual_rhythm(app, tx, patient_id, content, new.programmes))
    if new.rhythm not in {one["id"] for one in content.check_ins["rhythms"]}:
        faults.append(Fault(at="rhythm", expected="one of the rhythms", code="value"))
    if faults:
        raise Rejected(at=faults[0].at, expected=faults[0].expected, code=faults[0].code, faults=faults)
    app.record.read(tx, principal, "Patient", patient_id)
    before = standing(tx, patient_id)
    if before is not None and before["status"] != "finished":
        raise Conflict("this patient takes part already")
    zone = people.zone_of(tx)
    at = now.astimezone(zone).isoformat(timespec="seconds")
    episode = _episode(patient_id, new, content, at)
    writes = [_put(episode)]
    if new.told:
        writes.append(_put(_telling(principal, patient_id, episode["id"], at)))
    writing.write(app, tx, principal, writes)
    home_plans.refresh(app, tx, [patient_id])
    monitoring.review(app, tx, (), [patient_id], backfill=[patient_id])
    return "Enrolled. Readings from now on call somebody when they are out of limits."


def _usual_rhythm(app: App, tx: Transaction, patient_id: str, content: Monitoring, programmes: Sequence[str]) -> str:
    """What the programmes say, or the rhythm after a hospital stay while one is near."""
    left = home_plans.discharged_of(app.record.of_patient(tx, patient_id, ["Encounter"]))
    today = app.clock.now().astimezone(people.zone_of(tx)).date()
    is_near = left is not None and (today - left).days <= content.windows.after_discharge_days
    return check_ins.usual_rhythm(content.check_ins, programmes, after_discharge=is_near)


def change(app: App, tx: Transaction, principal: Principal, patient_id: str, status: str, why: str) -> str:
    """The patient pauses (`onhold`), goes on (`active`) or ends (`finished`); a sentence says why. While paused no
    reading is expected; what comes is still looked at."""
    _require(principal)
    if not why.strip():
        raise Rejected(at="why", expected="a sentence", code="required")
    row = standing(tx, patient_id)
    if row is None or row["status"] == "finished":
        raise Conflict("this patient does not take part")
    if status not in ("active", "onhold", "finished") or status == row["status"]:
        raise Rejected(at="status", expected="another state", code="value")
    at = app.clock.now().astimezone(people.zone_of(tx)).isoformat(timespec="seconds")
    episode = dict(app.record.read(tx, principal, "EpisodeOfCare", row["episode"]).resource)
    episode = home_plans.with_status(episode, status, at, why.strip())
    writing.write(app, tx, principal, [_put(episode)])
    home_plans.refresh(app, tx, [patient_id])
    monitoring.review(app, tx, (), [patient_id])
    return {"active": "Goes on.", "onhold": "Paused. No reading is expected.", "finished": "Ended."}[status]


def sign_limits(
    app: App, tx: Transaction, principal: Principal, patient_id: str, values: Mapping[str, Decimal | None]
) -> str:
    """The patient's own limits from now on, signed by who is signed in; what to say afterwards. Only a physician signs.
    `values` by row; None turns a row off; a row that is not named has the number that ships."""
    if not principal.roles & SIGNERS:
        raise NotPermitted("a physician sets and signs a patient's own limits")
    require(principal, "create", "DeviceRequest")
    content, now = monitoring.content_of(app, tx), app.clock.now()
    unknown = [row for row in values if (found := content.row(row)) is None or not found.adjust]
    if unknown:
        raise Rejected(at="limits", expected="rows that have a number", code="code-invalid")
    wrong = [row for row, value in values.items() if value is not None and value <= 0]
    if wrong:
        raise Rejected(at=wrong[0], expected="a number above 0", code="value")
    before = _last_signed(tx, patient_id)
    at = now.astimezone(people.zone_of(tx)).isoformat(timespec="milliseconds")
    request = limits_request(principal, patient_id, content, values, at, before)
    writes = [_put(request)]
    if before is not None:
        former = dict(app.record.read(tx, principal, "DeviceRequest", before.id).resource)
        former |= {"status": "completed", "occurrencePeriod": {**former.get("occurrencePeriod", {}), "end": at}}
        writes.append(_put(former))
    writing.write(app, tx, principal, writes)
    home_plans.refresh(app, tx, [patient_id])
    return "Signed. These limits hold for readings from now on."


def limits_request(
    principal: Principal,
    patient_id: str,
    content: Monitoring,
    values: Mapping[str, Decimal | None],
    at: str,
    before: SignedLimits | None = None,
) -> dict[str, Any]:
    """The DeviceRequest of a signed set of limits."""
    request: dict[str, Any] = {
        "resourceType": "DeviceRequest",
        "id": new_id(),
        "status": "active",
        "intent": "order",
        "codeCodeableConcept": {
            "coding": [{"system": home_plans.CONDITION, "code": "limits"}],
            "text": "Limits of readings from home",
        },
        "parameter": [_parameter(content, row, value) for row, value in sorted(values.items())],
        "subject": {"reference": f"Patient/{patient_id}"},
        "occurrencePeriod": {"start": at},
        "authoredOn": at,
        "requester": {"reference": principal.reference, "display": principal.name},
    }
    if not request["parameter"]:
        del request["parameter"]
    if before is not None:
        request["priorRequest"] = [{"reference": f"DeviceRequest/{before.id}"}]
    return request


def _parameter(content: Monitoring, row_id: str, value: Decimal | None) -> dict[str, Any]:
    row = content.row(row_id)
    assert row is not None
    code = {"coding": [{"system": home_plans.LIMIT, "code": row_id}], "text": row.says}
    if value is None:
        return {"code": code, "valueBoolean": False}
    metric = content.metrics.get(row.metric)
    unit = _UNIT.get(row.adjust) or ((metric.shown, metric.unit) if metric else ("", "1"))
    quantity: dict[str, Any] = {"value": value, "unit": unit[0], "system": "http://unitsofmeasure.org", "code": unit[1]}
    if row.adjust in _COMPARATOR:
        quantity["comparator"] = _COMPARATOR[row.adjust]
    return {"code": code, "valueQuantity": quantity}


def standing(tx: Transaction, patient_id: str) -> dict[str, Any] | None:
    """The row of a patient who takes part or did; None for nobody."""
    rows = store.rows_of(tx, "plan_rows", patients=[patient_id])
    return dict(rows[0]) if rows else None


def plan_of(tx: Transaction, patient_id: str) -> Plan | None:
    """The plan of a patient who takes part or did."""
    row = standing(tx, patient_id)
    return None if row is None else home_plans.from_json(row["plan"])


def _last_signed(tx: Transaction, patient_id: str) -> SignedLimits | None:
    plan = plan_of(tx, patient_id)
    if plan is None:
        raise Conflict("enroll the patient first")
    return plan.limits[-1] if plan.limits else None


def _require(principal: Principal) -> None:
    require_action(principal, Action.LOOP_WORK)
    require(principal, "create", "EpisodeOfCare")


def _episode(patient_id: str, new: Enrolment, content: Monitoring, at: str) -> dict[str, Any]:
    kinds = [{"coding": [{"system": home_plans.PROGRAMME, "code": "home-monitoring"}], "text": "Readings from home"}]
    for one in sorted(set(new.programmes)):
        kinds.append({"coding": [{"system": home_plans.CONDITION, "code": one}], "text": content.programmes[one].name})
    extensions: list[dict[str, Any]] = [
        {"url": home_plans.ON_CALL, "valueBoolean": new.on_call},
        {"url": home_plans.RHYTHM, "valueCode": new.rhythm},
    ]
    if new.told:
        extensions.append({"url": home_plans.TOLD, "valueDateTime": at})
    for metric, value in sorted(new.usual.items()):
        parts = [{"url": "metric", "valueCode": metric}, {"url": "value", "valueDecimal": value}]
        extensions.append({"url": home_plans.USUAL, "extension": parts})
    return {
        "resourceType": "EpisodeOfCare",
        "id": new_id(),
        "status": "active",
        "statusHistory": [{"status": "active", "period": {"start": at}}],
        "type": kinds,
        "patient": {"reference": f"Patient/{patient_id}"},
        "period": {"start": at},
        "extension": extensions,
    }


def _telling(principal: Principal, patient_id: str, episode_id: str, at: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "resourceType": "Communication",
        "id": new_id(),
        "status": "completed",
        "category": [{"coding": [{"system": "urn:careloop:communication", "code": "not-an-emergency-service"}]}],
        "subject": {"reference": f"Patient/{patient_id}"},
        "about": [{"reference": f"EpisodeOfCare/{episode_id}"}],
        "sent": at,
        "payload": [{"contentString": TOLD_WORDS}],
    }
    if principal.practitioner_id:
        found["sender"] = {"reference": principal.reference}
    return found


def _put(resource: dict[str, Any]) -> Write:
    return Write(method="update", resource_type=resource["resourceType"], id=resource["id"], resource=resource)
