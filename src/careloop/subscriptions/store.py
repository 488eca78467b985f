"""The tables of subscriptions: who is served, which events there were, passes of websockets."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from careloop.access.model import Principal
from careloop.db import Row, Transaction, load_queries
from careloop.errors import NotAuthenticated
from careloop.fhir.jsons import encode
from careloop.subscriptions.model import Event, Served, Version

SQL = load_queries("careloop.subscriptions")

KEPT = timedelta(days=30)
"""For so long a client can ask for events that it missed."""
PASS_LIFE = timedelta(minutes=5)


def ask(tx: Transaction, principal: Principal, subscription_id: str, version: int, fingerprint: str) -> None:
    """The Subscription is to be served for this client, from its beginning."""
    tx.execute(SQL["forget_events"], {"id": subscription_id})
    values = {
        "id": subscription_id,
        "version": version,
        "owner": principal.id,
        "owner_name": principal.name,
        "scopes": list(principal.scopes),
        "fingerprint": hashlib.sha256(fingerprint.encode()).hexdigest(),
    }
    tx.execute(SQL["ask"], values)


def forget(tx: Transaction, subscription_id: str) -> bool:
    """Nothing is known of the Subscription any more. True where it was served."""
    tx.execute(SQL["forget_events"], {"id": subscription_id})
    return tx.execute(SQL["forget"], {"id": subscription_id}) == 1


def find(tx: Transaction, subscription_id: str) -> Served | None:
    """How the Subscription is served; None where it is not."""
    row = tx.one(SQL["find"], {"id": subscription_id})
    return _served(row) if row else None


def is_same(served: Served, fingerprint: str) -> bool:
    """True where the Subscription asks for what it asked for before."""
    return served.fingerprint == hashlib.sha256(fingerprint.encode()).hexdigest()


def served(tx: Transaction, *statuses: str) -> list[Served]:
    """All Subscriptions with one of the statuses."""
    return [_served(row) for row in tx.rows(SQL["served"], {"statuses": list(statuses)})]


def set_status(tx: Transaction, subscription_id: str, status: str, reason: str = "") -> None:
    """It is served, or not, from now on."""
    tx.execute(SQL["set_status"], {"id": subscription_id, "status": status, "reason": reason})


def activate(tx: Transaction, subscription_id: str, after_seq: int, heartbeat_due: datetime | None) -> None:
    """Changes after `after_seq` are events."""
    tx.execute(SQL["activate"], {"id": subscription_id, "after_seq": after_seq, "heartbeat_due": heartbeat_due})


def note_handshake(tx: Transaction, subscription_id: str) -> None:
    """The handshake is on its way: the Subscription is not to be welcomed again."""
    tx.execute(SQL["note_handshake"], {"id": subscription_id})


def set_heartbeat(tx: Transaction, subscription_id: str, heartbeat_due: datetime | None) -> None:
    """The next sign of life is due then."""
    tx.execute(SQL["set_heartbeat"], {"id": subscription_id, "heartbeat_due": heartbeat_due})


def set_sent(tx: Transaction, subscription_id: str, number: int) -> None:
    """A websocket took the events up to this one."""
    tx.execute(SQL["set_sent"], {"id": subscription_id, "sent": number})


def add_events(tx: Transaction, subscription: Served, versions: Sequence[Version]) -> list[int]:
    """The changes are events, numbered on from the last one; their numbers."""
    numbers = list(range(subscription.events + 1, subscription.events + 1 + len(versions)))
    items = [
        {
            "subscription": subscription.id, "number": number, "seq": one.seq, "at": one.at.isoformat(),
            "type": one.resource_type, "id": one.id, "version": one.version, "change": one.change,
        }
        for number, one in zip(numbers, versions, strict=True)
    ]  # fmt: skip
    tx.execute(SQL["add_events"], {"items": encode(items).decode()})
    tx.execute(SQL["count_events"], {"id": subscription.id, "events": numbers[-1]})
    return numbers


def events(tx: Transaction, subscription_id: str, low: int, high: int, limit: int) -> list[Event]:
    """Events from `low` to `high`, both among them."""
    values = {"id": subscription_id, "low": low, "high": high, "limit": limit}
    return [Event(**row) for row in tx.rows(SQL["events"], values)]


def sweep(tx: Transaction, now: datetime) -> None:
    """Old events and unused passes are gone."""
    tx.execute(SQL["sweep_events"], {"before": now - KEPT})
    tx.execute(SQL["sweep_tokens"], {"now": now})


def give_pass(tx: Transaction, principal: Principal, now: datetime, subscriptions: Sequence[str]) -> str:
    """A pass with which one websocket may bind these Subscriptions, once and soon. It names its tenant."""
    token = f"clw_{tx.tenant_id}.{secrets.token_urlsafe(32)}"
    values = {
        "hash": _hash(token),
        "subscriptions": list(subscriptions),
        "owner": principal.id,
        "expires": now + PASS_LIFE,
    }
    tx.execute(SQL["add_token"], values)
    return token


def tenant_of_pass(token: str) -> int | None:
    """The tenant that a pass names; None for a text that cannot be one."""
    number, dot, _ = token.removeprefix("clw_").partition(".")
    is_pass = token.startswith("clw_") and dot and number.isascii() and number.isdecimal() and len(number) < 10
    return int(number) if is_pass else None


def use_pass(tx: Transaction, token: str, now: datetime) -> tuple[list[str], str]:
    """The Subscriptions of the pass and its owner; nobody can use it again."""
    row = tx.one(SQL["use_token"], {"hash": _hash(token), "now": now})
    if row is None:
        raise NotAuthenticated("the token is not known")
    return list(row["subscriptions"]), row["owner"]


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _served(row: Row) -> Served:
    return Served(**{**row, "scopes": tuple(row["scopes"])})
