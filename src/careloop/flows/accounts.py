"""Staff sign in and out; accounts are made and disabled; what was refused is noted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from careloop.access import accounts, apps, cds_issuers, passwords, sessions, throttle, tokens
from careloop.access.accounts import Credentials, StaffMember
from careloop.access.audit import AuditEntry, action_of, record_audit
from careloop.access.keys import Keyring, open_keyring
from careloop.access.model import Principal, PrincipalKind, Tenant
from careloop.access.sessions import StaffSession
from careloop.access.tenancy import get_tenant, list_tenants, settings_of
from careloop.db import Transaction
from careloop.errors import NotAuthenticated
from careloop.flows.app import App

_REFUSED = "name, password or code is not right"
"""One text for every reason, so that none of them can be told from another."""


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """A session was opened. With `needs_code` it opens nothing yet: `confirm_code` exchanges it for another."""

    token: str
    needs_code: bool
    account: StaffMember


def sign_in(app: App, username: str, password: str, *, code: str | None, address: str) -> SignedIn:
    """A new session for `name@tenant`. `NotAuthenticated` with one text and after equal work for whatever was wrong;
    `Throttled` when too many tries came from there or for that name."""
    name, slug = accounts.split_username(username)
    tenant = _tenant_of(app, slug)
    keys = open_keyring(app.settings.data_dir)
    charged = _charge(app, keys, tenant, name, f"{name}@{slug}", address)
    found = _credentials(app, tenant, name)
    password_is_right = passwords.verify_password(found.password_hash, password)
    if not password_is_right or found.account is None or tenant is None:
        _note_failure(app, tenant, found.account, address)
        raise NotAuthenticated(_REFUSED)
    if found.needs_code and not (code or "").strip():
        return _waiting_for_code(app, tenant, found.account)
    return _open(app, keys, tenant, found, code=code, address=address, charged=charged)


def confirm_code(app: App, token: str, code: str, *, address: str) -> SignedIn:
    """The waiting session is exchanged for a full one with another token. Wrong codes are counted like wrong
    passwords."""
    tenant_id = sessions.tenant_of(token)
    if tenant_id is None:
        raise NotAuthenticated(_REFUSED)
    tenant, now = app.tenant(tenant_id), app.clock.now()
    with app.database.transaction(tenant_id) as tx:
        waiting = sessions.find_session(tx, token, now, idle=sessions.CODE_WAIT, full=False)
        found = accounts.credentials(tx, waiting.account.username)
    keys = open_keyring(app.settings.data_dir)
    name = waiting.account.username
    charged = _charge(app, keys, tenant, name, f"{name}@{tenant.slug}", address)
    opened = _open(app, keys, tenant, found, code=code, address=address, charged=charged)
    with app.database.transaction(tenant_id) as tx:
        sessions.end_session(tx, token)
    return opened


def sign_out(app: App, session: StaffSession, *, address: str | None) -> None:
    """The session is over in every process."""
    tenant_id = sessions.tenant_of(session.token)
    if tenant_id is None:
        return
    principal = accounts.principal_of(tenant_id, session.account, address)
    with app.database.transaction(tenant_id, actor=principal.reference) as tx:
        sessions.end_session(tx, session.token)
        record_audit(tx, AuditEntry(principal=principal, action="E", subtype="logout"))


def current_session(app: App, token: str, *, is_use: bool = True) -> StaffSession:
    """The session of a cookie, counted as used now unless a page asked by itself; `NotAuthenticated` when it is not
    good any more."""
    tenant_id = sessions.tenant_of(token)
    if tenant_id is None:
        raise NotAuthenticated("please sign in")
    with app.database.transaction(tenant_id) as tx:
        minutes = settings_of(get_tenant(tx, tenant_id)).idle_minutes
        idle = min(timedelta(minutes=minutes), timedelta(seconds=app.settings.session_idle_seconds))
        return sessions.find_session(tx, token, app.clock.now(), idle=idle, is_use=is_use)


def sweep(app: App, tenant: Tenant) -> None:
    """Sessions, tokens, used assertion ids and counts of tries that are over are gone from the tables."""
    now = app.clock.now()
    with app.database.transaction(tenant.id) as tx:
        sessions.sweep_sessions(tx, now)
        apps.sweep_apps(tx, now)
        cds_issuers.sweep_requests(tx, now)
        tokens.sweep_tokens(tx, now)
    with app.database.directory() as tx:
        throttle.sweep_throttles(tx, now)


def record_denial(app: App, principal: Principal, *, subtype: str, resource_type: str | None, detail: str) -> None:
    """The refusal is in the audit trail, in a transaction of its own: the one that was refused is gone."""
    with app.database.transaction(principal.tenant_id, actor=principal.reference) as tx:
        record_audit(
            tx,
            AuditEntry(
                principal=principal,
                action=action_of(subtype),
                subtype=subtype,
                resource_type=resource_type,
                outcome="8",
                detail=detail,
            ),
        )


def _tenant_of(app: App, slug: str) -> Tenant | None:
    with app.database.directory() as tx:
        return next((tenant for tenant in list_tenants(tx) if tenant.slug == slug), None)


def _charge(
    app: App, keys: Keyring, tenant: Tenant | None, name: str, full_name: str, address: str
) -> tuple[throttle.Bucket, ...]:
    known = False
    if tenant is not None:
        with app.database.transaction(tenant.id) as tx:
            known = accounts.is_known_address(tx, keys, name, address)
    charged = throttle.buckets(keys, name=full_name, address=address, known_address=known)
    with app.database.directory() as tx:
        throttle.charge(tx, charged, app.clock.now())
    return charged


def _credentials(app: App, tenant: Tenant | None, name: str) -> Credentials:
    if tenant is None:
        return Credentials(account=None, password_hash=None, totp_secret=None)
    with app.database.transaction(tenant.id) as tx:
        return accounts.credentials(tx, name)


def _waiting_for_code(app: App, tenant: Tenant, account: StaffMember) -> SignedIn:
    with app.database.transaction(tenant.id) as tx:
        token = sessions.open_session(tx, account.account_id, app.clock.now(), lasts=sessions.CODE_WAIT, full=False)
    return SignedIn(token=token, needs_code=True, account=account)


def _open(
    app: App,
    keys: Keyring,
    tenant: Tenant,
    found: Credentials,
    *,
    code: str | None,
    address: str,
    charged: Sequence[throttle.Bucket],
) -> SignedIn:
    """A full session, when no code is needed or this one is right."""
    account, now = found.account, app.clock.now()
    assert account is not None
    principal = accounts.principal_of(tenant.id, account, address)
    with app.database.transaction(tenant.id, actor=principal.reference) as tx:
        right = not found.needs_code or accounts.use_totp_code(tx, keys, account.account_id, code or "", now)
        token = _begin(app, tx, keys, principal, address) if right else None
    if token is None:
        _note_failure(app, tenant, account, address)
        raise NotAuthenticated(_REFUSED)
    with app.database.directory() as tx:
        throttle.forgive(tx, charged)
    return SignedIn(token=token, needs_code=False, account=account)


def _begin(app: App, tx: Transaction, keys: Keyring, principal: Principal, address: str) -> str:
    now = app.clock.now()
    lasts = timedelta(seconds=app.settings.session_absolute_seconds)
    accounts.remember_address(tx, keys, principal.id, address, now)
    record_audit(tx, AuditEntry(principal=principal, action="E", subtype="login"))
    return sessions.open_session(tx, principal.id, now, lasts=lasts)


def _note_failure(app: App, tenant: Tenant | None, account: StaffMember | None, address: str) -> None:
    """A failed sign-in is audited where its tenant is known; a name that nobody has is not written down."""
    if tenant is None:
        return
    if account is not None:
        principal = accounts.principal_of(tenant.id, account, address)
    else:
        principal = Principal(
            tenant_id=tenant.id, kind=PrincipalKind.USER, id="unknown", name="unknown", address=address
        )
    record_denial(app, principal, subtype="login", resource_type=None, detail="sign-in refused")
