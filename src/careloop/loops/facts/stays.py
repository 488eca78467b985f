"""Encounters as stays: class history, every discharge ever reported, what is known of the admission.

The conventions of our own intake are in `docs/clarifications/loops.md`; an Encounter that any FHIR client wrote
without them is a stay too, with one discharge when it is finished.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from careloop.loops.facts.model import ClassInterval, Discharge, Stay
from careloop.loops.facts.parts import (
    Reader,
    Resource,
    StoredResource,
    codes_of,
    codings,
    end_of_span,
    extension_value,
    extensions,
    first_code,
    is_practitioner,
    references,
    start_of_span,
    versioned,
)

STAY_CLASSES = frozenset({"IMP", "ACUTE", "NONAC", "OBSENC", "EMER", "PRENC"})
UNKNOWN_CLASS = "UNK"
_DAY = timedelta(hours=20)


def is_stay(encounter: Resource) -> bool:
    """True when the encounter is, or was, in a hospital, a facility or an emergency department.

    A discharge that a hospital reported without saying of what kind counts too: unknown is not false.
    """
    codes = {_class_code(encounter.get("class"))} | {_class_code(p.get("class")) for p in _history(encounter)}
    if not codes.isdisjoint(STAY_CLASSES):
        return True
    return codes <= {None, UNKNOWN_CLASS} and any(extensions(encounter, "urn:careloop:discharge"))


def read_stay(stored: StoredResource, conditions: Mapping[str, frozenset[str]], reader: Reader) -> Stay:
    """The stay in an Encounter. `conditions` are the codes of the patient's Conditions by reference."""
    encounter = stored.resource
    hospitalization = encounter.get("hospitalization", {})
    unknown = extension_value(encounter, "urn:careloop:admit-unknown") is True
    start = None if unknown else start_of_span(encounter.get("period"), reader.zone)
    planned = encounter.get("status") == "planned"
    people = frozenset(filter(is_practitioner, _participants(encounter)))
    return Stay(
        id=stored.id,
        reference=versioned(stored),
        status=str(encounter.get("status", "")),
        classes=_classes(encounter, start, reader),
        start=None if planned else start,
        discharges=() if planned else tuple(_discharges(encounter, hospitalization, reader)),
        admit_unknown=unknown,
        planned_start=start if planned else None,
        priority=first_code(encounter.get("priority")),
        admit_source=first_code(hospitalization.get("admitSource")),
        service=_service(encounter),
        site=_site(encounter),
        was_planned=_was_planned(encounter, hospitalization),
        practitioners=people,
        diagnoses=codes_of(encounter.get("reasonCode")) | _diagnoses(encounter, conditions, principal=False),
        principal=_principal(encounter, conditions),
        pending_discharge=_pending(encounter, start, stored.last_updated, reader),
        recorded=stored.last_updated,
        reason=_reason(encounter),
    )


def _class_code(coding: Any) -> str | None:
    return coding.get("code") if isinstance(coding, Mapping) else None


def _history(encounter: Resource) -> list[Resource]:
    return [part for part in encounter.get("classHistory", ()) if isinstance(part, Mapping)]


def _participants(encounter: Resource) -> frozenset[str]:
    return references([part.get("individual") for part in encounter.get("participant", ())])


def _classes(encounter: Resource, start: datetime | None, reader: Reader) -> tuple[ClassInterval, ...]:
    parts = [
        ClassInterval(
            code=str(_class_code(part.get("class"))),
            start=start_of_span(part.get("period"), reader.zone),
            end=end_of_span(part.get("period"), reader.zone),
        )
        for part in _history(encounter)
    ]
    parts.sort(key=lambda part: (part.start is not None, part.start or reader_floor))
    now = _class_code(encounter.get("class"))
    if now is not None and (not parts or parts[-1].code != now):
        since = parts[-1].end if parts else start
        parts.append(ClassInterval(code=now, start=since, end=None))
    return tuple(parts)


reader_floor = datetime.fromisoformat("0001-01-01T00:00:00+00:00")


def _discharges(encounter: Resource, hospitalization: Resource, reader: Reader) -> Iterator[Discharge]:
    told = _disposition(hospitalization.get("dischargeDisposition"))
    reported = [_reported(item, reader) for item in extensions(encounter, "urn:careloop:discharge")]
    if reported:
        standing = [item for item in reported if item is not None and item.cancelled is None]
        for item in reported:
            if item is not None:
                is_last = bool(standing) and item.key == max(standing, key=lambda one: (one.at, one.key)).key
                yield item if item.disposition or not is_last else _with_disposition(item, told)
        return
    left = _left_at(encounter, reader)
    if encounter.get("status") == "finished" and left is not None:
        yield Discharge(key="end", at=left, disposition=told)


