"""Slows down guessing without locking out the owner.

Three counts: one name from one address; one address for all names; one name from addresses that never signed in to it.
The last does not bind an address that signed in to that account before, so strangers cannot lock an owner out there.
A try is counted before its password is looked at: parallel guesses cannot outrun the count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from careloop.access.keys import Keyring
from careloop.db import Transaction, load_queries
from careloop.errors import Throttled

_SQL = load_queries("careloop.access", "accounts.sql")
_FIRST_WAIT = timedelta(seconds=30)
_LONGEST_WAIT = timedelta(minutes=15)
_FORGOTTEN_AFTER = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """One count: after `free` tries within the hour each further one doubles the wait, from 30 s up to 15 minutes."""

    key: bytes
    free: int


def buckets(keys: Keyring, *, name: str, address: str, known_address: bool) -> tuple[Bucket, ...]:
    """The counts that a try is charged to."""
    always = (
        Bucket(key=keys.fingerprint("throttle pair", f"{name}\x1f{address}"), free=5),
        Bucket(key=keys.fingerprint("throttle address", address), free=30),
    )
    return always if known_address else (*always, Bucket(key=keys.fingerprint("throttle name", name), free=20))


def charge(tx: Transaction, charged: Sequence[Bucket], now: datetime) -> None:
    """The try is counted in every bucket; `Throttled` when one of them is full, and then nothing was counted."""
    for bucket in charged:
        row = tx.one(
            _SQL["charge_throttle"],
            {
                "key": bucket.key,
                "free": bucket.free,
                "now": now,
                "first_wait": _FIRST_WAIT,
                "longest_wait": _LONGEST_WAIT,
                "forgotten_after": _FORGOTTEN_AFTER,
            },
        )
        if row is None:
            until = tx.value(_SQL["throttled_until"], {"key": bucket.key})
            seconds = max(1, round((until - now).total_seconds()))
            raise Throttled("too many tries; please wait", retry_after_seconds=seconds)


def forgive(tx: Transaction, charged: Sequence[Bucket]) -> None:
    """A try that succeeded leaves no mark: the counts of the name start anew, the address gets its try back."""
    pair, address, *rest = charged
    tx.execute(_SQL["clear_throttle"], {"keys": [pair.key, *(bucket.key for bucket in rest)]})
    tx.execute(_SQL["refund_throttle"], {"key": address.key})


def refund(tx: Transaction, bucket: Bucket) -> None:
    """One try of the count is given back."""
    tx.execute(_SQL["refund_throttle"], {"key": bucket.key})


def sweep_throttles(tx: Transaction, now: datetime) -> None:
    """Counts that are forgotten anyway are gone from the table."""
    tx.execute(_SQL["delete_old_throttles"], {"before": now - _FORGOTTEN_AFTER})
