"""Values of observations and orders: NM, SN, NR, CQ, DR, TM, ED, RP, TX, TQ. Each function is one conversion.

Source: HL7 v2.5.1 chapter 2.A; the v2-to-FHIR data type maps SN[Quantity], SN[Range], SN[Ratio], NR[Range],
ED[Attachment], RP[Attachment], DR[Period], CWE[Quantity] (2025-10).
"""

import base64
import binascii
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from careloop.intake.actors import practitioner
from careloop.intake.datatypes import Context, Json, Rule, clean_code, codeable_concept, concept, period_of
from careloop.intake.hl7v2 import Value
from careloop.intake.timestamps import moment

UCUM = "http://unitsofmeasure.org"
_FLAG = "http://terminology.hl7.org/CodeSystem/v2-0136"
_PRICE = "http://terminology.hl7.org/CodeSystem/v2-0205"
_COMPARATORS = {"<": "<", "<=": "<=", ">": ">", ">=": ">=", "=": ""}
_RANGE = re.compile(r"^\s*(-?\d+(?:\.\d+)?)\s*(?:-|–|_|to)\s*(-?\d+(?:\.\d+)?)\s*$")
_BOUND = re.compile(r"^\s*(<=?|>=?)\s*(-?\d+(?:\.\d+)?)\s*$")
_TIME = re.compile(r"^([01]\d|2[0-3])([0-5]\d)([0-5]\d)?(?:\.\d+)?(?:[+-]\d{4})?$")
_BASE64 = re.compile(r"^[A-Za-z0-9+/=\s]*$")
_MEDIA = {
    "PDF": "application/pdf", "RTF": "application/rtf", "HTML": "text/html", "XML": "text/xml", "JPEG": "image/jpeg",
    "JPG": "image/jpeg", "PNG": "image/png", "GIF": "image/gif", "TIFF": "image/tiff", "TXT": "text/plain",
    "PLAIN": "text/plain", "TEXT": "text/plain", "DICOM": "application/dicom", "BASIC": "audio/basic",
}  # fmt: skip
_HL7_MEDIA = {"TEXT": "text", "IM": "image", "IMAGE": "image", "AU": "audio", "AUDIO": "audio", "VIDEO": "video"}


def number(text: str) -> Decimal | None:
    """A decimal number, its digits kept; None for anything else."""
    text = text.strip().replace(" ", "")
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    if not found.is_finite() or abs(found.adjusted()) > 17:
        return None
    return found if "E" not in text.upper() else Decimal(f"{found:f}")


def decimal(value: Value, rule: Rule, context: Context) -> Decimal | None:
    """NM to decimal."""
    return number(value.component(1))


def whole_number(value: Value, rule: Rule, context: Context) -> int | None:
    """NM or SI, or what a table makes of a code, to a whole number from zero (or `least`) on."""
    text = value.component(1).strip()
    found = number((rule.table.of(text) or "") if rule.table else text)
    least = int(rule.options.get("least", 0))
    return int(found) if found is not None and found == int(found) and least <= found < 2**31 else None


def string(value: Value, rule: Rule, context: Context) -> str | None:
    """ST, IS, ID: the text of the first component."""
    text = value.component(1).strip()
    return text if text and text != '""' else None


def text(value: Value, rule: Rule, context: Context) -> str | None:
    """ST, TX, FT: the whole field as words; what the sender split by mistake stays together."""
    if not value.raw or value.is_null:
        return None
    parts = [value.component(place) for place in range(1, value.raw.count(value.delimiters.component) + 2)]
    words = value.delimiters.component.join(parts).strip()
    return words.strip(value.delimiters.component) or None


def quantity(value: Value, rule: Rule, context: Context) -> Json | None:
    """NM, or the first part of CQ, with the unit beside it (or in CQ-2)."""
    found = number(value.component(1))
    if found is None:
        return None
    return {"value": found, **_unit(value, rule, context)}


