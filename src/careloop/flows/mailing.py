"""E-mail to patients: that there is news, never what (security.md §6). What comes back is owned work."""

from collections.abc import Mapping
from typing import Any

from careloop.access.model import Tenant, system_principal
from careloop.access.tenancy import settings_of
from careloop.db import Transaction
from careloop.fhir.ids import derived_id
from careloop.flows import writing
from careloop.flows.app import App
from careloop.outbox import Delivery
from careloop.outside.mail import Letter, Server, is_address
from careloop.record import Stored, Write

REMINDER = "reminder"
"""`about` of a delivery that is for a patient; its payload names a CommunicationRequest."""
_MODE = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"


def server_of(app: App) -> Server:
    """The mail server of this installation."""
    settings = app.settings
    secret = settings.smtp_password_file
    return Server(
        host=settings.smtp_host or "",
        port=settings.smtp_port,
        sender=settings.smtp_from,
        security=settings.smtp_security,
        username=settings.smtp_user,
        password=secret.read_text(encoding="utf-8").strip() if secret else "",
    )


def address_of(app: App) -> str:
    """Where people reach us."""
    settings = app.settings
    return (settings.public_url or f"http://{settings.host}:{settings.port}").rstrip("/")


def email_of(patient: Mapping[str, Any]) -> str:
    """The mail address that the patient gave, else empty."""
    said = [one for one in patient.get("telecom", ()) if one.get("system") == "email" and one.get("use") != "old"]
    said.sort(key=lambda one: one.get("rank", 9))
    return next((str(one["value"]) for one in said if is_address(str(one.get("value", "")))), "")


def letter_to_patient(app: App, tx: Transaction, tenant: Tenant, delivery: Delivery) -> Letter | None:
    """The letter as it may be sent now; None where the request or the address is gone."""
    request = _request(app, tx, delivery)
    if request is None or request.patient_id is None:
        return None
    patient = app.record.fetch(tx, [f"Patient/{request.patient_id}"]).get(f"Patient/{request.patient_id}")
    address = email_of(patient.resource) if patient else ""
    if not address:
        return None
    phone = settings_of(tenant).practice_phone
    call = f"Please call {tenant.name} at {phone}." if phone else f"Please call {tenant.name}."
    return Letter(
        to=address,
        subject=f"A message from {tenant.name}",
        text=f"We have a message for you.\n\n{call}\n\nThis mailbox is not read. In an emergency call 911.\n",
        message_id=delivery.idempotency,
    )


def arrived(app: App, tx: Transaction, delivery: Delivery) -> None:
    """The server took the letter: it is a contact in the record, and the request is done."""
    if delivery.about == REMINDER and (request := _request(app, tx, delivery)) is not None:
        note(app, tx, request, "completed")
        _put(app, tx, {**request.resource, "status": "completed"})


def came_back(app: App, tx: Transaction, delivery: Delivery) -> None:
    """The address does not work: a contact that reached nobody, which opens owned work (CB-08)."""
    request = _request(app, tx, delivery)
    if request is not None:
        note(app, tx, request, "not-done", "bounced")
        _put(app, tx, {**request.resource, "status": "on-hold"})


def _request(app: App, tx: Transaction, delivery: Delivery) -> Stored | None:
    reference = str(delivery.payload.get("request", ""))
    found = app.record.fetch(tx, [reference]).get(reference)
    return found if found is not None and not found.deleted and found.resource.get("status") == "active" else None


def note(app: App, tx: Transaction, request: Stored, status: str, outcome: str | None = None) -> None:
    """The contact is in the record: `in-progress` on its way, `completed`, or `not-done` with its outcome."""
    identity = message_id(tx, request)
    sent = app.record.fetch(tx, [f"Communication/{identity}"]).get(f"Communication/{identity}")
    now = app.clock.now().replace(microsecond=0).isoformat()
    message: dict[str, Any] = {
        "resourceType": "Communication",
        "id": identity,
        "basedOn": [{"reference": request.reference}],
        "status": status,
        "category": request.resource.get("category")
        or [{"coding": [{"system": "urn:careloop:communication", "code": "outreach"}]}],
        "medium": [{"coding": [{"system": _MODE, "code": "EMAILWRIT"}]}],
        "subject": {"reference": f"Patient/{request.patient_id}"},
        "recipient": [{"reference": f"Patient/{request.patient_id}"}],
        "sent": sent.resource["sent"] if sent else now,
    }
    if outcome:
        message["statusReason"] = {"coding": [{"system": "urn:careloop:contact-outcome", "code": outcome}]}
    _put(app, tx, message)


def message_id(tx: Transaction, request: Stored) -> str:
    """The id of the Communication that a request becomes."""
    return derived_id(tx.tenant_id, "reminder", request.id)


def _put(app: App, tx: Transaction, resource: dict[str, Any]) -> None:
    write = Write(method="update", resource_type=resource["resourceType"], id=resource["id"], resource=resource)
    writing.write(app, tx, system_principal(tx.tenant_id, "outreach"), [write])
