"""People of a tenant: an account and its `Practitioner` and `PractitionerRole` come and go together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from careloop.access import accounts, passwords
from careloop.access.accounts import NewAccount, StaffMember
from careloop.access.audit import AuditEntry, record_audit
from careloop.access.keys import open_keyring
from careloop.access.model import Principal, Role, Tenant
from careloop.access.policy import Action, require_action
from careloop.db import Transaction
from careloop.errors import Conflict, Rejected
from careloop.fhir.ids import derived_id
from careloop.flows import leaving, writing
from careloop.flows.app import App
from careloop.record import Write

ROLE_SYSTEM = "urn:careloop:role"
_USERNAME_SYSTEM = "urn:careloop:username"


@dataclass(frozen=True, kw_only=True)
class NewStaff:
    """Somebody who is to have an account. Without `password` one is made up."""

    username: str
    name: str
    roles: Sequence[Role]
    password: str | None = None


@dataclass(frozen=True, kw_only=True)
class CreatedAccount:
    """An account that was just made, with what only its owner may know. Shown once, kept nowhere."""

    member: StaffMember
    username: str
    password: str
    totp_secret: str | None


def create_account(app: App, principal: Principal, tenant: Tenant, person: NewStaff) -> CreatedAccount:
    """The person can sign in as `name@tenant` and own work. Administrators get a second factor. `Conflict` when the
    name is taken, `Rejected` when name or password will not do."""
    prepared = prepare_account(app, tenant, person)
    with app.database.transaction(tenant.id, actor=principal.reference) as tx:
        return insert_account(app, tx, principal, tenant, prepared)


@dataclass(frozen=True, kw_only=True)
class PreparedAccount:
    """An account whose password is hashed already: hashing is slow and needs no open transaction."""

    person: NewStaff
    password: str
    password_hash: str
    totp_secret: str | None


def prepare_account(app: App, tenant: Tenant, person: NewStaff) -> PreparedAccount:
    """What `insert_account` needs; the checks that need no database are done."""
    accounts.check_username(person.username)
    if not person.roles:
        raise Rejected(at="role", expected=f"at least one of {', '.join(Role)}")
    if not person.name.strip():
        raise Rejected(at="name", expected="the person's name")
    password = person.password or passwords.new_password()
    passwords.check_new_password(password, names=(person.username, person.name, tenant.slug, tenant.name))
    return PreparedAccount(
        person=person,
        password=password,
        password_hash=passwords.hash_password(password),
        totp_secret=accounts.new_totp_secret() if Role.ADMINISTRATOR in person.roles else None,
    )


def insert_account(
    app: App, tx: Transaction, principal: Principal, tenant: Tenant, prepared: PreparedAccount
) -> CreatedAccount:
    """Account, `Practitioner` and `PractitionerRole`s stand, in this transaction."""
    require_action(principal, Action.ACCOUNT_MANAGE)
    person = prepared.person
    member = accounts.create_account(
        tx,
        open_keyring(app.settings.data_dir),
        app.clock.now(),
        NewAccount(
            id=derived_id(tenant.id, "account", person.username),
            username=person.username,
            name=person.name,
            practitioner_id=practitioner_id(tenant.id, person.username),
            roles=person.roles,
            password_hash=prepared.password_hash,
            totp_secret=prepared.totp_secret,
        ),
    )
    writing.write(app, tx, principal, _resources(tenant, member, active=True), cause="account")
    _note(tx, principal, member, "account-created")
    return CreatedAccount(
        member=member,
        username=f"{person.username}@{tenant.slug}",
        password=prepared.password,
        totp_secret=prepared.totp_secret,
    )


def list_staff(app: App, principal: Principal, tenant: Tenant) -> list[StaffMember]:
    """All accounts of the tenant, by name; disabled ones too."""
    require_action(principal, Action.ACCOUNT_MANAGE)
    with app.database.transaction(tenant.id, actor=principal.reference) as tx:
        return accounts.staff(tx)


def disable(app: App, principal: Principal, tenant: Tenant, username: str, *, to: str | None = None) -> int:
    """Nobody signs in as `username` any more, and everything that they held has another owner: the account named `to`,
    else whoever routing names. How many things moved. The lead of the queue must name `to`, who leads it then; else
    `Conflict`.
    """
    require_action(principal, Action.ACCOUNT_MANAGE)
    with app.database.transaction(tenant.id, actor=principal.reference) as tx:
        member = accounts.find_account(tx, username)
        successor = accounts.find_account(tx, to) if to else None
        if successor is not None and (not successor.active or successor == member):
            raise Rejected(at="to", expected="another account, one that is active")
        _pass_queue_on(app, tx, principal, tenant, member, successor)
        moved = leaving.let_leave(app, tx, principal, member, successor)
        accounts.disable_account(tx, member.account_id, app.clock.now())
        writing.write(app, tx, principal, _switched_off(app, tx, tenant, member), cause="account")
        _note(tx, principal, member, "account-disabled")
    return moved


def name_queue_lead(app: App, tx: Transaction, principal: Principal, tenant: Tenant, lead: StaffMember) -> None:
    """`lead` answers for work that nobody owns yet: the first participant of the queue (engine.md §1.1)."""
    if not lead.active:
        raise Rejected(at="lead", expected="an active account")
    queue = {
        "resourceType": "CareTeam",
        "id": queue_id(tenant.id),
        "status": "active",
        "name": "Queue",
        "participant": [
            {
                "role": [{"coding": [{"system": ROLE_SYSTEM, "code": Role.MANAGER.value}]}],
                "member": {"reference": lead.reference, "display": lead.name},
            }
        ],
        "managingOrganization": [{"reference": f"Organization/{organization_id(tenant.id)}"}],
    }
    write = Write(method="update", resource_type="CareTeam", id=queue_id(tenant.id), resource=queue)
    writing.write(app, tx, principal, [write], cause="queue-lead")


def practitioner_id(tenant_id: int, username: str) -> str:
    """The id of the `Practitioner` that stands for an account."""
    return derived_id(tenant_id, "practitioner", username)


def organization_id(tenant_id: int) -> str:
    """The id of the `Organization` that stands for the tenant."""
    return derived_id(tenant_id, "organization", "self")


def queue_id(tenant_id: int) -> str:
    """The id of the `CareTeam` that holds work which nobody owns yet."""
    return derived_id(tenant_id, "care-team", "queue")


def human_name(name: str) -> list[dict[str, Any]]:
    """A `HumanName` of one line of text: the last word is the family name."""
    *given, family = name.split()
    return [{"text": name, "family": family, **({"given": given} if given else {})}]


def _resources(tenant: Tenant, member: StaffMember, *, active: bool) -> list[Write]:
    practitioner = {
        "resourceType": "Practitioner",
        "id": member.practitioner_id,
        "active": active,
        "identifier": [{"system": _USERNAME_SYSTEM, "value": f"{member.username}@{tenant.slug}"}],
        "name": human_name(member.name),
    }
    roles = [_role_resource(tenant, member, role, active) for role in sorted(member.roles)]
    return [
        Write(method="update", resource_type=one["resourceType"], id=one["id"], resource=one)
        for one in (practitioner, *roles)
    ]


def _switched_off(app: App, tx: Transaction, tenant: Tenant, member: StaffMember) -> list[Write]:
    """The person's resources as they stand, no longer active."""
    writes = _resources(tenant, member, active=False)
    standing = app.record.fetch(tx, [f"{one.resource_type}/{one.id}" for one in writes])
    kept = {name: one.resource for name, one in standing.items() if not one.deleted}
    return [
        replace(one, resource={**kept.get(f"{one.resource_type}/{one.id}", one.resource or {}), "active": False})
        for one in writes
    ]


