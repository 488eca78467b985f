"""HL7 v2 data types in the words of FHIR R4: CX, XPN, XAD, XTN, XCN, PL, CWE. Each function is one conversion.

A conversion gives None where the field says nothing that FHIR can hold. Source: HL7 v2.5.1 chapter 2.A and the HL7
v2-to-FHIR data type maps (2025-10).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from careloop.errors import Rejected
from careloop.intake.hl7v2 import Value
from careloop.intake.model import Feed
from careloop.intake.timestamps import moment

Json = dict[str, Any]
US_SSN = "http://hl7.org/fhir/sid/us-ssn"
US_NPI = "http://hl7.org/fhir/sid/us-npi"
TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"


@dataclass(frozen=True, kw_only=True)
class Table:
    """A code table of `tables.yaml`: from an HL7 code to a FHIR code of `system`."""

    codes: Mapping[str, str]
    system: str | None = None
    display: Mapping[str, str] = field(default_factory=dict)
    systems: Mapping[str, str] = field(default_factory=dict)
    """For FHIR codes of another system than `system`."""

    def system_of(self, code: str) -> str | None:
        """The system of a FHIR code of this table."""
        return self.systems.get(code, self.system)

    def of(self, code: str) -> str | None:
        """The FHIR code; upper and lower case are the same."""
        return self.codes.get(code) or self.codes.get(code.upper())


@dataclass(frozen=True, kw_only=True)
class Context:
    """What conversions need besides the field. `made` collects resources that fields name: people, places."""

    tenant_id: int
    facility: str
    feed: Feed
    tables: Mapping[str, Table]
    made: dict[str, Json] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def authority(self, value: Value, component: int = 4) -> str | None:
        """The FHIR system of the assigning authority in a component, as the feed maps it (interface.md §5)."""
        names = [value.component(component, part).strip() for part in (1, 2, 3)]
        for name in names[:2]:
            if name and name in self.feed.authorities:
                return self.feed.authorities[name]
        if names[0]:
            return f"urn:careloop:authority:{uri_part(names[0])}"
        if names[1] and names[2] == "ISO":
            return f"urn:oid:{uri_part(names[1])}"
        if names[1] and names[2] == "URI":
            return names[1]
        return None

    def own_authority(self) -> str:
        """The system for numbers whose sender named no authority: the sending facility's own."""
        mapped = self.feed.authorities.get(self.facility)
        return mapped or f"urn:careloop:authority:{uri_part(self.facility)}"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One line of a mapping file, as far as a conversion may look at it."""

    address: str
    table: Table | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


Conversion = Callable[[Value, Rule, Context], Any]


def uri_part(text: str) -> str:
    """Text that may stand in a URI: blanks and signs are percent-encoded."""
    return quote(text.strip() or "unknown", safe="-._~:@")


def clean_code(text: str) -> str:
    """A code as FHIR wants it: single blanks inside, nothing that cannot be printed; else empty."""
    code = " ".join(text.split())
    return code if code.isprintable() and code != '""' else ""


def short_code(text: str) -> str:
    """A code of table 0203 and the like: a word of at most five letters."""
    code = clean_code(text)
    return code if len(code) <= 5 else ""


def identifier(value: Value, rule: Rule, context: Context) -> Json | None:
    """CX to Identifier; without an authority the number belongs to the sending facility."""
    number = value.component(1).strip()
    if not number or number == '""':
        return None
    result: Json = {"system": context.authority(value) or context.own_authority(), "value": number}
    kind = short_code(value.component(5))
    if kind:
        result["type"] = {"coding": [{"system": TYPES, "code": kind}]}
    assigner = value.component(6).strip() or value.component(4).strip()
    if assigner:
        result["assigner"] = {"display": assigner}
    validity = period_of(value.component(7), value.component(8), context)
    return {**result, "period": validity} if validity else result


def named_identifier(value: Value, rule: Rule, context: Context) -> Json | None:
    """CX to Identifier where an authority is named; a bare number of unknown origin says nothing."""
    return identifier(value, rule, context) if context.authority(value) else None


def drivers_license(value: Value, rule: Rule, context: Context) -> Json | None:
    """DLN to Identifier: the number of a state's driver's licence."""
    number, state = value.component(1).strip(), value.component(2).strip()
    if not number or not state or number == '""':
        return None
    result: Json = {
        "system": f"urn:careloop:drivers-license:{uri_part(state)}", "value": number,
        "type": {"coding": [{"system": TYPES, "code": "DL"}]},
    }  # fmt: skip
    ends = period_of("", value.component(3), context)
    return {**result, "period": ends} if ends else result


def period_of(start: str, end: str, context: Context) -> Json | None:
    """Two times as a Period; one that does not exist is left out with a note, an end before its start too."""
    found = {}
    for name, text in (("start", start.strip()), ("end", end.strip())):
        if text and text != '""':
            try:
                found[name] = moment(text, context.feed.zone, "period")
            except Rejected as error:
                context.notes.append(f"{error.at}: left out, expected {error.expected}")
    if len(found) == 2 and found["start"].instant > found["end"].instant:
        del found["end"]
    return {name: one.text for name, one in found.items()} or None


def account_identifier(value: Value, rule: Rule, context: Context) -> Json | None:
    """PID-18 as the number of a person for whom nothing better was sent (interface.md §5). Account numbers have a
    system of their own, so that none is ever taken for somebody's record number; one that the sender types otherwise
    is what it says."""
    found = identifier(value, rule, context)
    if found is None or value.component(5).strip() not in ("", "AN"):
        return found
    owner = value.component(4).strip() or context.facility
    return {"system": f"urn:careloop:account:{uri_part(owner)}", "value": found["value"]}


def ssn(value: Value, rule: Rule, context: Context) -> Json | None:
    """PID-19: evidence in matching, never a name of the person by itself."""
    digits = "".join(sign for sign in value.component(1) if sign.isdigit())
    if len(digits) != 9 or len(set(digits)) == 1:
        return None
    return {"system": US_SSN, "value": digits, "type": {"coding": [{"system": TYPES, "code": "SS"}]}}


def human_name(value: Value, rule: Rule, context: Context) -> Json | None:
    """XPN to HumanName."""
    family = value.component(1).strip()
    given = [part for part in (value.component(2).strip(), *value.component(3).split()) if part]
    name: Json = {"family": family, "given": given}
    suffixes = (value.component(4), value.component(6), value.component(14))
    name["suffix"] = list(dict.fromkeys(part.strip() for part in suffixes if part.strip()))
    name["prefix"] = [part for part in (value.component(5).strip(),) if part]
    old = value.component(10).split(value.delimiters.subcomponent or "&") if value.component(10) else ["", ""]
    name["period"] = period_of(value.component(12) or old[0], value.component(13) or "".join(old[1:2]), context) or {}
    name = {key: part for key, part in name.items() if part and part != '""'}
    if not name or set(name) == {"period"}:
        return None
    use = rule.options.get("use") or context.tables["name-use"].of(value.component(7).strip())
    return {**({"use": use} if use else {}), **name}


def family_name(value: Value, rule: Rule, context: Context) -> str | None:
    """The family name of an XPN as text."""
    return value.component(1).strip() or None


def address(value: Value, rule: Rule, context: Context) -> Json | None:
    """XAD to Address."""
    street = " ".join(part for part in (value.component(1, 1).strip(), value.component(1, 2).strip()) if part)
    others = (value.component(part).strip() for part in (2, 8, 19))
    lines = [part for part in (street, *others) if part]
    kind = value.component(7).strip()
    result = {
        "use": context.tables["address-use"].of(kind),
        "type": context.tables["address-type"].of(kind),
        "line": lines,
        "city": value.component(3).strip(),
        "district": value.component(9).strip() or value.component(9, 2).strip(),
        "state": value.component(4).strip(),
        "postalCode": value.component(5).strip(),
        "country": value.component(6).strip(),
        "period": period_of(
            value.component(13) or value.component(12), value.component(14) or value.component(12, 2), context
        ),
    }
    said = {key: part for key, part in result.items() if part}
    return said if any(key not in ("use", "type", "period") for key in said) else None


def contact_point(value: Value, rule: Rule, context: Context) -> Json | None:
    """XTN to ContactPoint: the digits of components 5 to 8 where they are given, else the text of 1 or 12."""
    mail = value.component(4).strip()
    kind = value.component(3).strip()
    system = context.tables["telecom-system"].of(kind) or "phone"
    if mail and (system == "email" or "@" in mail):
        system, number = "email", mail
    else:
        number = _number(value)
    if not number:
        return None
    if "@" in number:
        system = "email"
    use = context.tables["telecom-use"].of(value.component(2).strip()) or rule.options.get("use")
    if kind == "CP":
        use = "mobile"
    result: Json = {"system": system, "value": number, **({"use": use} if use else {})}
    rank = value.component(18).strip()
    if rank.isascii() and rank.isdigit() and int(rank[:9]) > 0:
        result["rank"] = int(rank[:9])
    validity = period_of(value.component(13), value.component(14), context)
    return {**result, "period": validity} if validity else result


def _number(value: Value) -> str:
    country, area, local, extension = (value.component(part).strip() for part in (5, 6, 7, 8))
    whole = value.component(12).strip()
    if local and (area or not whole):
        text = f"({area}) {local}" if area else local
        text = f"+{country.lstrip('+')} {text}" if country else text
        return f"{text} ext. {extension}" if extension else text
    return whole or value.component(1).strip()


def code(value: Value, rule: Rule, context: Context) -> str | None:
    """A coded field through a table; nothing when the table does not know the code."""
    return rule.table.of(value.component(1).strip()) if rule.table else clean_code(value.component(1)) or None


def codeable_concept(value: Value, rule: Rule, context: Context) -> Json | None:
    """CWE to CodeableConcept: what the table makes of it first, then the sender's own coding, then the text."""
    codings: list[Json] = []
    own, text = value.component(1).strip(), value.component(2).strip()
    mapped = rule.table.of(own) if rule.table and own else None
    if rule.table and mapped:
        shown = rule.table.display.get(mapped)
        codings.append(
            {"system": rule.table.system_of(mapped), "code": mapped, **({"display": shown} if shown else {})}
        )
    for start in (1, 4):
        other = rule.table.of(value.component(start).strip()) if rule.table and start > 1 else None
        if rule.table and other and other != mapped:
            shown = rule.table.display.get(other)
            codings.append(
                {"system": rule.table.system_of(other), "code": other, **({"display": shown} if shown else {})}
            )
            continue
        coding = _coding(value, start, str(rule.options.get("default-system") or ""), context)
        if coding and not (mapped and "system" not in coding):
            codings.append(coding)
    beside = str(rule.options.get("default-text") or "")
    words = beside if beside and "text-first" in rule.options else value.component(9).strip() or text or beside or own
    result: Json = {**({"coding": codings} if codings else {}), **({"text": words} if words else {})}
    return result or None


