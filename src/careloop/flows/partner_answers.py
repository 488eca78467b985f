"""A partner's answer becomes part of the record: one transaction, once.

What was said is a Communication; a visit that was booked an Appointment; a report a DocumentReference; the fulfilment
Task moves as referrals do (`flows.referring` where the request is a referral). A Provenance names the link. The loops
see it as they see anything else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from careloop import community
from careloop.access.keys import open_keyring
from careloop.community import Codes, NewLink, PartnerLink, Purpose
from careloop.db import Transaction
from careloop.engagement.paper import reading
from careloop.errors import Conflict
from careloop.fhir.ids import derived_id
from careloop.flows import filing, partner_referrals, writing
from careloop.flows.app import App
from careloop.flows.partner_forms import Said
from careloop.flows.partner_links import LIFE, Door, is_proof
from careloop.record import Write

Json = dict[str, Any]

CONSULT_NOTE = ("11488-4", "Consult note")
FACILITY_DOCUMENT = ("34133-9", "Summary of episode note")


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file that came with an answer."""

    name: str
    content: bytes


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What was saved, and the code for the next answer where one is awaited."""

    says: str
    next_code: Codes | None


def save(app: App, door: Door, proof: str, said: Said, upload: Upload | None) -> Answered | None:
    """The answer is in the record and the link is used; None where somebody answered first, or the form is too old.
    `Rejected` for a file that is not a readable PDF, TIFF or JPEG within the limits."""
    if not is_proof(app, door.link.id, proof, app.clock.now()):
        return None
    if upload is not None:
        reading.look(upload.content)

    def work(tx: Transaction) -> Answered | None:
        with tx.widened():
            link = community.lock_link(tx, door.link.id)
            if link is None or not link.is_good(app.clock.now()):
                return None
            return answer(app, tx, door, said, upload)

    sight = door.principal.narrowing
    return app.database.run(door.tenant.id, work, actor=door.principal.reference, sight=sight)


def answer(app: App, tx: Transaction, door: Door, said: Said, upload: Upload | None) -> Answered:
    """The seam: one answer of one link, written in `tx`, which holds the link's row. `Conflict` where it was used."""
    now, zone, link = app.clock.now(), ZoneInfo(door.tenant.zone), door.link
    if not community.use_link(tx, link.id, said.option.code, now):
        raise Conflict("this link was answered before")
    documents = _documents(tx, door, said, upload, now, zone)
    writes = [*documents, _communication(tx, door, said, now, zone)]
    is_referral = link.purpose is Purpose.SPECIALIST and partner_referrals.is_referral(app, tx, link.request)
    if not is_referral:
        writes += _appointment(tx, door, said, zone)
        writes += _task(app, tx, door, said, writes, now, zone)
    written = writing.write(app, tx, door.principal, writes)
    if is_referral:
        partner_referrals.move(app, tx, door.principal, link.request, said, documents, zone)
    who = _partner(link)
    targets = [one.versioned_reference for one in written if one.resource_type != "Binary"]
    note = filing.provenance(f"link {link.id}", targets, who, now, zone, "answered by a one-use link", tx.tenant_id)
    writing.write(app, tx, door.principal, [note])
    has_report = any(one.resource_type == "DocumentReference" for one in writes)
    return Answered(says=said.words, next_code=_next(app, tx, door, said, now, has_report=has_report))


def _documents(
    tx: Transaction, door: Door, said: Said, upload: Upload | None, now: datetime, zone: ZoneInfo
) -> list[Write]:
    """The report: the file, or the words where the answer is given in words."""
    kind = CONSULT_NOTE if door.link.purpose is Purpose.SPECIALIST else FACILITY_DOCUMENT
    words = said.texts.get("note", "") if said.option.code == "seen" else ""
    if upload is None and not words:
        return []
    content = upload.content if upload else words.encode()
    filed = filing.Filed(
        key=f"link {door.link.id}",
        patient_id=_patient_id(door),
        content=content,
        content_type=reading.type_of(content) if upload else "text/plain; charset=utf-8",
        kind=kind,
        title=f"{kind[1]} from {door.link.partner}",
        came=now,
        related=_about(door.link),
        author=_partner(door.link),
    )
    return filing.document_writes(tx.tenant_id, filed, zone)


def _communication(tx: Transaction, door: Door, said: Said, now: datetime, zone: ZoneInfo) -> Write:
    link = door.link
    about = [{"reference": one} for one in _about(link)]
    replied = {"inResponseTo": [{"reference": link.request}]} if link.request.startswith("Communication/") else {}
    return filing.put(
        {
            "resourceType": "Communication",
            "id": derived_id(tx.tenant_id, "partner answer", link.id),
            "identifier": [{"system": "urn:careloop:partner-link", "value": link.id}],
            "basedOn": [one for one in about if not one["reference"].startswith("Communication/")],
            **replied,
            "status": "completed",
            "category": [{"coding": [{"system": "urn:careloop:communication", "code": "partner-answer"}]}],
            "reasonCode": [{"coding": [{"system": "urn:careloop:partner-answer", "code": said.option.code}]}],
            "subject": {"reference": f"Patient/{_patient_id(door)}"},
            "sent": filing.stamp(now, zone),
            "received": filing.stamp(now, zone),
            "sender": _partner(link),
            "payload": [{"contentString": said.words}],
        }
    )


