"""What the record holds already of what somebody types: nothing is typed that a feed can bring (ui.md §1.3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from careloop.access.model import Principal
from careloop.db import Transaction
from careloop.engagement.capture import Measure, Reading, canonical_of
from careloop.engagement.capture.model import Unit
from careloop.flows import people
from careloop.flows.app import App
from careloop.flows.timeline import instant_of

_LATELY = timedelta(minutes=30)
_WITHDRAWN = frozenset({"entered-in-error", "cancelled"})
_ALIKE = Decimal("0.001")


@dataclass(frozen=True, kw_only=True)
class Latest:
    """The newest value of a measure: its numbers in the canonical unit, as it is written, who told it, when."""

    values: tuple[Decimal, ...]
    says: str
    source: str
    at: datetime

    @property
    def value(self) -> Decimal:
        """The first of the numbers."""
        return self.values[0]

    def is_same(self, reading: Reading) -> bool:
        """True where the typed value is the one of the record."""
        numbers = canonical_of(reading)
        pairs = zip(numbers, self.values, strict=False)
        alike = (abs(one - other) <= _ALIKE * max(abs(one), Decimal(1)) for one, other in pairs)
        return len(numbers) == len(self.values) and all(alike)


def latest_of(app: App, tx: Transaction, principal: Principal, patient_id: str, measure: Measure) -> Latest | None:
    """The newest reading of this measure, whoever told it; None where there is none that can be compared."""
    codes = ",".join((measure.code.token, *measure.same))
    pairs = [("patient", patient_id), ("code", codes), ("_sort", "-date"), ("_count", "5")]
    found = app.record.search(tx, principal, "Observation", pairs, app.clock.now()).entries
    for stored in found:
        at = instant_of(stored.resource.get("effectiveDateTime") or stored.resource.get("issued"))
        read = _values(stored.resource, measure)
        if stored.resource.get("status") not in _WITHDRAWN and at is not None and read is not None:
            values, says = read
            return Latest(values=values, says=says, source=_source(tx, stored.resource), at=at)
    return None


def called_lately(app: App, tx: Transaction, principal: Principal, patient_id: str) -> str:
    """What says that this person logged a call with the patient within half an hour; empty where none was."""
    pairs = [("patient", patient_id), ("_sort", "-sent"), ("_count", "5")]
    now = app.clock.now()
    for stored in app.record.search(tx, principal, "Communication", pairs, now).entries:
        sent = instant_of(stored.resource.get("sent"))
        mine = (stored.resource.get("sender") or {}).get("reference") == principal.reference
        media = {one.get("code") for concept in stored.resource.get("medium", ()) for one in concept.get("coding", ())}
        is_call = "PHONE" in media and stored.resource.get("status") != "entered-in-error"
        if is_call and mine and sent is not None and now - sent < _LATELY:
            local = sent.astimezone(people.zone_of(tx))
            return f"You saved a call with this patient at {local:%-I:%M} {local:%p}"
    return ""


def _values(resource: Mapping[str, Any], measure: Measure) -> tuple[tuple[Decimal, ...], str] | None:
    if not measure.parts:
        quantities = [resource.get("valueQuantity")]
    else:
        by_code = {
            coding.get("code"): part.get("valueQuantity")
            for part in resource.get("component", ())
            for coding in part.get("code", {}).get("coding", ())
        }
        quantities = [by_code.get(part.code.code) for part in measure.parts]
    numbers = [_number(one, measure) for one in quantities]
    if any(one is None for one in numbers):
        return None
    said = "/".join(str((one or {}).get("value")) for one in quantities)
    unit = str((quantities[-1] or {}).get("unit") or (quantities[-1] or {}).get("code") or "")
    return tuple(one for one in numbers if one is not None), f"{said} {unit}".strip()


def _number(quantity: Mapping[str, Any] | None, measure: Measure) -> Decimal | None:
    """In the canonical unit; None where the unit is none that the measure knows."""
    if not quantity or quantity.get("value") is None or quantity.get("comparator"):
        return None
    unit = next((one for one in measure.units if quantity.get("code") == one.code), None)
    unit = unit or next((one for one in measure.units if str(quantity.get("unit", "")).lower() in one.words), None)
    if unit is None:
        return None
    return _converted(Decimal(str(quantity["value"])), unit, measure)


def _converted(value: Decimal, unit: Unit, measure: Measure) -> Decimal:
    alone = Reading(measure=measure, values=(value,), unit=unit)
    return canonical_of(alone)[0]


def _source(tx: Transaction, resource: Mapping[str, Any]) -> str:
    device = resource.get("device") or {}
    if device:
        return str(device.get("display") or "a device")
    performer: Mapping[str, Any] = next(iter(resource.get("performer", ())), {})
    reference = str(performer.get("reference", ""))
    if performer.get("display"):
        return str(performer["display"])
    return people.Names(tx).name(reference) if reference.startswith("Practitioner/") else "another system"
