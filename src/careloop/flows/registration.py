"""Other programs are let in and shut out; each change is in the audit trail."""

from collections.abc import Mapping
from typing import Any

from careloop.access import clients
from careloop.access.audit import AuditEntry, record_audit
from careloop.access.clients import Client, NewClient
from careloop.access.model import Principal, Tenant
from careloop.access.policy import Action, require_action
from careloop.flows.app import App


def add_client(
    app: App, principal: Principal, tenant: Tenant, *, name: str, scope: str, jwks: Mapping[str, Any] | None = None
) -> NewClient:
    """The program may ask for tokens. With `jwks` it signs for them, else it gets a secret, shown once."""
    require_action(principal, Action.ACCOUNT_MANAGE)
    with app.database.transaction(tenant.id, actor=principal.reference) as tx:
        created = clients.create_client(tx, app.clock.now(), name=name, scope=scope, jwks=jwks)
        record_audit(tx, AuditEntry(principal=principal, action="C", subtype="client-added", detail=created.client.id))
    return created


def list_clients(app: App, principal: Principal, tenant: Tenant) -> list[Client]:
    """All programs of the tenant, revoked ones too."""
    require_action(principal, Action.ACCOUNT_MANAGE)
    with app.database.transaction(tenant.id, actor=principal.reference) as tx:
        return clients.list_clients(tx)


def revoke_client(app: App, principal: Principal, tenant: Tenant, name_or_id: str) -> Client:
    """The program gets no token any more; those it holds are dead within seconds."""
    require_action(principal, Action.ACCOUNT_MANAGE)
    with app.database.transaction(tenant.id, actor=principal.reference) as tx:
        client = clients.revoke_client(tx, name_or_id, app.clock.now())
        record_audit(tx, AuditEntry(principal=principal, action="D", subtype="client-revoked", detail=client.id))
    return client
