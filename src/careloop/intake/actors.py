"""People, organizations, places and devices that fields name: XCN, XON, PL, EI. Each becomes a resource beside the one
that refers to it, under an id that the same number or name always gives.
"""

from collections.abc import Sequence

from careloop.fhir.ids import derived_id
from careloop.intake import places
from careloop.intake.datatypes import (
    TYPES,
    US_NPI,
    Context,
    Json,
    Rule,
    address,
    contact_point,
    human_name,
    identifier,
    period_of,
    short_code,
    uri_part,
)
from careloop.intake.hl7v2 import Value
from careloop.intake.identifiers import entity_identifier, license_number

PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_ROLES = {"ATND": "attender", "REF": "referrer", "CON": "consultant", "ADM": "admitter", "PART": "Participation"}
_UNIVERSAL = "http://terminology.hl7.org/CodeSystem/v2-0301"
_ORDER = "http://hl7.org/fhir/StructureDefinition/humanname-assembly-order"
_SITE = Rule(address="", options={"physical-type": "si"})


def practitioner(value: Value, rule: Rule, context: Context) -> Json | None:
    """XCN to a reference to a Practitioner, whose resource is made beside; without a number only the name is kept."""
    number = value.component(1).strip()
    name = _name(value, context)
    shown = " ".join([*name.get("prefix", []), *name.get("given", []), name.get("family", "")]).strip()
    if not number or number == '""':
        return {"display": shown} if shown else None
    system = _person_system(value, context)
    own_id = derived_id(context.tenant_id, "practitioner", system, number)
    known: Json = {"system": system, "value": number}
    kind = short_code(value.component(13))
    if kind:
        known["type"] = {"coding": [{"system": TYPES, "code": kind}]}
    resource: Json = {"resourceType": "Practitioner", "id": own_id, "identifier": [known]}
    if name:
        resource["name"] = [name]
    _add_ways(resource, rule, context)
    key = f"Practitioner/{own_id}"
    if len(resource) >= len(context.made.get(key, ())):
        context.made[key] = resource
    return {"reference": key, **({"display": shown} if shown else {})}


def _name(value: Value, context: Context) -> Json:
    given = [part for part in (value.component(3).strip(), value.component(4).strip()) if part]
    suffixes = (value.component(5).strip(), value.component(7).strip(), value.component(21).strip())
    name: Json = {
        "use": context.tables["name-use"].of(value.component(10).strip()),
        "family": value.component(2).strip(),
        "given": given,
        "suffix": list(dict.fromkeys(part for part in suffixes if part)),
        "prefix": [part for part in (value.component(6).strip(),) if part],
        "period": period_of(value.component(19), value.component(20), context),
    }
    name = {key: part for key, part in name.items() if part and part != '""'}
    order = value.component(18).strip()
    if order and len(order) == 1:
        name["extension"] = [{"url": _ORDER, "valueCode": order}]
    return name if set(name) - {"use", "period", "extension"} else {}


def _person_system(value: Value, context: Context) -> str:
    if value.component(13).strip() == "NPI" or value.component(9, 1).strip() == "NPI":
        return US_NPI
    return context.authority(value, 9) or f"urn:careloop:practitioner:{uri_part(context.facility)}"


def participant(value: Value, rule: Rule, context: Context) -> Json | None:
    """XCN to Encounter.participant with the role that the field stands for."""
    who = practitioner(value, rule, context)
    if who is None:
        return None
    role = rule.options["role"]
    kind = {"coding": [{"system": PARTICIPATION, "code": role}], "text": _ROLES.get(role, role)}
    return {"type": [kind], "individual": who}


