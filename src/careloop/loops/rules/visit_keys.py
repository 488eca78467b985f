"""Words about missed visits that pathways ask about: whose side it was, whether the reason is known, first or again.

Domain rule RF-04: the first missed visit asks for the barrier, the second is for a clinician.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

Resource = Mapping[str, Any]
Reasons = Mapping[str, Mapping[str, Any]]

OURS = "urn:careloop:missed-visit"
HL7 = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"
HISTORY = timedelta(days=180)
"""A visit cancelled before that is told as history, not as work."""
GAP_STATUS = "http://hl7.org/fhir/us/davinci-deqm/StructureDefinition/extension-gapStatus"


def visit_keys(reasons: Reasons, resource: Resource, others: Mapping[str, Resource]) -> Mapping[str, str]:
    """Of an Appointment: `side` (patient, practice, nobody, unknown), `why` (known, unknown), `timed` (yes where it had
    a time that could be missed, history where that was half a year before it was written), `missed` (first, again)."""
    reason = _reason(reasons, resource)
    return {
        "side": str(reason["side"]) if reason else "unknown",
        "why": "known" if reason else "unknown",
        "timed": _timed(resource),
        "missed": "again" if _missed_before(resource, others) else "first",
    }


def _timed(resource: Resource) -> str:
    start, written = (
        _instant(value) for value in (resource.get("start"), (resource.get("meta") or {}).get("lastUpdated"))
    )
    if start is None:
        return "no"
    return "history" if written is not None and written - start > HISTORY else "yes"


def _instant(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(value or ""))
    except ValueError:
        return None
    return found if found.tzinfo else None


def gap_keys(resource: Resource) -> Mapping[str, str]:
    """Of a DetectedIssue that tells a gap in care (Da Vinci DEQM): `gap`, open or closed; open where it is not said."""
    for extension in resource.get("modifierExtension", ()):
        if extension.get("url") == GAP_STATUS:
            codings = (extension.get("valueCodeableConcept") or {}).get("coding", ())
            if any(one.get("code") == "closed-gap" for one in codings):
                return {"gap": "closed"}
    return {"gap": "open"}


def _reason(reasons: Reasons, resource: Resource) -> Mapping[str, Any] | None:
    """Our own reason, else the only one of ours that an HL7 code can mean; a code of many meanings tells nothing."""
    concept = resource.get("cancelationReason") or {}
    for coding in concept.get("coding", ()):
        if coding.get("system") == OURS and coding.get("code") in reasons:
            return reasons[coding["code"]]
    for coding in concept.get("coding", ()):
        meant = [one for one in reasons.values() if one["hl7"] == coding.get("code") and one["hl7"] != "other"]
        if coding.get("system") == HL7 and len(meant) == 1:
            return meant[0]
    return None


def _missed_before(resource: Resource, others: Mapping[str, Resource]) -> bool:
    start = str(resource.get("start") or "")
    return any(
        one.get("resourceType") == "Appointment"
        and one.get("status") == "noshow"
        and one.get("id") != resource.get("id")
        and str(one.get("start") or "9") < start
        for one in others.values()
    )
