"""FHIR values as HL7 v2 data types. Each writer gives the text of one repetition, escaped; empty for nothing. Pure.

Source: HL7 v2.5.1 chapter 2.A (CX, EI, XPN, XAD, XTN, CWE, XCN, PL, PLN, DTM), the reverse of `intake.datatypes`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from careloop.fhir.dates import parse_instant
from careloop.intake.hl7v2 import escape

Json = Mapping[str, Any]
Resolve = Callable[[str], Json | None]

_US_NPI = "http://hl7.org/fhir/sid/us-npi"
_TABLE = "http://terminology.hl7.org/CodeSystem/v2-"
_OURS = re.compile(r"urn:careloop:(?:authority|visit|account|practitioner|facility):(.+)")
_CODES = re.compile(r"urn:careloop:codesystem:(.+)")
_LEVELS = {"wa": 1, "ro": 2, "bd": 3, "si": 4, "bu": 7, "lvl": 8}
_DEEPEST = 8
_NUMERIC = ("valueQuantity", "valueInteger", "valueDecimal")


@dataclass(frozen=True, kw_only=True)
class Writing:
    """What writers need besides the value: the tenant's zone, our own authority, tables, other resources."""

    zone: tzinfo
    authority: str
    tables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    resolve: Resolve = lambda _: None

    def code(self, table: str, code: str) -> str:
        """The HL7 code of a word of FHIR; empty where there is none."""
        return self.tables.get(table, {}).get(code, "")


Writer = Callable[[Any, Writing], str]


def joined(parts: Sequence[str]) -> str:
    """Components with their separator, without empty ones at the end."""
    return "^".join(parts).rstrip("^")


def text(value: Any, writing: Writing) -> str:
    """Any plain value."""
    shown = (
        format(value, "f")
        if isinstance(value, Decimal)
        else str(value).lower()
        if isinstance(value, bool)
        else str(value)
    )
    return escape(shown)


def date(value: Any, writing: Writing) -> str:
    """A date with its precision."""
    return str(value)[:10].replace("-", "")


def date_time(value: Any, writing: Writing) -> str:
    """A date, or an instant in the tenant's zone with its offset."""
    if isinstance(value, str) and len(value) <= 10:
        return value.replace("-", "")
    at = value if isinstance(value, datetime) else parse_instant(str(value), writing.zone)
    local = at.astimezone(writing.zone)
    fraction = f".{local.microsecond // 1000:03}" if local.microsecond >= 1000 else ""
    return f"{local:%Y%m%d%H%M%S}{fraction}{local:%z}"


def identifier(value: Json, writing: Writing) -> str:
    """CX."""
    kinds = [one.get("code", "") for one in (value.get("type") or {}).get("coding", ())]
    parts = [
        escape(value.get("value", "")),
        "",
        "",
        authority(value.get("system", "")),
        escape(kinds[0]) if kinds else "",
    ]
    return joined(parts) if parts[0] else ""


def entity(value: Json, writing: Writing) -> str:
    """EI."""
    number = escape(value.get("value", ""))
    named = authority(value.get("system", "")).replace("&", "^")
    return joined([number, named]) if number else ""


def authority(system: str) -> str:
    """HD as sub-components: a name where we gave it, an OID, else the URI itself."""
    ours = _OURS.fullmatch(system)
    if ours:
        return escape(unquote(ours[1]))
    if system.startswith("urn:oid:"):
        return f"&{escape(system.removeprefix('urn:oid:'))}&ISO"
    return f"&{escape(system)}&URI" if system else ""


def name(value: Json, writing: Writing) -> str:
    """XPN."""
    given = value.get("given") or ("",)
    parts = [value.get("family", ""), given[0], " ".join(given[1:]), _first(value, "suffix"), _first(value, "prefix")]
    if not any(parts):
        parts[0] = value.get("text", "")
    if not any(parts):
        return ""
    return joined([*map(escape, parts), "", writing.code("name-use", value.get("use", ""))])


