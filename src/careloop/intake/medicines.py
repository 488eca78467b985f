"""What a medicine is made of (RXC). Source: HL7 v2.5.1 chapter 4.A; v2-to-FHIR map RXO[MedicationRequest]."""

from collections.abc import Sequence

from careloop.fhir.ids import derived_id
from careloop.intake import values
from careloop.intake.datatypes import Context, Json, Rule, concept
from careloop.intake.hl7v2 import Value

_ONE = {"value": 1}


def ingredient(value: Value, rule: Rule, context: Context) -> Json | None:
    """A component of a mixture as Medication.ingredient: the Medication itself stands beside, with the amount of it
    that goes in; the strength is said of it here."""
    code = concept(value, Rule(address=rule.address), context)
    if code is None:
        return None
    amount, strength = _ratio(rule, "amount", context), _ratio(rule, "strength", context)
    own_id = derived_id(context.tenant_id, "medication", context.facility, str(code), str(amount))
    context.made[f"Medication/{own_id}"] = {
        "resourceType": "Medication", "id": own_id, "code": code, **({"amount": amount} if amount else {}),
    }  # fmt: skip
    result: Json = {"itemReference": {"reference": f"Medication/{own_id}"}}
    return {**result, "strength": strength} if strength else result


def _ratio(rule: Rule, name: str, context: Context) -> Json | None:
    amounts: Sequence[Value] = rule.options.get(name, ())
    beside = {"unit": rule.options.get(f"{name}-unit", ())}
    found = values.quantity(amounts[0], Rule(address=rule.address, options=beside), context) if amounts else None
    return {"numerator": found, "denominator": _ONE} if found else None
