"""What a message says of a person joined with what stands: newer words win element by element, older ones never do.

Pure. `told` remembers when each element was last said, so that any order of arrival gives the same Patient
(security.md §1: the event time of TR-03 decides, then arrival).
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from careloop.intake.datatypes import Json
from careloop.intake.timestamps import instant_text

CONTACT_CHECKED = "urn:careloop:contact-checked"
"""On a number: who of our staff wrote it down, or found that it does not work. No message takes it away (0249)."""

_ADDS_UP = ("identifier",)
_RIVALS = {
    "deceasedDateTime": "deceasedBoolean",
    "deceasedBoolean": "deceasedDateTime",
    "multipleBirthInteger": "multipleBirthBoolean",
    "multipleBirthBoolean": "multipleBirthInteger",
}
"""Elements of which a Patient can have only one."""


def joined_patient(
    before: Mapping[str, Any] | None, said: Mapping[str, Any], told: Mapping[str, str], at: datetime, patient_id: str
) -> tuple[Json, dict[str, str]]:
    """The Patient after these words, and `told` brought up to date."""
    patient: Json = dict(before or {"resourceType": "Patient", "id": patient_id, "active": True})
    when = dict(told)
    stamp = instant_text(at)
    for element, value in said.items():
        if element in _ADDS_UP:
            patient[element] = _added(patient.get(element) or [], value or [])
        elif element == "extension":
            _join_extensions(patient, value or [], when, stamp)
        elif _is_newer(when, element, stamp):
            beside = _with_checked(patient.get(element) or [], value) if element == "telecom" else value
            _put(patient, when, element, beside, stamp)
    return patient, when


def is_checked(contact: Mapping[str, Any]) -> bool:
    """True for a number that one of our staff wrote down or found wrong."""
    return any(one.get("url") == CONTACT_CHECKED for one in contact.get("extension") or ())


def _with_checked(standing: list[Json], said: list[Json] | None) -> list[Json] | None:
    """What our staff checked stands first, as they left it; what the message says of other numbers stands beside it."""
    checked = [one for one in standing if is_checked(one)]
    known = {_plain(one) for one in checked}
    first = any(one.get("rank") == 1 for one in checked)
    beside = [
        {name: value for name, value in one.items() if not (first and name == "rank")}
        for one in said or ()
        if _plain(one) not in known
    ]
    return [*checked, *beside] or None


def _plain(contact: Mapping[str, Any]) -> str:
    """A number by its last ten digits, however it is written; anything else as it is."""
    digits = re.sub(r"\D", "", str(contact.get("value", "")))
    return digits[-10:] if len(digits) >= 7 else str(contact.get("value", "")).lower()


def _put(patient: Json, when: dict[str, str], element: str, value: Any, stamp: str) -> None:
    rival = _RIVALS.get(element)
    if rival and rival in patient:
        if not _is_newer(when, rival, stamp):
            return
        patient.pop(rival)
    when[element] = stamp
    if value is None:
        patient.pop(element, None)
    else:
        patient[element] = value


def _join_extensions(patient: Json, said: list[Json], when: dict[str, str], stamp: str) -> None:
    """All that was said under one url takes the place of what stood under it."""
    for url in dict.fromkeys(extension["url"] for extension in said):
        key = f"extension {url}"
        if _is_newer(when, key, stamp):
            when[key] = stamp
            others = [one for one in patient.get("extension", []) if one.get("url") != url]
            patient["extension"] = [*others, *(one for one in said if one["url"] == url)]


def _is_newer(when: Mapping[str, str], element: str, stamp: str) -> bool:
    return element not in when or _sortable(when[element]) <= _sortable(stamp)


def _sortable(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp.replace("Z", "+00:00"))


def _added(standing: list[Json], said: list[Json]) -> list[Json]:
    known = {(one.get("system"), one.get("value")) for one in standing}
    return [*standing, *(one for one in said if (one.get("system"), one.get("value")) not in known)]


_CHOICES = (
    "value",
    "effective",
    "onset",
    "occurrence",
    "performed",
    "medication",
    "abatement",
    "collected",
    "asNeeded",
)
"""Elements of which a resource has one, whatever its type: `valueString` takes the place of `valueQuantity`."""
_NEWEST = "*"


def joined_resource(
    before: Mapping[str, Any] | None, said: Mapping[str, Any], told: Mapping[str, str], at: datetime
) -> tuple[Json, dict[str, str]]:
    """A resource after these words, and `told` brought up to date: under `*` when most of it was said, beside that the
    elements that were said earlier. The later word wins, whichever came first; what nobody said again stays, and
    numbers add up."""
    stamp = instant_text(at)
    if before is None:
        return dict(said), {_NEWEST: stamp}
    resource: Json = dict(before)
    times = {element: told.get(element, told.get(_NEWEST)) for element in before}
    for element, value in said.items():
        if element in _ADDS_UP and isinstance(value, list) and element in resource:
            resource[element] = _added(value, resource[element])
            continue
        rivals = [one for one in _rivals(element, resource) if one != element]
        standing = [time for one in (element, *rivals) if one in resource and (time := times.get(one)) is not None]
        if element in ("resourceType", "id") or any(_sortable(time) > at for time in standing):
            continue
        for one in rivals:
            del resource[one], times[one]
        resource[element] = _with_foreign(resource.get(element), value) if element == "extension" else value
        times[element] = stamp
    return resource, _short(times)


def _rivals(element: str, resource: Mapping[str, Any]) -> list[str]:
    stem = next(
        (one for one in _CHOICES if element.startswith(one) and element[len(one) : len(one) + 1].isupper()), None
    )
    if stem is None:
        return []
    return [one for one in resource if one.startswith(stem) and one[len(stem) : len(stem) + 1].isupper()]


def _with_foreign(standing: list[Json] | None, said: list[Json]) -> list[Json]:
    told = {one.get("url") for one in said}
    return [*said, *(one for one in standing or () if one.get("url") not in told)]


def _short(times: Mapping[str, str | None]) -> dict[str, str]:
    known = {
        element: time for element, time in times.items() if time is not None and element not in ("resourceType", "id")
    }
    newest = max(known.values(), key=_sortable, default="")
    return {_NEWEST: newest, **{element: time for element, time in known.items() if time != newest}} if newest else {}