def _unit(value: Value, rule: Rule, context: Context) -> Json:
    """The unit's words and, where the sender names UCUM or none, its code. CWE[Quantity]."""
    beside: Sequence[Value] = rule.options.get("unit", ())
    unit = beside[0] if beside else value.part(2)
    symbol, shown, system = clean_code(unit.component(1)), unit.component(2).strip(), unit.component(3).strip()
    if not symbol and not shown:
        fixed = rule.options.get("fixed-unit")
        return {"unit": fixed, "system": UCUM, "code": fixed} if fixed else {}
    result: Json = {"unit": shown or symbol}
    mapped = context.tables["coding-system"].of(system) if system else None
    if (symbol and system.upper() in ("UCUM", "ISO+", "UNIT")) or mapped == UCUM:
        result |= {"system": UCUM, "code": symbol}
    elif symbol and mapped:
        result |= {"system": mapped, "code": symbol}
    elif symbol:
        result |= {"code": symbol}
    return _with_system(result)


def _with_system(quantity: Json) -> Json:
    """A code needs a system (qty-3): a unit without one keeps its words alone."""
    if "code" in quantity and "system" not in quantity:
        code = quantity.pop("code")
        if quantity.get("unit") in (None, code):
            quantity["unit"] = code
    return quantity


def structured_quantity(value: Value, rule: Rule, context: Context) -> Json | None:
    """SN with one number: `^182`, `>^100`."""
    sign, first, separator, second = _structured(value)
    if first is None or separator or second is not None or sign not in ("", *_COMPARATORS):
        return None
    comparator = _COMPARATORS.get(sign, "")
    unit = _unit(Value("", value.delimiters), rule, context)
    return {"value": first, **({"comparator": comparator} if comparator else {}), **unit}


def structured_range(value: Value, rule: Rule, context: Context) -> Json | None:
    """SN with two numbers and a dash: `^3^-^5`; or one with a plus sign: `^1^+`."""
    sign, first, separator, second = _structured(value)
    if sign not in ("", "=") or first is None or separator not in ("-", "+"):
        return None
    unit = _unit(Value("", value.delimiters), rule, context)
    low = {"low": {"value": first, **unit}}
    return low if second is None else {**low, "high": {"value": second, **unit}}


def structured_ratio(value: Value, rule: Rule, context: Context) -> Json | None:
    """SN with two numbers and a colon or slash: `^1^:^128`."""
    sign, first, separator, second = _structured(value)
    if first is None or second is None or separator not in (":", "/") or sign == "<>":
        return None
    comparator = {"comparator": _COMPARATORS[sign]} if _COMPARATORS.get(sign) else {}
    unit = _unit(Value("", value.delimiters), rule, context)
    return {"numerator": {"value": first, **comparator, **unit}, "denominator": {"value": second, **unit}}


def structured_text(value: Value, rule: Rule, context: Context) -> str | None:
    """SN in any other form, as words."""
    parts = [value.component(part).strip() for part in (1, 2, 3, 4)]
    beside: Sequence[Value] = rule.options.get("unit", ())
    words = " ".join(part for part in [*parts, beside[0].component(1).strip() if beside else ""] if part)
    return words or None


def _structured(value: Value) -> tuple[str, Decimal | None, str, Decimal | None]:
    sign, separator = value.component(1).strip(), value.component(3).strip()
    return sign.strip('"'), number(value.component(2)), separator, number(value.component(4))


def numeric_range(value: Value, rule: Rule, context: Context) -> Json | None:
    """NR to Range."""
    unit = _unit(Value("", value.delimiters), rule, context)
    ends = {"low": number(value.component(1)), "high": number(value.component(2))}
    return {name: {"value": end, **unit} for name, end in ends.items() if end is not None} or None


def value_range_text(value: Value, rule: Rule, context: Context) -> str | None:
    """VR as words: `A-F`."""
    return "-".join(part for part in (value.component(1).strip(), value.component(2).strip()) if part) or None


def reference_range(value: Value, rule: Rule, context: Context) -> Json | None:
    """OBX-7 to a reference range: the sender's words, and the numbers where they can be read without doubt."""
    words = text(value, rule, context)
    if words is None:
        return None
    unit = _unit(Value("", value.delimiters), rule, context)
    between, bound = _RANGE.match(words), _BOUND.match(words)
    result: Json = {"text": words}
    if between:
        low, high = Decimal(between[1]), Decimal(between[2])
        if low <= high:
            result |= {"low": {"value": low, **unit}, "high": {"value": high, **unit}}
    elif bound:
        result["high" if bound[1].startswith("<") else "low"] = {"value": Decimal(bound[2]), **unit}
    return result


