"""What people allow apps: launches, consents (grants), codes and refresh tokens.

Each code and each refresh token is good once. A second use means that somebody else has it: the grant is revoked, and
with it every token that came of it (RFC 6749 §4.1.2, RFC 9700 §4.14.2). All are random and kept as hashes.
"""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from careloop.access.tokens import token_digest
from careloop.db import Row, Transaction, load_queries
from careloop.fhir.ids import new_id

_SQL = load_queries("careloop.access", "apps.sql")
CODE_LIFE = timedelta(minutes=1)
LAUNCH_LIFE = timedelta(minutes=5)
REFRESH_LIFE = timedelta(days=30)
"""So long an app may be silent before the person must allow it again."""
_TICKET = re.compile(r"cl[crl]_([1-9][0-9]{0,8})\.[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, kw_only=True)
class Consent:
    """What a person allows an app, and where the code for it goes."""

    client_id: str
    account_id: str
    scopes: Sequence[str]
    patient_id: str | None
    nonce: str | None
    redirect_uri: str
    code_challenge: str


@dataclass(frozen=True, kw_only=True)
class AppGrant:
    """A consent that stands."""

    id: str
    client_id: str
    account_id: str
    practitioner_id: str
    scopes: tuple[str, ...]
    patient_id: str | None
    nonce: str | None
    created: datetime


def is_challenge(text: str) -> bool:
    """True for a text that can be a PKCE challenge of the method S256."""
    return _CHALLENGE.fullmatch(text) is not None


def tenant_of_ticket(text: str) -> int | None:
    """The tenant that a code, launch or refresh token names, or None for a text that cannot be one."""
    match = _TICKET.fullmatch(text)
    return int(match[1]) if match else None


def open_launch(tx: Transaction, client_id: str, account_id: str, patient_id: str, now: datetime) -> str:
    """A launch of the app with this patient, for this person; good once and for `LAUNCH_LIFE`."""
    launch = _new("l", tx.tenant_id)
    values = {"hash": token_digest(launch), "client_id": client_id, "account_id": account_id}
    tx.execute(_SQL["insert_launch"], {**values, "patient_id": patient_id, "expires": now + LAUNCH_LIFE})
    return launch


def patient_of_launch(tx: Transaction, launch: str, client_id: str, account_id: str, now: datetime) -> str | None:
    """The patient of a launch of this app by this person, None for any other text."""
    values = {"hash": token_digest(launch), "client_id": client_id, "account_id": account_id, "now": now}
    found: str | None = tx.value(_SQL["find_launch"], values)
    return found


def close_launch(tx: Transaction, launch: str) -> None:
    """The launch is good no more."""
    tx.execute(_SQL["use_launch"], {"hash": token_digest(launch)})


def allow(tx: Transaction, consent: Consent, now: datetime) -> str:
    """The grant stands; its code."""
    grant_id = new_id()
    tx.execute(
        _SQL["insert_grant"],
        {
            "id": grant_id,
            "client_id": consent.client_id,
            "account_id": consent.account_id,
            "scopes": list(consent.scopes),
            "patient_id": consent.patient_id,
            "nonce": consent.nonce,
            "now": now,
        },
    )
    code = _new("c", tx.tenant_id)
    _keep(tx, code, "code", grant_id, now + CODE_LIFE, consent.redirect_uri, consent.code_challenge)
    return code


def issue_refresh(tx: Transaction, grant_id: str, now: datetime) -> str:
    """A refresh token of the grant."""
    refresh = _new("r", tx.tenant_id)
    _keep(tx, refresh, "refresh", grant_id, now + REFRESH_LIFE)
    return refresh


def redeem_code(
    tx: Transaction, code: str, client_id: str, *, redirect_uri: str, verifier: str, now: datetime
) -> AppGrant | None:
    """The grant of a code of this client that is used now for the first time, in time, by whoever asked for it. None
    for anything else; then the code is used up, and a second use has revoked the grant."""
    row = _use(tx, code, "code", client_id, now)
    if row is None or row["redirect_uri"] != redirect_uri or not _verified(verifier, row["code_challenge"]):
        return None
    return find_grant(tx, row["grant_id"])


def redeem_refresh(tx: Transaction, refresh: str, client_id: str, now: datetime) -> AppGrant | None:
    """The grant of a refresh token of this client that is used now for the first time; else None, and a second use has
    revoked the grant."""
    row = _use(tx, refresh, "refresh", client_id, now)
    return find_grant(tx, row["grant_id"]) if row is not None else None


def find_grant(tx: Transaction, grant_id: str) -> AppGrant | None:
    """The grant while it stands and its person may sign in."""
    row = tx.one(_SQL["find_grant"], {"id": grant_id})
    return AppGrant(**{**row, "scopes": tuple(row["scopes"])}) if row else None


def revoke_grant(tx: Transaction, grant_id: str, client_id: str, now: datetime) -> None:
    """Everything that came of the grant is dead."""
    tx.execute(_SQL["revoke_grant"], {"id": grant_id, "client_id": client_id, "now": now})


def grant_of_refresh(tx: Transaction, refresh: str, client_id: str) -> tuple[str, bool, datetime] | None:
    """The grant of a refresh token of this client, whether the token was used, when it ends; None for another text."""
    row = tx.one(_SQL["find_refresh"], {"hash": token_digest(refresh), "client_id": client_id})
    return (row["grant_id"], row["used"] is not None, row["expires"]) if row else None


def grant_of_token(tx: Transaction, token: str, client_id: str) -> str | None:
    """The grant that an access token of this client came of."""
    found: str | None = tx.value(_SQL["grant_of_token"], {"hash": token_digest(token), "client_id": client_id})
    return found


def sweep_apps(tx: Transaction, now: datetime) -> None:
    """Launches, codes and refresh tokens that are long over are gone from the tables."""
    tx.execute(_SQL["delete_old_launches"], {"before": now})
    tx.execute(_SQL["delete_old_tickets"], {"before": now - timedelta(days=1)})


def _use(tx: Transaction, ticket: str, kind: Literal["code", "refresh"], client_id: str, now: datetime) -> Row | None:
    values = {"hash": token_digest(ticket), "kind": kind, "client_id": client_id, "now": now}
    row = tx.one(_SQL["use_ticket"], values)
    if row is None:
        return None
    if row["used"] is not None:
        revoke_grant(tx, row["grant_id"], client_id, now)
        return None
    return row if row["expires"] > now else None


def _keep(
    tx: Transaction,
    ticket: str,
    kind: Literal["code", "refresh"],
    grant_id: str,
    expires: datetime,
    redirect_uri: str | None = None,
    code_challenge: str | None = None,
) -> None:
    values = {"hash": token_digest(ticket), "kind": kind, "grant_id": grant_id, "expires": expires}
    tx.execute(_SQL["insert_ticket"], {**values, "redirect_uri": redirect_uri, "code_challenge": code_challenge})


def _verified(verifier: str, challenge: str) -> bool:
    """RFC 7636 §4.6, S256; the method `plain` does not exist here."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    made = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    return hmac.compare_digest(made, challenge)


def _new(letter: str, tenant_id: int) -> str:
    return f"cl{letter}_{tenant_id}.{secrets.token_urlsafe(32)}"