def practitioner_role(value: Value, rule: Rule, context: Context) -> Json | None:
    """XCN to a reference to the role of a person in the organization that `beside` names; the person alone where it
    names none."""
    own = {"address": _beside(rule, "own-address"), "telecom": _beside(rule, "own-telecom")}
    who = practitioner(value, Rule(address=rule.address, options=own), context)
    where = next((organization(one, rule, context) for one in _beside(rule, "organization")), None)
    room = next((places.place(one, context) for one in _beside(rule, "location")), None)
    if who is None or (where is None and room is None):
        return who or where
    told = [one for one in (who, where, room) if one is not None]
    own_id = derived_id(
        context.tenant_id, "practitioner-role", *(one.get("reference") or one.get("display", "") for one in told)
    )
    context.made[f"PractitionerRole/{own_id}"] = {
        "resourceType": "PractitionerRole", "id": own_id, "practitioner": who,
        **({"organization": where} if where else {}), **({"location": [room]} if room else {}),
    }  # fmt: skip
    shown = ", ".join(one["display"] for one in (who, where) if one and "display" in one)
    return {"reference": f"PractitionerRole/{own_id}", **({"display": shown} if shown else {})}


def organization(value: Value, rule: Rule, context: Context) -> Json | None:
    """XON to a reference to an Organization: its number (10, else 3) in the system of its authority, and its name."""
    name, number = value.component(1).strip(), value.component(10).strip() or value.component(3).strip()
    system = context.authority(value, 6) or context.own_authority()
    if value.component(7).strip() == "NPI":
        system = US_NPI
    kind = value.component(7).strip()
    return _organization(name, number, system, short_code(kind), rule, context)


def coded_organization(value: Value, rule: Rule, context: Context) -> Json | None:
    """CWE, HD or text to a reference to an Organization: a code and a name, or a name alone."""
    number, name = value.component(1).strip(), value.component(2).strip()
    if rule.options.get("type") == "HD":
        named, universal, kind = (value.component(part).strip() for part in (1, 2, 3))
        system = "urn:ietf:rfc:3986" if kind in ("ISO", "UUID") else f"urn:careloop:universal-id:{uri_part(kind)}"
        number = _universal(universal, kind) if universal else ""
        return _facility(named, (system, number, kind), rule, context)
    if not name:
        return _organization(number, "", "", "", rule, context)
    return _organization(name, number, context.own_authority(), "", rule, context)


def _facility(named: str, universal: tuple[str, str, str], rule: Rule, context: Context) -> Json | None:
    """HD to an Organization under the id that `places.organization` gives to the same name."""
    system, number, kind = universal
    if not named:
        return _organization("", number, system, "", rule, context)
    resource = places.facility(named, context)
    if number:
        typed = {"coding": [{"system": _UNIVERSAL, "code": short_code(kind)}]} if short_code(kind) else {}
        resource["identifier"].append({"system": system, "value": number, **({"type": typed} if typed else {})})
    _add_ways(resource, rule, context)
    context.made[f"Organization/{resource['id']}"] = resource
    return {"reference": f"Organization/{resource['id']}", "display": resource["name"]}


def _universal(universal: str, kind: str) -> str:
    return {"ISO": f"urn:oid:{universal}", "UUID": f"urn:uuid:{universal}"}.get(kind, universal)


def _organization(name: str, number: str, system: str, kind: str, rule: Rule, context: Context) -> Json | None:
    if (not name and not number) or '""' in (name, number):
        return None
    key = (system, number) if number else ("name", context.facility, name)
    own_id = derived_id(context.tenant_id, "organization", *key)
    resource: Json = {"resourceType": "Organization", "id": own_id}
    if number:
        typed = {"type": {"coding": [{"system": TYPES, "code": kind}]}} if kind else {}
        resource["identifier"] = [{"system": system, "value": number, **typed}]
    if name:
        resource["name"] = name
    _add_ways(resource, rule, context)
    reference = f"Organization/{own_id}"
    if len(resource) >= len(context.made.get(reference, ())):
        context.made[reference] = resource
    return {"reference": reference, **({"display": name} if name else {})}


def _add_ways(resource: Json, rule: Rule, context: Context) -> None:
    """Address and telecom that stand in fields beside the name."""
    plain = Rule(address=rule.address)
    addresses = [found for one in _beside(rule, "address") if (found := address(one, plain, context))]
    telecom = [found for one in _beside(rule, "telecom") if (found := contact_point(one, plain, context))]
    resource |= {"address": addresses} if addresses else {}
    resource |= {"telecom": telecom} if telecom else {}
    if resource["resourceType"] == "Organization":
        _add_contact(resource, rule, context)


