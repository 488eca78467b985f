"""What the product knows as content is readable in the record too: each pathway is a `PlanDefinition`."""

from careloop.access.model import Tenant, system_principal
from careloop.flows import writing
from careloop.flows.app import App
from careloop.loops.plan_definitions import plan_definition_of
from careloop.record import Write


def publish_everywhere(app: App) -> None:
    """Every tenant's record holds the pathways as the content says now."""
    for tenant in app.tenants():
        publish_pathways(app, tenant)


def publish_pathways(app: App, tenant: Tenant) -> int:
    """The record of this tenant holds the PlanDefinition of every pathway, as the content says now; how many changed.
    Doing it again changes nothing."""
    principal = system_principal(tenant.id, "content")
    writes = [
        Write(method="update", resource_type="PlanDefinition", id=pathway["id"], resource=plan_definition_of(pathway))
        for pathway in app.catalog.pathways.values()
    ]
    with app.database.transaction(tenant.id, actor=principal.reference) as tx:
        tx.lock("publish-pathways")
        written = writing.write(app, tx, principal, writes, cause="content")
    return sum(1 for each in written if each.change != "unchanged")
