"""The demo comes to be: tenants, staff, clients, doors, people. Done once; interrupted, it goes on where it was."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from careloop.access import accounts, passwords
from careloop.access.model import Principal, Role, Tenant, system_principal
from careloop.access.tenancy import TenantSettings
from careloop.demo import words
from careloop.demo.filling import fill
from careloop.demo.practice import STAFF, Practice, Worker
from careloop.errors import Conflict
from careloop.flows import feeds, registration, staffing, tenants
from careloop.flows.app import App
from careloop.flows.staffing import CreatedAccount, NewStaff, PreparedAccount
from careloop.intake import Feed

FILE = "demo.json"
"""In the data folder, mode 0600: what the demo's owner may know, and how far it came."""
ZONE = "America/New_York"
PHONE, FAX = "+1 413 555 0100", "+1 413 555 0199"
"""What stands on letters and sheets: numbers that nobody has (555-01xx)."""
_SCOPE = "system/*.cruds"
_SEED = 2026


@dataclass(frozen=True, kw_only=True)
class Login:
    """One sign-in of the demo."""

    tenant: str
    role: str
    username: str
    password: str
    totp_secret: str | None


@dataclass(frozen=True, kw_only=True)
class DemoClient:
    """One program that may use the FHIR door of the demo."""

    tenant: str
    name: str
    client_id: str
    client_secret: str
    scope: str


@dataclass(kw_only=True)
class DemoAccess:
    """How to get in: for the ready file. `filled` names the tenants whose people are there."""

    logins: list[Login] = field(default_factory=list)
    clients: list[DemoClient] = field(default_factory=list)
    filled: list[str] = field(default_factory=list)

    def __getitem__(self, key: str) -> list[dict[str, Any]]:
        """`logins` or `clients` as they stand in the ready file."""
        return [asdict(one) for one in getattr(self, key)]


@dataclass(frozen=True, kw_only=True)
class _Site:
    """One demo tenant: its share of the patients, and its place behind the first HL7 v2 port."""

    slug: str
    name: str
    share: float
    place: int


_SITES = (
    _Site(slug="riverbend", name="Riverbend Family Health", share=1.0, place=0),
    _Site(slug="lakeside", name="Lakeside Primary Care", share=0.1, place=1),
)


def prepare(
    app: App,
    *,
    patients: int = 500,
    mllp_port: int = 2575,
    progress: Callable[[int], object] = lambda count: None,
) -> DemoAccess:
    """Both practices stand, with their staff, a client each, and their people; answers how to get in.

    What was done before is not done again. `progress` hears of every patient that was filled in.
    """
    path = app.settings.data_dir / FILE
    access = _known(path)
    for site in _SITES:
        tenant = _tenant(app, site, access, path)
        _staff(app, tenant, access, path)
        _client(app, tenant, access, path)
        door = _door(app, tenant, mllp_port + site.place)
        if site.slug not in access.filled:
            population = _SEED + site.place, round(patients * site.share)
            fill(app, tenant, _practice(app, tenant), door, population, progress)
            access.filled.append(site.slug)
            _keep(path, access)
    return access


def _known(path: Path) -> DemoAccess:
    if not path.exists():
        return DemoAccess()
    stored = json.loads(path.read_text(encoding="utf-8"))
    return DemoAccess(
        logins=[Login(**one) for one in stored["logins"]],
        clients=[DemoClient(**one) for one in stored["clients"]],
        filled=stored["filled"],
    )


def _keep(path: Path, access: DemoAccess) -> None:
    """The file holds the access, replaced in one step, readable by its owner alone."""
    draft = path.with_suffix(".draft")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(asdict(access), indent=1), encoding="utf-8")
    draft.replace(path)