def concept(value: Value, rule: Rule, context: Context) -> Json | None:
    """CWE to CodeableConcept where every code counts: one without a known system belongs to the sender."""
    found = codeable_concept(value, rule, context)
    if found is None:
        return None
    known = {one.get("code") for one in found.get("coding", ())}
    mapped = rule.table.of(value.component(1).strip()) if rule.table else None
    for start in (1, 4, 10):
        symbol, shown = clean_code(value.component(start)), value.component(start + 1).strip()
        if not symbol or symbol == '""' or symbol in known or (start == 1 and mapped):
            continue
        system = f"urn:careloop:local:{uri_part(context.facility)}"
        coding = _coding(value, start, "", context) or {"system": system, "code": symbol}
        found.setdefault("coding", []).append({**coding, **({"display": shown} if shown else {})})
    return found


def _coding(value: Value, start: int, default: str, context: Context) -> Json | None:
    symbol, shown, name = (value.component(start + part).strip() for part in range(3))
    symbol = clean_code(symbol)
    name = name or (default if start == 1 else "")
    if not symbol or symbol == '""':
        return None
    system = context.tables["coding-system"].of(name)
    if system is None and name.startswith("HL7") and name[3:].isdigit():
        system = f"http://terminology.hl7.org/CodeSystem/v2-{name[3:]}"
    result: Json = {"code": symbol}
    if system:
        result = {"system": system, **result}
    elif name and name not in ("L", "99ZZZ"):
        result = {"system": f"urn:careloop:codesystem:{uri_part(name)}", **result}
    return {**result, **({"display": shown} if shown else {})} if "system" in result else None


