"""The CapabilityStatement, generated from the definitions that searches and writes really use.

`tests/integration/api/test_capabilities.py` does what it claims, one claim after the other.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from careloop.api.oauth_facts import smart_facts
from careloop.api.operations.model import Operation
from careloop.fhir import definitions as tables
from careloop.fhir.conformance import Checker
from careloop.fhir.searchparameters import SearchDefinitions
from careloop.flows import audit_trail
from careloop.record.content import instant

_INTERACTIONS = (
    "read", "vread", "history-instance", "history-type", "search-type", "create", "update", "patch", "delete",
)  # fmt: skip
_SYSTEM = ("transaction", "batch", "history-system", "search-system")
_SERVICES = "http://terminology.hl7.org/CodeSystem/restful-security-service"
_SMART = "http://fhir-registry.smarthealthit.org/StructureDefinition"
_ENDPOINTS = {
    "token_endpoint": "token", "authorization_endpoint": "authorize", "introspection_endpoint": "introspect",
    "revocation_endpoint": "revoke", "registration_endpoint": "register", "management_endpoint": "manage",
}  # fmt: skip
"""How the oauth-uris extension calls what the SMART configuration names."""

_TOPIC = (
    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/capabilitystatement-subscriptiontopic-canonical"
)
_EVERYWHERE = frozenset({"_id", "_lastUpdated", "_profile", "_security", "_source", "_tag"})
_ANY = 100
"""A parameter that may refer to so many types refers to any; it is not told as a way back to each of them."""

Resource = dict[str, Any]


def capability_statement(
    definitions: SearchDefinitions,
    base: str,
    now: datetime,
    operations: Sequence[Operation],
    topics: Sequence[str] = (),
) -> Resource:
    """What `/fhir/metadata` answers. `topics` are the addresses of what can be subscribed to."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": instant(now),
        "kind": "instance",
        "software": {"name": "Careloop", "version": _version()},
        "implementation": {"description": "Careloop FHIR R4 server", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "application/json", "json"],
        "patchFormat": ["application/json-patch+json"],
        "rest": [
            {"mode": "server", "security": _security(base), **_served(definitions, tuple(operations), tuple(topics))}
        ],
    }


@lru_cache(maxsize=8)
def _served(definitions: SearchDefinitions, operations: tuple[Operation, ...], topics: tuple[str, ...]) -> Resource:
    """Types, interactions, operations: the same until the process ends."""
    known = tables.load()
    back = _ways_back(definitions, sorted(known.resources))
    common = [
        {"name": name, "type": one.type} for name, one in definitions.of("Patient").items() if name in _EVERYWHERE
    ]
    resources = [_resource(definitions, one, operations, back.get(one, ())) for one in sorted(known.resources)]
    for one in resources:
        if one["type"] == "Subscription" and topics:
            one["extension"] = [{"url": _TOPIC, "valueCanonical": topic} for topic in topics]
    return {
        "resource": resources,
        "interaction": [{"code": code} for code in _SYSTEM],
        "searchParam": common,
        "compartment": [
            f"http://hl7.org/fhir/CompartmentDefinition/{name[0].lower()}{name[1:]}"
            for name in sorted(known.compartments)
        ],
        **_operations(operations, None),
    }


def _resource(
    definitions: SearchDefinitions, resource_type: str, operations: Sequence[Operation], back: Sequence[str]
) -> Resource:
    if resource_type == audit_trail.RESOURCE_TYPE:
        return _trail(operations)
    parameters = definitions.of(resource_type)
    forth = [f"{resource_type}:{name}" for name, one in parameters.items() if one.type == "reference"]
    found: Resource = {
        "type": resource_type,
        "supportedProfile": Checker.load().offered(resource_type),
        "interaction": [{"code": code} for code in _INTERACTIONS],
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": True,
        "conditionalCreate": True,
        "conditionalRead": "full-support",
        "conditionalUpdate": True,
        "conditionalDelete": "single",
        "referencePolicy": ["literal", "logical", "local"],
        "searchInclude": ["*", *forth] if forth else [],
        "searchRevInclude": list(back),
        "searchParam": [{"name": name, "type": one.type} for name, one in parameters.items()],
        **_operations(operations, resource_type),
    }
    return {name: value for name, value in found.items() if value != []}


def _trail(operations: Sequence[Operation]) -> Resource:
    """AuditEvent is read and searched, and the trail alone writes it."""
    return {
        "type": audit_trail.RESOURCE_TYPE,
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "versioning": "no-version",
        "readHistory": False,
        "updateCreate": False,
        "searchParam": [{"name": name, "type": kind} for name, kind in audit_trail.SEARCHED_BY.items()],
        **_operations(operations, audit_trail.RESOURCE_TYPE),
    }


def _ways_back(definitions: SearchDefinitions, types: Sequence[str]) -> Mapping[str, list[str]]:
    """By type what refers to it: `Observation:patient` for Patient."""
    found: dict[str, list[str]] = {}
    for kind in types:
        for name, one in definitions.of(kind).items():
            if one.type == "reference" and len(one.targets) < _ANY:
                for target in one.targets:
                    found.setdefault(target, []).append(f"{kind}:{name}")
    return found


def _operations(operations: Sequence[Operation], resource_type: str | None) -> Resource:
    offered = [one for one in operations if one.serves(resource_type)]
    found = [{"name": one.name, "definition": one.definition_for(resource_type)} for one in offered]
    return {"operation": found} if found else {}


def _security(base: str) -> Resource:
    """What `/fhir/.well-known/smart-configuration` says, in the words of a CapabilityStatement."""
    facts = smart_facts(base.removesuffix("/fhir"))
    urls = [{"url": name, "valueUri": facts[key]} for key, name in _ENDPOINTS.items() if key in facts]
    able = [{"url": f"{_SMART}/capabilities", "valueCode": code} for code in facts["capabilities"]]
    return {
        "extension": [{"url": f"{_SMART}/oauth-uris", "extension": urls}, *able],
        "cors": False,
        "service": [{"coding": [{"system": _SERVICES, "code": "SMART-on-FHIR"}]}],
    }


def _version() -> str:
    try:
        return version("careloop")
    except PackageNotFoundError:
        return "0"
