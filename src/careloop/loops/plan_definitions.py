"""A pathway as FHIR `PlanDefinition`: any client can read which steps a loop has and when each is due. Pure."""

from collections.abc import Mapping
from typing import Any

Document = Mapping[str, Any]
Resource = dict[str, Any]

_STATUS = {"active": "active", "draft": "draft", "retired": "retired"}


def plan_definition_of(pathway: Document) -> Resource:
    """The PlanDefinition of one pathway document; `id` is the pathway's, `url` is `urn:careloop:pathway:<id>`."""
    return {
        "resourceType": "PlanDefinition",
        "id": pathway["id"],
        "url": f"urn:careloop:pathway:{pathway['id']}",
        "version": str(pathway["version"]),
        "name": _name(pathway["id"]),
        "title": pathway["title"],
        "type": {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/plan-definition-type",
                    "code": "clinical-protocol",
                }
            ]
        },
        "status": _STATUS.get(pathway["status"], "unknown"),
        "subjectCodeableConcept": {"coding": [{"system": "http://hl7.org/fhir/resource-types", "code": "Patient"}]},
        "relatedArtifact": [_source(source) for source in pathway["sources"]],
        "action": [_action(pathway, step) for step in pathway["steps"]],
    }


def _name(pathway_id: str) -> str:
    """A name that software may use: `EdVisit`."""
    return "".join(word.capitalize() for word in pathway_id.split("-"))


def _source(source: Document) -> Resource:
    said = {"type": "citation", "label": str(source["ref"]), "display": source["title"]}
    return {**said, "citation": source["says"]} if source.get("says") else said


def _action(pathway: Document, step: Document) -> Resource:
    return {
        "id": step["id"],
        "title": step["title"],
        "code": [{"coding": [{"system": "urn:careloop:step", "code": step["id"]}], "text": step["title"]}],
        "textEquivalent": f"{step['title']}. Owner: {step['owner']['role'].replace('-', ' ')}. {_when(step)}",
    }


def _when(step: Document) -> str:
    due = step.get("due") or {}
    within, after = due.get("within"), f" after {due['since']}" if due.get("since") else ""
    if isinstance(within, Mapping):
        each = [f"{span} when {due['by']} is {word}" for word, span in within.items()]
        within = ", ".join([*each, *([f"else {due['otherwise']}"] if due.get("otherwise") else [])])
    if not within:
        return "Due as the loop's plan says."
    rule = f" ({due['rule']})" if due.get("rule") else ""
    return f"Due within {within}{after}{rule}."
