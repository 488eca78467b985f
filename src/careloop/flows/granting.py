"""Programs prove who they are and get tokens: for themselves, or for what a person has allowed them. Tokens are looked
at and taken back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from careloop.access import apps, clients, tokens
from careloop.access.accounts import StaffMember
from careloop.access.apps import AppGrant
from careloop.access.audit import AuditEntry, record_audit
from careloop.access.clients import Client
from careloop.access.model import Principal, PrincipalKind
from careloop.access.scopes import granted, granted_words
from careloop.db import Transaction
from careloop.errors import CareloopError, NotAuthenticated, NotPermitted
from careloop.flows.app import App


@dataclass(frozen=True, kw_only=True)
class ClientProof:
    """How a program shows who it is: `secret`, or an `assertion` signed for `audience`; a public client has neither."""

    client_id: str
    secret: str = ""
    assertion: str = ""
    audience: str = ""


@dataclass(frozen=True, kw_only=True)
class Granted:
    """A token and what it may do. For a person's consent also the patient in context, the refresh token and what the id
    token will say."""

    token: str
    scopes: tuple[str, ...]
    seconds: int
    refresh: str | None = None
    patient_id: str | None = None
    of_person: AppGrant | None = None


class InvalidGrant(CareloopError):
    """The code or refresh token is not good, or not for this client (RFC 6749 §5.2). All reasons look alike."""

    issue_code = "invalid"

    def __init__(self) -> None:
        super().__init__("the code or refresh token is not good")


def grant(app: App, proof: ClientProof, *, scope: str | None, address: str | None) -> Granted:
    """A new access token. `NotAuthenticated` for a proof that does not hold, `NotPermitted` when nothing that was
    asked for may be granted."""
    now = app.clock.now()
    with app.database.transaction(_tenant_of(proof)) as tx:
        client = _proved(tx, proof, now)
        scopes = granted(client.scopes, scope)
        if not scopes:
            raise NotPermitted("none of the scopes may be granted")
        token = tokens.issue_token(tx, client.id, scopes, now)
        principal = Principal(
            tenant_id=tx.tenant_id, kind=PrincipalKind.CLIENT, id=client.id, name=client.name, address=address
        )
        record_audit(tx, AuditEntry(principal=principal, action="E", subtype="login", detail=" ".join(scopes)))
    return Granted(token=token, scopes=scopes, seconds=int(tokens.LIFE.total_seconds()))


def redeem_code(
    app: App, proof: ClientProof, *, code: str, redirect_uri: str, verifier: str, address: str | None
) -> Granted:
    """The first tokens of a person's consent. `InvalidGrant` for a code that is not good; a code that comes a second
    time has ended everything that came of it."""
    now = app.clock.now()
    with app.database.transaction(_tenant_of(proof)) as tx:
        client = _prove(tx, proof, now)
        found = apps.redeem_code(tx, code, client.id, redirect_uri=redirect_uri, verifier=verifier, now=now)
        given = _for_person(tx, client, found, found.scopes, now, address) if found else None
    if given is None:
        raise InvalidGrant
    return given


def refresh(app: App, proof: ClientProof, token: str, *, scope: str | None, address: str | None) -> Granted:
    """New tokens for a refresh token, which is used up. `InvalidGrant` where it is not good; where it was used before,
    everything that came of the consent has ended. `NotPermitted` for more scopes than were allowed."""
    now = app.clock.now()
    with app.database.transaction(_tenant_of(proof)) as tx:
        client = _prove(tx, proof, now)
        found = apps.redeem_refresh(tx, token, client.id, now)
        given = _for_person(tx, client, found, _fewer(found, scope), now, address) if found else None
    if given is None:
        raise InvalidGrant
    return given


def _fewer(found: AppGrant, scope: str | None) -> tuple[str, ...]:
    """The scopes of the consent, or those of them that are asked for now (RFC 6749 §6)."""
    if not (scope or "").split():
        return found.scopes
    levels = ("patient", "user")
    data, words = granted(found.scopes, scope, levels=levels), granted_words(found.scopes, scope or "")
    if not data and not words:
        raise NotPermitted("none of the scopes may be granted")
    return (*data, *words)


def _for_person(
    tx: Transaction, client: Client, found: AppGrant, scopes: tuple[str, ...], now: datetime, address: str | None
) -> Granted:
    token = tokens.issue_token(tx, client.id, scopes, now, grant_id=found.id)
    principal = Principal(
        tenant_id=tx.tenant_id,
        kind=PrincipalKind.USER,
        id=found.account_id,
        name=client.name,
        practitioner_id=found.practitioner_id,
        client_id=client.id,
        address=address,
    )
    record_audit(tx, AuditEntry(principal=principal, action="E", subtype="login", detail=" ".join(scopes)))
    return Granted(
        token=token,
        scopes=scopes,
        seconds=int(tokens.LIFE.total_seconds()),
        refresh=apps.issue_refresh(tx, found.id, now) if "offline_access" in found.scopes else None,
        patient_id=found.patient_id,
        of_person=found,
    )


def introspect(app: App, proof: ClientProof, token: str, *, base: str = "") -> Mapping[str, Any]:
    """What RFC 7662 §2.2 says of a token; only `active: false` for one that is not good, or not of this tenant. `base`
    is our own address, for what is told of a person."""
    now = app.clock.now()
    with app.database.transaction(_tenant_of(proof)) as tx:
        client = _proved(tx, proof, now)
        found = tokens.find_token(tx, token, now)
        if found is None:
            return _of_refresh(tx, client, token, now)
    return {
        "active": True,
        "scope": " ".join(found.scopes),
        "client_id": found.client_id,
        "token_type": "Bearer",
        "iat": int(found.issued.timestamp()),
        "exp": int(found.expires.timestamp()),
        **({"patient": found.patient_id} if found.patient_id else {}),
        **(_person_facts(found.person, base) if found.person else {}),
    }


def _person_facts(person: StaffMember, base: str) -> Mapping[str, str]:
    user = f"{base}/fhir/Practitioner/{person.practitioner_id}"
    return {"iss": base, "sub": person.account_id, "fhirUser": user}


def _of_refresh(tx: Transaction, client: Client, token: str, now: datetime) -> Mapping[str, Any]:
    """What is told of a refresh token, to the client that holds it."""
    known = apps.grant_of_refresh(tx, token, client.id)
    stands = apps.find_grant(tx, known[0]) if known else None
    if known is None or stands is None or known[1] or known[2] <= now:
        return {"active": False}
    exp = int(known[2].timestamp())
    return {"active": True, "scope": " ".join(stands.scopes), "client_id": client.id, "exp": exp}


def revoke(app: App, proof: ClientProof, token: str) -> None:
    """The program's own token is dead, and with a refresh token everything that came of the consent; any other text
    changes nothing (RFC 7009 §2.1, §2.2)."""
    now = app.clock.now()
    with app.database.transaction(_tenant_of(proof)) as tx:
        client = _prove(tx, proof, now)
        tokens.revoke_token(tx, token, client.id, now)
        known = apps.grant_of_refresh(tx, token, client.id)
        if known is not None:
            apps.revoke_grant(tx, known[0], client.id, now)


def _tenant_of(proof: ClientProof) -> int:
    client_id = clients.client_id_of_assertion(proof.assertion) if proof.assertion else proof.client_id
    tenant_id = clients.tenant_of_client(client_id)
    if tenant_id is None or (proof.assertion and proof.client_id not in ("", client_id)):
        raise NotAuthenticated("the client could not be authenticated")
    return tenant_id


def _prove(tx: Transaction, proof: ClientProof, now: datetime) -> Client:
    """The client that is asking. A public one only names itself: what it has must be proof enough."""
    if not proof.assertion and not proof.secret:
        client = clients.find_client(tx, proof.client_id)
        if client is not None and client.public:
            return client
    return _proved(tx, proof, now)


def _proved(tx: Transaction, proof: ClientProof, now: datetime) -> Client:
    if proof.assertion:
        return clients.authenticate_assertion(tx, proof.assertion, audience=proof.audience, now=now)
    return clients.authenticate_secret(tx, proof.client_id, proof.secret)
