"""The open loops of one patient as cards: for other systems' pages, where there is no room for a worklist."""

from collections.abc import Mapping, Sequence

from careloop.access.audit import AuditEntry, record_audit
from careloop.access.policy import require
from careloop.flows.interactions import Interaction
from careloop.flows.patient_reading import full_name, loop_cards
from careloop.flows.patient_values import LoopCard
from careloop.record import Stored


def of_patient(door: Interaction, patient_id: str) -> list[LoopCard]:
    """The open loops, the earliest deadline first, each with its owner's name. Audited as one search."""
    require(door.principal, "search", "Task")
    tasks = door.app.record.of_patient(door.tx, patient_id, ["Task"])
    resources = [one.resource for one in tasks]
    owners = {str(one.get("owner", {}).get("reference", "")) for one in resources} - {""}
    cards = [one for one in loop_cards(resources, _names(door, sorted(owners))) if one.is_open]
    record_audit(
        door.tx,
        AuditEntry(
            principal=door.principal,
            action="E",
            subtype="search",
            resource_type="Task",
            resource_ids=[card.loop_id for card in cards],
            patient_ids=(patient_id,),
            query=f"patient={patient_id}",
        ),
    )
    return cards


def _names(door: Interaction, references: Sequence[str]) -> Mapping[str, str]:
    return {reference: _name(stored) for reference, stored in door.app.record.fetch(door.tx, references).items()}


def _name(stored: Stored) -> str:
    name = stored.resource.get("name")
    return name if isinstance(name, str) else full_name(stored.resource)
