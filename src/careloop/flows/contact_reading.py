"""Communications of the record as contacts of the budget, and what a patient wants. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from careloop.engagement.contacts.model import Budget, Choice, Contact
from careloop.flows.timeline import instant_of
from careloop.loops.facts.contacts import OUTCOMES, TWO_WAY_MEDIA

Resource = Mapping[str, Any]

REFUSED = "urn:careloop:contact-refused"
"""Extension of Patient, repeated, valueCode of v3-ParticipationMode: never by this way (CN-07, one for all)."""
PREFERRED = "urn:careloop:contact-preferred"
"""Extension of Patient, valueCode of v3-ParticipationMode."""
BEST_TIME = "urn:careloop:best-time"
"""Extension of Patient, valueString: when, in the patient's own words."""
_PATIENT_SIDE = ("Patient/", "RelatedPerson/")
_MADE = frozenset({"completed", "not-done", "in-progress", "stopped"})


def contacts_of(messages: Iterable[Resource], budget: Budget) -> list[Contact]:
    """Everything that went out to the patient side by a way that the budget knows, oldest first."""
    known = [one for one in messages if one.get("status") in _MADE]
    answered = {
        str(to.get("reference", "")).split("/_history/")[0]
        for one in known
        if _is_patient_side([one.get("sender") or {}])
        for to in one.get("inResponseTo", ())
    }
    found = [_contact(one, answered, budget) for one in known if is_outgoing(one)]
    return sorted((one for one in found if one is not None), key=lambda one: (one.at, one.reference))


def is_outgoing(message: Resource) -> bool:
    """True for what was sent to the patient, or to somebody who cares for them."""
    return _is_patient_side(message.get("recipient", ())) and not _is_patient_side([message.get("sender") or {}])


def _contact(message: Resource, answered: frozenset[str] | set[str], budget: Budget) -> Contact | None:
    medium, at = medium_of(message), instant_of(message.get("sent"))
    if at is None or medium not in budget.titles:
        return None
    reference, outcome = f"Communication/{message['id']}", outcome_of(message)
    two_way = medium in TWO_WAY_MEDIA and message.get("status") == "completed" and not outcome
    return Contact(
        reference=reference,
        at=at,
        medium=medium,
        answered=two_way or bool(message.get("received")) or reference in answered,
        failure=outcome if outcome in budget.failures else "",
        agreed=not budget.agreed_categories.isdisjoint(_categories(message)),
    )


def _categories(message: Resource) -> set[str]:
    return {
        f"{coding.get('system', '')}|{coding.get('code', '')}"
        for one in message.get("category", ())
        for coding in one.get("coding", ())
    }


def medium_of(message: Resource) -> str:
    """The code of v3-ParticipationMode by which it went; empty where nobody said."""
    codes = [
        str(coding.get("code", "")).upper() for one in message.get("medium", ()) for coding in one.get("coding", ())
    ]
    return codes[0] if codes else ""


def outcome_of(message: Resource) -> str:
    """The code of `urn:careloop:contact-outcome` of a contact that reached nobody, else empty."""
    codings = (message.get("statusReason") or {}).get("coding", ())
    return next((str(one.get("code", "")) for one in codings if one.get("system") == OUTCOMES), "")


def choice_of(patient: Resource) -> Choice:
    """What the patient said about being contacted."""
    said = patient.get("extension", ())
    preferred = [str(one.get("valueCode", "")) for one in said if one.get("url") == PREFERRED]
    hours = [str(one.get("valueString", "")) for one in said if one.get("url") == BEST_TIME]
    return Choice(
        refused=frozenset(str(one.get("valueCode", "")) for one in said if one.get("url") == REFUSED),
        preferred=next(iter(preferred), ""),
        hours=next(iter(hours), ""),
    )


def with_choice(patient: Resource, choice: Choice) -> dict[str, Any]:
    """The patient with what they said now in place of what they said before."""
    ours = {REFUSED, PREFERRED, BEST_TIME}
    kept = [one for one in patient.get("extension", ()) if one.get("url") not in ours]
    kept += [{"url": REFUSED, "valueCode": code} for code in sorted(choice.refused)]
    kept += [{"url": PREFERRED, "valueCode": choice.preferred}] if choice.preferred else []
    kept += [{"url": BEST_TIME, "valueString": choice.hours}] if choice.hours else []
    without = {name: value for name, value in patient.items() if name != "extension"}
    return {**without, "extension": kept} if kept else without


def _is_patient_side(people: Iterable[Resource]) -> bool:
    return any(str(one.get("reference", "")).startswith(_PATIENT_SIDE) for one in people)
