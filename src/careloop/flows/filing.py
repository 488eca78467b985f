"""A file becomes a document of a patient: a DocumentReference, its bytes in a Binary that only they may read who may
read it, a Provenance that says how it came."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from careloop.fhir.ids import derived_id
from careloop.record import Write

Json = dict[str, Any]

LOINC = "http://loinc.org"


@dataclass(frozen=True, kw_only=True)
class Filed:
    """What is known of a file that is filed. `key` makes the ids: the same file for the same matter is filed once.

    `kind` is a LOINC code and its words; `related` are references to what it answers; `author` a Reference; `numbers`
    are further identifiers, each a system and a value.
    """

    key: str
    patient_id: str
    content: bytes
    content_type: str
    kind: tuple[str, str]
    title: str
    came: datetime
    related: Sequence[str] = ()
    author: Mapping[str, Any] | None = None
    numbers: Sequence[tuple[str, str]] = ()
    security: Sequence[Mapping[str, str]] = ()


def document_writes(tenant_id: int, filed: Filed, zone: ZoneInfo) -> list[Write]:
    """The Binary and the DocumentReference of a file, in the order in which they are written."""
    document_id = derived_id(tenant_id, "filed", filed.key)
    binary_id = derived_id(tenant_id, "filed bytes", filed.key)
    binary: Json = {
        "resourceType": "Binary",
        "id": binary_id,
        "contentType": filed.content_type,
        "securityContext": {"reference": f"DocumentReference/{document_id}"},
        "data": base64.b64encode(filed.content).decode(),
    }
    came = stamp(filed.came, zone)
    document: Json = {
        "resourceType": "DocumentReference",
        "id": document_id,
        **({"meta": {"security": [dict(one) for one in filed.security]}} if filed.security else {}),
        "identifier": [
            {"system": system, "value": value}
            for system, value in (("urn:careloop:filed", document_id), *filed.numbers)
        ],
        "status": "current",
        "type": {"coding": [{"system": LOINC, "code": filed.kind[0], "display": filed.kind[1]}]},
        "category": [
            {
                "coding": [
                    {
                        "system": "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category",
                        "code": "clinical-note",
                    }
                ]
            }
        ],
        "subject": {"reference": f"Patient/{filed.patient_id}"},
        "date": came,
        **({"author": [dict(filed.author)]} if filed.author else {}),
        "description": filed.title,
        "content": [
            {
                "attachment": {
                    "contentType": filed.content_type,
                    "url": f"Binary/{binary_id}",
                    "size": len(filed.content),
                    "hash": base64.b64encode(hashlib.sha1(filed.content, usedforsecurity=False).digest()).decode(),
                    "title": filed.title,
                    "creation": came,
                }
            }
        ],
        **({"context": {"related": [{"reference": one} for one in filed.related]}} if filed.related else {}),
    }
    return [put(binary), put(document)]


def document_of(writes: Sequence[Write]) -> str:
    """`DocumentReference/<id>` among the writes of a file."""
    return next(f"DocumentReference/{one.id}" for one in writes if one.resource_type == "DocumentReference")


def provenance(
    key: str, targets: Sequence[str], who: Mapping[str, Any], at: datetime, zone: ZoneInfo, says: str, tenant_id: int
) -> Write:
    """Says of the versions in `targets` who brought them and how."""
    return put(
        {
            "resourceType": "Provenance",
            "id": derived_id(tenant_id, "filed provenance", key),
            "target": [{"reference": one} for one in targets],
            "occurredDateTime": stamp(at, zone),
            "recorded": stamp(at, zone),
            "activity": {"text": says},
            "agent": [{"who": dict(who)}],
        }
    )


def put(resource: Json) -> Write:
    """The resource as it is to be written."""
    return Write(method="update", resource_type=resource["resourceType"], id=resource["id"], resource=resource)


def stamp(instant: datetime, zone: ZoneInfo) -> str:
    """An instant as FHIR writes it, in the zone of the practice."""
    return instant.astimezone(zone).isoformat(timespec="seconds")