def address(value: Json, writing: Writing) -> str:
    """XAD: street, other designation, city, state, postal code, country, use, further lines (county in 9)."""
    lines = [*value.get("line", ()), "", ""]
    parts = [lines[0], " ".join(one for one in lines[1:] if one), value.get("city", ""), value.get("state", "")]
    parts += [value.get("postalCode", ""), value.get("country", "")]
    if not any(parts):
        parts[0] = value.get("text", "")
    if not any(parts):
        return ""
    use = writing.code("address-use", value.get("use", ""))
    return joined([*map(escape, parts), use, "", escape(value.get("district", ""))])


def telecom(value: Json, writing: Writing) -> str:
    """XTN: the text in 1 (and 12, where v2.7 wants it), an e-mail address in 4."""
    number, use = value.get("value", ""), value.get("use", "")
    if not number:
        return ""
    code = writing.code("telecom-use", use)
    if value.get("system") == "email":
        return joined(["", code or "NET", "Internet", escape(number)])
    kind = "CP" if use == "mobile" else writing.code("telecom-system", value.get("system", "phone"))
    return joined([escape(number), code, kind])


def concept(value: Json, writing: Writing) -> str:
    """CWE: two codings and the text."""
    if "coding" not in value and "code" in value:
        return coding(value, writing)
    codings = list(value.get("coding", ()))[:2]
    parts = [part for one in codings for part in _coding(one, writing)]
    parts += [""] * (8 - len(parts))
    words = escape(value.get("text", ""))
    if not codings:
        return joined(["", words])
    return joined([*parts[:6], "", "", words])


def coding(value: Json, writing: Writing) -> str:
    """CWE of one coding."""
    return joined(_coding(value, writing))


def _coding(value: Json, writing: Writing) -> list[str]:
    return [escape(value.get("code", "")), escape(value.get("display", "")), _system(value.get("system", ""), writing)]


def _system(system: str, writing: Writing) -> str:
    """CWE.3: table 0396 where it has the system, the name that it came with, else the URI."""
    if system.startswith(_TABLE):
        return "HL7" + system.removeprefix(_TABLE)
    named = _CODES.fullmatch(system)
    if named:
        return escape(unquote(named[1]))
    if system.startswith("urn:careloop:local:"):
        return "L"
    return writing.code("coding-system", system) or escape(system)


def person(value: Json, writing: Writing) -> str:
    """XCN of a reference to a Practitioner (or to its role), or of what the reference says in words."""
    resource = _person(value, writing)
    if resource is None:
        words = value.get("display", "")
        return joined(["", escape(words)]) if words else ""
    known = next(iter(resource.get("identifier", ())), {"value": resource.get("id", ""), "system": ""})
    shown = name(next(iter(resource.get("name", ())), {}), writing).split("^")
    shown += [""] * (7 - len(shown))
    is_npi = known.get("system") == _US_NPI
    where = "NPI" if is_npi else authority(known.get("system", "")) or escape(writing.authority)
    kinds = [one.get("code", "") for one in (known.get("type") or {}).get("coding", ())]
    kind = "NPI" if is_npi else escape(kinds[0]) if kinds else ""
    return joined([escape(known.get("value", "")), *shown[:5], "", "", where, shown[6] or "L", "", "", kind])


def _person(value: Json, writing: Writing) -> Json | None:
    if value.get("resourceType") == "Practitioner":
        return value
    found = writing.resolve(value.get("reference", ""))
    if found is not None and found["resourceType"] == "PractitionerRole":
        return writing.resolve((found.get("practitioner") or {}).get("reference", ""))
    return found if found is not None and found["resourceType"] == "Practitioner" else None


def licence(value: Json, writing: Writing) -> str:
    """PLN."""
    kinds = [one.get("code", "") for one in (value.get("type") or {}).get("coding", ())]
    if value.get("system") == _US_NPI:
        return joined([escape(value.get("value", "")), "NPI"])
    agency = value.get("system", "").removeprefix("urn:careloop:license:")
    return joined([escape(value.get("value", "")), escape(kinds[0]) if kinds else "", escape(unquote(agency))])


