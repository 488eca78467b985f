"""Once a week each clinician is sent the link of their half-page, on the day and at the time that they chose."""

from datetime import timedelta

from careloop import outbox
from careloop.access import accounts
from careloop.access.model import Tenant
from careloop.db import Transaction
from careloop.engagement import weekly
from careloop.engagement.notices import store as notices
from careloop.fhir.ids import derived_id
from careloop.flows import people, weekly_page
from careloop.flows.app import App
from careloop.outbox import NewDelivery, TargetKind

EVERY = timedelta(minutes=5)
ABOUT = "week"
"""`about` of the delivery."""
_PATIENCE = timedelta(hours=24)


def go_on(app: App, tenant: Tenant) -> None:
    """Links that are due are in the outbox. A round."""
    app.database.run(tenant.id, lambda tx: write(app, tx), actor="weekly")


def write(app: App, tx: Transaction) -> int:
    """The links that are due now are in the outbox, each once; how many. None where the installation sends no mail."""
    if not app.settings.smtp_host:
        return 0
    now = app.clock.now()
    here = now.astimezone(people.zone_of(tx))
    staff = [one for one in accounts.staff(tx) if one.active and one.roles & weekly_page.CLINICIANS]
    due = [one for one in staff if weekly_page.weekday_of(tx, one.reference, one.roles) == here.isoweekday()]
    known = notices.people(tx, [one.reference for one in due])
    sent = 0
    for one in due:
        person = known[one.reference]
        if not person.address or person.failed or here.time() < person.digest_at:
            continue
        if weekly.claim(tx, one.reference, here.date()):
            outbox.enqueue(tx, now, [_delivery(tx, one.reference, here.date().isoformat())])
            sent += 1
    return sent


def _delivery(tx: Transaction, reference: str, day: str) -> NewDelivery:
    return NewDelivery(
        target=f"Mail/{reference}",
        kind=TargetKind.MAIL,
        subject=reference,
        about=ABOUT,
        idempotency=derived_id(tx.tenant_id, "week", f"{reference} {day}"),
        payload={"to": reference},
        patience=_PATIENCE,
    )
