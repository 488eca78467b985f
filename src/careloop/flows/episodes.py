"""What a stay was: index or not, readmission, planned, TCM code, scores (interface.md §3). Audited as a read."""

from typing import Any

from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal
from careloop.access.policy import Action, require_action
from careloop.access.tenancy import get_tenant
from careloop.db import Transaction
from careloop.errors import NotFound
from careloop.flows import engine, routing
from careloop.flows.app import App
from careloop.loops.rules.episodes import episode as episode_of


def episode(app: App, tx: Transaction, principal: Principal, encounter_id: str) -> dict[str, Any]:
    """The answer of `/api/episodes/{id}`, as JSON values; `NotFound` where there is no such stay."""
    require_action(principal, Action.EPISODE_READ)
    encounter = app.record.fetch(tx, [f"Encounter/{encounter_id}"]).get(f"Encounter/{encounter_id}")
    if encounter is None or encounter.patient_id is None:
        raise NotFound("there is no such stay")
    resources = app.record.of_patient(tx, encounter.patient_id, engine.RESOURCE_TYPES)
    tenant = get_tenant(tx, tx.tenant_id)
    content, settings = engine.content_for(app, tx), engine.loop_settings(tenant)
    facts = engine.facts_of(tenant, encounter.patient_id, resources, routing.roles_of(tx, resources))
    found = episode_of(encounter_id, facts, content.pathways, content.calendar, settings, app.clock.now())
    if found is None:
        raise NotFound("there is no such stay")
    record_audit(
        tx,
        AuditEntry(
            principal=principal,
            action="R",
            subtype="read",
            resource_type="Encounter",
            resource_ids=[encounter_id],
            patient_ids=[encounter.patient_id],
        ),
    )
    return found.document()
