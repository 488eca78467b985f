"""Names, addresses, ways to reach someone: HL7 v3 EN, AD and TEL as FHIR. Pure."""

import re

from careloop.fhir.xmls import Element, text_of
from careloop.intake.ccda.model import Json
from careloop.intake.ccda.times import date_time
from careloop.intake.ccda.values import Context, is_null

_NAME_USES = {"L": "usual", "C": "official", "P": "nickname", "A": "anonymous", "ASGN": "usual", "OR": "official"}
_ADDRESS_USES = {"H": "home", "HP": "home", "HV": "temp", "WP": "work", "TMP": "temp", "BAD": "old", "DIR": "work"}
_PHONE_USES = {"H": "home", "HP": "home", "HV": "home", "WP": "work", "DIR": "work", "MC": "mobile", "TMP": "temp"}
_PARTS = {"family": "family", "given": "given", "prefix": "prefix", "suffix": "suffix"}
_LINES = (
    "streetAddressLine",
    "streetName",
    "houseNumber",
    "additionalLocator",
    "unitID",
    "postBox",
    "deliveryAddressLine",
)


def name(element: Element, context: Context) -> Json | None:
    """EN or PN. A name without parts is text; a null name says nothing."""
    if is_null(element):
        return None
    found: Json = {}
    for child in element:
        key = _PARTS.get(child.tag)
        said = text_of(child)
        if key is None or not said or is_null(child):
            continue
        if key == "family":
            found["family"] = f"{found['family']} {said}" if "family" in found else said
        else:
            found.setdefault(key, []).append(said)
    if not found:
        words = text_of(element)
        return {"text": words} if words else None
    use = _name_use(element)
    valid = _validity(element, context)
    return {**({"use": use} if use else {}), **found, **({"period": valid} if valid else {})}


def _name_use(element: Element) -> str | None:
    """Use of a name. A family name given at birth is the maiden name, however the name is marked; a name of which only
    the given name is marked so, and that has no use, is a former one (C-CDA R2.1, previous name)."""
    if any(child.tag == "family" and child.get("qualifier") == "BR" for child in element):
        return "maiden"
    use = next((_NAME_USES[one] for one in (element.get("use") or "").split() if one in _NAME_USES), None)
    return use or ("old" if any(child.get("qualifier") == "BR" for child in element) else None)


def organization_name(element: Element, context: Context) -> str | None:
    """ON as text."""
    return None if is_null(element) else text_of(element) or None


def address(element: Element, context: Context) -> Json | None:
    """AD, part by part; text where it has none."""
    if is_null(element):
        return None
    lines = [text_of(child) for child in element if child.tag in _LINES and not is_null(child)]
    found: Json = {"line": [one for one in lines if one]}
    for tag, key in (
        ("city", "city"),
        ("county", "district"),
        ("state", "state"),
        ("postalCode", "postalCode"),
        ("country", "country"),
    ):
        part = element.find(tag)
        if part is not None and not is_null(part):
            found[key] = text_of(part)
    kept = {key: value for key, value in found.items() if value}
    if not kept:
        words = text_of(element)
        return {"text": words} if words and len(element) == 0 else None
    use = next((_ADDRESS_USES[one] for one in (element.get("use") or "").split() if one in _ADDRESS_USES), None)
    valid = _validity(element, context)
    return {**({"use": use} if use else {}), **kept, **({"period": valid} if valid else {})}


def _validity(element: Element, context: Context) -> Json | None:
    span = element.find("useablePeriod")
    span = element.find("validTime") if span is None else span
    if span is None:
        return None
    found = {}
    for tag, key in (("low", "start"), ("high", "end")):
        end = span.find(tag)
        said = date_time(end.get("value"), context.zone) if end is not None else None
        if said:
            found[key] = said
    return found or None


def telecom(element: Element, context: Context) -> Json | None:
    """TEL. A number without a scheme is a phone."""
    said = (element.get("value") or "").strip()
    if is_null(element) or not said:
        return None
    scheme, _, rest = said.partition(":") if re.match(r"[A-Za-z]+:", said) else ("tel", "", said)
    rest = " ".join(rest.split())
    systems = {"tel": "phone", "fax": "fax", "mailto": "email", "http": "url", "https": "url", "sms": "sms"}
    system = systems.get(scheme.lower(), "other")
    uses = (element.get("use") or "").split()
    use = next((_PHONE_USES[one] for one in uses if one in _PHONE_USES), None)
    found: Json = {"system": system, "value": said if system in ("url", "other") else rest}
    if not found["value"]:
        return None
    if use:
        found["use"] = use
    return found