def _add_contact(resource: Json, rule: Rule, context: Context) -> None:
    """A person to ask, a further number and a country that stand beside an organization."""
    plain = Rule(address=rule.address)
    names = [found for one in _beside(rule, "contact") if (found := human_name(one, plain, context))]
    numbers = [found for one in _beside(rule, "number") if (found := identifier(one, plain, context))]
    asked: Json = {"name": names[0]} if names else {}
    ways = [found for one in _beside(rule, "contact-telecom") if (found := contact_point(one, plain, context))]
    where = [found for one in _beside(rule, "contact-address") if (found := address(one, plain, context))]
    asked |= {"telecom": ways} if ways else {}
    asked |= {"address": where[0]} if where else {}
    resource |= {"contact": [asked]} if asked else {}
    if numbers:
        resource["identifier"] = [*resource.get("identifier", ()), *numbers]
    country = next((one.component(1).strip() for one in _beside(rule, "country")), "")
    if country and "address" not in resource:
        resource["address"] = [{"country": country}]


def _beside(rule: Rule, name: str) -> Sequence[Value]:
    found: Sequence[Value] = rule.options.get(name, ())
    return found


def organization_with_director(value: Value, rule: Rule, context: Context) -> Json | None:
    """XON, with the person who directs it beside: the role of that person there, else the organization itself."""
    place = organization(value, rule, context)
    directors = _beside(rule, "director")
    if place is None or not directors:
        return place
    who = practitioner(directors[0], Rule(address=rule.address), context)
    if who is None:
        return place
    own_id = derived_id(context.tenant_id, "practitioner-role", "MDIR", str(who), str(place))
    context.made[f"PractitionerRole/{own_id}"] = {
        "resourceType": "PractitionerRole", "id": own_id, "practitioner": who, "organization": place,
        "code": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0912", "code": "MDIR"}]}],
    }  # fmt: skip
    return {"reference": f"PractitionerRole/{own_id}", **({"display": place["display"]} if "display" in place else {})}


def numbered_organization(value: Value, rule: Rule, context: Context) -> Json | None:
    """CX to a reference to the Organization that has this number."""
    number = value.component(1).strip()
    system = context.authority(value) or context.own_authority()
    return _organization("", number, system, short_code(value.component(5)), rule, context)


def name_with_date(value: Value, rule: Rule, context: Context) -> Json | None:
    """NDL to a reference to a Practitioner: CNN in its first component."""
    name = value.part(1)
    number = name.component(1).strip()
    who = practitioner(Value(_in_order(name, number), value.delimiters), Rule(address=rule.address), context)
    held = period_of(value.component(2), value.component(3), context)
    parts = [value.component(part) for part in range(4, 12)]
    sign = value.delimiters.component
    where = places.place(Value(sign.join([*parts[:4], *parts[4:]]), value.delimiters), context) if any(parts) else None
    if who is None or (held is None and where is None):
        return who
    own_id = derived_id(context.tenant_id, "practitioner-role", "NDL", str(who), str(held), str(where))
    context.made[f"PractitionerRole/{own_id}"] = {
        "resourceType": "PractitionerRole", "id": own_id, "practitioner": who, **({"period": held} if held else {}),
        **({"location": [where]} if where else {}),
    }  # fmt: skip
    return {"reference": f"PractitionerRole/{own_id}", **({"display": who["display"]} if "display" in who else {})}


def _in_order(name: Value, number: str) -> str:
    """CNN in the order of XCN: id, family, given, second, suffix, prefix, degree, source, authority."""
    sign = (name.whole or name.delimiters).component
    return sign.join([number, *(name.component(part) for part in range(2, 10))])