def _role_resource(tenant: Tenant, member: StaffMember, role: Role, active: bool) -> dict[str, Any]:
    return {
        "resourceType": "PractitionerRole",
        "id": derived_id(tenant.id, "practitioner-role", member.username, role.value),
        "active": active,
        "practitioner": {"reference": member.reference},
        "organization": {"reference": f"Organization/{organization_id(tenant.id)}"},
        "code": [{"coding": [{"system": ROLE_SYSTEM, "code": role.value}]}],
    }


def _pass_queue_on(
    app: App, tx: Transaction, principal: Principal, tenant: Tenant, leaving: StaffMember, successor: StaffMember | None
) -> None:
    """Whoever leaves does not lead the queue any more; it is never without a named lead (engine.md §1.1)."""
    queue = app.record.fetch(tx, [f"CareTeam/{queue_id(tenant.id)}"])
    leads = {
        participant.get("member", {}).get("reference")
        for stored in queue.values()
        for participant in stored.resource.get("participant", [])[:1]
    }
    if leaving.reference not in leads:
        return
    if successor is None:
        raise Conflict("this person answers for the queue; say who takes over")
    name_queue_lead(app, tx, principal, tenant, successor)


def _note(tx: Transaction, principal: Principal, member: StaffMember, what: str) -> None:
    entry = AuditEntry(
        principal=principal,
        action="E",
        subtype=what,
        resource_type="Practitioner",
        resource_ids=[member.practitioner_id],
    )
    record_audit(tx, entry)