def _with_disposition(item: Discharge, told: str | None) -> Discharge:
    return Discharge(key=item.key, at=item.at, disposition=told, cancelled=item.cancelled, recorded=item.recorded)


def _left_at(encounter: Resource, reader: Reader) -> datetime | None:
    """The end as written; where only the date is known, its last second, so that nothing counts too early."""
    end = encounter.get("period", {}).get("end")
    first, after = start_of_span(end, reader.zone), end_of_span(end, reader.zone)
    if first is None or after is None:
        return None
    return after - timedelta(seconds=1) if after - first > _DAY else first


def _reported(item: Resource, reader: Reader) -> Discharge | None:
    at = start_of_span(extension_value(item, "at"), reader.zone)
    key = extension_value(item, "key")
    if at is None or key is None:
        return None
    disposition = extension_value(item, "disposition")
    return Discharge(
        key=str(key),
        at=at,
        disposition=_two_digits(disposition if not isinstance(disposition, Mapping) else disposition.get("code")),
        cancelled=start_of_span(extension_value(item, "cancelled"), reader.zone),
        recorded=start_of_span(extension_value(item, "recorded"), reader.zone),
    )


def _disposition(concept: Any) -> str | None:
    """The NUBC code if there is one, else any other code: content maps those that it knows."""
    for coding in codings(concept):
        if "nubc" in str(coding.get("system", "")) and coding.get("code"):
            return _two_digits(coding["code"])
    return _two_digits(first_code(concept))


def _two_digits(code: Any) -> str | None:
    text = str(code or "").strip()
    return (text.zfill(2) if text.isdigit() else text) or None


def _reason(encounter: Resource) -> str:
    """Why the patient came, as the first reason says it in words; empty when nobody said."""
    for concept in encounter.get("reasonCode", ()):
        text = concept.get("text") or next((coding.get("display") for coding in codings(concept)), None)
        if text:
            return str(text)
    return ""


def _service(encounter: Resource) -> str | None:
    service = encounter.get("serviceType")
    if not isinstance(service, Mapping):
        return None
    text = service.get("text") or next((coding.get("display") for coding in codings(service)), None)
    return text or first_code(service)


def _site(encounter: Resource) -> str | None:
    """Where it was: the provider, else whoever gave the visit number (TR-01)."""
    provider = encounter.get("serviceProvider")
    if isinstance(provider, Mapping):
        named = provider.get("reference") or provider.get("display") or provider.get("identifier", {}).get("value")
        if named:
            return str(named)
    return next((item.get("system") for item in encounter.get("identifier", ()) if item.get("system")), None)


def _was_planned(encounter: Resource, hospitalization: Resource) -> bool:
    """True for a stay that was booked before: it has a pre-admission number, or was planned at some time (TR-57)."""
    if "preAdmissionIdentifier" in hospitalization:
        return True
    return any(item.get("status") == "planned" for item in encounter.get("statusHistory", ()))


def _diagnoses(encounter: Resource, conditions: Mapping[str, frozenset[str]], *, principal: bool) -> frozenset[str]:
    found: set[str] = set()
    for item in encounter.get("diagnosis", ()):
        if not principal or item.get("rank") == 1:
            for reference in references(item.get("condition")):
                found |= conditions.get(reference, frozenset())
    return frozenset(found)


def _principal(encounter: Resource, conditions: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The diagnosis of rank 1, else the only one, else the first reason of the stay."""
    ranked = _diagnoses(encounter, conditions, principal=True)
    is_alone = len(encounter.get("diagnosis", ())) == 1
    alone = _diagnoses(encounter, conditions, principal=False) if is_alone else frozenset()
    reasons = encounter.get("reasonCode", ())
    return ranked or alone or (codes_of(reasons[0]) if reasons else frozenset())


def _pending(encounter: Resource, start: datetime | None, recorded: datetime, reader: Reader) -> datetime | None:
    """Since when a discharge is announced; where only the fact is known, since the stay began."""
    value = extension_value(encounter, "urn:careloop:pending-discharge")
    if value is True:
        return start or recorded
    return start_of_span(value, reader.zone) if isinstance(value, str) else None