def period(value: Value, rule: Rule, context: Context) -> Json | None:
    """DR to Period; or a start with an end beside it."""
    end: Sequence[Value] = rule.options.get("end", ())
    return period_of(value.component(1), end[0].component(1) if end else value.component(2), context)


def time_of_day(value: Value, rule: Rule, context: Context) -> str | None:
    """TM to time."""
    found = _TIME.match(value.component(1).strip())
    return f"{found[1]}:{found[2]}:{found[3] or '00'}" if found else None


def instant(value: Value, rule: Rule, context: Context) -> str | None:
    """DTM to instant: nothing where it has no time of day."""
    said = value.component(1).strip()
    found = moment(said, context.feed.zone, rule.address).text if said and said != '""' else ""
    return found if len(found) > 10 else None


def money(value: Value, rule: Rule, context: Context) -> Json | None:
    """MO or CP to Money; dollars where no currency is named, as the code set of the region says."""
    price = value.part(1)
    found = number(price.component(1))
    if found is None:
        return None
    currency = (price.component(2) or value.component(2)).strip().upper()
    return {"value": found, "currency": currency if re.fullmatch(r"[A-Z]{3}", currency) else "USD"}


def attachment(value: Value, rule: Rule, context: Context) -> Json | None:
    """ED to Attachment: the bytes as base64, whatever encoding they were sent in."""
    kind, subtype, encoding, data = (value.component(part).strip() for part in (2, 3, 4, 5))
    if not data:
        return None
    coded = _base64(data, encoding.upper())
    if coded is None:
        context.notes.append(f"{rule.address}: left out, expected data in the encoding that is named")
        return None
    return {"contentType": _media(kind, subtype), "data": coded}


def _base64(data: str, encoding: str) -> str | None:
    try:
        if encoding == "BASE64":
            plain = re.sub(r"\s|\\.br\\", "", data)
            if not _BASE64.match(plain):
                return None
            return base64.b64encode(base64.b64decode(plain + "=" * (-len(plain) % 4))).decode()
        if encoding == "HEX":
            return base64.b64encode(bytes.fromhex(data)).decode()
    except (binascii.Error, ValueError):
        return None
    return base64.b64encode(data.encode()).decode()


def _media(kind: str, subtype: str) -> str:
    """A media type from ED-2 and ED-3 (tables 0834 and 0291)."""
    known = _MEDIA.get(subtype.upper()) or _MEDIA.get(kind.upper())
    if known:
        return known
    if "/" in kind:
        return kind.lower()
    main = _HL7_MEDIA.get(kind.upper(), kind.lower() or "application")
    if main not in ("text", "image", "audio", "video", "application", "multipart", "model"):
        main = "application"
    return f"{main}/{subtype.lower() or 'octet-stream'}".replace(" ", "-")


def pointer(value: Value, rule: Rule, context: Context) -> Json | None:
    """RP to Attachment: where the content lies."""
    url = value.component(1).strip()
    kind, subtype = value.component(3).strip(), value.component(4).strip()
    if not url or " " in url:
        return None
    return {"url": url, **({"contentType": _media(kind, subtype)} if kind or subtype else {})}


def text_data(words: str) -> Json:
    """Words as an Attachment."""
    return {"contentType": "text/plain", "data": base64.b64encode(words.encode()).decode()}


def annotation(value: Value, rule: Rule, context: Context) -> Json | None:
    """NTE-3 to Annotation."""
    words = text(value, rule, context)
    return {"text": words} if words else None


def coding(value: Value, rule: Rule, context: Context) -> Json | None:
    """CWE to its first Coding; a code without a system where none is known."""
    concept = codeable_concept(value, rule, context)
    if concept is None:
        return None
    first: Json | None = next(iter(concept.get("coding", ())), None)
    if first is None:
        symbol, shown = clean_code(value.component(1)), value.component(2).strip()
        return {**({"code": symbol} if symbol else {}), **({"display": shown} if shown else {})} or None
    return first


