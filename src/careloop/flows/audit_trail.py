"""The audit trail through the FHIR door: `AuditEvent` is read and searched like any type, and nobody writes it.

Looking at the trail is itself in the trail.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

from careloop.access.audit import AuditEntry, record_audit
from careloop.access.audit_events import read_audit_event, search_audit
from careloop.access.model import Principal
from careloop.db import Transaction
from careloop.fhir.dates import parse_instant
from careloop.fhir.jsons import encode
from careloop.record import SearchPage, Stored

RESOURCE_TYPE = "AuditEvent"
SEARCHED_BY: Mapping[str, str] = {
    "_id": "token", "action": "token", "agent": "reference", "date": "date", "outcome": "token", "patient": "reference",
    "subtype": "token",
}  # fmt: skip
"""What the trail can be searched by, with the type of each parameter."""


def read(tx: Transaction, principal: Principal, event_id: str) -> Stored:
    """One AuditEvent; `NotFound` when the tenant has none of that id."""
    event = read_audit_event(tx, principal, event_id)
    record_audit(
        tx,
        AuditEntry(
            principal=principal, action="R", subtype="read", resource_type=RESOURCE_TYPE, resource_ids=[event_id]
        ),
    )
    return _stored(event)


def search(tx: Transaction, principal: Principal, parameters: Sequence[tuple[str, str]]) -> SearchPage:
    """A page of AuditEvents, newest first; `_cursor` asks for the page after."""
    page = search_audit(tx, principal, parameters)
    query = "&".join(f"{name}={value}" for name, value in parameters)
    record_audit(
        tx, AuditEntry(principal=principal, action="E", subtype="search", resource_type=RESOURCE_TYPE, query=query)
    )
    return SearchPage(entries=[_stored(event) for event in page.events], next_cursor=page.next_cursor)


def _stored(event: dict[str, Any]) -> Stored:
    patients = [
        entity["what"]["reference"].removeprefix("Patient/")
        for entity in event.get("entity", ())
        if entity.get("what", {}).get("reference", "").startswith("Patient/") and entity["type"]["code"] == "1"
    ]
    return Stored(
        resource_type=RESOURCE_TYPE,
        id=event["id"],
        version=1,
        last_updated=parse_instant(event["recorded"], UTC),
        deleted=False,
        text=encode(event).decode(),
        patient_id=next(iter(patients), None),
    )
