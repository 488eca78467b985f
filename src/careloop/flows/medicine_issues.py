"""A finding about medicines as a FHIR DetectedIssue (interface.md section 4, "Safety findings"). Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from careloop.medications.findings import NOT_REVIEWED, Finding, Kind, NotChecked, Tier, digest
from careloop.medications.store import FINDING, NOT_CHECKED, OPEN, OVERRIDDEN, RESOLVED, Standing

RULE, TIER, KIND = "urn:careloop:interaction", "urn:careloop:medicine-tier", "urn:careloop:medicine-safety"
NOT_CHECKED_CODE, OVERRIDE = "urn:careloop:not-checked", "urn:careloop:override"
_ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_ISSUE: Mapping[Kind, str] = {
    Kind.INTERACTION: "DRG",
    Kind.DUPLICATE: "DUPTHPY",
    Kind.ALLERGY: "ALGY",
    Kind.AGE: "AGE",
    Kind.CONDITION: "COND",
    Kind.RENAL: "DOSECOND",
    Kind.PREGNANCY: "COND",
    Kind.HIGH_ALERT: "DOSE",
}
_STATUS = {OPEN: "preliminary", OVERRIDDEN: "final", RESOLVED: "cancelled"}
_SEVERITY = {"contraindicated": "high", "major": "high", "moderate": "moderate", "low": "low"}


def body_of(finding: Finding) -> dict[str, Any]:
    """What the finding says, as JSON values: enough to show it without working it out again."""
    return {
        "medicines": list(finding.medicines),
        "says": finding.says,
        "reasons": [
            {
                "rule": one.rule,
                "kind": one.kind.value,
                "tier": one.tier.value,
                "effect": one.effect,
                "action": one.action,
                "source": one.source,
                "reviewed": one.reviewed,
                "notes": list(one.notes),
                "review_on": one.review_on.isoformat() if one.review_on else None,
            }
            for one in finding.reasons
        ],
    }


def standing_of(finding: Finding, finding_id: str, patient_id: str, now: datetime) -> Standing:
    """A finding that fires now."""
    return Standing(
        id=finding_id,
        patient_id=patient_id,
        kind=FINDING,
        tier=finding.tier.value,
        rules=finding.rules,
        state=OPEN,
        fingerprint=finding.fingerprint,
        refs=finding.implicated,
        body=body_of(finding),
        fired=now,
    )


def unchecked(left: Sequence[NotChecked], finding_id: str, patient_id: str, now: datetime) -> Standing:
    """What could not be checked about one medicine or allergy."""
    first = left[0]
    why = "; ".join(dict.fromkeys(one.why for one in left))
    return Standing(
        id=finding_id,
        patient_id=patient_id,
        kind=NOT_CHECKED,
        tier="low",
        rules=tuple(sorted({one.rule for one in left if one.rule})),
        state=OPEN,
        fingerprint=digest(first.text, why),
        refs=(first.reference,),
        body={"medicines": [first.text], "says": f"{first.text}: not checked, {why}.", "reasons": []},
        fired=now,
    )


def detected_issue(one: Standing, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    """The DetectedIssue of a finding: `preliminary` while nobody decided, `final` with its mitigation where somebody
    did, `cancelled` when it is not true any more."""
    issue: dict[str, Any] = {
        "resourceType": "DetectedIssue",
        "id": one.id,
        "status": _STATUS[one.state],
        "code": _code(one),
        "severity": _SEVERITY[one.tier],
        "patient": {"reference": f"Patient/{one.patient_id}"},
        "identifiedDateTime": one.fired.astimezone(zone).isoformat(timespec="seconds"),
        "author": {"display": "Careloop, by its tables of medicines"},
        "implicated": [{"reference": reference} for reference in one.refs],
        "detail": one.body["says"],
    }
    if one.rules:
        issue["identifier"] = [{"system": RULE, "value": rule} for rule in one.rules]
    evidence = _evidence(one)
    if evidence:
        issue["evidence"] = evidence
    if one.state == OVERRIDDEN:
        action = {"coding": [{"system": OVERRIDE, "code": "override"}], "text": one.why}
        author = {"author": {"reference": one.decided_by}} if "/" in str(one.decided_by) else {}
        issue["mitigation"] = [{"action": action, "date": now.astimezone(zone).isoformat(timespec="seconds"), **author}]
    return issue


def _code(one: Standing) -> dict[str, Any]:
    if one.kind == NOT_CHECKED:
        codings = [
            {"system": NOT_CHECKED_CODE, "code": "not-checked"},
            {"system": "urn:ietf:rfc3986", "code": NOT_CHECKED_CODE},
        ]
        return {"coding": codings, "text": "Not checked"}
    kinds = list(dict.fromkeys(Kind(reason["kind"]) for reason in one.body["reasons"]))
    codings = [{"system": _ACT, "code": _ISSUE[kind]} for kind in kinds]
    codings += [{"system": KIND, "code": kind.value} for kind in kinds]
    codings += [{"system": TIER, "code": one.tier}]
    return {"coding": codings, "text": f"{Tier(one.tier).value.capitalize()}: {' + '.join(one.body['medicines'])}"}


def _evidence(one: Standing) -> list[dict[str, Any]]:
    """Each reason with its rule and source, and that nobody has signed it."""
    return [
        {"code": [{
            "coding": [{"system": RULE, "code": reason["rule"]}],
            "text": f"{reason['effect']}. {reason['action']}. {reason['source']}."
            f"{'' if reason['reviewed'] else f' {NOT_REVIEWED}'}",
        }]}
        for reason in one.body["reasons"]
    ]  # fmt: skip


def provenance(provenance_id: str, targets: Sequence[str], at: str, version: str) -> dict[str, Any]:
    """Who found this and by which edition of the tables."""
    return {
        "resourceType": "Provenance",
        "id": provenance_id,
        "target": [{"reference": one} for one in targets],
        "recorded": at,
        "activity": {"text": "Medicines checked against the safety tables"},
        "agent": [
            {
                "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/provenance-participant-type",
                                     "code": "assembler"}]},
                "who": {"display": f"Careloop, tables of medicines {version}"},
            }
        ],
    }  # fmt: skip
