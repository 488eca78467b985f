"""The audit trail: one entry for each thing done to or seen of a person's data, in the transaction that does it.

If the entry cannot be written the transaction fails, and with it the answer (security.md §6). `access.chain` seals
the entries; nobody changes them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from careloop.access.model import Principal
from careloop.db import Transaction, load_queries
from careloop.db.exchange import Statement
from careloop.fhir.jsons import encode

_SQL = load_queries("careloop.access")

_ACTIONS = {
    "create": "C",
    "read": "R",
    "vread": "R",
    "history": "R",
    "update": "U",
    "patch": "U",
    "delete": "D",
    "search": "E",
    "transaction": "E",
    "batch": "E",
    "login": "E",
    "logout": "E",
    "export": "E",
}


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """Who did what, for whom.

    `action` is of FHIR audit-event-action (C, R, U, D, E); `subtype` of type-restful-interaction or a word of ours.
    `resource_ids` are bare ids of `resource_type`, or `Type/id` where types are mixed. `query` is the search as it
    was asked; it stays in the database and never reaches a log. `outcome` is of FHIR audit-event-outcome: 0 success,
    4 minor, 8 serious failure (a denial), 12 major failure. `detail` is a sentence without personal data.
    """

    principal: Principal
    action: str
    subtype: str
    resource_type: str | None = None
    resource_ids: Sequence[str] = ()
    patient_ids: Sequence[str] = ()
    query: str | None = None
    outcome: str = "0"
    detail: str | None = None


def action_of(interaction: str) -> str:
    """The FHIR audit-event-action code of an interaction; E (execute) for what has no letter of its own."""
    return _ACTIONS.get(interaction, "E")


def record_audit(tx: Transaction, entry: AuditEntry) -> None:
    """The entry is part of `tx`: it is committed with what it tells of, or neither is."""
    tx.leave_for_last(_insert, entry)


def _insert(entries: Sequence[AuditEntry]) -> Statement:
    return Statement(_SQL["insert_audit_events"], {"entries": encode([_row(entry) for entry in entries]).decode()})


def _row(entry: AuditEntry) -> dict[str, object]:
    principal = entry.principal
    return {
        "action": entry.action,
        "subtype": entry.subtype,
        "outcome": entry.outcome,
        "agent_kind": principal.kind.value,
        "agent_id": principal.id,
        "agent_name": principal.name,
        "agent_reference": principal.reference,
        "purpose": principal.purpose,
        "address": principal.address,
        "resource_type": entry.resource_type,
        "resource_ids": list(entry.resource_ids),
        "patient_ids": list(dict.fromkeys(entry.patient_ids)),
        "query": entry.query,
        "detail": entry.detail,
    }
