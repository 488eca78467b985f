"""HL7 v3 data types as FHIR data types. Pure; None for what says nothing (a null flavor is unknown, never false)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from careloop.errors import Fault
from careloop.fhir.xmls import Element, is_element, text_of
from careloop.intake.ccda.content import CcdaContent, Table
from careloop.intake.ccda.model import Json
from careloop.intake.ccda.times import date_only, date_time

RFC_3986 = "urn:ietf:rfc:3986"
UCUM = "http://unitsofmeasure.org"
_OID = re.compile(r"[0-2](\.(0|[1-9]\d*))+")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_LONGEST_TEXT = 100_000


@dataclass(kw_only=True)
class Context:
    """What values need beside themselves: code systems and tables, the zone of times, texts by their ID."""

    content: CcdaContent
    zone: str
    texts: Mapping[str, Element] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def system(self, oid: str | None) -> str | None:
        """The FHIR uri of a code system or an assigning authority."""
        oid = (oid or "").strip()
        if not oid:
            return None
        known = self.content.systems.get(oid)
        if known:
            return known
        if _UUID.fullmatch(oid):
            return f"urn:uuid:{oid.lower()}"
        return f"urn:oid:{oid}" if _OID.fullmatch(oid) else oid if ":" in oid and " " not in oid else None

    def table(self, name: str) -> Table:
        """A code table of content."""
        return self.content.tables[name]


def is_null(element: Element) -> bool:
    """True where the element says that it is not known."""
    return element.get("nullFlavor") is not None


def identifier(element: Element, context: Context) -> Json | None:
    """II: a root alone is an identifier by itself, unless it is a known register, of which it names no member."""
    root, extension = (element.get("root") or "").strip(), (element.get("extension") or "").strip()
    if is_null(element) or not root:
        return None
    if extension:
        system = context.system(root)
        return {"system": system, "value": extension} if system else {"value": extension}
    if root in context.content.systems:
        return None
    if _UUID.fullmatch(root):
        return {"system": RFC_3986, "value": f"urn:uuid:{root.lower()}"}
    return {"system": RFC_3986, "value": f"urn:oid:{root}"} if _OID.fullmatch(root) else {"value": root}


def coding(element: Element, context: Context) -> Json | None:
    """CD without its translations."""
    code = " ".join((element.get("code") or "").split())
    if not code:
        return None
    found: Json = {"system": context.system(element.get("codeSystem")), "code": code}
    found["display"] = " ".join((element.get("displayName") or "").split())
    return {key: value for key, value in found.items() if value}


def concept(element: Element, context: Context) -> Json | None:
    """CD, CE, CV: the code, its translations, the words they stand for. Each coding once."""
    found: list[Json] = []
    for one in (element, *element.findall("translation"), *element.findall("qualifier/value[@code]")):
        said = coding(one, context)
        if said and not any(
            (said.get("system"), said["code"]) == (other.get("system"), other["code"]) for other in found
        ):
            found.append(said)
    words = original_text(element, context) or (element.get("displayName") or "").strip()
    if not words and element.get("xsi.type") in ("ST", "ED"):
        words = text_of(element)
    result: Json = {"coding": found} if found else {}
    if words:
        result["text"] = words
    return result or None


def original_text(element: Element, context: Context) -> str:
    """The words of a coded value: written here, or in the narrative it refers to."""
    original = element.find("originalText")
    return "" if original is None else words(original, context)


def words(element: Element, context: Context) -> str:
    """Text, or the piece of narrative that a reference names."""
    reference = element.find("reference")
    if reference is not None:
        pointed = context.texts.get((reference.get("value") or "").removeprefix("#"))
        if pointed is not None:
            return text_of(pointed)[:_LONGEST_TEXT]
    return text_of(element)[:_LONGEST_TEXT]


def number(text: str | None) -> Decimal | None:
    """A decimal as it was written; None for what is none."""
    try:
        value = Decimal((text or "").strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value.adjusted()) < 40 else None


def quantity(element: Element, context: Context) -> Json | None:
    """PQ, or the single value inside an interval. Units are UCUM codes where they could be; else only words."""
    if is_null(element):
        return _translated_quantity(element)
    value = number(element.get("value"))
    if value is None:
        centre = next((child for child in element if child.tag in ("low", "center", "high")), None)
        return quantity(centre, context) if centre is not None and len(element) == 1 else None
    return _with_unit(value, element.get("unit"))


def _translated_quantity(element: Element) -> Json | None:
    """A value in a unit that UCUM does not know stands in a translation."""
    for one in element.findall("translation"):
        value = number(one.get("value"))
        if value is not None:
            unit = (one.get("displayName") or one.get("code") or "").strip()
            return {"value": value, **({"unit": unit} if unit else {})}
    return None


def _with_unit(value: Decimal, unit: str | None) -> Json:
    unit = (unit or "").strip()
    if not unit:
        return {"value": value}
    if " " in unit or not unit.isascii():
        return {"value": value, "unit": unit}
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


def interval(element: Element, context: Context) -> Json | None:
    """IVL_PQ as a Range."""
    found = {}
    for name in ("low", "high"):
        end = element.find(name)
        said = quantity(end, context) if end is not None else None
        if said:
            found[name] = said
    return found or None


def ratio(element: Element, context: Context) -> Json | None:
    """RTO_PQ_PQ as a Ratio."""
    parts = {name: element.find(name) for name in ("numerator", "denominator")}
    found = {name: quantity(one, context) for name, one in parts.items() if one is not None}
    kept = {name: one for name, one in found.items() if one}
    return kept or None


def moment(element: Element, context: Context) -> str | None:
    """TS, or the beginning (else the centre, else the end) of an IVL_TS, as a dateTime."""
    if element.get("value"):
        return date_time(element.get("value"), context.zone)
    for name in ("low", "center", "high"):
        found = element.find(name)
        if found is not None and found.get("value"):
            return date_time(found.get("value"), context.zone)
    return None


def period(element: Element, context: Context) -> Json | None:
    """IVL_TS as a Period; a single moment is both its ends."""
    if element.get("value"):
        at = date_time(element.get("value"), context.zone)
        return {"start": at, "end": at} if at else None
    found = {}
    for name, key in (("low", "start"), ("high", "end")):
        end = element.find(name)
        said = date_time(end.get("value"), context.zone) if end is not None else None
        if said:
            found[key] = said
    if not found and element.find("center") is not None:
        at = date_time(element.find("center").get("value"), context.zone)
        return {"start": at, "end": at} if at else None
    return found or None


def when(element: Element, context: Context) -> tuple[str, Any] | None:
    """IVL_TS as a Period, TS as a dateTime: for elements of either type."""
    if any(child.tag in ("low", "high") for child in element):
        said = period(element, context)
        return ("Period", said) if said else None
    at = moment(element, context)
    return ("DateTime", at) if at else None


def date(element: Element, context: Context) -> str | None:
    """TS as a date."""
    return date_only(element.get("value"), context.zone)


def text(element: Element, context: Context) -> str | None:
    """ED or ST as a string."""
    return words(element, context) or None


def value(element: Element, context: Context) -> tuple[str, Any] | None:
    """ANY by its type, as `value[x]`."""
    kind = element.get("xsi.type") or ""
    if kind in _OF_TYPE:
        suffix, convert = _OF_TYPE[kind]
        said = convert(element, context)
        if kind == "IVL_PQ" and said is not None and len(said) < 2:
            return _bounded(said)
        return (suffix, said) if said is not None else None
    if element.get("code") or element.find("translation") is not None or element.find("originalText") is not None:
        said = concept(element, context)
        return ("CodeableConcept", said) if said else None
    if element.get("value") is not None:
        said = quantity(element, context)
        return ("Quantity", said) if said else None
    said = text(element, context)
    return ("String", said) if said else None


def _bounded(said: Json) -> tuple[str, Any]:
    """An interval with one end is a quantity with a comparator."""
    name, one = next(iter(said.items()))
    return "Quantity", {**one, "comparator": ">=" if name == "low" else "<="}


def _integer(element: Element, context: Context) -> int | None:
    said = number(element.get("value"))
    return int(said) if said is not None and said == int(said) and abs(said) < 2**31 else None


def _boolean(element: Element, context: Context) -> bool | None:
    return {"true": True, "false": False}.get(element.get("value") or "")


def _plain_number(element: Element, context: Context) -> Json | None:
    said = number(element.get("value"))
    return {"value": said} if said is not None else None


_OF_TYPE: Mapping[str, tuple[str, Callable[[Element, Context], Any]]] = {
    "CD": ("CodeableConcept", concept),
    "CE": ("CodeableConcept", concept),
    "CV": ("CodeableConcept", concept),
    "CO": ("CodeableConcept", concept),
    "CS": ("CodeableConcept", concept),
    "PQ": ("Quantity", quantity),
    "IVL_PQ": ("Range", interval),
    "RTO_PQ_PQ": ("Ratio", ratio),
    "RTO": ("Ratio", ratio),
    "INT": ("Integer", _integer),
    "REAL": ("Quantity", _plain_number),
    "MO": ("Quantity", _plain_number),
    "BL": ("Boolean", _boolean),
    "ST": ("String", text),
    "ED": ("String", text),
    "TS": ("DateTime", moment),
    "IVL_TS": ("Period", period),
}


def string(source: Any) -> str:
    """The plain text of an attribute, a result of a path, or an element."""
    return text_of(source) if is_element(source) else " ".join(str(source).split())
