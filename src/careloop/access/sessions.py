"""Staff sessions: kept on the server, known to the browser by a random token of which we keep only a hash.

A token names its tenant (`<tenant id>.<256 random bits>`), so that it is looked up under that tenant's row-level
security. Every request looks at the database: an ended session, a disabled account or a changed role counts at once.
"""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta

from careloop.access.accounts import StaffMember
from careloop.access.model import Role
from careloop.db import Transaction, load_queries
from careloop.errors import NotAuthenticated

_SQL = load_queries("careloop.access", "accounts.sql")
CODE_WAIT = timedelta(minutes=5)
"""So long a right password waits for its second factor."""
_TOKEN = re.compile(r"cl[st]_([1-9][0-9]{0,8})\.[A-Za-z0-9_-]{43}")
_TOUCH_AFTER = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True)
class StaffSession:
    """A signed-in person. `token` is the secret of the cookie; `csrf` goes into forms and the header X-CSRF-Token."""

    token: str
    account: StaffMember
    ends: datetime

    @property
    def csrf(self) -> str:
        """The CSRF token of this session."""
        return csrf_token(self.token)


def tenant_of(token: str) -> int | None:
    """The tenant that a token of ours names, or None for a text that cannot be one."""
    match = _TOKEN.fullmatch(token)
    return int(match[1]) if match else None


def csrf_token(token: str) -> str:
    """Derived from the session's secret, so it ends with it; who knows it cannot get back to the secret."""
    return urlsafe_b64encode(hashlib.sha256(b"csrf\x1f" + token.encode()).digest()).decode().rstrip("=")


def csrf_matches(token: str, offered: str) -> bool:
    """True when `offered` is the CSRF token of the session, compared in constant time."""
    return hmac.compare_digest(csrf_token(token).encode(), offered.encode())


def open_session(tx: Transaction, account_id: str, now: datetime, *, lasts: timedelta, full: bool = True) -> str:
    """A new session that ends after `lasts` however busy; its token. With `full` False it only waits for the second
    factor and opens nothing."""
    token = f"cls_{tx.tenant_id}.{secrets.token_urlsafe(32)}"
    tx.execute(
        _SQL["insert_session"],
        {
            "hash": _hash(token),
            "account_id": account_id,
            "stage": "full" if full else "password",
            "now": now,
            "ends": now + lasts,
        },
    )
    return token


def find_session(
    tx: Transaction, token: str, now: datetime, *, idle: timedelta, full: bool = True, is_use: bool = True
) -> StaffSession:
    """The session, and it counts as used now if a person asked (`is_use`); `NotAuthenticated` when it is unknown, over,
    idle too long or the account is disabled."""
    row = tx.one(
        _SQL["find_session"],
        {"hash": _hash(token), "stage": "full" if full else "password", "now": now, "idle_since": now - idle},
    )
    if row is None:
        raise NotAuthenticated("please sign in")
    if is_use and now - row["seen"] > _TOUCH_AFTER:
        tx.execute(_SQL["touch_session"], {"hash": _hash(token), "now": now})
    account = StaffMember(
        account_id=row["account_id"],
        username=row["username"],
        practitioner_id=row["practitioner_id"],
        name=row["name"],
        roles=frozenset(Role(role) for role in row["roles"]),
        active=True,
    )
    return StaffSession(token=token, account=account, ends=row["ends"])


def end_session(tx: Transaction, token: str) -> None:
    """The session is over, here and in every process."""
    tx.execute(_SQL["end_session"], {"hash": _hash(token)})


def end_sessions_of(tx: Transaction, account_id: str) -> None:
    """All sessions of the account are over."""
    tx.execute(_SQL["end_sessions_of_account"], {"account_id": account_id})


def sweep_sessions(tx: Transaction, now: datetime) -> int:
    """Sessions that ended by time are gone from the table; how many."""
    return tx.execute(_SQL["delete_old_sessions"], {"now": now})


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
