"""Names of owners and of patients as lists show them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

from careloop.access import accounts
from careloop.access.tenancy import get_tenant
from careloop.db import Transaction
from careloop.flows import routing
from careloop.flows.app import App
from careloop.flows.language_words import language_words
from careloop.flows.patient_reading import (
    INTERPRETER,
    age_on,
    birth_date_of,
    full_name,
    needs_interpreter,
    sex_letter,
)

QUEUE_NAME = "Queue"
_BEST_TIME = "urn:careloop:best-time"


@dataclass(frozen=True, kw_only=True)
class PatientShown:
    """What a list tells of a patient. `language` is empty for English and where nobody asked."""

    name: str
    age: int | None
    sex: str
    language: str
    interpreter: bool
    best_time: str
    may_hear: str
    phones: tuple[str, ...]


_NAMES: WeakKeyDictionary[Transaction, dict[str, str]] = WeakKeyDictionary()
"""What was read in transactions that still go on: a page asks several times, of a large staff for milliseconds each."""


class Names:
    """Owner references as names, as they were when the transaction first asked."""

    def __init__(self, tx: Transaction) -> None:
        self._queue = routing.queue_reference(tx.tenant_id)
        known = _NAMES.get(tx)
        self._staff = accounts.names(tx) if known is None else known
        _NAMES[tx] = self._staff

    def name(self, reference: str) -> str:
        """The name of a person or of the queue; the engine itself has none."""
        if reference == self._queue:
            return QUEUE_NAME
        return self._staff.get(reference, "" if reference == "careloop" else reference.split("/")[-1][:8])

    def initials(self, reference: str) -> str:
        """At most two letters."""
        words = [word for word in self.name(reference).replace(".", " ").split() if word[0].isalpha()]
        return "".join(word[0].upper() for word in (words[:1] + words[-1:] if len(words) > 1 else words))


def zone_of(tx: Transaction) -> ZoneInfo:
    """The tenant's zone."""
    return ZoneInfo(get_tenant(tx, tx.tenant_id).zone)


def patients_shown(
    app: App, tx: Transaction, patient_ids: Sequence[str], now: datetime, zone: ZoneInfo
) -> dict[str, PatientShown]:
    """By patient id; a patient who is no longer in the record is shown without a name."""
    found = app.record.fetch(tx, [f"Patient/{patient_id}" for patient_id in sorted(set(patient_ids))])
    return {
        patient_id: _shown(stored.resource if stored else {"id": patient_id}, now, zone)
        for patient_id in patient_ids
        for stored in [found.get(f"Patient/{patient_id}")]
    }


def with_interpreter(app: App, tx: Transaction, patient_ids: Sequence[str]) -> frozenset[str]:
    """Those of these patients for whom an interpreter is needed. Only what may say so is decoded: few need one."""
    found = app.record.fetch(tx, [f"Patient/{patient_id}" for patient_id in sorted(set(patient_ids))])
    return frozenset(one.id for one in found.values() if INTERPRETER in one.text and needs_interpreter(one.resource))


def _shown(patient: Mapping[str, Any], now: datetime, zone: ZoneInfo) -> PatientShown:
    today = now.astimezone(zone).date()
    marks = {item.get("url"): item for item in patient.get("extension", [])}
    return PatientShown(
        name=full_name(patient),
        age=age_on(birth_date_of(patient), today),
        sex=sex_letter(patient),
        language=language_of(patient),
        interpreter=needs_interpreter(patient),
        best_time=str(marks.get(_BEST_TIME, {}).get("valueString", "")),
        may_hear=_may_hear(patient),
        phones=tuple(str(item["value"]) for item in phone_contacts(patient)),
    )


def language_of(patient: Mapping[str, Any]) -> str:
    """The language that the patient prefers; empty for English and where nobody asked."""
    spoken = sorted(patient.get("communication", []), key=lambda item: not item.get("preferred", False))
    language = language_words(spoken[0].get("language")) if spoken else ""
    return "" if language.lower().startswith("english") else language


def _may_hear(patient: Mapping[str, Any]) -> str:
    """Contacts on record, in words."""
    names = [full_name({"name": [contact["name"]]}) for contact in patient.get("contact", []) if contact.get("name")]
    return f"May hear: {', '.join(names)}." if names else ""


def phone_contacts(patient: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Numbers to call, the one that is called first in front."""
    phones = [item for item in patient.get("telecom", []) if item.get("system") == "phone" and item.get("use") != "old"]
    phones.sort(key=lambda item: (item.get("rank", 9), {"mobile": 0, "home": 1}.get(item.get("use", ""), 2)))
    return [item for item in phones if item.get("value")]
