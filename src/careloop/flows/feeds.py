"""The doors of a tenant's senders: opened, listed, watched."""

from datetime import timedelta

from careloop import intake
from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal, Tenant
from careloop.access.policy import Action, require_action
from careloop.access.tenancy import check_zone, settings_of
from careloop.flows.app import App
from careloop.intake.feeds import FeedStatus, feed_status
from careloop.intake.model import Feed

WATCHED = timedelta(hours=24)


def add_feed(app: App, principal: Principal, tenant: Tenant, feed: Feed) -> Feed:
    """The door stands; a running server listens there after its next start. `Conflict` when the port is taken."""
    require_action(principal, Action.ACCOUNT_MANAGE)
    check_zone(feed.zone)
    any_sender = settings_of(tenant).accept_any_sender
    with app.database.transaction(tenant.id, actor=principal.reference) as tx:
        added = intake.add_feed(tx, app.clock.now(), feed, any_sender=any_sender)
        record_audit(tx, AuditEntry(principal=principal, action="C", subtype="feed-added", detail=f"port {added.port}"))
    return added


def list_feeds(app: App, tenant: Tenant) -> list[Feed]:
    """The tenant's doors, by port."""
    with app.database.transaction(tenant.id) as tx:
        return intake.list_feeds(tx, any_sender=settings_of(tenant).accept_any_sender)


def status(app: App, tenant: Tenant) -> list[tuple[Feed, FeedStatus | None]]:
    """Each door with what came through it in the last 24 hours."""
    with app.database.transaction(tenant.id) as tx:
        found = feed_status(tx, app.clock.now() - WATCHED)
    return [(feed, found.get(feed.id) if feed.id is not None else None) for feed in list_feeds(app, tenant)]