def _tenant(app: App, site: _Site, access: DemoAccess, path: Path) -> Tenant:
    """The tenant with the lead of its queue. Found again after an interruption, the lead gets a new password."""
    lead = STAFF[0]
    person = _new_staff(lead)
    settings = TenantSettings(accept_any_sender=True, practice_phone=PHONE, practice_fax=FAX)
    try:
        made = tenants.create(app, site.slug, site.name, ZONE, lead=person, settings=settings)
    except Conflict:
        tenant = app.tenant(site.slug)
        if not _has_login(access, tenant, lead):
            _note_login(access, path, tenant, lead, _recovered(app, tenant, lead))
        return tenant
    _note_login(access, path, made.tenant, lead, made.lead)
    return made.tenant


def _staff(app: App, tenant: Tenant, access: DemoAccess, path: Path) -> None:
    missing = [worker for worker in STAFF[1:] if not _has_login(access, tenant, worker)]
    with ThreadPoolExecutor(2) as pool:
        prepared = list(pool.map(lambda worker: staffing.prepare_account(app, tenant, _new_staff(worker)), missing))
    for worker, one in zip(missing, prepared, strict=True):
        _note_login(access, path, tenant, worker, _account(app, tenant, worker, one))


def _account(app: App, tenant: Tenant, worker: Worker, prepared: PreparedAccount) -> CreatedAccount:
    principal = _system(tenant)
    try:
        with app.database.transaction(tenant.id, actor=principal.reference) as tx:
            return staffing.insert_account(app, tx, principal, tenant, prepared)
    except Conflict:
        return _recovered(app, tenant, worker)


def _recovered(app: App, tenant: Tenant, worker: Worker) -> CreatedAccount:
    """An account whose password was lost when the demo was interrupted has a new one. Nobody else had it yet."""
    password = passwords.new_password()
    hashed = passwords.hash_password(password)
    with app.database.transaction(tenant.id, actor="demo") as tx:
        member = accounts.find_account(tx, worker.username)
        accounts.set_password(tx, member.account_id, hashed)
    return CreatedAccount(
        member=member, username=f"{worker.username}@{tenant.slug}", password=password, totp_secret=None
    )


def _new_staff(worker: Worker) -> NewStaff:
    return NewStaff(username=worker.username, name=worker.name, roles=[worker.role])


def _has_login(access: DemoAccess, tenant: Tenant, worker: Worker) -> bool:
    return any(one.username == f"{worker.username}@{tenant.slug}" for one in access.logins)


def _note_login(access: DemoAccess, path: Path, tenant: Tenant, worker: Worker, made: CreatedAccount) -> None:
    access.logins.append(
        Login(
            tenant=tenant.slug,
            role=worker.role.value,
            username=made.username,
            password=made.password,
            totp_secret=made.totp_secret,
        )
    )
    _keep(path, access)


def _client(app: App, tenant: Tenant, access: DemoAccess, path: Path) -> None:
    if any(one.tenant == tenant.slug for one in access.clients):
        return
    made = registration.add_client(app, _system(tenant), tenant, name=f"Demo {tenant.slug}", scope=_SCOPE)
    access.clients.append(
        DemoClient(
            tenant=tenant.slug,
            name=made.client.name,
            client_id=made.client.id,
            client_secret=made.secret or "",
            scope=_SCOPE,
        )
    )
    _keep(path, access)


def _door(app: App, tenant: Tenant, port: int) -> Feed:
    """The HL7 v2 door of the practice; one that stands keeps its port."""
    standing = feeds.list_feeds(app, tenant)
    if standing:
        return standing[0]
    feed = Feed(
        id=None, kind="hl7v2", zone=tenant.zone, name="Hospitals", host=app.settings.mllp_host, port=port,
        places=dict(words.HOSPITALS),
    )  # fmt: skip
    return feeds.add_feed(app, _system(tenant), tenant, feed)


def _practice(app: App, tenant: Tenant) -> Practice:
    with app.database.transaction(tenant.id) as tx:
        members = accounts.staff(tx)
    staff = {
        role: tuple((one.reference, one.name) for one in members if role in one.roles and one.active) for role in Role
    }
    return Practice(tenant_id=tenant.id, slug=tenant.slug, zone=ZoneInfo(tenant.zone), staff=staff)


def _system(tenant: Tenant) -> Principal:
    return system_principal(tenant.id, "demo")
