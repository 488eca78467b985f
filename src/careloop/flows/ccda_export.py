"""A C-CDA document from the record: what is known of one person, for another organization to read."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal
from careloop.access.policy import require
from careloop.careplans.exchange import steps_of
from careloop.db import Transaction
from careloop.errors import Rejected
from careloop.fhir.ids import derived_id
from careloop.fhir.references import references
from careloop.flows import plan_desk
from careloop.flows.app import App
from careloop.flows.document_content import content_of
from careloop.intake.ccda.writing import STEPS, Request, write_document

Json = dict[str, Any]

TYPES = (
    "AllergyIntolerance", "Condition", "MedicationStatement", "MedicationRequest", "Procedure", "DiagnosticReport",
    "Observation", "Immunization", "Encounter", "ServiceRequest", "Goal", "Coverage",
)  # fmt: skip
"""What a document is made of."""

_REFERRALS = frozenset({"3457005", "306206005", "44383000"})
"""SNOMED CT: patient referral; referral to service; patient referral for consultation."""

CARE_PLAN = "care-plan"
_NO_PLAN = "No assessment is recorded; see problems and plan of treatment."


def ccd(app: App, tx: Transaction, principal: Principal, patient_id: str, kind: str = "ccd") -> bytes:
    """The document of `kind` (ccd, care-plan, referral-note, transfer-summary, discharge-summary) about the patient.

    Needs read rights on everything that it is made of; that it was made is in the audit trail. `NotFound` for an
    unknown patient, `Rejected` for a kind that we do not write.
    """
    content = content_of(app)
    if kind not in content.writing:
        raise Rejected(at="kind", expected=f"one of {', '.join(sorted(content.writing))}", code="value")
    for one in ("Patient", "Practitioner", "Organization", *TYPES):
        require(principal, "read", one)
    patient = app.record.read(tx, principal, "Patient", patient_id).resource
    record: Mapping[str, Sequence[Json]] = _record(app, tx, patient_id)
    lead = None
    if kind == CARE_PLAN:
        require(principal, "read", "CarePlan")
        plan = _shared_plan(app, tx, patient_id)
        record = _with_plan(plan, record)
        lead = _lead(app, tx, plan)
    others = _others(app, tx, record)
    request = replace(_request(tx, kind, patient, record, others, app.clock.now()), lead=lead)
    entry = AuditEntry(
        principal=principal, action="R", subtype="document-export", patient_ids=[patient_id], detail=f"{kind} made"
    )
    record_audit(tx, entry)
    return write_document(request, content)


def _record(app: App, tx: Transaction, patient_id: str) -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = {kind: [] for kind in TYPES}
    for stored in sorted(app.record.of_patient(tx, patient_id, TYPES), key=lambda one: one.reference):
        if not stored.deleted:
            found[stored.resource_type].append(stored.resource)
    return found


def _shared_plan(app: App, tx: Transaction, patient_id: str) -> Json:
    desk = plan_desk.open_desk(app, tx, patient_id)
    plan = next((one.resource for one in desk.stored if desk.version and one.id == desk.plan.id), None)
    if plan is None:
        raise Rejected(at="kind", expected="a patient with a care plan of ours", code="business-rule")
    return plan


def _with_plan(plan: Json, record: Mapping[str, Sequence[Json]]) -> dict[str, Sequence[Json]]:
    """The record as a care plan document needs it: the goals of the plan and its steps."""
    named = {str(one.get("reference")) for one in plan.get("goal", ())}
    goals = {f"Goal/{one['id']}": one for one in record["Goal"] if f"Goal/{one['id']}" in named}
    return {**record, "Goal": list(goals.values()), STEPS: steps_of(plan, goals)}


def _lead(app: App, tx: Transaction, plan: Json) -> Json | None:
    """The person who wrote the plan last."""
    reference = str(plan.get("author", {}).get("reference", ""))
    found = app.record.fetch(tx, [reference]).get(reference) if reference.startswith("Practitioner/") else None
    return found.resource if found is not None else None


def _others(app: App, tx: Transaction, record: Mapping[str, Sequence[Json]]) -> dict[str, Json]:
    """Everything that the record refers to, the organization that answers for it, and the record itself."""
    own = {f"{kind}/{one['id']}": one for kind, some in record.items() if kind != STEPS for one in some}
    named = {link for one in own.values() for link in references(one) if link.count("/") == 1}
    wanted = sorted(named - set(own) | {f"Organization/{derived_id(tx.tenant_id, 'organization', 'self')}"})
    found = app.record.fetch(tx, wanted)
    return own | {reference: stored.resource for reference, stored in found.items()}


def _request(
    tx: Transaction,
    kind: str,
    patient: Json,
    record: Mapping[str, Sequence[Json]],
    others: Mapping[str, Json],
    now: datetime,
) -> Request:
    own = derived_id(tx.tenant_id, "organization", "self")
    referral = _referral(record)
    return Request(
        kind=kind,
        patient=patient,
        organization=others.get(f"Organization/{own}") or {"resourceType": "Organization", "id": own},
        record=record,
        at=now,
        resolve=others.get,
        recipient=_recipient(referral, others),
        stay=_last_stay(record) if kind in ("discharge-summary", "transfer-summary") else None,
        reason=_reason(referral),
        assessment=_NO_PLAN,
        labels=[label["code"] for some in record.values() for one in some for label in _labels(one)],
    )


def _labels(one: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [label for label in one.get("meta", {}).get("security", ()) if label.get("code")]


def _referral(record: Mapping[str, Sequence[Json]]) -> Json | None:
    """The referral that stands and was asked for last."""
    asked = [
        one
        for one in record["ServiceRequest"]
        if one.get("status") in ("active", "draft")
        and any(coding.get("code") in _REFERRALS for part in _coded(one) for coding in part.get("coding", ()))
    ]
    return max(asked, key=lambda one: str(one.get("authoredOn", "")), default=None)


def _coded(one: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one.get("code", {}), *one.get("category", ())]


def _recipient(referral: Json | None, others: Mapping[str, Json]) -> Json | None:
    """The practitioner whom a referral names."""
    for one in (referral or {}).get("performer", ()):
        found = others.get(str(one.get("reference")))
        if found is not None and found["resourceType"] == "Practitioner":
            return found
    return None


def _reason(referral: Json | None) -> str:
    """Why the person is referred, in words; empty where no referral says so."""
    if referral is None:
        return ""
    said = [str(one["text"]) for one in referral.get("note", ()) if one.get("text")]
    for one in (*referral.get("reasonCode", ()), referral.get("code", {})):
        shown = one.get("text") or next((coding.get("display") for coding in one.get("coding", ())), None)
        said += [str(shown)] if shown else []
    return "; ".join(dict.fromkeys(said))


def _last_stay(record: Mapping[str, Sequence[Json]]) -> Json | None:
    """The inpatient stay that ended last, else the one that goes on."""
    stays = [one for one in record["Encounter"] if one.get("class", {}).get("code") in ("IMP", "ACUTE", "NONAC")]
    begun = [one for one in stays if one.get("period", {}).get("start")]
    return max(begun, key=lambda one: str(one["period"].get("end", one["period"]["start"])), default=None)
