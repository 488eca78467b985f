"""Programs prove who they are and get tokens; tokens are looked at and taken back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from careloop.access import clients, tokens
from careloop.access.audit import AuditEntry, record_audit
from careloop.access.clients import Client
from careloop.access.model import Principal, PrincipalKind
from careloop.access.scopes import granted
from careloop.db import Transaction
from careloop.errors import NotAuthenticated, NotPermitted
from careloop.flows.app import App


@dataclass(frozen=True, kw_only=True)
class ClientProof:
    """How a program shows who it is: `secret`, or an `assertion` signed for `audience`."""

    client_id: str
    secret: str = ""
    assertion: str = ""
    audience: str = ""


@dataclass(frozen=True, kw_only=True)
class Granted:
    """A token and what it may do."""

    token: str
    scopes: tuple[str, ...]
    seconds: int


def grant(app: App, proof: ClientProof, *, scope: str | None, address: str | None) -> Granted:
    """A new access token. `NotAuthenticated` for a proof that does not hold, `NotPermitted` when nothing that was
    asked for may be granted."""
    now = app.clock.now()
    with app.database.transaction(_tenant_of(proof)) as tx:
        client = _prove(tx, proof, now)
        scopes = granted(client.scopes, scope)
        if not scopes:
            raise NotPermitted("none of the scopes may be granted")
        token = tokens.issue_token(tx, client.id, scopes, now)
        principal = Principal(
            tenant_id=tx.tenant_id, kind=PrincipalKind.CLIENT, id=client.id, name=client.name, address=address
        )
        record_audit(tx, AuditEntry(principal=principal, action="E", subtype="login", detail=" ".join(scopes)))
    return Granted(token=token, scopes=scopes, seconds=int(tokens.LIFE.total_seconds()))


def introspect(app: App, proof: ClientProof, token: str) -> Mapping[str, Any]:
    """What RFC 7662 §2.2 says of a token; only `active: false` for one that is not good, or not of this tenant."""
    now = app.clock.now()
    with app.database.transaction(_tenant_of(proof)) as tx:
        _prove(tx, proof, now)
        found = tokens.find_token(tx, token, now)
    if found is None:
        return {"active": False}
    return {
        "active": True,
        "scope": " ".join(found.scopes),
        "client_id": found.client_id,
        "token_type": "Bearer",
        "iat": int(found.issued.timestamp()),
        "exp": int(found.expires.timestamp()),
    }


def revoke(app: App, proof: ClientProof, token: str) -> None:
    """The program's own token is dead; any other text changes nothing (RFC 7009 §2.2)."""
    now = app.clock.now()
    with app.database.transaction(_tenant_of(proof)) as tx:
        client = _prove(tx, proof, now)
        tokens.revoke_token(tx, token, client.id, now)


def _tenant_of(proof: ClientProof) -> int:
    client_id = clients.client_id_of_assertion(proof.assertion) if proof.assertion else proof.client_id
    tenant_id = clients.tenant_of_client(client_id)
    if tenant_id is None or (proof.assertion and proof.client_id not in ("", client_id)):
        raise NotAuthenticated("the client could not be authenticated")
    return tenant_id


def _prove(tx: Transaction, proof: ClientProof, now: datetime) -> Client:
    if proof.assertion:
        return clients.authenticate_assertion(tx, proof.assertion, audience=proof.audience, now=now)
    return clients.authenticate_secret(tx, proof.client_id, proof.secret)