def provider(value: Value, rule: Rule, context: Context) -> Json | None:
    """XPN to a Practitioner with the number, address and telecom that stand beside it."""
    name = human_name(value, Rule(address=rule.address), context)
    if name is None:
        return None
    plain = Rule(address=rule.address)
    known = [found for one in _beside(rule, "number") if (found := license_number(one, plain, context))]
    parts = [f"{one['system']}|{one['value']}" for one in known[:1]] or [
        "name", context.facility, name.get("family", ""), *name.get("given", ()),
    ]  # fmt: skip
    own_id = derived_id(context.tenant_id, "practitioner", *parts)
    resource: Json = {"resourceType": "Practitioner", "id": own_id, "name": [name]}
    resource |= {"identifier": known} if known else {}
    _add_ways(resource, rule, context)
    context.made[f"Practitioner/{own_id}"] = resource
    shown = " ".join([*name.get("prefix", []), *name.get("given", []), name.get("family", "")]).strip()
    return {"reference": f"Practitioner/{own_id}", **({"display": shown} if shown else {})}


def administered_at(value: Value, rule: Rule, context: Context) -> Json | None:
    """LA2 to a reference to a Location: its facility (4), else its point of care."""
    facility = value.part(4)
    name = facility.component(1).strip()
    if not name:
        return places.place(value, context)
    return named_location(Value(name, value.delimiters), Rule(address=rule.address), context)


def location(value: Value, rule: Rule, context: Context) -> Json | None:
    """PL to a reference to the deepest Location it names."""
    return places.place(value, context)


def named_location(value: Value, rule: Rule, context: Context) -> Json | None:
    """A place that has a name and no more, or a code and a name."""
    name = value.component(2).strip() or value.component(1).strip()
    if not name or name == '""':
        return None
    own_id = derived_id(context.tenant_id, "location", "name", context.facility, name)
    resource: Json = {"resourceType": "Location", "id": own_id, "name": name, "mode": "instance"}
    _add_ways(resource, rule, context)
    if "address" in resource:
        resource["address"] = resource["address"][0]
    if rule.options.get("physical-type"):
        resource["physicalType"] = {"coding": [{"system": places.PHYSICAL, "code": rule.options["physical-type"]}]}
    context.made[f"Location/{own_id}"] = resource
    return {"reference": f"Location/{own_id}", "display": name}


def code_location(value: Value, rule: Rule, context: Context) -> Json | None:
    """CWE to a reference to a Location: its code as the number, its name, and what stands beside."""
    code, name = value.component(1).strip(), value.component(2).strip()
    found = named_location(Value(name or code, value.delimiters), rule, context)
    if found and code and code != '""':
        known = {"system": context.own_authority(), "value": code}
        context.made[found["reference"]]["identifier"] = [known]
    return found


def discharge_location(value: Value, rule: Rule, context: Context) -> Json | None:
    """DLD to a reference to a Location: the code and name of where somebody was discharged to."""
    place = value.part(1)
    code, name = place.component(1).strip(), place.component(2).strip()
    if not code or code == '""':
        return None
    found = named_location(Value(name or code, value.delimiters), _SITE, context)
    if found and name:
        system = f"urn:careloop:discharge-location:{uri_part(context.facility)}"
        context.made[found["reference"]]["identifier"] = [{"system": system, "value": code}]
    return found


def event_location(value: Value, rule: Rule, context: Context) -> Json | None:
    """HD to a reference to a Location: the name of a facility, with its universal id."""
    found = named_location(Value(value.component(1), value.delimiters), _SITE, context)
    universal, kind = value.component(2).strip(), value.component(3).strip()
    if found and universal:
        known = {"system": "urn:ietf:rfc:3986", "value": _universal(uri_part(universal), kind)}
        context.made[found["reference"]]["identifier"] = [known]
    return found


def device(value: Value, rule: Rule, context: Context) -> Json | None:
    """EI to a reference to a Device with that identifier."""
    found = entity_identifier(value, rule, context)
    if found is None:
        return None
    own_id = derived_id(context.tenant_id, "device", found.get("system", context.facility), found["value"])
    context.made[f"Device/{own_id}"] = {
        "resourceType": "Device", "id": own_id, "identifier": [found],
    }  # fmt: skip
    return {"reference": f"Device/{own_id}", "display": found["value"]}
