"""Values in the unit that rules compare in, exactly (MO-07). Pure."""

from decimal import Decimal

from careloop.fhir import ucum
from careloop.monitoring.content import Metric, Monitoring

_POUNDS = frozenset({"[lb_av]", "lb", "lbs", "lb_av", "[lb_us]"})
_WORDS = {
    "mmHg": "mm[Hg]", "bpm": "/min", "{beats}/min": "/min", "beats/min": "/min", "percent": "%", "C": "Cel",
    "°C": "Cel", "F": "[degF]", "°F": "[degF]", "kgs": "kg", "mg/dl": "mg/dL", "mmol/l": "mmol/L", "L/MIN": "L/min",
}  # fmt: skip
"""What people and devices write for a unit, and its UCUM code."""


def unit_code(unit: str) -> str:
    """The UCUM code of a unit as it was written."""
    text = unit.strip()
    return "[lb_av]" if text in _POUNDS else _WORDS.get(text, text)


def canonical(value: Decimal, unit: str, metric: Metric, content: Monitoring) -> Decimal | None:
    """The value in the metric's unit; None where the unit is not one of this metric. Pounds are 0.45359237 kg exactly;
    mmol/L becomes mg/dL by the molar mass that the metric names."""
    code = unit_code(unit)
    if code == metric.unit:
        return value
    if metric.unit == "kg" and code == "[lb_av]":
        return value * content.windows.kg_per_lb
    if code == "mmol/L" and metric.molar_mass is not None and metric.unit == "mg/dL":
        return value * metric.molar_mass / 10
    return _by_ucum(value, code, metric.unit)


def _by_ucum(value: Decimal, code: str, wanted: str) -> Decimal | None:
    given, one = ucum.canonical(value, code), ucum.canonical(Decimal(1), wanted)
    zero = ucum.canonical(Decimal(0), wanted)
    if given is None or one is None or zero is None or given[1] != one[1] or one[0] == zero[0]:
        return None
    return (given[0] - zero[0]) / (one[0] - zero[0])
