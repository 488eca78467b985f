"""E-mail from the outbox over SMTP: that something waits, and where; no name, no health fact (security.md §6)."""

from collections.abc import Sequence

from careloop.access import accounts
from careloop.access.model import Tenant
from careloop.db import Transaction
from careloop.engagement.notices import store
from careloop.errors import Unavailable
from careloop.flows import mailing, telling
from careloop.flows.app import App
from careloop.outbox import Delivery, Failure, Held
from careloop.outside.mail import Letter, Refused, send_mail

_PROCESS = "outbox"
_TO_STAFF = {
    "notice": ("Something in Careloop needs you", "/notices"),
    "week": ("Your week in Careloop", "/my-week"),
}
"""E-mails to our own people by their `about`: what they say, and where they lead."""


def groups(app: App, tenant: Tenant, held: Held) -> Sequence[Sequence[Delivery]]:
    """Each alone."""
    return [[one] for one in held.deliveries]


def send(app: App, tenant: Tenant, held: Held, deliveries: Sequence[Delivery]) -> Failure | None:
    """The e-mail left; or why not. Who may not be told any more gets none."""
    [delivery] = deliveries
    letter = app.database.run(tenant.id, lambda tx: _letter(app, tx, tenant, delivery), actor=_PROCESS)
    if letter is None:
        return Failure(reason="there is nobody to write to any more", is_final=True)
    try:
        send_mail(mailing.server_of(app), letter)
    except Refused as error:
        why, to = error.message, letter.to
        app.database.run(tenant.id, lambda tx: _came_back(app, tx, delivery, to, why), actor=_PROCESS)
        return Failure(reason=why, is_final=True)
    except Unavailable as error:
        return Failure(reason=error.message, is_everybodys=True)
    app.database.run(tenant.id, lambda tx: mailing.arrived(app, tx, delivery), actor=_PROCESS)
    return None


def _letter(app: App, tx: Transaction, tenant: Tenant, delivery: Delivery) -> Letter | None:
    """The e-mail of this delivery as it may be sent now."""
    if delivery.about not in _TO_STAFF:
        return mailing.letter_to_patient(app, tx, tenant, delivery)
    reference = str(delivery.payload["to"])
    member = next((one for one in accounts.members(tx, [reference]) if one.active), None)
    if member is None or not telling.may_be_told(accounts.principal_of(tx.tenant_id, member, None)):
        return None
    person = store.people(tx, [reference])[reference]
    if not person.address or person.failed:
        return None
    says, link = _TO_STAFF[delivery.about]
    text = f"{says}.\n\nOpen it here: {mailing.address_of(app)}{delivery.payload.get('link', link)}\n"
    return Letter(
        to=person.address,
        subject=says,
        text=f"{text}\nWhat comes by e-mail, and when, you choose here: {mailing.address_of(app)}/notices/settings\n",
        message_id=delivery.idempotency,
    )


def _came_back(app: App, tx: Transaction, delivery: Delivery, address: str, why: str) -> None:
    """Mail to a person of the staff stops until they give another address; for a patient it is owned work."""
    if delivery.about in _TO_STAFF:
        store.note_failed(tx, str(delivery.payload["to"]), address, why)
    else:
        mailing.came_back(app, tx, delivery)