def local_concept(value: Value, rule: Rule, context: Context) -> Json | None:
    """A site's own word: kept as text, with its coding where the system is named."""
    found = codeable_concept(value, rule, context)
    if found is not None and "text" not in found:
        found["text"] = value.component(1).strip()
    return found


def text_concept(value: Value, rule: Rule, context: Context) -> Json | None:
    """Plain text as a CodeableConcept."""
    text = value.component(2).strip() or value.component(1).strip()
    return {"text": text} if text else None


def date(value: Value, rule: Rule, context: Context) -> str | None:
    """TS to date, with the precision it was sent in. `Rejected` for a date that does not exist."""
    text = value.component(1).strip()
    return moment(text, context.feed.zone, rule.address).date_text if text else None


def date_time(value: Value, rule: Rule, context: Context) -> str | None:
    """TS to dateTime, with precision and offset. `Rejected` for a time that does not exist."""
    text = value.component(1).strip()
    return moment(text, context.feed.zone, rule.address).text if text else None


def boolean(value: Value, rule: Rule, context: Context) -> bool | None:
    """Y or N."""
    found = context.tables["yes-no"].of(value.component(1).strip())
    return None if found is None else found == "true"


def integer(value: Value, rule: Rule, context: Context) -> int | None:
    """A whole number from 1 to 99."""
    text = value.component(1).strip()
    return int(text) if text.isascii() and text.isdigit() and 1 <= int(text[:3]) <= 99 else None


def race(value: Value, rule: Rule, context: Context) -> Json | None:
    """One OMB race category; the extension is put together by the mapping engine."""
    return _category(value, rule)


def ethnicity(value: Value, rule: Rule, context: Context) -> Json | None:
    """One OMB ethnicity category."""
    return _category(value, rule)


def _category(value: Value, rule: Rule) -> Json | None:
    own = value.component(1).strip()
    if rule.table is None or not own:
        return None
    known = rule.table.of(own)
    words = value.component(2).strip() or (rule.table.display.get(known, "") if known else "") or own
    if known is None:
        return {"text": words}
    coding = {"system": rule.table.system, "code": known, "display": rule.table.display.get(known, words)}
    return {"coding": coding, "text": words}
