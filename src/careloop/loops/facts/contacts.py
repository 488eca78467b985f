"""Communications as contacts and attempts (interface.md §4, evidence table; TR-21 to TR-23).

A call, video call or talk is contact when it is completed with the patient or a related person as recipient. SMS,
e-mail, portal message and letter are contact only when received or answered; until then they are attempts.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from careloop.loops.facts.model import Contact, Fact
from careloop.loops.facts.parts import (
    Reader,
    Resource,
    StoredResource,
    codes_of,
    codings,
    is_practitioner,
    references,
    roles_of,
    span,
    start_of_span,
    versioned,
)

OUTREACH = "urn:careloop:communication|outreach"
OUTCOMES = "urn:careloop:contact-outcome"
TWO_WAY_MEDIA = frozenset({"PHONE", "VIDEOCONF", "FACE", "VERBAL", "PHYSICAL"})
"""Codes of v3-ParticipationMode (HL7 Terminology 2023) in which both sides speak."""
_UNREACHED = {
    "no-answer": "no answer",
    "left-message": "left a message",
    "wrong-number": "wrong number",
    "busy": "line busy",
}
_NAMES = {
    "PHONE": "call",
    "VIDEOCONF": "video call",
    "FACE": "talk",
    "VERBAL": "talk",
    "PHYSICAL": "talk",
    "SMSWRIT": "text message",
    "EMAILWRIT": "e-mail",
    "MAILWRIT": "letter",
    "ONLINEWRIT": "portal message",
}


def replies_in(communications: Sequence[StoredResource], reader: Reader) -> dict[str, datetime]:
    """When the patient first answered, by the message that was answered."""
    found: dict[str, datetime] = {}
    for stored in communications:
        message = stored.resource
        if message.get("status") != "completed" or not _is_patient_side(references(message.get("sender"))):
            continue
        at = _sent(stored, reader)[0]
        for answered in references(message.get("inResponseTo")):
            found[answered] = min(at, found.get(answered, at))
    return found


def read_communication(stored: StoredResource, replies: Mapping[str, datetime], reader: Reader) -> Fact:
    """The Communication as a fact, contact or attempt or neither."""
    message = stored.resource
    at, latest = _sent(stored, reader)
    answered = _answered(stored, replies, reader)
    contact = _contact(message, answered)
    if contact is Contact.REACHED and _medium(message) not in TWO_WAY_MEDIA and answered is not None:
        at = latest = max(at, answered)
    people = frozenset(filter(is_practitioner, references(message.get("sender"))))
    return Fact(
        reference=versioned(stored),
        resource_type="Communication",
        at=at,
        latest=latest,
        status=str(message.get("status", "")),
        says=_words(message, contact),
        categories=codes_of(message.get("category")),
        contact=contact,
        about_patient=_is_patient_side(references(message.get("recipient"))),
        has_practitioner=bool(people),
        roles=roles_of(people, reader),
        practitioners=people,
        sender=next(iter(sorted(references(message.get("sender")))), ""),
        keys={"priority": str(message.get("priority", "routine"))},
        reasons=codes_of(message.get("reasonCode")),
        changed=stored.last_updated,
        ties=references(*(message.get(name) for name in ("basedOn", "partOf", "about", "encounter", "inResponseTo"))),
    )


def _is_patient_side(people: frozenset[str]) -> bool:
    return any(person.startswith(("Patient/", "RelatedPerson/")) for person in people)


def _sent(stored: StoredResource, reader: Reader) -> tuple[datetime, datetime]:
    """When it was sent; for one that says no time, when it was written down."""
    message = stored.resource
    found = span(message.get("sent"), reader.zone) or span(message.get("received"), reader.zone)
    return found or (stored.last_updated, stored.last_updated)


def _answered(stored: StoredResource, replies: Mapping[str, datetime], reader: Reader) -> datetime | None:
    received = start_of_span(stored.resource.get("received"), reader.zone)
    known = [at for at in (received, replies.get(f"Communication/{stored.id}")) if at is not None]
    return min(known, default=None)


def _medium(message: Resource) -> str | None:
    codes = [str(coding.get("code", "")).upper() for coding in codings(message.get("medium", []))]
    return next((code for code in codes if code in TWO_WAY_MEDIA), codes[0] if codes else None)


def _outcome(message: Resource) -> str | None:
    for coding in codings(message.get("statusReason")):
        if coding.get("system") == OUTCOMES and coding.get("code") in _UNREACHED:
            return str(coding["code"])
    return None


def _contact(message: Resource, answered: datetime | None) -> Contact | None:
    if _outcome(message) is not None and message.get("status") in ("not-done", "completed"):
        return Contact.ATTEMPT
    if message.get("status") != "completed" or not _is_patient_side(references(message.get("recipient"))):
        return None
    if not message.get("sent"):
        return None
    is_two_way = _medium(message) in TWO_WAY_MEDIA or (_medium(message) is not None and answered is not None)
    return Contact.REACHED if is_two_way else Contact.ATTEMPT


def _words(message: Resource, contact: Contact | None) -> str:
    name = _NAMES.get(_medium(message) or "", "message")
    if contact is Contact.REACHED:
        return f"{name}, reached"
    if contact is Contact.ATTEMPT:
        return f"{name}, {_UNREACHED.get(_outcome(message) or '', 'no answer yet')}"
    return name
