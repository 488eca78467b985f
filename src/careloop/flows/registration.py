"""Other programs are let in and shut out; each change is in the audit trail."""

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from careloop.access import clients
from careloop.access.audit import AuditEntry, record_audit
from careloop.access.clients import Client, Interactive, NewClient
from careloop.access.keys import open_keyring
from careloop.access.model import Principal, Tenant, system_principal
from careloop.access.policy import Action, require_action
from careloop.access.tenancy import settings_of
from careloop.errors import NotAuthenticated, NotFound
from careloop.flows.app import App

_PROGRAM = Interactive(redirect_uris=())
_PURPOSE = "app registration"
_TOKEN = re.compile(r"clg_([1-9][0-9]{0,8})\.[A-Za-z0-9_-]{43}")


def add_client(
    app: App,
    principal: Principal,
    tenant: Tenant,
    *,
    name: str,
    scope: str,
    jwks: Mapping[str, Any] | None = None,
    interactive: Interactive = _PROGRAM,
) -> NewClient:
    """The program may ask for tokens. With `jwks` it signs for them, else it gets a secret, shown once; a public one
    has neither."""
    require_action(principal, Action.ACCOUNT_MANAGE)
    with app.database.transaction(tenant.id, actor=principal.reference) as tx:
        created = clients.create_client(tx, app.clock.now(), name=name, scope=scope, jwks=jwks, interactive=interactive)
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


def registration_token(app: App, tenant: Tenant, number: int) -> str:
    """The initial access token (RFC 7591 §3) of that number, for the developers whom the practice lets register
    apps."""
    digest = open_keyring(app.settings.data_dir).fingerprint(_PURPOSE, f"{tenant.id}.{number}")
    return f"clg_{tenant.id}.{urlsafe_b64encode(digest).decode().rstrip('=')}"


def register_app(
    app: App, token: str, name: str, scope: str, jwks: Mapping[str, Any] | None, asked: Interactive
) -> NewClient:
    """An app has registered itself: it acts for people only. `NotAuthenticated` unless the practice has registration on
    and the token is the one of now."""
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise NotAuthenticated("registration needs the initial access token of the practice")
    try:
        tenant = app.tenant(int(match[1]))
    except NotFound as error:
        raise NotAuthenticated("registration needs the initial access token of the practice") from error
    number = settings_of(tenant).app_registration
    if number < 1 or not hmac.compare_digest(registration_token(app, tenant, number), token):
        raise NotAuthenticated("registration needs the initial access token of the practice")
    principal = system_principal(tenant.id, "app registration")
    return add_client(app, principal, tenant, name=name, scope=scope, jwks=jwks, interactive=asked)
