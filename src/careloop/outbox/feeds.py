"""Systems that we send HL7 v2 to."""

from dataclasses import dataclass, replace
from datetime import datetime

from careloop.db import Row, Transaction, load_queries
from careloop.errors import NotFound

_SQL = load_queries("careloop.outbox", "feeds.sql")


@dataclass(frozen=True, kw_only=True)
class OutboundFeed:
    """One receiver. `messages` are names of maps in `content/mappings/hl7v2-out`; `application` and `facility` are
    MSH-5 and MSH-6. Changes after number `after_seq` of the change feed are told."""

    id: int
    name: str
    host: str
    port: int
    messages: tuple[str, ...]
    application: str = "RECEIVER"
    facility: str = "RECEIVER"
    after_seq: int = 0
    enabled: bool = True

    @property
    def target(self) -> str:
        """How the outbox names the feed."""
        return f"Feed/{self.id}"


def add_feed(tx: Transaction, now: datetime, feed: OutboundFeed) -> OutboundFeed:
    """The feed with its id; it hears of what happens from now on."""
    values = {
        "name": feed.name,
        "host": feed.host,
        "port": feed.port,
        "messages": list(feed.messages),
        "application": feed.application,
        "facility": feed.facility,
        "after_seq": feed.after_seq,
        "now": now,
    }
    return replace(feed, id=int(tx.value(_SQL["add_feed"], values)))


def feeds(tx: Transaction, *, disabled_too: bool = False) -> list[OutboundFeed]:
    """The feeds of the tenant."""
    return [_feed(row) for row in tx.rows(_SQL["feeds"], {"disabled_too": disabled_too})]


def find_feed(tx: Transaction, feed_id: int) -> OutboundFeed:
    """One feed; `NotFound` where there is none."""
    row = tx.one(_SQL["find_feed"], {"id": feed_id})
    if row is None:
        raise NotFound("there is no such feed")
    return _feed(row)


def enable_feed(tx: Transaction, feed_id: int, enabled: bool, after_seq: int) -> None:
    """The feed is told of changes from now on, or of none."""
    if tx.execute(_SQL["enable_feed"], {"id": feed_id, "enabled": enabled, "after_seq": after_seq}) == 0:
        raise NotFound("there is no such feed")


def _feed(row: Row) -> OutboundFeed:
    return OutboundFeed(**{**row, "messages": tuple(row["messages"])})
