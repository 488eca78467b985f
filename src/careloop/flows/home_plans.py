"""Who is watched at home, for what, with which limits: EpisodeOfCare and DeviceRequest in the record, read as a plan.

An EpisodeOfCare of type `urn:careloop:programme|home-monitoring` is the enrolment; the limits that a clinician signed
are a DeviceRequest each (one parameter a limit), the one before it completed by the next.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from careloop.db import Transaction
from careloop.flows import people
from careloop.flows.app import App
from careloop.monitoring import check_in_store, store
from careloop.monitoring.model import Plan, SignedLimits
from careloop.record import Stored

PROGRAMME, CONDITION, LIMIT = "urn:careloop:programme", "urn:careloop:monitoring", "urn:careloop:limit"
ON_CALL, TOLD, USUAL = "urn:careloop:monitoring-on-call", "urn:careloop:monitoring-told", "urn:careloop:usual"
LIVE, RHYTHM = "urn:careloop:monitoring-live", "urn:careloop:monitoring-rhythm"
ASK_AT, RHYTHM_CHANGE = "urn:careloop:monitoring-ask-at", "urn:careloop:monitoring-rhythm-change"
WHY, UNTIL = "urn:careloop:why", "urn:careloop:until"
TYPES = ("EpisodeOfCare", "DeviceRequest", "Encounter", "Patient")
_ZONES = (
    "http://hl7.org/fhir/StructureDefinition/timezone",
    "http://hl7.org/fhir/StructureDefinition/tz-code",
)
_HOSPITAL = frozenset({"IMP", "ACUTE", "NONAC", "OBSENC"})
Resource = Mapping[str, Any]


def is_enrolment(resource: Resource) -> bool:
    """True for an EpisodeOfCare that is an enrolment."""
    return any(
        coding.get("system") == PROGRAMME and coding.get("code") == "home-monitoring"
        for concept in resource.get("type", ())
        for coding in concept.get("coding", ())
    )


def refresh(app: App, tx: Transaction, patient_ids: Sequence[str]) -> list[str]:
    """The plans of these patients are what the record says; those who take part now and did not before."""
    if not patient_ids:
        return []
    before = {row["patient_id"] for row in store.rows_of(tx, "plans", patients=list(patient_ids))}
    zone, found = people.zone_of(tx), app.record.of_patients(tx, patient_ids, TYPES)
    new = []
    for patient_id, facts in found.items():
        enrolled = _enrolment(facts)
        if enrolled is None:
            store.execute(tx, "drop_plan", patient_id=patient_id)
            continue
        plan = plan_of(enrolled.resource, facts, patient_id, zone)
        row = {
            "patient_id": patient_id,
            "episode": enrolled.id,
            "status": enrolled.resource["status"],
            "since": plan.since,
            "until": plan.until,
            "plan": as_json(plan),
            "wake_at": app.clock.now(),
        }
        store.execute(tx, "put_plan", **row)
        new += [] if patient_id in before else [patient_id]
    check_in_store.execute(tx, "wake", patients=sorted(found), at=app.clock.now())
    return new


def _enrolment(facts: Sequence[Stored]) -> Stored | None:
    """The newest enrolment that was ever active."""
    some = [
        one
        for one in facts
        if one.resource_type == "EpisodeOfCare"
        and is_enrolment(one.resource)
        and one.resource.get("status") in ("active", "onhold", "finished")
        and (one.resource.get("period") or {}).get("start")
    ]
    return max(some, key=lambda one: (str(one.resource["period"]["start"]), one.id), default=None)


def plan_of(episode: Resource, facts: Sequence[Stored], patient_id: str, zone: ZoneInfo) -> Plan:
    """The plan that an enrolment and everything else about the patient make."""
    period = episode["period"]
    end = period.get("end")
    limits = [signed_limits(one) for one in facts if one.resource_type == "DeviceRequest" and is_limits(one.resource)]
    return Plan(
        zone=_zone(facts, patient_id, str(zone)),
        since=_instant(period["start"]),
        until=_instant(end) if end else None,
        conditions=frozenset(_codes(episode.get("type", ()), CONDITION)),
        limits=tuple(sorted(limits, key=lambda one: (one.at, one.id))),
        usual=usual_of(episode),
        discharged=discharged_of(facts),
        holds=tuple(_holds(episode)),
        live=frozenset(str(one["valueString"]) for one in episode.get("extension", ()) if one.get("url") == LIVE),
        rhythm=next((str(one["valueCode"]) for one in _said(episode, RHYTHM)), ""),
        rhythm_since=max((one.at for one in rhythm_changes(episode)), default=None),
        ask_at=next((str(one["valueTime"])[:5] for one in _said(episode, ASK_AT)), ""),
        resume=_resume(episode),
        admitted=_is_admitted(facts),
        deceased=any(
            one.resource_type == "Patient"
            and (one.resource.get("deceasedBoolean") or "deceasedDateTime" in one.resource)
            for one in facts
        ),
    )


@dataclass(frozen=True, kw_only=True)
class RhythmChange:
    """How often the patient is asked from a moment on, and why."""

    rhythm: str
    at: datetime
    why: str
    by: str


def rhythm_changes(episode: Resource) -> list[RhythmChange]:
    """Every change of the rhythm since the enrolment, oldest first."""
    found = []
    for one in _said(episode, RHYTHM_CHANGE):
        parts = {part.get("url"): part for part in one.get("extension", ())}
        if "rhythm" in parts and "at" in parts:
            found.append(
                RhythmChange(
                    rhythm=str(parts["rhythm"].get("valueCode", "")),
                    at=_instant(parts["at"]["valueDateTime"]),
                    why=str(parts.get("why", {}).get("valueString", "")),
                    by=str(parts.get("by", {}).get("valueString", "")),
                )
            )
    return sorted(found, key=lambda one: one.at)


def with_status(episode: Resource, status: str, at: str, why: str, until: str = "") -> dict[str, Any]:
    """The enrolment in another state from `at` on, with the reason; `until`: a pause that ends by itself."""
    history = [dict(one) for one in episode.get("statusHistory", ())]
    if history and "end" not in history[-1]["period"]:
        history[-1] = {**history[-1], "period": {**history[-1]["period"], "end": at}}
    notes: list[Resource] = [{"url": WHY, "valueString": why}]
    if until:
        notes.append({"url": UNTIL, "valueDateTime": until})
    history.append({"status": status, "period": {"start": at}, "extension": notes})
    changed = {**episode, "status": status, "statusHistory": history}
    if status == "finished":
        changed["period"] = {**episode["period"], "end": at}
    return changed


def last_why(episode: Resource) -> str:
    """Why the enrolment is in the state in which it is; empty where nobody said."""
    history = episode.get("statusHistory", ())
    return next((str(one["valueString"]) for one in _said(history[-1], WHY)), "") if history else ""


def _said(resource: Resource, url: str) -> list[Resource]:
    return [one for one in resource.get("extension", ()) if one.get("url") == url]


def _resume(episode: Resource) -> datetime | None:
    """When a pause that stands ends by itself."""
    history = episode.get("statusHistory", ())
    if episode.get("status") != "onhold" or not history or "end" in (history[-1].get("period") or {}):
        return None
    return next((_instant(one["valueDateTime"]) for one in _said(history[-1], UNTIL)), None)


def _is_admitted(facts: Sequence[Stored]) -> bool:
    """In a hospital now, as far as the record knows."""
    return any(
        one.resource_type == "Encounter"
        and one.resource.get("status") in ("in-progress", "onleave")
        and (one.resource.get("class") or {}).get("code") in _HOSPITAL
        for one in facts
    )


def is_limits(resource: Resource) -> bool:
    """True for a signed set of limits, standing or replaced."""
    codes = _codes([resource.get("codeCodeableConcept") or {}], CONDITION)
    return "limits" in codes and resource.get("status") in ("active", "completed") and "authoredOn" in resource


def signed_limits(stored: Stored) -> SignedLimits:
    """The numbers of a DeviceRequest, when and by whom they were signed."""
    values: dict[str, Decimal | None] = {}
    for one in stored.resource.get("parameter", ()):
        quantity = one.get("valueQuantity") or {}
        for code in _codes([one.get("code") or {}], LIMIT):
            values[code] = Decimal(str(quantity["value"])) if "value" in quantity else None
    requester = stored.resource.get("requester") or {}
    by = str(requester.get("reference") or requester.get("display") or "")
    return SignedLimits(at=_instant(stored.resource["authoredOn"]), by=by, values=values, id=stored.id)


def usual_of(episode: Resource) -> dict[str, Decimal]:
    """The patient's own numbers: baseline oxygen, best peak flow, usual class."""
    found = {}
    for one in episode.get("extension", ()):
        if one.get("url") == USUAL:
            parts = {part.get("url"): part for part in one.get("extension", ())}
            if "metric" in parts and "value" in parts:
                found[str(parts["metric"]["valueCode"])] = Decimal(str(parts["value"]["valueDecimal"]))
    return found


