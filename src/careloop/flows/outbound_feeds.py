"""What other systems are told in HL7 v2: changes become messages, made once and kept in the outbox until taken."""

from collections.abc import Sequence

from careloop.access.model import Tenant
from careloop.db import Transaction
from careloop.flows.app import App
from careloop.outbox.feeds import OutboundFeed, feeds
from careloop.subscriptions import Version


def enabled(tx: Transaction) -> list[OutboundFeed]:
    """The feeds that hear of changes."""
    return feeds(tx)


def types_of(app: App, feed: OutboundFeed) -> frozenset[str]:
    """The types of resources whose changes make messages for the feed."""
    return frozenset()


def tell(app: App, tx: Transaction, tenant: Tenant, feed: OutboundFeed, versions: Sequence[Version]) -> None:
    """The messages that these changes make are in the outbox."""
