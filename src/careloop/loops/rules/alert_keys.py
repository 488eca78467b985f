"""Words of an alert about readings from home, as its DetectedIssue tells it (monitoring.md MO-09, MO-10). Pure."""

from collections.abc import Mapping
from typing import Any

ALERT, END = "urn:careloop:alert", "urn:careloop:alert-end"
_PRIORITY = {"high": "stat", "moderate": "urgent", "low": "routine"}
"""Red, yellow, grey as the priorities that the pathway's clocks name."""
_STATES = {"preliminary": "open", "final": "closed", "cancelled": "withdrawn", "entered-in-error": "withdrawn"}


def alert_keys(resource: Mapping[str, Any]) -> dict[str, str]:
    """`alert` and `priority`; nothing for any other finding."""
    codings = (resource.get("code") or {}).get("coding", ())
    if not any(coding.get("system") == ALERT for coding in codings):
        return {}
    ends = [
        coding.get("code")
        for one in resource.get("mitigation", ())
        for coding in (one.get("action") or {}).get("coding", ())
        if coding.get("system") == END
    ]
    state = "settled" if "settled" in ends else _STATES.get(str(resource.get("status")), "open")
    return {"alert": state, "priority": _PRIORITY.get(str(resource.get("severity")), "stat")}
