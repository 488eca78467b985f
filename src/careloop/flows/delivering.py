"""The outbox emptied: a target is taken, its deliveries are sent in order, and each is marked after it arrived.

Sending happens outside every transaction. A worker that dies after sending and before marking leaves the delivery as it
was: it is sent again, with the same idempotency id.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from careloop import outbox
from careloop.access.model import Tenant
from careloop.flows import hl7_sending, hook_sending, mail_sending
from careloop.flows.app import App
from careloop.outbox import LEASE, Delivery, DeliveryStatus, Failure, Held, TargetKind

Sender = Callable[[App, Tenant, Held, Sequence[Delivery]], Failure | None]
"""Sends some deliveries as one; why they did not arrive, None where they did."""

Groups = Callable[[App, Tenant, Held], Sequence[Sequence[Delivery]]]

_SENDERS: Mapping[TargetKind, Sender] = {
    TargetKind.REST_HOOK: hook_sending.send,
    TargetKind.HL7V2: hl7_sending.send,
    TargetKind.MAIL: mail_sending.send,
}
_GROUPS: Mapping[TargetKind, Groups] = {
    TargetKind.REST_HOOK: hook_sending.groups,
    TargetKind.HL7V2: hl7_sending.groups,
    TargetKind.MAIL: mail_sending.groups,
}
_PROCESS = "outbox"


def deliver_next(app: App, tenant: Tenant, *, lease: timedelta = LEASE) -> bool:
    """What one target can be sent now is sent. False where nothing was to be done."""
    held = app.database.run(tenant.id, lambda tx: outbox.take(tx, app.clock.now(), lasts=lease), actor=_PROCESS)
    if held is None:
        return False
    blocked: set[str] = set()
    for group in _GROUPS[held.kind](app, tenant, held):
        if any(one.subject in blocked for one in group):
            continue
        with app.database.transaction(tenant.id, actor=_PROCESS) as tx:
            if not outbox.hold_on(tx, held, lasts=lease):
                return True
        failure = _SENDERS[held.kind](app, tenant, held, group)
        if not _settle(app, tenant, held, group, failure):
            break
        if failure is not None and not failure.is_final:
            blocked |= {one.subject for one in group}
    with app.database.transaction(tenant.id, actor=_PROCESS) as tx:
        outbox.give_back(tx, held)
    return True


def _settle(app: App, tenant: Tenant, held: Held, group: Sequence[Delivery], failure: Failure | None) -> bool:
    """The deliveries are marked. False where nothing else for the target should be tried now."""
    now = app.clock.now()
    with app.database.transaction(tenant.id, actor=_PROCESS) as tx:
        if failure is None:
            outbox.finish(tx, now, held, group)
            return True
        became = outbox.put_off(tx, now, held, group, failure, random.random())  # noqa: S311
        if became is DeliveryStatus.DEAD and held.kind is TargetKind.REST_HOOK:
            hook_sending.gave_up(app, tx, held, group, failure)
    return not failure.is_everybodys and not failure.ends_target
