"""Reminders that any program or system asked for (CommunicationRequest): each asks the one budget before it leaves.

A request by e-mail leaves when it may. What has to wait says by which rule and until when (extension
`urn:careloop:deferred`), so that whoever asked can read it. Other ways are work of people: they see them as planned.
"""

from datetime import datetime, timedelta
from typing import Any

from careloop import outbox
from careloop.access.model import Tenant, system_principal
from careloop.db import Transaction
from careloop.engagement.contacts.model import Verdict, Wish
from careloop.fhir.ids import derived_id
from careloop.flows import contacting, writing
from careloop.flows.app import App
from careloop.flows.mailing import REMINDER, email_of, is_check_in, message_id, note
from careloop.flows.timeline import instant_of
from careloop.monitoring import check_in_store
from careloop.outbox import NewDelivery, TargetKind
from careloop.record import Stored, Write

EVERY = timedelta(seconds=20)
DEFERRED = "urn:careloop:deferred"
_PATIENCE = timedelta(hours=24)
_MOST = 200


def go_on(app: App, tenant: Tenant) -> int:
    """Every request by e-mail whose time has come left or was put off; how many left. A round."""
    if not app.settings.smtp_host:
        return 0

    def work(tx: Transaction) -> int:
        active = app.record.follow(tx, "CommunicationRequest", [("status", "active")])
        now = app.clock.now()
        due = [one for one in active if one.patient_id and _is_due(one.resource, now)]
        return sum(_one(app, tx, one, now) for one in due[:_MOST])

    return app.database.run(tenant.id, work, actor="outreach")


def _is_due(request: dict[str, Any], now: datetime) -> bool:
    if "EMAILWRIT" not in [coding.get("code") for one in request.get("medium", ()) for coding in one.get("coding", ())]:
        return False
    asked = instant_of(request.get("occurrenceDateTime"))
    until = instant_of(_deferred(request).get("until"))
    return (asked is None or asked <= now) and (until is None or until <= now)


def _deferred(request: dict[str, Any]) -> dict[str, Any]:
    parts = next((one.get("extension", ()) for one in request.get("extension", ()) if one.get("url") == DEFERRED), ())
    return {str(part["url"]): part.get("valueDateTime") or part.get("valueCode") for part in parts}


def _one(app: App, tx: Transaction, stored: Stored, now: datetime) -> int:
    """1 where the request left now. It counts from this moment on, so that two of one moment are two."""
    patient_id = str(stored.patient_id)
    tx.lock(f"patient {patient_id}")
    if not app.record.missing(tx, [f"Communication/{message_id(tx, stored)}"]):
        return 0
    deadline = instant_of((stored.resource.get("occurrencePeriod") or {}).get("end"))
    wish = Wish(
        medium="EMAILWRIT",
        safety=stored.resource.get("priority") == "stat",
        agreed=is_check_in(stored.resource),
        deadline=deadline,
    )
    verdict = contacting.ask(app, tx, patient_id, wish)
    patient = app.record.fetch(tx, [f"Patient/{patient_id}"]).get(f"Patient/{patient_id}")
    if verdict.medium != "EMAILWRIT" or patient is None or not email_of(patient.resource):
        _to_people(app, tx, stored, verdict)
        return 0
    if verdict.not_before is not None:
        _put_off(app, tx, stored, verdict)
        return 0
    note(app, tx, stored, "in-progress")
    return outbox.enqueue(tx, now, [_delivery(tx, stored, patient_id)])


def _delivery(tx: Transaction, stored: Stored, patient_id: str) -> NewDelivery:
    return NewDelivery(
        target=f"Mail/Patient/{patient_id}",
        kind=TargetKind.MAIL,
        subject=f"Patient/{patient_id}",
        about=REMINDER,
        idempotency=derived_id(tx.tenant_id, "reminder-mail", stored.id),
        payload={"request": stored.reference},
        patience=_PATIENCE,
    )


def _put_off(app: App, tx: Transaction, stored: Stored, verdict: Verdict) -> None:
    assert verdict.not_before is not None
    parts = [
        {"url": "until", "valueDateTime": verdict.not_before.isoformat()},
        {"url": "rule", "valueCode": verdict.rule},
    ]
    others = [one for one in stored.resource.get("extension", ()) if one.get("url") != DEFERRED]
    _save(app, tx, {**stored.resource, "extension": [*others, {"url": DEFERRED, "extension": parts}]})


def _to_people(app: App, tx: Transaction, stored: Stored, verdict: Verdict) -> None:
    """The way is refused, or there is no address: the request waits by another way, for a person."""
    code = verdict.medium if verdict.medium != "EMAILWRIT" else "PHONE"
    mode = {"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode", "code": code}
    check_in_store.execute(tx, "by_phone", id=stored.id)
    _save(app, tx, {**stored.resource, "medium": [{"coding": [mode]}]})


def _save(app: App, tx: Transaction, resource: dict[str, Any]) -> None:
    write = Write(method="update", resource_type="CommunicationRequest", id=resource["id"], resource=resource)
    writing.write(app, tx, system_principal(tx.tenant_id, "outreach"), [write])