def timing(value: Value, rule: Rule, context: Context) -> Json | None:
    """TQ (ORC-7, OBR-27, RXE-1) to Timing: the pattern in words and code, duration, start and end."""
    pattern = value.part(2)
    code = clean_code(pattern.component(1))
    repeat: Json = {}
    bounds = period_of(value.component(4), value.component(5), context)
    if bounds:
        repeat["boundsPeriod"] = bounds
    result: Json = {"repeat": repeat} if repeat else {}
    if code:
        result["code"] = {"text": code}
        named = context.tables["RepeatPattern"].of(code) if "RepeatPattern" in context.tables else None
        if named:
            system = context.tables["RepeatPattern"].system_of(named)
            result["code"]["coding"] = [{"system": system, "code": named}]
    return result or None


def any_text(value: Value, rule: Rule, context: Context) -> Any:
    """A field of any type as words, its parts with blanks between them."""
    parts = [value.component(place).strip() for place in range(1, value.raw.count(value.delimiters.component) + 2)]
    return " ".join(part for part in parts if part) or None


def note(value: Value, rule: Rule, context: Context) -> Json | None:
    """NTE-3 to Annotation with its author (NTE-5) and time (NTE-6)."""
    words = text(value, rule, context)
    if words is None:
        return None
    result: Json = {"text": words}
    authors: Sequence[Value] = rule.options.get("author", ())
    if authors:
        who = practitioner(authors[0], Rule(address=rule.address), context)
        if who and "reference" in who:
            result["authorReference"] = who
        elif who:
            result["authorString"] = who["display"]
    times: Sequence[Value] = rule.options.get("time", ())
    if times and times[0].component(1).strip():
        result["time"] = moment(times[0].component(1).strip(), context.feed.zone, rule.address).text
    return result


def duration(value: Value, rule: Rule, context: Context) -> Json | None:
    """CQ to Duration: a number of a unit of time."""
    found, unit = number(value.component(1)), value.component(2).strip()
    code = context.tables["time-units"].of(unit)
    if found is None or code is None:
        return None
    return {"value": found, "unit": unit, "system": UCUM, "code": code}


def per_day(value: Value, rule: Rule, context: Context) -> Json | None:
    """CQ to a Ratio of that much a day."""
    found = quantity(value, Rule(address=rule.address), context)
    day = {"value": 1, "unit": "day", "system": UCUM, "code": "d"}
    return {"numerator": found, "denominator": day} if found else None


def coverage_class(value: Value, rule: Rule, context: Context) -> Json | None:
    """CWE to Coverage.class."""
    names: Sequence[Value] = rule.options.get("name", ())
    code, name = value.component(1).strip(), value.component(2).strip()
    name = names[0].component(1).strip() if names else name
    if not code:
        return None
    system = "http://terminology.hl7.org/CodeSystem/coverage-class"
    result: Json = {"type": {"coding": [{"system": system, "code": rule.options["class"]}]}, "value": code}
    return {**result, "name": name} if name else result


def days(value: Value, rule: Rule, context: Context) -> Json | None:
    """NM to Duration in days."""
    found = number(value.component(1))
    return {"value": found, "unit": "d", "system": UCUM, "code": "d"} if found is not None else None


def repeated_quantity(value: Value, rule: Rule, context: Context) -> Json | None:
    """One of several numbers under one observation as a component; its code is that of the observation."""
    codes: Sequence[Value] = rule.options.get("code", ())
    told = quantity(value, rule, context)
    named = concept(codes[0], Rule(address=""), context) if codes else None
    return {"code": named, "valueQuantity": told} if told and named else None


def repeated_concept(value: Value, rule: Rule, context: Context) -> Json | None:
    """One of several codes under one observation as a component."""
    codes: Sequence[Value] = rule.options.get("code", ())
    told = concept(value, Rule(address=rule.address), context)
    named = concept(codes[0], Rule(address=""), context) if codes else None
    return {"code": named, "valueCodeableConcept": told} if told and named else None


def cost(value: Value, rule: Rule, context: Context) -> Json | None:
    """CP to Coverage.costToBeneficiary: the price and its type."""
    price, kind = money(value, rule, context), clean_code(value.component(2))
    if price is None:
        return None
    return {**({"type": {"coding": [{"system": _PRICE, "code": kind}]}} if kind else {}), "valueMoney": price}


def flag(value: Value, rule: Rule, context: Context) -> Json | None:
    """Y or N as a CodeableConcept of HL7 table 0136."""
    code = value.component(1).strip().upper()
    shown = {"Y": "Yes", "N": "No"}.get(code)
    return {"coding": [{"system": _FLAG, "code": code, "display": shown}]} if shown else None
