"""Numbers of orders, things and licences: EI, CWE, PLN and plain text as Identifier, each in a system of its own.

Source: HL7 v2.5.1 chapter 2.A; v2-to-FHIR map EI[Identifier].
"""

from careloop.intake.datatypes import TYPES, US_NPI, Context, Json, Rule, period_of, short_code, uri_part
from careloop.intake.hl7v2 import Value


def license_number(value: Value, rule: Rule, context: Context) -> Json | None:
    """PLN to Identifier; the state or agency that gave it is its system."""
    number, kind, agency = value.component(1).strip(), short_code(value.component(2)), value.component(3).strip()
    if not number or number == '""':
        return None
    system = US_NPI if kind == "NPI" else f"urn:careloop:license:{uri_part(agency or context.facility)}"
    result: Json = {"system": system, "value": number}
    if kind:
        result["type"] = {"coding": [{"system": TYPES, "code": kind}]}
    ends = period_of("", value.component(4), context)
    return {**result, "period": ends} if ends else result


def code_identifier(value: Value, rule: Rule, context: Context) -> Json | None:
    """CWE to Identifier: its code, in the system that it names or the sender's own."""
    number, name = value.component(1).strip(), value.component(3).strip()
    if not number or number == '""':
        return None
    system = f"urn:careloop:codesystem:{uri_part(name)}" if name else context.own_authority()
    return _typed({"system": system, "value": number}, rule)


def plain_identifier(value: Value, rule: Rule, context: Context) -> Json | None:
    """ST to Identifier in the sender's own system."""
    number = value.component(1).strip()
    if not number or number == '""':
        return None
    return _typed({"system": context.own_authority(), "value": number}, rule)


def _typed(found: Json, rule: Rule) -> Json:
    kind = str(rule.options.get("kind", ""))
    return {**found, "type": {"coding": [{"system": TYPES, "code": kind}]}} if kind else found


def entity_identifier(value: Value, rule: Rule, context: Context) -> Json | None:
    """EI to Identifier, with the type that the field stands for."""
    number = value.component(1).strip()
    if not number or number == '""':
        return None
    result: Json = {"system": entity_system(value, context), "value": number}
    kind = str(rule.options.get("kind", ""))
    if kind:
        result["type"] = {"coding": [{"system": TYPES, "code": kind}]}
    return result


def entity_system(value: Value, context: Context) -> str:
    """The system of an EI: what the feed maps its authority to, else its own names; else the sender's."""
    names = [value.component(part).strip() for part in (2, 3, 4)]
    for name in names[:2]:
        if name and name in context.feed.authorities:
            return context.feed.authorities[name]
    if names[1] and names[2] == "ISO":
        return f"urn:oid:{uri_part(names[1])}"
    if names[0]:
        return f"urn:careloop:authority:{uri_part(names[0])}"
    if names[1]:
        return names[1] if names[2] == "URI" else f"urn:careloop:authority:{uri_part(names[1])}"
    return context.own_authority()
