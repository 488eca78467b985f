"""Readings that a person types, or that a file of a device holds, become Observations: units as given, and by whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from careloop.access.model import Principal
from careloop.access.policy import Action, require, require_action
from careloop.db import Transaction
from careloop.errors import Conflict, Fault, Rejected
from careloop.fhir.ids import derived_id, new_id
from careloop.flows import filing, home_enrolling, monitoring, people, writing
from careloop.flows.app import App
from careloop.flows.home_readings import TAG
from careloop.monitoring.content import Metric, Monitoring
from careloop.monitoring.device_files import FileRead, read_file
from careloop.monitoring.units import canonical
from careloop.record import Write

_PANEL = {"system": "http://loinc.org", "code": "85354-9", "display": "Blood pressure panel"}
_PRESSURE = ("systolic", "diastolic")
_VITAL = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}]}
DEVICE_FILE = ("8716-3", "Vital signs note")
"""LOINC of the document that a device file is kept as."""


@dataclass(frozen=True, kw_only=True)
class Typed:
    """One value as it was typed: metric, number, unit, when it was measured."""

    metric: str
    value: Decimal
    unit: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What became of a file: readings taken in, those that were here before, and faults by line."""

    file: str
    taken: int
    faults: Sequence[tuple[int, str]]


def typed_of(content: Monitoring, form: Mapping[str, str], now: datetime, zone: ZoneInfo) -> list[Typed]:
    """The values of a form: `<metric>` numbers, `<metric>-unit`, `at` (local; now where it is left open). `Rejected`
    with every fault."""
    faults: list[Fault] = []
    at = _moment(form.get("at", ""), now, zone, faults)
    found = []
    for metric in content.metrics.values():
        text = form.get(metric.id, "").strip().replace(",", ".")
        if not text or not metric.codes:
            continue
        unit = form.get(f"{metric.id}-unit", "") or metric.unit
        value = _number(text)
        if value is None or canonical(value, unit, metric, content) is None:
            faults.append(Fault(at=metric.id, expected=f"a number for {metric.plain}", code="value"))
        else:
            found.append(Typed(metric=metric.id, value=value, unit=unit, at=at))
    if not found and not faults:
        faults.append(Fault(at="weight", expected="at least one number", code="required"))
    if faults:
        raise Rejected(at=faults[0].at, expected=faults[0].expected, code=faults[0].code, faults=faults)
    return found


def enter(app: App, tx: Transaction, principal: Principal, patient_id: str, typed: Sequence[Typed], *, by: str) -> str:
    """The values stand in the record, given by `by` (a reference); what to say afterwards."""
    require(principal, "create", "Observation")
    content, zone = monitoring.content_of(app, tx), people.zone_of(tx)
    resources = [
        {**one, "meta": {"tag": [{"system": TAG, "code": "typed"}]}, "performer": [{"reference": by}]}
        for one in observations(content, typed, patient_id, zone)
    ]
    writes = [_put({**one, "id": new_id()}) for one in resources]
    written = writing.write(app, tx, principal, writes, each=True)
    monitoring.review(app, tx, [one.id for one in written], [patient_id])
    return "Saved."


def staff_enter(app: App, tx: Transaction, principal: Principal, patient_id: str, typed: Sequence[Typed]) -> str:
    """A member of staff types what the patient told them."""
    require_action(principal, Action.LOOP_WORK)
    app.record.read(tx, principal, "Patient", patient_id)
    return enter(app, tx, principal, patient_id, typed, by=f"Patient/{patient_id}")


