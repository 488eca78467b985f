"""How medicines are taken, as the patient page and FHIR clients see it: PDC, supplies, what is said, disagreements.

PDC of a class is an Observation and a missing refill a DetectedIssue, both in the record. They are found with the other
findings about medicines, behind the writes, and again on each day for those whose supply ends.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from careloop.access.model import Principal, system_principal
from careloop.access.policy import require
from careloop.db import Transaction
from careloop.fhir.ids import derived_id
from careloop.flows import engine, people, writing
from careloop.flows.app import App
from careloop.medications import drugs_of, read_medicine
from careloop.medications.adherence import Adherence, ClassAdherence, Supply, adherence_of, report_of, rules_of
from careloop.medications.facts import facts_of, person_from
from careloop.medications.findings import NOT_REVIEWED
from careloop.medications.rules.covered import Covered, Period
from careloop.medications.safety_content import safety_of
from careloop.record import Stored, Write

TYPES = ("MedicationRequest", "MedicationStatement", "MedicationDispense")
SCORE, GAP = "urn:careloop:score", "urn:careloop:refill-gap"
_FACILITY = frozenset({"IMP", "ACUTE", "NONAC", "SS"})


@dataclass(frozen=True, kw_only=True)
class Line:
    """One class or ingredient on the patient page."""

    title: str
    says: str
    tone: str
    source: str


@dataclass(frozen=True, kw_only=True)
class AdherenceSection:
    """The section of the patient page: each line with its source; `disagreements` first."""

    classes: tuple[Line, ...]
    supplies: tuple[Line, ...]
    said: tuple[Line, ...]
    disagreements: tuple[str, ...]
    note: str

    @property
    def is_empty(self) -> bool:
        """True where nobody told anything about taking medicines."""
        return not (self.classes or self.supplies or self.said)


def section_of(app: App, tx: Transaction, principal: Principal, patient_id: str) -> AdherenceSection:
    """What is known today, for a page whose read is audited by its own flow."""
    require(principal, "search", "MedicationDispense")
    today = _today(app, tx)
    found = _found(app, tx, [patient_id], today)[patient_id]
    return AdherenceSection(
        classes=tuple(_class_line(one) for one in found.classes),
        supplies=tuple(_supply_line(one, today) for one in found.supplies),
        said=tuple(
            Line(title=one.ingredient, says=f"{one.by}: {one.says}", tone="" if one.takes else "warning",
                 source=f"{one.day:%-d %b %Y}" if one.day else "")
            for one in found.said
        ),
        disagreements=found.disagreements,
        note=f"Proportion of days covered by fills, PQA. {NOT_REVIEWED}",
    )  # fmt: skip


def review(app: App, tx: Transaction, patient_ids: Sequence[str]) -> dict[str, list[date]]:
    """PDC and refill gaps of these patients are in the record as FHIR; by patient the days on which a refill will be
    missing. Only those who have a fill cost more than one query for all."""
    filled = app.record.patients_with(tx, patient_ids, ["MedicationDispense"])()
    if not filled:
        return {}
    now, zone = app.clock.now(), people.zone_of(tx)
    today = now.astimezone(zone).date()
    writes: list[Write] = []
    before = app.record.of_patients(tx, filled, ["DetectedIssue"])
    looks: dict[str, list[date]] = {}
    for patient_id, found in _found(app, tx, filled, today).items():
        looks[patient_id] = [one.gap_on for one in found.supplies]
        at = now.astimezone(zone).isoformat(timespec="seconds")
        made = [_observation(tx.tenant_id, patient_id, one, today) for one in found.classes]
        made += _gaps(tx.tenant_id, patient_id, found.supplies, before[patient_id], today, at)
        writes += [
            Write(method="update", resource_type=one["resourceType"], id=one["id"], resource=one) for one in made
        ]
    changed = _different(app, tx, writes)
    if changed:
        writing.write(app, tx, system_principal(tx.tenant_id, "medicines"), changed, each=True)
    return looks


def _different(app: App, tx: Transaction, writes: Sequence[Write]) -> list[Write]:
    standing = app.record.fetch(tx, [f"{one.resource_type}/{one.id}" for one in writes]) if writes else {}

    def is_new(one: Write) -> bool:
        known = standing.get(f"{one.resource_type}/{one.id}")
        return (
            known is None or {name: value for name, value in known.resource.items() if name != "meta"} != one.resource
        )

    return [one for one in writes if is_new(one)]


def _found(app: App, tx: Transaction, patient_ids: Sequence[str], today: date) -> dict[str, Adherence]:
    content = engine.catalog_for(app, tx)
    drugs, rules, safety, facts = drugs_of(content), rules_of(content), safety_of(content), facts_of(content)
    charts = app.record.of_patients(tx, patient_ids, (*TYPES, "Condition", "Encounter"))
    found: dict[str, Adherence] = {}
    for patient_id, chart in charts.items():
        listed = [one.resource for one in chart if one.resource_type in TYPES]
        reports = {f"{one['resourceType']}/{one['id']}": said for one in listed if (said := report_of(one))}
        person = person_from((one.resource for one in chart if one.resource_type == "Condition"), facts, today)
        found[patient_id] = adherence_of(
            [read_medicine(one, drugs) for one in listed], reports, person.conditions, _stays(chart, today), rules,
            safety, today,
        )  # fmt: skip
    return found


def _stays(chart: Sequence[Stored], today: date) -> list[Period]:
    """Days in a hospital or nursing facility: whole days between admission and discharge, today at the latest."""
    found: list[Period] = []
    for one in chart:
        if one.resource_type != "Encounter" or (one.resource.get("class") or {}).get("code") not in _FACILITY:
            continue
        if one.resource.get("status") not in ("finished", "in-progress"):
            continue
        period: Mapping[str, Any] = one.resource.get("period") or {}
        start, end = _day(period.get("start")), _day(period.get("end")) or today
        if start is not None and start <= end:
            found.append(Period(first=start, last=min(end, today)))
    return found


def _class_line(one: ClassAdherence) -> Line:
    if not isinstance(one.pdc, Covered):
        return Line(title=one.set.title, says=one.pdc.reason, tone="", source=one.set.source)
    percent = f"{one.pdc.covered} of {one.pdc.days} days covered"
    short = f"less than {one.pdc.threshold * 100:.0f} percent"
    says = f"{percent}: {'taken as filled' if one.pdc.is_adherent else short}"
    return Line(title=one.set.title, says=says, tone="" if one.pdc.is_adherent else "warning", source=one.set.source)


def _supply_line(one: Supply, today: date) -> Line:
    gap = one.is_gap(today)
    word = "Refill missing: supply lasted until" if gap else "Supply until"
    alert = f", high-alert ({one.high_alert.replace('_', ' ')})" if one.high_alert else ""
    return Line(title=one.ingredient, says=f"{word} {one.through:%-d %b %Y}{alert}", tone="warning" if gap else "",
                source=f"last fill {one.last_fill:%-d %b %Y}")  # fmt: skip


def _observation(tenant_id: int, patient_id: str, one: ClassAdherence, today: date) -> dict[str, Any]:
    """PDC of a class in the year so far, as interface.md section 4 writes scores; `partOf` the fills that it counts."""
    newest = max(fill.day for fill in one.fills)
    made: dict[str, Any] = {
        "resourceType": "Observation",
        "id": derived_id(tenant_id, "pdc", patient_id, one.set.id, today.year),
        "status": "preliminary",
        "code": {"coding": [{"system": SCORE, "code": f"pdc-{one.set.id}"}], "text": f"PDC: {one.set.title}"},
        "subject": {"reference": f"Patient/{patient_id}"},
        "effectivePeriod": {"start": f"{today.year}-01-01", "end": newest.isoformat()},
        "note": [{"text": f"{one.set.source}. {NOT_REVIEWED}"}],
        "partOf": [{"reference": fill.reference} for fill in one.fills if fill.day.year == today.year],
    }
    if not made["partOf"]:
        del made["partOf"]
    if isinstance(one.pdc, Covered):
        made["effectivePeriod"]["start"] = one.pdc.index.isoformat()
        made["valueRatio"] = {"numerator": _days(one.pdc.covered), "denominator": _days(one.pdc.days)}
        made["effectivePeriod"]["end"] = today.isoformat()
    else:
        made["dataAbsentReason"] = {"text": one.pdc.reason}
    return made


def _days(count: int) -> dict[str, Any]:
    return {"value": count, "unit": "d", "system": "http://unitsofmeasure.org", "code": "d"}


def _gaps(
    tenant_id: int, patient_id: str, supplies: Sequence[Supply], standing: Sequence[Stored], today: date, at: str
) -> list[dict[str, Any]]:
    """A DetectedIssue for each supply that ended without a refill; those that stand and are not true any more end."""
    known = {one.id: one.resource for one in standing if _is_gap(one.resource)}
    made: dict[str, dict[str, Any]] = {}
    for one in supplies:
        key = derived_id(tenant_id, "refill-gap", patient_id, one.ingredient, one.through.isoformat())
        if not one.is_gap(today):
            continue
        found = str(known[key].get("identifiedDateTime")) if key in known else at
        made[key] = {
            "resourceType": "DetectedIssue",
            "id": key,
            "status": "preliminary",
            "code": {"coding": [{"system": GAP, "code": "high-alert" if one.high_alert else "refill"}],
                     "text": f"Refill missing: {one.ingredient}"},
            "severity": "high" if one.high_alert else "moderate",
            "patient": {"reference": f"Patient/{patient_id}"},
            "identifiedDateTime": found,
            "implicated": [{"reference": one.reference}],
            "detail": f"Supply of {one.ingredient} lasted until {one.through:%-d %b %Y}; the last fill was on "
            f"{one.last_fill:%-d %b %Y}. Ask whether it is still taken, and why it was not filled.",
        }  # fmt: skip
        if key in known and known[key].get("mitigation"):
            made[key] |= {"mitigation": known[key]["mitigation"], "status": "final"}
    ended = [
        {**{name: value for name, value in resource.items() if name != "meta"}, "status": "cancelled"}
        for key, resource in known.items()
        if key not in made and resource.get("status") != "cancelled"
    ]
    return [*made.values(), *ended]


def _is_gap(resource: Mapping[str, Any]) -> bool:
    codings = (resource.get("code") or {}).get("coding") or ()
    return any(one.get("system") == GAP for one in codings)


def _day(text: Any) -> date | None:
    try:
        return date.fromisoformat(str(text)[:10]) if text else None
    except ValueError:
        return None


def _today(app: App, tx: Transaction) -> date:
    now: datetime = app.clock.now()
    return now.astimezone(people.zone_of(tx)).date()
