"""What a Communication is called on a timeline: a talk, a try, a message, a letter. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_TRIES = {
    "no-answer": "Call, no answer",
    "left-message": "Call, left a message",
    "wrong-number": "Call, wrong number",
    "busy": "Call, line busy",
}
_SAYS = {
    ("education", "WRITTEN"): ("file-text", "Something to read was sent"),
    ("education", ""): ("phone", "Explained, and asked to say it back"),
    ("understood", ""): ("check", "Said it back rightly"),
}
"""What communications of these categories are called: by their medium, else as they are."""
_WRITTEN = {
    "ONLINEWRIT": "Message",
    "EMAILWRIT": "E-mail",
    "SMSWRIT": "Text",
    "MAILWRIT": "Letter",
}


@dataclass(frozen=True, kw_only=True)
class ContactWords:
    """Icon, title, and a sentence after what was said, empty where there is none."""

    icon: str
    title: str
    more: str = ""


def words_of(resource: Mapping[str, Any]) -> ContactWords:
    """How a timeline names this contact."""
    if resource.get("status") != "completed":
        outcome = (resource.get("statusReason", {}).get("coding") or [{}])[0].get("code", "")
        return ContactWords(icon="phone-missed", title=_TRIES.get(outcome, "Tried to reach the patient"))
    category = _category(resource)
    for code in (*_media(resource), ""):
        if (category, code) in _SAYS:
            icon, title = _SAYS[category, code]
            return ContactWords(icon=icon, title=title)
    written = next((_WRITTEN[code] for code in _media(resource) if code in _WRITTEN), "")
    sender = str(resource.get("sender", {}).get("reference", ""))
    if not written and not _media(resource) and sender.startswith(("Patient/", "RelatedPerson/")):
        return ContactWords(icon="message-square", title="Message from the patient")
    if not written:
        return ContactWords(icon="phone", title="Talked with the patient or caregiver")
    way = "from" if sender.startswith(("Patient/", "RelatedPerson/")) else "to"
    more = "Seen by the patient." if way == "to" and resource.get("received") else ""
    return ContactWords(icon="message-square", title=f"{written} {way} the patient", more=more)


def minutes_of(resource: Mapping[str, Any]) -> int:
    """The minutes that a contact took, 0 when nobody wrote them."""
    for extension in resource.get("extension", []):
        if extension.get("url") == "urn:careloop:minutes":
            return int(extension.get("valueDecimal", extension.get("valueInteger", 0)))
    return 0


def _category(resource: Mapping[str, Any]) -> str:
    codes = [coding for one in resource.get("category", ()) for coding in one.get("coding", ())]
    return next((str(one.get("code")) for one in codes if one.get("system") == "urn:careloop:communication"), "")


def _media(resource: Mapping[str, Any]) -> list[str]:
    return [str(coding.get("code", "")) for one in resource.get("medium", ()) for coding in one.get("coding", ())]
