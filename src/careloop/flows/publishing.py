"""What the product knows as content is readable in the record too: each pathway is a `PlanDefinition`, each
instrument and check-in a `Questionnaire`."""

from careloop.access.model import Principal, Tenant, system_principal
from careloop.assessments import content_of
from careloop.assessments.questionnaires import questionnaires
from careloop.db import Transaction
from careloop.flows import engine, writing
from careloop.flows.app import App
from careloop.loops.plan_definitions import plan_definition_of
from careloop.record import Write


def publish_everywhere(app: App) -> None:
    """Every tenant's record holds pathways and questionnaires as the content says now."""
    for tenant in app.tenants():
        publish_pathways(app, tenant)


def publish_pathways(app: App, tenant: Tenant) -> int:
    """The record of this tenant holds the PlanDefinition of every pathway, as the content says now; how many changed.
    Doing it again changes nothing."""
    principal = system_principal(tenant.id, "content")
    with app.database.transaction(tenant.id, actor=principal.reference) as tx:
        return publish_in(app, tx, principal)


def publish_in(app: App, tx: Transaction, principal: Principal) -> int:
    """The same in a transaction that is open already; the practice's own pathways among them."""
    writes = [
        Write(method="update", resource_type="PlanDefinition", id=pathway["id"], resource=plan_definition_of(pathway))
        for pathway in engine.catalog_for(app, tx).pathways.values()
    ]
    writes += [
        Write(method="update", resource_type="Questionnaire", id=form["id"], resource=form)
        for form in questionnaires(content_of(app.catalog))
    ]
    tx.lock("publish-pathways")
    written = writing.write(app, tx, principal, writes, cause="content")
    return sum(1 for each in written if each.change != "unchanged")