def _appointment(tx: Transaction, door: Door, said: Said, zone: ZoneInfo) -> list[Write]:
    """The visit that was booked, where a day was given for it."""
    if said.option.code != "accepted" or door.link.purpose is not Purpose.SPECIALIST or "day" not in said.dates:
        return []
    link, day = door.link, said.dates["day"]
    starts = said.at or datetime(day.year, day.month, day.day, 12, tzinfo=zone)
    with_whom = said.texts.get("with", "")
    appointment: Json = {
        "resourceType": "Appointment",
        "id": derived_id(tx.tenant_id, "partner visit", link.id),
        "status": "booked",
        "description": f"Visit at {link.partner}{' with ' + with_whom if with_whom else ''}",
        "start": filing.stamp(starts, zone),
        "end": filing.stamp(starts, zone),
        "basedOn": [{"reference": link.request}],
        "participant": [
            {"actor": {"reference": f"Patient/{_patient_id(door)}"}, "status": "accepted"},
            {"actor": _partner(link), "status": "accepted"},
        ],
    }
    if said.at is None:
        appointment["comment"] = "The partner gave the day and no time."
    return [filing.put(appointment)]


STATES: Mapping[tuple[Purpose, str], tuple[str, str]] = {
    (Purpose.SPECIALIST, "accepted"): ("accepted", "accepted; not yet scheduled"),
    (Purpose.SPECIALIST, "booked"): ("in-progress", "appointment booked"),
    (Purpose.SPECIALIST, "need-more"): ("on-hold", "waiting for information from referring side"),
    (Purpose.SPECIALIST, "cannot"): ("rejected", "declined with reason"),
    (Purpose.SPECIALIST, "seen"): ("in-progress", "visit done; report awaited"),
    (Purpose.SPECIALIST, "reported"): ("in-progress", "consult note arrived"),
    (Purpose.COMMUNITY, "accepted"): ("accepted", "accepted; not yet scheduled"),
    (Purpose.COMMUNITY, "cannot"): ("rejected", "declined with reason"),
    (Purpose.COMMUNITY, "help-given"): ("in-progress", "help given, as the organization says"),
    (Purpose.FACILITY, "sent"): ("completed", "sent"),
    (Purpose.FACILITY, "by"): ("accepted", "promised"),
    (Purpose.FACILITY, "cannot"): ("rejected", "declined with reason"),
    (Purpose.CAREGIVER, "yes"): ("completed", "answered: yes"),
    (Purpose.CAREGIVER, "no"): ("completed", "answered: no"),
    (Purpose.CAREGIVER, "other"): ("completed", "answered in words"),
}
"""The status of the fulfilment Task and its business status, after domain referral-states.csv. Help that was given is
not yet help that arrived: the patient confirms that (RF-10)."""


def state_of(purpose: Purpose, said: Said, *, has_report: bool) -> tuple[str, str]:
    """What the fulfilment Task is after this answer."""
    code = said.option.code
    if code == "accepted" and "day" in said.dates and purpose is Purpose.SPECIALIST:
        code = "booked"
    if code == "seen" and has_report:
        code = "reported"
    return STATES[purpose, code]


def _task(
    app: App, tx: Transaction, door: Door, said: Said, writes: Sequence[Write], now: datetime, zone: ZoneInfo
) -> list[Write]:
    """The fulfilment Task as the answer moves it; nothing where the request has none or it has ended."""
    link = door.link
    stored = app.record.fetch(tx, [link.task]).get(link.task) if link.task else None
    if stored is None or stored.deleted or stored.resource.get("status") in ("completed", "cancelled", "failed"):
        return []
    has_report = any(one.resource_type == "DocumentReference" for one in writes)
    status, words = state_of(link.purpose, said, has_report=has_report)
    outputs = [
        {"type": {"text": _OUTPUT[one.resource_type]}, "valueReference": {"reference": f"{one.resource_type}/{one.id}"}}
        for one in writes
        if one.resource_type in _OUTPUT
    ]
    task = {
        **stored.resource,
        "status": status,
        "businessStatus": {"text": words},
        "lastModified": filing.stamp(now, zone),
        "output": [*stored.resource.get("output", ()), *outputs],
    }
    if status == "rejected":
        task["statusReason"] = {"text": said.texts.get("why", "")}
    if status == "on-hold":
        task["statusReason"] = {"text": said.texts.get("more", "")}
    return [filing.put(task)]


_OUTPUT = {"DocumentReference": "report", "Appointment": "appointment", "Communication": "answer"}


def _next(app: App, tx: Transaction, door: Door, said: Said, now: datetime, *, has_report: bool) -> Codes | None:
    """A link for the next answer, where one is awaited: a visit after an acceptance, a report after a visit."""
    link = door.link
    if not said.option.again or (said.option.code == "seen" and has_report):
        return None
    new = NewLink(
        purpose=link.purpose,
        patient_id=link.patient_id,
        request=link.request,
        partner=link.partner,
        task=link.task,
        partner_reference=link.partner_reference,
        asks=link.asks,
        expects=link.expects,
        number=link.sheet_number,
    )
    keys = open_keyring(app.settings.data_dir)
    return community.add_link(tx, keys, new, now=now, expires=now + LIFE, created_by=door.principal.reference)


def _about(link: PartnerLink) -> list[str]:
    return [one for one in (link.request, link.task) if one]


def _partner(link: PartnerLink) -> Json:
    """The partner as a Reference: by name, by their resource where it is known, by the link that they used."""
    told = {"reference": link.partner_reference} if link.partner_reference else {}
    return {**told, "identifier": {"system": "urn:careloop:partner-link", "value": link.id}, "display": link.partner}


def _patient_id(door: Door) -> str:
    sight = door.principal.sight
    return (sight.patient_id if sight else None) or door.link.patient_id
