"""The words in which referrals stand in FHIR resources: code systems, extensions, and small readers over them."""

from collections.abc import Iterator, Mapping
from typing import Any

Resource = Mapping[str, Any]

REFERRAL = {"system": "http://snomed.info/sct", "code": "3457005", "display": "Patient referral"}
FULFIL = {"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}
PARTS = "urn:careloop:referral"
"""Code system of `Task.input` and `Task.output`: question, answer, report, appointment, recommendation."""
WORK = "urn:careloop:referral-work"
"""Code system of Tasks that a referral makes for our own staff: recontact, barrier, decide, remind, recommendation."""
ROLE = "urn:careloop:referral-role"
PRIORITY = "urn:careloop:referral-priority"
REACHED = "urn:careloop:reached"
"""Extension of the fulfilment Task for each state that it came into: `state` (ours or a FHIR status), `at`, by, why."""
CLOCK_START = "urn:careloop:patient-clock-start"
NONE = "urn:careloop:referral-none"
INSURANCE = "urn:careloop:referral-insurance"
AUTHORIZATION = "urn:careloop:referral-authorization"
OVERRIDE = "urn:careloop:referral-red-flag-reason"
READING = "urn:careloop:report-reading"
ANSWERS = "urn:careloop:answers"
AGREEMENT = "urn:careloop:co-management"
REMINDER = "urn:careloop:communication|referral-reminder"
_OWN = "urn:careloop:"
"""Tasks with a code of ours are loops, steps and work of our own staff."""


def is_referral(resource: Resource) -> bool:
    """True for a ServiceRequest that refers a patient (intent order, SNOMED CT 3457005)."""
    if resource.get("resourceType") != "ServiceRequest" or not str(resource.get("intent", "")).endswith("order"):
        return False
    return any(
        coding.get("system") == REFERRAL["system"] and coding.get("code") == REFERRAL["code"]
        for category in resource.get("category", ())
        for coding in category.get("coding", ())
    )


def is_fulfilment(resource: Resource) -> bool:
    """True for a Task that may carry the states of a referral: it names a request and is not work of our own."""
    if resource.get("resourceType") != "Task" or resource.get("partOf"):
        return False
    systems = [str(coding.get("system", "")) for coding in (resource.get("code") or {}).get("coding", ())]
    return not any(system.startswith(_OWN) for system in systems) and bool(requests_of(resource))


def requests_of(resource: Resource) -> frozenset[str]:
    """Ids of the ServiceRequests that a resource says it belongs to."""
    if resource.get("resourceType") == "ServiceRequest":
        return frozenset({str(resource.get("id", ""))})
    named = [*_listed(resource.get("basedOn")), *_listed(resource.get("focus")), *_listed(resource.get("about"))]
    named += _listed((resource.get("context") or {}).get("related") if "context" in resource else None)
    found = {str(one.get("reference", "")).split("/_history/")[0] for one in named if isinstance(one, Mapping)}
    return frozenset(one.removeprefix("ServiceRequest/") for one in found if one.startswith("ServiceRequest/"))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def extension(resource: Resource, url: str) -> Resource:
    """The first extension with this url, empty where there is none."""
    return next(extensions(resource, url), {})


def extensions(resource: Resource, url: str) -> Iterator[Resource]:
    """The extensions with this url."""
    return (one for one in resource.get("extension", ()) if one.get("url") == url)


def value_of(one: Resource) -> Any:
    """The value of an extension whatever its type, None without one."""
    return next((value for name, value in one.items() if name.startswith("value")), None)


def inner(one: Resource) -> dict[str, Any]:
    """The values of a nested extension by name; a reference as its text."""
    found = {}
    for part in one.get("extension", ()):
        value = value_of(part)
        found[str(part.get("url", ""))] = value.get("reference", "") if isinstance(value, Mapping) else value
    return found


def text_of(concept: Resource | None) -> str:
    """The words of a CodeableConcept."""
    if not concept:
        return ""
    shown = (str(coding.get("display", "")) for coding in concept.get("coding", ()))
    return str(concept.get("text") or next((text for text in shown if text), ""))


def kind_of(part: Resource) -> str:
    """What an input or output of a Task is: our code, else its words."""
    for coding in (part.get("type") or {}).get("coding", ()):
        if coding.get("system") == PARTS:
            return str(coding.get("code", ""))
    return str((part.get("type") or {}).get("text", ""))
