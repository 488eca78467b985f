"""The CapabilityStatement, generated from the definitions that searches and writes really use."""

from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from careloop.api.operations.model import Operation
from careloop.fhir import definitions as tables
from careloop.fhir.searchparameters import SearchDefinitions
from careloop.record.content import instant

_READ = ("read", "vread", "history-instance", "history-type", "search-type")
_WRITE = ("create", "update", "patch", "delete")
_READ_ONLY = frozenset({"AuditEvent"})
_SERVICES = "http://terminology.hl7.org/CodeSystem/restful-security-service"
_COMPARTMENT = "http://hl7.org/fhir/CompartmentDefinition/"
_OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"


def capability_statement(
    definitions: SearchDefinitions, base: str, now: datetime, operations: Sequence[Operation]
) -> dict[str, Any]:
    """What `/fhir/metadata` answers."""
    types = sorted(tables.load().resources)
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": instant(now),
        "kind": "instance",
        "software": {"name": "Careloop", "version": _version()},
        "implementation": {"description": "Careloop FHIR R4 server", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "patchFormat": ["application/json-patch+json"],
        "rest": [
            {
                "mode": "server",
                "security": _security(base),
                "resource": [_resource(definitions, one, operations) for one in types],
                "interaction": [
                    {"code": "transaction"},
                    {"code": "batch"},
                    {"code": "history-system"},
                    {"code": "search-system"},
                ],
                "compartment": [_COMPARTMENT + code.lower() for code in sorted(definitions.compartments)],
                **_operations(operations, None),
            }
        ],
    }


def _resource(definitions: SearchDefinitions, resource_type: str, operations: Sequence[Operation]) -> dict[str, Any]:
    writable = resource_type not in _READ_ONLY
    parameters = definitions.of(resource_type)
    references = [name for name, one in parameters.items() if one.type == "reference"]
    return {
        "type": resource_type,
        "interaction": [{"code": code} for code in (*_READ, *(_WRITE if writable else ()))],
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": writable,
        "conditionalCreate": writable,
        "conditionalRead": "full-support",
        "conditionalUpdate": writable,
        "conditionalDelete": "single" if writable else "not-supported",
        "referencePolicy": ["literal", "logical", "local"],
        "searchInclude": [f"{resource_type}:{name}" for name in references],
        "searchParam": [{"name": name, "type": one.type} for name, one in parameters.items()],
        **_operations(operations, resource_type),
    }


def _operations(operations: Sequence[Operation], resource_type: str | None) -> dict[str, Any]:
    offered = [one for one in operations if one.serves(resource_type)]
    found = [{"name": one.name, "definition": one.definition_for(resource_type)} for one in offered]
    return {"operation": found} if found else {}


def _security(base: str) -> dict[str, Any]:
    root = base.removesuffix("/fhir")
    urls = [{"url": "token", "valueUri": f"{root}/oauth/token"}]
    return {
        "extension": [{"url": _OAUTH_URIS, "extension": urls}],
        "cors": False,
        "service": [{"coding": [{"system": _SERVICES, "code": "SMART-on-FHIR"}]}],
    }


def _version() -> str:
    try:
        return version("careloop")
    except PackageNotFoundError:
        return "0"
