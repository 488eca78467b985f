"""Appointments: who and what is booked from when to when (AIP, AIL, AIG), and spans of time with their units.

Source: HL7 v2.5.1 chapter 10; v2-to-FHIR maps SCH[Appointment], AIP[Appointment], AIL[Appointment], AIG[Appointment].
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from careloop.errors import Rejected
from careloop.fhir.ids import derived_id
from careloop.intake import actors, values
from careloop.intake.datatypes import Context, Json, Rule, concept
from careloop.intake.hl7v2 import Value
from careloop.intake.timestamps import moment

_SECOND, _HOUR, _DAY = Decimal(1) / 60, Decimal(60), Decimal(1440)
_MINUTES: dict[str, Decimal] = {
    **dict.fromkeys(("S", "SEC"), _SECOND),
    **dict.fromkeys(("", "M", "MIN", "MINUTE", "MINUTES"), Decimal(1)),
    **dict.fromkeys(("H", "HR", "HOUR", "HOURS"), _HOUR),
    **dict.fromkeys(("D", "DAY", "DAYS"), _DAY),
}
_LONGEST_MINUTES = 60 * 24 * 366


def minutes(value: Value, rule: Rule, context: Context) -> int | None:
    """NM with its unit as whole minutes; minutes where no unit is named."""
    units: Sequence[Value] = rule.options.get("unit", ())
    return _minutes(value, units)


def _minutes(amount: Value, units: Sequence[Value]) -> int | None:
    found = values.number(amount.component(1))
    factor = _MINUTES.get(units[0].component(1).strip().upper() if units else "")
    if found is None or factor is None:
        return None
    whole = int(found * factor)
    return whole if 0 < whole <= _LONGEST_MINUTES else None


def instant_after(value: Value, rule: Rule, context: Context) -> str | None:
    """The instant at the end of a span that begins at this time; None where either is missing."""
    return _after(value, rule, context)


def _after(start: Value, rule: Rule, context: Context) -> str | None:
    amounts: Sequence[Value] = rule.options.get("amount", ())
    long = _minutes(amounts[0], rule.options.get("unit", ())) if amounts else None
    text = values.instant(start, rule, context)
    if long is None or text is None:
        return None
    return (datetime.fromisoformat(text) + timedelta(minutes=long)).isoformat()


def period_of_minutes(value: Value, rule: Rule, context: Context) -> Json | None:
    """A time and the minutes that follow it as a Period."""
    spans: Sequence[Value] = rule.options.get("minutes", ())
    prepared = Rule(address=rule.address, options={"amount": spans})
    end = _after(value, prepared, context)
    text = value.component(1).strip()
    return {"start": moment(text, context.feed.zone, rule.address).text, "end": end} if end else None


def scheduled_practitioner(value: Value, rule: Rule, context: Context) -> Json | None:
    """AIP to a participant."""
    return _participant(actors.practitioner(value, Rule(address=rule.address), context), rule, context)


def scheduled_location(value: Value, rule: Rule, context: Context) -> Json | None:
    """AIL to a participant; what kind of place it is (AIL-4) is told of the place."""
    where = actors.location(value, Rule(address=rule.address), context)
    kinds = [found for one in rule.options.get("type", ())[:1] if (found := concept(one, Rule(address=""), context))]
    if where and kinds:
        context.made[where["reference"]].setdefault("type", kinds)
    return _participant(where, rule, context)


def scheduled_resource(value: Value, rule: Rule, context: Context) -> Json | None:
    """AIG to a participant: a thing known by a code and a name, as a Device."""
    return _participant(named_device(value, rule, context), rule, context)


def named_device(value: Value, rule: Rule, context: Context) -> Json | None:
    """CWE to a reference to a Device; without a code only the name is kept."""
    number, shown = value.component(1).strip(), value.component(2).strip()
    if not number or number == '""':
        return {"display": shown} if shown else None
    system = context.own_authority()
    own_id = derived_id(context.tenant_id, "device", system, number)
    named = {"deviceName": [{"name": shown, "type": "model-name"}]} if shown else {}
    context.made[f"Device/{own_id}"] = {
        "resourceType": "Device", "id": own_id, "identifier": [{"system": system, "value": number}], **named,
    }  # fmt: skip
    return {"reference": f"Device/{own_id}", **({"display": shown} if shown else {})}


def _participant(actor: Json | None, rule: Rule, context: Context) -> Json | None:
    if actor is None:
        return None
    result: Json = {"actor": actor, "status": _status(rule, context)}
    kinds = [found for one in rule.options.get("type", ())[:1] if (found := concept(one, Rule(address=""), context))]
    if kinds:
        result["type"] = kinds
    held = _held(rule, context)
    return {**result, "period": held} if held else result


def _status(rule: Rule, context: Context) -> str:
    told: Sequence[Value] = rule.options.get("status", ())
    return (context.tables["participant-status"].of(told[0].component(1).strip()) if told else None) or "accepted"


def _held(rule: Rule, context: Context) -> Json | None:
    starts: Sequence[Value] = rule.options.get("start", ())
    if not starts:
        return None
    try:
        start = moment(starts[0].component(1).strip(), context.feed.zone, rule.address).text
    except Rejected:
        return None
    end = _after(starts[0], rule, context)
    return {"start": start, **({"end": end} if end else {})}