def _holds(episode: Resource) -> list[tuple[datetime, datetime | None]]:
    """When nothing is expected: as the history says, and now where it is on hold."""
    found: list[tuple[datetime, datetime | None]] = []
    for one in episode.get("statusHistory", ()):
        period = one.get("period") or {}
        if one.get("status") == "onhold" and "start" in period:
            found.append((_instant(period["start"]), _instant(period["end"]) if "end" in period else None))
    return found


def discharged_of(facts: Sequence[Stored]) -> date | None:
    """The newest day on which the patient left a hospital."""
    ends = [
        str(one.resource["period"]["end"])[:10]
        for one in facts
        if one.resource_type == "Encounter"
        and one.resource.get("status") == "finished"
        and (one.resource.get("class") or {}).get("code") in _HOSPITAL
        and len(str((one.resource.get("period") or {}).get("end", ""))) >= 10
    ]
    return date.fromisoformat(max(ends)) if ends else None


def _zone(facts: Sequence[Stored], patient_id: str, otherwise: str) -> str:
    for one in facts:
        if one.resource_type == "Patient" and one.id == patient_id:
            for place in (one.resource, *one.resource.get("address", ())):
                for extension in place.get("extension", ()):
                    name = str(extension.get("valueCode") or extension.get("valueString") or "")
                    if extension.get("url") in _ZONES and "/" in name:
                        return name
    return otherwise


def _codes(concepts: Sequence[Resource], system: str) -> list[str]:
    return [
        str(coding.get("code", ""))
        for concept in concepts
        for coding in concept.get("coding", ())
        if coding.get("system") == system
    ]


def _instant(text: Any) -> datetime:
    found = datetime.fromisoformat(str(text))
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def as_json(plan: Plan) -> str:
    """The plan as the table keeps it."""
    told = asdict(plan)
    told["conditions"], told["live"] = sorted(plan.conditions), sorted(plan.live)
    return msgspec.json.encode(told).decode()


def from_json(text: str) -> Plan:
    """The plan as it was kept."""
    return msgspec.json.decode(text, type=Plan)
