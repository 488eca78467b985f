"""E-mail to patients: that there is news, never what (security.md §6). What comes back is owned work."""

from collections.abc import Mapping
from typing import Any

from careloop import community
from careloop.access.keys import open_keyring
from careloop.access.model import Tenant, system_principal
from careloop.access.tenancy import settings_of
from careloop.db import Transaction
from careloop.fhir.ids import derived_id
from careloop.flows import engine, writing
from careloop.flows.app import App
from careloop.flows.education_record import language_of
from careloop.flows.home_words import words_for
from careloop.monitoring import check_in_store
from careloop.monitoring.content import monitoring_of
from careloop.outbox import Delivery
from careloop.outside.mail import Letter, Server, is_address
from careloop.record import Stored, Write

REMINDER = "reminder"
"""`about` of a delivery that is for a patient; its payload names a CommunicationRequest."""
CHECK_IN = "check-in"
"""The category of a request that asks a patient how they are; its letter has a link."""
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
    if is_check_in(request.resource):
        return _check_in(app, tx, tenant, request, patient, address, delivery)
    phone = settings_of(tenant).practice_phone
    call = f"Please call {tenant.name} at {phone}." if phone else f"Please call {tenant.name}."
    return Letter(
        to=address,
        subject=f"A message from {tenant.name}",
        text=f"We have a message for you.\n\n{call}\n\nThis mailbox is not read. In an emergency call 911.\n",
        message_id=delivery.idempotency,
    )


def is_check_in(request: Mapping[str, Any]) -> bool:
    """True for a request, or what came of one, that asks the patient how they are."""
    return any(
        coding.get("code") == CHECK_IN for one in request.get("category", ()) for coding in one.get("coding", ())
    )


def _check_in(
    app: App,
    tx: Transaction,
    tenant: Tenant,
    request: Stored,
    patient: Stored | None,
    address: str,
    delivery: Delivery,
) -> Letter | None:
    """The question with its link; None where it was answered or is over."""
    based = [str(one.get("reference", "")) for one in request.resource.get("basedOn", ())]
    links = community.links_of_request(tx, based[0] if based else request.reference)
    link = next((one for one in links if one.is_good(app.clock.now())), None)
    if link is None or patient is None:
        return None
    words = words_for(monitoring_of(engine.catalog_for(app, tx)), language_of(patient.resource))
    code = community.codes_of(open_keyring(app.settings.data_dir), link.id, link.sheet_number).secret
    asks = words.mail_remind if based else words.mail_ask
    lines = [tenant.name, asks, f"{address_of(app)}/p/{community.as_path(code)}", words.mail_foot, words.interpreter]
    return Letter(
        to=address,
        subject=words.mail_subject,
        text="\n\n".join(line for line in lines if line) + "\n",
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
        check_in_store.execute(tx, "by_phone", id=request.id)
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
