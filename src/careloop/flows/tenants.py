"""A tenant comes into being: its row, its Organization, its queue of work with a person who answers for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from careloop.access import accounts, tenancy
from careloop.access.model import Role, Tenant, system_principal
from careloop.access.tenancy import TenantSettings
from careloop.errors import Conflict, NotFound
from careloop.flows import publishing, staffing, writing
from careloop.flows.app import App
from careloop.flows.staffing import CreatedAccount, NewStaff
from careloop.record import Write


@dataclass(frozen=True, kw_only=True)
class CreatedTenant:
    """A tenant that was just made, and the account of whoever leads its queue."""

    tenant: Tenant
    lead: CreatedAccount


def create(
    app: App,
    slug: str,
    name: str,
    zone: str,
    production: bool = False,
    *,
    lead: NewStaff | None = None,
    settings: TenantSettings | None = None,
) -> CreatedTenant:
    """The tenant works: Organization, queue CareTeam, and a lead who can sign in (by default `manager`). `Conflict`
    when the slug is taken. A creation that was interrupted is finished by the next call."""
    tenant = _directory_entry(app, slug, name, zone, production, settings or TenantSettings())
    person = lead or NewStaff(username="manager", name=f"Manager {name}", roles=[Role.MANAGER])
    prepared = staffing.prepare_account(app, tenant, person)
    principal = system_principal(tenant.id, "tenants")
    with app.database.transaction(tenant.id, actor=principal.reference) as tx:
        tx.lock("tenant-creation")
        if accounts.staff(tx):
            raise Conflict("a tenant of that slug exists already")
        writing.write(app, tx, principal, [_write(_organization(tenant))], cause="tenant")
        created = staffing.insert_account(app, tx, principal, tenant, prepared)
        staffing.name_queue_lead(app, tx, principal, tenant, created.member)
    publishing.publish_pathways(app, tenant)
    return CreatedTenant(tenant=tenant, lead=created)


def change_settings(app: App, slug: str, changes: Mapping[str, Any]) -> Tenant:
    """The tenant with those settings changed. `NotFound` where there is no such tenant, `Rejected` names a setting that
    does not exist or a value that it cannot have."""
    with app.database.directory() as tx:
        return tenancy.change_settings(tx, tenancy.get_tenant(tx, slug), **changes)


def _directory_entry(app: App, slug: str, name: str, zone: str, production: bool, settings: TenantSettings) -> Tenant:
    with app.database.directory() as tx:
        try:
            tenant = tenancy.get_tenant(tx, slug)
        except NotFound:
            return tenancy.insert_tenant(
                tx, app.clock.now(), slug=slug, name=name, zone=zone, production=production, settings=settings
            )
    with app.database.transaction(tenant.id) as tx:
        if accounts.staff(tx):
            raise Conflict("a tenant of that slug exists already")
    return tenant


def _write(resource: dict[str, Any]) -> Write:
    return Write(method="update", resource_type=resource["resourceType"], id=resource["id"], resource=resource)


def _organization(tenant: Tenant) -> dict[str, Any]:
    return {
        "resourceType": "Organization",
        "id": staffing.organization_id(tenant.id),
        "active": True,
        "identifier": [{"system": "urn:careloop:tenant", "value": tenant.slug}],
        "name": tenant.name,
    }
