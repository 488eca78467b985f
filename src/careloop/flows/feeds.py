"""The doors of a tenant's senders: opened, listed, watched."""

from datetime import timedelta

from careloop import intake
from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal, Tenant
from careloop.access.policy import Action, require_action
from careloop.access.tenancy import check_zone, settings_of
from careloop.flows.app import App
from careloop.intake import feeds as settings
from careloop.intake.feeds import FeedStatus
from careloop.intake.model import Feed

WATCHED = timedelta(hours=24)


def add_feed(app: App, principal: Principal, tenant: Tenant, feed: Feed) -> Feed:
    """The door stands; a running server listens there within seconds. `Conflict` when the port is taken."""
    require_action(principal, Action.ACCOUNT_MANAGE)
    check_zone(feed.zone)
    any_sender = settings_of(tenant).accept_any_sender
    with app.database.transaction(tenant.id, actor=principal.reference) as tx:
        now = app.clock.now()
        added = intake.add_feed(tx, now, feed, any_sender=any_sender)
        assert added.id is not None
        settings.keep_version(tx, now, added.id, by=principal.reference, by_name=principal.name, what="Feed opened")
        record_audit(tx, AuditEntry(principal=principal, action="C", subtype="feed-added", detail=f"port {added.port}"))
    return added


def list_feeds(app: App, tenant: Tenant) -> list[Feed]:
    """The tenant's doors, by port, the closed ones too."""
    with app.database.transaction(tenant.id) as tx:
        return list(settings.all_feeds(tx, any_sender=settings_of(tenant).accept_any_sender))


def status(app: App, tenant: Tenant) -> list[tuple[Feed, FeedStatus | None]]:
    """Each door with what came through it in the last 24 hours."""
    now = app.clock.now()
    with app.database.transaction(tenant.id) as tx:
        found = settings.feed_status(tx, now, now - WATCHED)
        feeds = settings.all_feeds(tx, any_sender=settings_of(tenant).accept_any_sender)
    return [(feed, found.get(feed.id) if feed.id is not None else None) for feed in feeds]


def watch(app: App, principal: Principal) -> list[tuple[Feed, FeedStatus | None]]:
    """The same for a person who may see what arrives."""
    require_action(principal, Action.INBOX_READ)
    return status(app, app.tenant(principal.tenant_id))
