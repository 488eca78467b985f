"""An alert as a DetectedIssue: what, why, which limit. It opens the loop on which people work. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from careloop.fhir.ids import derived_id
from careloop.monitoring.content import Monitoring
from careloop.monitoring.model import Alert, Tier

ALERT, ROW, END = "urn:careloop:alert", "urn:careloop:alert-row", "urn:careloop:alert-end"
SEVERITY: Mapping[Tier, str] = {Tier.RED: "high", Tier.YELLOW: "moderate", Tier.GREY: "low"}
STATUS: Mapping[str, str] = {"open": "preliminary", "closed": "final", "settled": "final", "withdrawn": "cancelled"}
_MOST_READINGS = 20
Row = Mapping[str, Any]


def alert_id(tenant_id: int, patient_id: str, alert: str, number: int) -> str:
    """The same id for the same alert, always."""
    return derived_id(tenant_id, "home-alert", patient_id, alert, number)


def row_of(tenant_id: int, patient_id: str, one: Alert, standing: Row | None) -> dict[str, Any]:
    """An alert as the table keeps it. What ended by itself stays so after its loop has ended with it."""
    state = "open" if one.closed is None else "settled" if one.settled else "closed"
    if standing is not None and standing["state"] == "settled" and state == "closed":
        state = "settled"
    return {
        "id": alert_id(tenant_id, patient_id, one.alert, one.number),
        "patient_id": patient_id,
        "alert": one.alert,
        "number": one.number,
        "tier": one.tier.value,
        "late": one.late,
        "state": state,
        "opened": one.opened,
        "since": one.since,
        "ended": one.closed,
        "says": one.worst.says,
        "readings": list(one.readings),
        "row_ids": sorted({found.row for found in one.findings}),
    }


def withdrawn(standing: Row, now: datetime) -> dict[str, Any]:
    """The alert whose readings are gone, or not what they were."""
    kept = {name: standing[name] for name in _KEPT}
    return {**kept, "state": "withdrawn", "ended": now}


_KEPT = ("id", "patient_id", "alert", "number", "tier", "late", "opened", "since", "says", "readings", "row_ids")


def detected_issue(row: Row, content: Monitoring, zone: ZoneInfo) -> dict[str, Any]:
    """The DetectedIssue that stands for an alert. Found when its tier was reached: an upgrade starts the clock new."""
    name = content.names.get(row["alert"], row["alert"])
    late = "Late red, phone the patient. " if row["late"] else ""
    issue: dict[str, Any] = {
        "resourceType": "DetectedIssue",
        "id": row["id"],
        "status": STATUS[row["state"]],
        "code": {
            "coding": [
                {"system": ALERT, "code": row["alert"]},
                *({"system": ROW, "code": one} for one in row["row_ids"]),
            ],
            "text": name,
        },
        "severity": SEVERITY[Tier(row["tier"])],
        "patient": {"reference": f"Patient/{row['patient_id']}"},
        "identifiedDateTime": row["since"].astimezone(zone).isoformat(timespec="seconds"),
        "detail": f"{late}{row['says']}",
        "implicated": [{"reference": one} for one in observations_of(row["readings"])],
    }
    if not issue["implicated"]:
        del issue["implicated"]
    if row["state"] == "settled":
        words = "The readings since then are normal, and it was seen"
        issue["mitigation"] = [{"action": {"coding": [{"system": END, "code": "settled"}], "text": words}}]
    return issue


def observations_of(readings: Sequence[str]) -> list[str]:
    """References to the newest Observations behind some readings."""
    named = dict.fromkeys(f"Observation/{one.partition('#')[0]}" for one in readings if "#" in one)
    return list(named)[-_MOST_READINGS:]
