"""Which instrument a score is of, and which one a request asks for. Pure."""

from collections.abc import Mapping
from typing import Any

_SCORE = "urn:careloop:score"


def score_keys(resource: Mapping[str, Any]) -> Mapping[str, str]:
    """`score` of an Observation that has a value, `needs` of a Task that names an instrument (AS-06, AS-10)."""
    if resource.get("resourceType") == "Task":
        inputs = (one for one in resource.get("input", ()) if isinstance(one, dict))
        named = [
            str(one["valueString"])
            for one in inputs
            if (one.get("type") or {}).get("text") == "instrument" and "valueString" in one
        ]
        return {"needs": named[0]} if named else {}
    if "valueQuantity" not in resource and "valueCodeableConcept" not in resource:
        return {}
    codings = (resource.get("code") or {}).get("coding") or ()
    found = [str(one.get("code", "")) for one in codings if one.get("system") == _SCORE]
    return {"score": " ".join(found)} if found else {}
