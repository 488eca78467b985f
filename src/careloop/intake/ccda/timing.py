"""When a dose is taken: PIVL, EIVL and IVL times of a medication as `Timing`. Pure."""

from decimal import Decimal
from typing import Any

from careloop.fhir.xmls import Element
from careloop.intake.ccda.model import Json
from careloop.intake.ccda.values import Context, number, period

_UNITS = {"s": "s", "min": "min", "h": "h", "d": "d", "wk": "wk", "mo": "mo", "a": "a", "hour": "h", "day": "d"}
_EVENTS = {
    "AC", "ACD", "ACM", "ACV", "C", "CD", "CM", "CV", "HS", "PC", "PCD", "PCM", "PCV", "WAKE",
}  # fmt: skip
"""Codes of v3 TimingEvent that FHIR takes over as they are."""


def dose_timing(element: Element, context: Context) -> Json | None:
    """A substanceAdministration's times as one Timing: how often, and within which bounds."""
    repeat: Json = {}
    bounds: Json | None = None
    for one in element.findall("effectiveTime"):
        kind = one.get("xsi.type")
        if kind == "PIVL_TS":
            repeat |= _periodic(one)
        elif kind == "EIVL_TS":
            repeat |= _at_event(one)
        elif kind in ("IVL_TS", None):
            bounds = bounds or period(one, context)
    if not repeat:
        return None
    return {"repeat": {**({"boundsPeriod": bounds} if bounds else {}), **repeat}}


def _periodic(element: Element) -> Json:
    span = element.find("period")
    if span is None:
        return {}
    least, most = _span(span)
    if least is None:
        return {}
    value, unit = least
    found: dict[str, Any] = {"frequency": 1, "period": value, "periodUnit": unit}
    if most is not None and most[1] == unit and most[0] != value:
        found["periodMax"] = most[0]
    return found


def _span(span: Element) -> tuple[tuple[Decimal, str] | None, tuple[Decimal, str] | None]:
    if span.get("value"):
        return _amount(span), None
    low, high = span.find("low"), span.find("high")
    return (_amount(low) if low is not None else None, _amount(high) if high is not None else None)


def _amount(element: Element) -> tuple[Decimal, str] | None:
    value, unit = number(element.get("value")), _UNITS.get((element.get("unit") or "").strip())
    return (value, unit) if value is not None and value > 0 and unit else None


def _at_event(element: Element) -> Json:
    event = element.find("event")
    code = event.get("code") if event is not None else None
    return {"when": [code]} if code in _EVENTS else {}