def place(value: Json, writing: Writing) -> str:
    """PL of a reference to a Location: the names of the places that hold it, each at the level of its kind."""
    parts = [""] * (_DEEPEST + 1)
    found, steps = writing.resolve(value.get("reference", "")), 0
    while found is not None and steps < _DEEPEST:
        kinds = [one.get("code", "") for one in (found.get("physicalType") or {}).get("coding", ())]
        level = _LEVELS.get(kinds[0], 1) if kinds else 1
        parts[level] = parts[level] or escape(_own_name(found))
        found, steps = writing.resolve((found.get("partOf") or {}).get("reference", "")), steps + 1
    return joined(parts[1:]) or escape(value.get("display", ""))


def _own_name(location: Json) -> str:
    """The name of the place itself: names of rooms and beds repeat those of the ward before them."""
    known = [one.get("value", "") for one in location.get("identifier", ())]
    last = known[0].rpartition("/")[2].rpartition("=")[2] if known and "=" in known[0] else ""
    return str(last or location.get("name", ""))


def value_type(value: Json, writing: Writing) -> str:
    """OBX-2 for the value of an Observation."""
    kinds: Sequence[tuple[str, str]] = (
        *((name, "NM") for name in _NUMERIC), ("valueCodeableConcept", "CWE"), ("valueRange", "SN"),
        ("valueRatio", "SN"), ("valueDateTime", "DTM"), ("valueTime", "TM"), ("valuePeriod", "DR"),
        ("valueBoolean", "CWE"), ("valueString", "TX"),
    )  # fmt: skip
    found = next((kind for element, kind in kinds if element in value), "")
    return "SN" if found == "NM" and (value.get("valueQuantity") or {}).get("comparator") else found


def observed_value(value: Json, writing: Writing) -> str:
    """OBX-5 for the value of an Observation."""
    for element, write in _VALUES.items():
        if element in value:
            return write(value[element], writing)
    return ""


def _quantity(value: Json, writing: Writing) -> str:
    number = text(value["value"], writing) if "value" in value else ""
    return joined([escape(value["comparator"]), number]) if value.get("comparator") else number


def _range(value: Json, writing: Writing) -> str:
    low, high = (_quantity(value.get(end, {}), writing) for end in ("low", "high"))
    return joined(["", low, "-", high])


def _ratio(value: Json, writing: Writing) -> str:
    return joined(
        ["", _quantity(value.get("numerator", {}), writing), ":", _quantity(value.get("denominator", {}), writing)]
    )


def _yes_no(value: bool, writing: Writing) -> str:
    return "Y^Yes^HL70136" if value else "N^No^HL70136"


def _period(value: Json, writing: Writing) -> str:
    return joined([date_time(value[end], writing) if end in value else "" for end in ("start", "end")])


def _time(value: str, writing: Writing) -> str:
    return value.replace(":", "")


_VALUES: Mapping[str, Writer] = {
    "valueQuantity": _quantity, "valueInteger": text, "valueDecimal": text, "valueCodeableConcept": concept,
    "valueRange": _range, "valueRatio": _ratio, "valueDateTime": date_time, "valueTime": _time,
    "valuePeriod": _period, "valueBoolean": _yes_no, "valueString": text,
}  # fmt: skip


def unit(value: Json, writing: Writing) -> str:
    """OBX-6."""
    code, shown = value.get("code", ""), value.get("unit", "")
    if not code:
        return escape(shown)
    return joined([escape(code), escape(shown), _system(value.get("system", ""), writing)])


def reference_range(value: Json, writing: Writing) -> str:
    """OBX-7: low-high, < high, > low, else the words."""
    low, high = (text((value.get(end) or {}).get("value", ""), writing) for end in ("low", "high"))
    if low and high:
        return f"{low}-{high}"
    return f"<{high}" if high else f">{low}" if low else escape(value.get("text", ""))


def _first(value: Json, element: str) -> str:
    found: Sequence[str] = value.get(element) or ("",)
    return found[0]


WRITERS: Mapping[str, Writer] = {
    "address": address, "coding": coding, "concept": concept, "date": date, "date-time": date_time, "entity": entity,
    "identifier": identifier, "license": licence, "name": name, "observed-value": observed_value, "person": person,
    "place": place, "reference-range": reference_range, "telecom": telecom, "text": text, "unit": unit,
    "value-type": value_type,
}  # fmt: skip
"""Writers by the name that maps call them."""
