"""Observations as readings from home: which are, what they say, in the unit that rules compare in. Pure.

A reading from home names a device, or was given by the patient or somebody near them; a measurement of a visit
(`encounter`) is none. Blood pressure in one Observation is two readings.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from careloop.monitoring.content import Monitoring
from careloop.monitoring.model import Plan, Reading
from careloop.monitoring.units import canonical

TAG = "urn:careloop:reading"
SYMPTOM = "urn:careloop:symptom"
_STANDING = frozenset({"final", "amended", "corrected", "preliminary"})
_AT_HOME = ("Patient/", "RelatedPerson/")
Resource = Mapping[str, Any]


def readings_of(resource: Resource, content: Monitoring, plan: Plan, received: datetime) -> list[Reading]:
    """The readings in an Observation; none where it is not from home, was withdrawn, or gives no time of day."""
    measured = _measured(resource)
    if measured is None or resource.get("status") not in _STANDING or not _is_from_home(resource):
        return []
    tags = {tag.get("code") for tag in _items(resource.get("meta", {}), "tag") if tag.get("system") == TAG}
    device = _device(resource)
    symptoms = tuple(sorted(_symptoms(resource)))
    found = []
    for number, part in enumerate(_parts(resource)):
        known = _metric(part, content)
        if known is None:
            continue
        metric, fasting = known
        value, given = _value(part, metric, content)
        found.append(
            Reading(
                id=f"{resource['id']}#{number}",
                metric=metric,
                value=value,
                measured=measured,
                received=received,
                device=device,
                live="live" in tags or device in plan.live,
                fasting=fasting or "fasting" in tags,
                automatic=bool(device) and "typed" not in tags,
                given=given,
                symptoms=symptoms,
            )
        )
    return [one for one in found if one.value is not None or not one.given]


def _parts(resource: Resource) -> Iterator[Resource]:
    """The Observation itself where it holds a value, then its components."""
    yield resource
    yield from _items(resource, "component")


def _metric(part: Resource, content: Monitoring) -> tuple[str, bool] | None:
    if "valueQuantity" not in part and "dataAbsentReason" not in part:
        return None
    for coding in _items(part.get("code") or {}, "coding"):
        known = content.by_code.get(f"{coding.get('system', '')}|{coding.get('code', '')}")
        if known is not None:
            return known
    return None


def _value(part: Resource, metric: str, content: Monitoring) -> tuple[Decimal | None, str]:
    """The value and what was given in words; no value and no words for what a device could not measure; words alone
    for a unit that is not one of this metric."""
    quantity = part.get("valueQuantity")
    if not isinstance(quantity, Mapping) or "value" not in quantity:
        return None, ""
    unit = str(quantity.get("code") or quantity.get("unit") or content.metrics[metric].unit)
    given = f"{quantity['value']} {quantity.get('unit') or unit}"
    try:
        return canonical(Decimal(str(quantity["value"])), unit, content.metrics[metric], content), given
    except InvalidOperation:
        return None, given


def _is_from_home(resource: Resource) -> bool:
    if resource.get("device"):
        return True
    given_by = [str(one.get("reference", "")) for one in _items(resource, "performer")]
    return "encounter" not in resource and any(one.startswith(_AT_HOME) for one in given_by)


def _measured(resource: Resource) -> datetime | None:
    text = str(resource.get("effectiveDateTime") or resource.get("effectiveInstant") or "")
    if "T" not in text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _device(resource: Resource) -> str:
    device = resource.get("device") or {}
    identifier = device.get("identifier") or {}
    return str(device.get("reference") or identifier.get("value") or device.get("display") or "")


def _symptoms(resource: Resource) -> Iterator[str]:
    """Codes that a check-in told as there."""
    for part in _items(resource, "component"):
        if part.get("valueBoolean") is True:
            for coding in _items(part.get("code") or {}, "coding"):
                if coding.get("system") == SYMPTOM:
                    yield str(coding.get("code", ""))


def _items(resource: Resource, name: str) -> list[Resource]:
    found = resource.get(name) or []
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
