"""Access tokens of clients: opaque, random, kept as a hash, at most an hour long.

A process remembers a token that it has looked up for `REMEMBERED`, so that a request costs no extra round trip; a
revocation counts everywhere after that at the latest (security.md §3: within 5 seconds).
"""

import hashlib
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from careloop.access.accounts import StaffMember, principal_of
from careloop.access.model import Principal, PrincipalKind, Role
from careloop.access.sessions import tenant_of
from careloop.access.sight import sight_of
from careloop.db import Database, Row, Transaction, load_queries
from careloop.errors import NotAuthenticated

_SQL = load_queries("careloop.access", "clients.sql")
LIFE = timedelta(hours=1)
REMEMBERED = timedelta(seconds=3)
_MOST_REMEMBERED = 10_000


@dataclass(frozen=True, kw_only=True)
class AccessToken:
    """A token that is good now."""

    tenant_id: int
    client_id: str
    client_name: str
    scopes: tuple[str, ...]
    issued: datetime
    expires: datetime
    patient_id: str | None = None
    person: StaffMember | None = None

    def principal(self, address: str | None) -> Principal:
        """The client as an actor, or the person who acts through it; narrowed where the scopes are."""
        sight = sight_of(self.tenant_id, self.scopes, self.patient_id)
        if self.person is not None:
            whole = principal_of(self.tenant_id, self.person, address)
            name = f"{self.person.name} through {self.client_name}"
            return replace(whole, name=name, scopes=self.scopes, client_id=self.client_id, sight=sight)
        return Principal(
            tenant_id=self.tenant_id,
            kind=PrincipalKind.CLIENT,
            id=self.client_id,
            name=self.client_name,
            scopes=self.scopes,
            address=address,
            sight=sight,
        )


def issue_token(
    tx: Transaction, client_id: str, scopes: Sequence[str], now: datetime, *, grant_id: str | None = None
) -> str:
    """A new token for the client, or for a person's grant to it; good for `LIFE`."""
    token = f"clt_{tx.tenant_id}.{secrets.token_urlsafe(32)}"
    values = {"hash": token_digest(token), "client_id": client_id, "grant_id": grant_id, "scopes": list(scopes)}
    tx.execute(_SQL["insert_token"], {**values, "now": now, "expires": now + LIFE})
    return token


def find_token(tx: Transaction, token: str, now: datetime) -> AccessToken | None:
    """The token, or None when it is unknown, over or revoked, or its client is."""
    row = tx.one(_SQL["find_token"], {"hash": token_digest(token), "now": now})
    return _token(tx.tenant_id, row) if row else None


def revoke_token(tx: Transaction, token: str, client_id: str, now: datetime) -> None:
    """The client's token is dead. A token of another client, or none, changes nothing (RFC 7009 §2.2)."""
    tx.execute(_SQL["revoke_token"], {"hash": token_digest(token), "client_id": client_id, "now": now})


def sweep_tokens(tx: Transaction, now: datetime) -> int:
    """Tokens and used assertion ids that are over are gone from the tables; how many tokens."""
    tx.execute(_SQL["delete_old_assertions"], {"before": now - timedelta(minutes=10)})
    return tx.execute(_SQL["delete_old_tokens"], {"before": now - timedelta(days=1)})


class TokenCache:
    """What a process knows of tokens that it looked up at most `REMEMBERED` ago. One for each process."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[AccessToken, datetime]] = {}
        self._lock = threading.Lock()

    def recall(self, token: str, now: datetime) -> AccessToken | None:
        """The token if it was found a moment ago and is not over; None means: look it up."""
        known = self._known.get(token_digest(token))
        if known is None:
            return None
        found, looked_up = known
        return found if looked_up <= now < min(looked_up + REMEMBERED, found.expires) else None

    def look_up(self, database: Database, token: str, now: datetime) -> AccessToken:
        """The token as the database has it, remembered; `NotAuthenticated` when it is not good."""
        tenant_id = tenant_of(token)
        if tenant_id is None:
            raise NotAuthenticated("the access token is not known")
        with database.transaction(tenant_id) as tx:
            found = find_token(tx, token, now)
        if found is None:
            raise NotAuthenticated("the access token is not known")
        self._remember(token, found, now)
        return found

    def forget(self, token: str) -> None:
        """This process looks the token up again next time."""
        self._known.pop(token_digest(token), None)

    def _remember(self, token: str, found: AccessToken, now: datetime) -> None:
        with self._lock:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known = {key: kept for key, kept in self._known.items() if kept[1] > now - REMEMBERED}
            if len(self._known) < _MOST_REMEMBERED:
                self._known[token_digest(token)] = (found, now)


def token_digest(token: str) -> bytes:
    """What is kept of a token: enough to know it again, useless to whoever reads the table."""
    return hashlib.sha256(token.encode()).digest()


def _token(tenant_id: int, row: Row) -> AccessToken:
    return AccessToken(
        tenant_id=tenant_id,
        client_id=row["client_id"],
        client_name=row["client_name"],
        scopes=tuple(row["scopes"]),
        issued=row["issued"],
        expires=row["expires"],
        patient_id=row["patient_id"],
        person=_person(row) if row["account_id"] else None,
    )


def _person(row: Row) -> StaffMember:
    return StaffMember(
        account_id=row["account_id"],
        username=row["username"],
        practitioner_id=row["practitioner_id"],
        name=row["account_name"],
        roles=frozenset(Role(role) for role in row["roles"]),
        active=True,
    )