def take_file(app: App, tx: Transaction, principal: Principal, patient_id: str, name: str, content: bytes) -> Taken:
    """A file of a device is kept as it came, its readings stand in the record once; every line that cannot be used is
    told with its number and why. `Rejected` for a file that no device of the content writes."""
    require_action(principal, Action.LOOP_WORK)
    require(principal, "create", "Observation")
    app.record.read(tx, principal, "Patient", patient_id)
    if home_enrolling.standing(tx, patient_id) is None:
        raise Conflict("enroll the patient first")
    tables, zone, now = monitoring.content_of(app, tx), people.zone_of(tx), app.clock.now()
    read = read_file(content, tables, zone)
    kept = filing.Filed(
        key=f"device file {patient_id} {derived_id(tx.tenant_id, content.hex())}",
        patient_id=patient_id,
        content=content,
        content_type="text/csv; charset=utf-8",
        kind=DEVICE_FILE,
        title=f"{read.name}: {name}"[:200],
        came=now,
        related=[],
        author={"reference": principal.reference},
    )
    resources = device_observations(tables, read, patient_id, zone, tx.tenant_id, now)
    writes = [*filing.document_writes(tx.tenant_id, kept, zone), *(_put(one) for one in resources)]
    written = writing.write(app, tx, principal, writes, each=True)
    monitoring.review(app, tx, [one.id for one in written if one.resource_type == "Observation"], [patient_id])
    return Taken(file=read.name, taken=len(resources), faults=read.faults)


def device_observations(
    content: Monitoring, read: FileRead, patient_id: str, zone: ZoneInfo, tenant_id: int, now: datetime
) -> list[dict[str, Any]]:
    """The Observations of a file's lines: the same line again is the same Observation."""
    found = []
    for line in read.lines:
        if line.at > now + timedelta(minutes=10):
            continue
        typed = [Typed(metric=one.metric, value=one.value, unit=one.unit, at=line.at) for one in line.values]
        for resource in observations(content, typed, patient_id, zone):
            said = "|".join(f"{one.metric}={one.value}{one.unit}" for one in line.values)
            kind = resource["code"]["coding"][0]["code"]
            own = derived_id(tenant_id, "device line", patient_id, read.id, line.at.isoformat(), said, kind)
            found.append({**resource, "id": own, "device": {"display": read.name}})
    return found


def observations(content: Monitoring, typed: Sequence[Typed], patient_id: str, zone: ZoneInfo) -> list[dict[str, Any]]:
    """Observations without an id, units as given; both numbers of a blood pressure in one."""
    pressure = [one for one in typed if one.metric in _PRESSURE]
    rest = [one for one in typed if one.metric not in _PRESSURE]
    found = [_observation(content, one, patient_id, zone) for one in rest]
    if len(pressure) == 2:
        parts = [
            {"code": _code(content.metrics[one.metric]), "valueQuantity": _quantity(content.metrics[one.metric], one)}
            for one in pressure
        ]
        whole = _observation(content, pressure[0], patient_id, zone)
        del whole["valueQuantity"]
        found.append({**whole, "code": {"coding": [_PANEL], "text": "Blood pressure"}, "component": parts})
    else:
        found += [_observation(content, one, patient_id, zone) for one in pressure]
    return found


def _observation(content: Monitoring, one: Typed, patient_id: str, zone: ZoneInfo) -> dict[str, Any]:
    metric = content.metrics[one.metric]
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [_VITAL],
        "code": _code(metric),
        "subject": {"reference": f"Patient/{patient_id}"},
        "effectiveDateTime": one.at.astimezone(zone).isoformat(),
        "valueQuantity": _quantity(metric, one),
    }


def _code(metric: Metric) -> dict[str, Any]:
    system, _, code = metric.main.partition("|")
    return {"coding": [{"system": system, "code": code}], "text": metric.name}


def _quantity(metric: Metric, one: Typed) -> dict[str, Any]:
    shown = {"[lb_av]": "lb", metric.unit: metric.shown}.get(one.unit, one.unit)
    return {"value": one.value, "unit": shown, "system": "http://unitsofmeasure.org", "code": one.unit}


def _moment(text: str, now: datetime, zone: ZoneInfo, faults: list[Fault]) -> datetime:
    if not text.strip():
        return now.replace(microsecond=0)
    try:
        at = datetime.fromisoformat(text.strip()).replace(tzinfo=zone)
    except ValueError:
        faults.append(Fault(at="at", expected="a day and a time", code="value"))
        return now
    if at > now + timedelta(minutes=10):
        faults.append(Fault(at="at", expected="a time that is not ahead", code="value"))
    return at


def _number(text: str) -> Decimal | None:
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() and abs(found) < 100_000 else None


def _put(resource: dict[str, Any]) -> Write:
    return Write(method="update", resource_type=resource["resourceType"], id=resource["id"], resource=resource)
