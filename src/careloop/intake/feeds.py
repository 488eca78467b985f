"""How the feeds are doing."""

from dataclasses import dataclass
from datetime import datetime

from careloop.db import Transaction, load_queries

_SQL = load_queries("careloop.intake", "feeds.sql")


@dataclass(frozen=True, kw_only=True)
class FeedStatus:
    """What came through one feed in a while. `waiting` is not worked through yet, `dead` waits for a person."""

    id: int
    received: int
    waiting: int
    dead: int
    last_received: datetime | None


def feed_status(tx: Transaction, since: datetime) -> dict[int, FeedStatus]:
    """By feed id, what arrived after `since`."""
    return {row["id"]: FeedStatus(**row) for row in tx.rows(_SQL["feed_status"], {"since": since})}
