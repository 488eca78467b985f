"""How busy each feed is: for `feed status` and for people who wonder why nothing comes."""

from dataclasses import dataclass
from datetime import datetime

from careloop.db import Transaction
from careloop.intake.store import SQL


@dataclass(frozen=True, kw_only=True)
class FeedStatus:
    """What came through one feed since an instant. `waiting` counts whatever still waits, however old."""

    received: int
    waiting: int
    dead: int
    last_received: datetime | None


def feed_status(tx: Transaction, since: datetime) -> dict[int, FeedStatus]:
    """Each feed's status by the feed's id."""
    return {
        int(row["id"]): FeedStatus(
            received=int(row["received"]),
            waiting=int(row["waiting"]),
            dead=int(row["dead"]),
            last_received=row["last_received"],
        )
        for row in tx.rows(SQL["feed_status"], {"since": since})
    }
