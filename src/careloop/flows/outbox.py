"""What leaves, as people see it: handed in, listed, looked at, sent again; and the hosts that may be asked."""

import re
from collections.abc import Sequence

from careloop import outbox
from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal, Tenant
from careloop.access.policy import Action, require_action
from careloop.db import Transaction
from careloop.errors import NotFound, Rejected
from careloop.flows.app import App
from careloop.outbox import Delivery, DeliveryStatus, Listed, NewDelivery

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[1-9][0-9]{0,4})?")


def enqueue(app: App, tx: Transaction, deliveries: Sequence[NewDelivery]) -> int:
    """The deliveries leave when `tx` is committed; how many were new. For flows that tell others by themselves: what is
    caused by a change of a resource is seen by `flows.watching`."""
    return outbox.enqueue(tx, app.clock.now(), deliveries)


def page(app: App, principal: Principal, *, status: str | None = None, before: int | None = None) -> Listed:
    """Deliveries newest first, 50 on a page; `Rejected` for a status that does not exist."""
    require_action(principal, Action.INBOX_READ)
    if status is not None and status not in {one.value for one in DeliveryStatus}:
        raise Rejected(at="status", expected=f"one of {', '.join(DeliveryStatus)}", code="value")
    with app.database.transaction(principal.tenant_id, actor=principal.reference) as tx:
        return outbox.listed(tx, status=status, before=before)


def show(app: App, principal: Principal, delivery_id: int) -> Delivery:
    """One delivery with what was or will be sent, where it is made already; that somebody looked is in the trail."""
    require_action(principal, Action.INBOX_READ)
    with app.database.transaction(principal.tenant_id, actor=principal.reference) as tx:
        found = outbox.find(tx, delivery_id)
        _note(tx, principal, "R", "delivery-shown", f"delivery {delivery_id}", found.subject)
        return found


def text_of(delivery: Delivery) -> str:
    """An HL7 v2 message as a person reads it, one segment a line; empty where it is made only when it is sent."""
    return (delivery.body or b"").decode("utf-8", errors="replace").replace("\r", "\n")


def retry(app: App, principal: Principal, delivery_id: int) -> None:
    """The delivery is sent once more, at once, and tried for another 72 hours."""
    require_action(principal, Action.INBOX_REPAIR)
    with app.database.transaction(principal.tenant_id, actor=principal.reference) as tx:
        subject = outbox.find(tx, delivery_id).subject
        outbox.repeat(tx, app.clock.now(), delivery_id)
        _note(tx, principal, "U", "delivery-repeated", f"delivery {delivery_id}", subject)


def allow_host(app: App, principal: Principal, tenant: Tenant, host: str) -> list[str]:
    """Requests of this tenant may go to `host` (port 443) or `host:port`; all hosts that they may go to."""
    require_action(principal, Action.ACCOUNT_MANAGE)
    named = host.strip().lower()
    if not _HOST.fullmatch(named):
        raise Rejected(at="host", expected="a host name as example.org, or example.org:8443", code="value")
    with app.database.transaction(tenant.id, actor=principal.reference) as tx:
        outbox.allow_host(tx, app.clock.now(), named, principal.reference)
        _note(tx, principal, "C", "host-allowed", named)
        return outbox.allowed_hosts(tx)


def forbid_host(app: App, principal: Principal, tenant: Tenant, host: str) -> list[str]:
    """They may not any more; Subscriptions that lead there end when something is to be sent. `NotFound` where they
    could not before."""
    require_action(principal, Action.ACCOUNT_MANAGE)
    with app.database.transaction(tenant.id, actor=principal.reference) as tx:
        if not outbox.forbid_host(tx, host.strip().lower()):
            raise NotFound("the host was not allowed")
        _note(tx, principal, "D", "host-forbidden", host.strip().lower())
        return outbox.allowed_hosts(tx)


def hosts(app: App, tenant: Tenant) -> list[str]:
    """The hosts that requests of this tenant may go to."""
    with app.database.transaction(tenant.id) as tx:
        return outbox.allowed_hosts(tx)


def _note(tx: Transaction, principal: Principal, action: str, subtype: str, detail: str, subject: str = "") -> None:
    kind, _, identity = subject.partition("/")
    patients = [identity] if kind == "Patient" else []
    record_audit(
        tx, AuditEntry(principal=principal, action=action, subtype=subtype, patient_ids=patients, detail=detail)
    )
