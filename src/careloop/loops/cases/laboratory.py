"""Lines of case files about tests: `order: {...}` a ServiceRequest, `result: {...}` a report with what it holds inside.

`result` takes `status`, `of` (the order), `code` (LOINC) or `name`, `value` with `unit` and `comparator`, or `says` in
words, `flag` (interpretation); `issued` where it is not the moment of the line.
"""

from collections.abc import Mapping
from typing import Any

Item = Mapping[str, Any]
Resource = dict[str, Any]

_LOINC = "http://loinc.org"
_FLAGS = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
_LABORATORY = {
    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]
}


def order(item: Item, asked: Item) -> Resource:
    """A ServiceRequest; with `name` alone it is an order of a laboratory."""
    found: Resource = {
        "resourceType": "ServiceRequest",
        "status": asked.get("status", "active"),
        "intent": asked.get("intent", "order"),
        "category": [_LABORATORY],
        "code": _code(asked),
        "subject": {"reference": "Patient/p"},
        "authoredOn": asked.get("authored", item["at"]),
        "requester": {"reference": f"Practitioner/{asked.get('by', 'physician')}"},
    }
    if "priority" in asked:
        found["priority"] = asked["priority"]
    if "follows" in asked:
        found["basedOn"] = [{"reference": asked["follows"]}]
    return found


def result(item: Item, told: Item) -> Resource:
    """A DiagnosticReport that holds its one Observation."""
    issued = told.get("issued", item["at"])
    status = told.get("status", "final")
    observation: Resource = {
        "resourceType": "Observation",
        "id": "value",
        "status": status if status != "partial" else "preliminary",
        "category": [_LABORATORY],
        "code": _code(told),
        "effectiveDateTime": told.get("taken", issued),
        "issued": issued,
        **_value(told),
    }
    report: Resource = {
        "resourceType": "DiagnosticReport",
        "status": status,
        "code": _code(told),
        "subject": {"reference": "Patient/p"},
        "effectiveDateTime": told.get("taken", issued),
        "issued": issued,
    }
    if "value" in told or "says" in told or "flag" in told:
        report |= {"contained": [observation], "result": [{"reference": "#value"}]}
    for name, element in (("of", "basedOn"), ("encounter", "encounter")):
        if name in told:
            reference = {"reference": told[name]}
            report[element] = [reference] if element == "basedOn" else reference
    return report


def _code(told: Item) -> Resource:
    if "code" in told:
        return {"coding": [{"system": _LOINC, "code": str(told["code"])}], "text": str(told.get("name", told["code"]))}
    return {"text": str(told.get("name", "blood test"))}


def _value(told: Item) -> Resource:
    found: Resource = {}
    if "value" in told:
        found["valueQuantity"] = {"value": told["value"], "code": told.get("unit", ""), "unit": told.get("unit", "")}
        if "comparator" in told:
            found["valueQuantity"]["comparator"] = told["comparator"]
    elif "says" in told:
        found["valueString"] = str(told["says"])
    if "flag" in told:
        found["interpretation"] = [{"coding": [{"system": _FLAGS, "code": told["flag"]}]}]
    return found


BUILDERS = {"order": order, "result": result}
"""Words of lines."""
