"""Quantities: an amount with a UCUM unit or a calendar unit, compared and calculated across units of one dimension.

Calendar units up to the week are the same as UCUM's; a calendar month or year is not a UCUM `mo` or `a` (FHIRPath,
quantity literals), but is equivalent to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from careloop.fhir.fhirpath.errors import wrong
from careloop.fhir.ucum import canonical

UCUM = "http://unitsofmeasure.org"

_CALENDAR_WORDS = ("year", "month", "week", "day", "hour", "minute", "second", "millisecond")
CALENDAR_UNITS = {name: unit for unit in _CALENDAR_WORDS for name in (unit, unit + "s")}
"""The words of calendar durations, singular and plural, with the unit that they name."""

_UCUM_OF = {"week": "wk", "day": "d", "hour": "h", "minute": "min", "second": "s", "millisecond": "ms"}
_UCUM_LIKE = {**_UCUM_OF, "year": "a", "month": "mo"}
_CALENDAR_OF_FHIR = {"a": "year", "mo": "month", "d": "day", "h": "hour", "min": "minute", "s": "second"}
_CALENDAR_OF_UCUM = {code: unit for unit, code in _UCUM_OF.items()}
_MONTHS = {"year": 12, "month": 1}


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount in a unit: a UCUM code, or a calendar unit. An `opaque` unit is only ever the same as itself."""

    value: Decimal
    unit: str
    calendar: bool = False
    opaque: bool = False

    def __str__(self) -> str:
        if self.calendar:
            return f"{self.value} {self.unit}" + ("" if self.value == 1 else "s")
        return f"{self.value} '{self.unit}'"

    def as_json(self) -> dict[str, Any]:
        """The FHIR Quantity."""
        if self.calendar:
            return {"value": self.value, "unit": self.unit, "system": UCUM, "code": _UCUM_LIKE[self.unit]}
        return {"value": self.value, "unit": self.unit, "system": UCUM, "code": self.unit}


def of_fhir(value: Mapping[str, Any]) -> Quantity | None:
    """The amount that a FHIR Quantity states, None where it has no value. One with a comparator is no amount."""
    amount = value.get("value")
    if amount is None or isinstance(amount, str | bool):
        return None
    if value.get("comparator") is not None:
        raise wrong("a quantity without comparator")
    code, system = value.get("code"), value.get("system")
    if system == UCUM and isinstance(code, str):
        if code in _CALENDAR_OF_FHIR:
            return Quantity(Decimal(amount), _CALENDAR_OF_FHIR[code], calendar=True)
        return Quantity(Decimal(amount), code)
    if code is None and value.get("unit") is None:
        return Quantity(Decimal(amount), "1")
    return Quantity(Decimal(amount), f"{system or ''}|{code or value.get('unit')}", opaque=True)


def is_definite(quantity: Quantity) -> bool:
    """True where the unit has one length or size: not a calendar month or year."""
    return not (quantity.calendar and quantity.unit in _MONTHS)


def _base(quantity: Quantity) -> tuple[Decimal, str] | None:
    """The amount in base units, None where the unit is not one that UCUM can convert."""
    if quantity.opaque:
        return quantity.value, quantity.unit
    if quantity.calendar:
        months = _MONTHS.get(quantity.unit)
        if months is not None:
            return quantity.value * months, "month"
        return canonical(quantity.value, _UCUM_OF[quantity.unit])
    if quantity.unit == "1":
        return quantity.value, "1"
    found = canonical(quantity.value, quantity.unit)
    return (found[0], found[1] or "1") if found is not None else None


def in_same_unit(one: Quantity, two: Quantity) -> tuple[Decimal, Decimal] | None:
    """Both amounts in one unit; None where there is none."""
    if one.unit == two.unit and one.calendar == two.calendar and one.opaque == two.opaque:
        return one.value, two.value
    first, second = _base(one), _base(two)
    if first is None or second is None or first[1] != second[1]:
        return None
    return first[0], second[0]


def compare(one: Quantity, two: Quantity) -> int | None:
    """-1, 0 or 1; None where the two have no unit in common."""
    amounts = in_same_unit(one, two)
    if amounts is None:
        return None
    return (amounts[0] > amounts[1]) - (amounts[0] < amounts[1])


def equivalent(one: Quantity, two: Quantity) -> bool:
    """The same amount to the digits of the less precise one; a calendar year is equivalent to the UCUM `a`."""
    if one.opaque or two.opaque:
        return compare(one, two) == 0
    first, second = _as_ucum(one), _as_ucum(two)
    if first.unit == second.unit:
        return equal_digits(first.value, second.value)
    bases, factor = (_base(first), _base(second)), _base(Quantity(Decimal(1), first.unit))
    if bases[0] is None or bases[1] is None or factor is None or bases[0][1] != bases[1][1]:
        return False
    return equal_digits(first.value, (bases[1][0] / factor[0]).normalize(), second_digits=None)


def _as_ucum(quantity: Quantity) -> Quantity:
    return Quantity(quantity.value, _UCUM_LIKE[quantity.unit]) if quantity.calendar else quantity


def digits(value: Decimal | int) -> int:
    """Digits after the decimal point, zeros at the end left out."""
    return max(0, -int(Decimal(value).normalize().as_tuple().exponent))


def equal_digits(one: Decimal | int, two: Decimal | int, second_digits: int | None = None) -> bool:
    """Equal after rounding to the digits of the less precise of the two."""
    least = min(digits(one), digits(two) if second_digits is None else second_digits)
    step = Decimal(1).scaleb(-least)
    try:
        return Decimal(one).quantize(step, ROUND_HALF_UP) == Decimal(two).quantize(step, ROUND_HALF_UP)
    except InvalidOperation:
        return one == two


def add(one: Quantity, two: Quantity, sign: int) -> Quantity | None:
    """The sum (or difference) in the finer of the two units; None where they have none in common."""
    if one.unit == two.unit and one.calendar == two.calendar:
        return Quantity(one.value + sign * two.value, one.unit, one.calendar, one.opaque)
    if not (is_definite(one) and is_definite(two)) or one.opaque or two.opaque:
        return _add_months(one, two, sign)
    first, second = _base(one), _base(two)
    factors = [_base(Quantity(Decimal(1), each.unit, each.calendar)) for each in (one, two)]
    if first is None or second is None or first[1] != second[1] or factors[0] is None or factors[1] is None:
        return None
    finer, factor = min((one, factors[0][0]), (two, factors[1][0]), key=lambda each: each[1])
    return Quantity(_plain((first[0] + sign * second[0]) / factor), finer.unit, finer.calendar)


def _add_months(one: Quantity, two: Quantity, sign: int) -> Quantity | None:
    if one.calendar and two.calendar and one.unit in _MONTHS and two.unit in _MONTHS:
        months = one.value * _MONTHS[one.unit] + sign * two.value * _MONTHS[two.unit]
        return Quantity(_plain(months / _MONTHS[one.unit]), one.unit, calendar=True)
    return None


def multiply(one: Quantity, two: Quantity) -> Quantity | None:
    """The product, in the product of the units."""
    if two.unit == "1":
        return Quantity(one.value * two.value, one.unit, one.calendar, one.opaque)
    if one.unit == "1":
        return Quantity(one.value * two.value, two.unit, two.calendar, two.opaque)
    return _combined(one, two, one.value * two.value, ".")


def divide(one: Quantity, two: Quantity) -> Quantity | None:
    """The quotient; None when dividing by nothing. Quantities of one dimension give a plain number."""
    if two.value == 0:
        return None
    if two.unit == "1":
        return Quantity(one.value / two.value, one.unit, one.calendar, one.opaque)
    amounts = in_same_unit(one, two)
    if amounts is not None:
        return Quantity(_plain(amounts[0] / amounts[1]), "1")
    return _combined(one, two, one.value / two.value, "/")


def _combined(one: Quantity, two: Quantity, value: Decimal, sign: str) -> Quantity | None:
    if one.opaque or two.opaque or not (is_definite(one) and is_definite(two)):
        return None
    first, second = _as_ucum(one).unit, _as_ucum(two).unit
    unit = f"({first}){sign}({second})"
    bases = canonical(Decimal(1), first), canonical(Decimal(1), second)
    return Quantity(value, unit) if None not in bases else None


def _plain(value: Decimal) -> Decimal:
    """A quotient without zeros at the end, and never with an exponent."""
    short = value.normalize()
    return short.quantize(Decimal(1)) if int(short.as_tuple().exponent) > 0 else short


_DAYS = {"year": 365, "month": 30}


def converted(quantity: Quantity, unit: str) -> Quantity | None:
    """The quantity in another unit, asked for by name; then a calendar year has 365 days and a month 30."""
    calendar = CALENDAR_UNITS.get(unit)
    one = Quantity(Decimal(1), calendar or unit, calendar is not None)
    amounts = in_same_unit(quantity, one)
    if amounts is None:
        amounts = in_same_unit(_in_days(quantity), _in_days(one))
    return None if amounts is None else Quantity(_plain(amounts[0] / amounts[1]), one.unit, one.calendar)


def _in_days(quantity: Quantity) -> Quantity:
    days = _DAYS.get(quantity.unit) if quantity.calendar else None
    return quantity if days is None else Quantity(quantity.value * days, "day", calendar=True)


def duration_unit(quantity: Quantity) -> str:
    """The calendar unit by which a date may be moved; UCUM codes of definite length are taken as such."""
    if quantity.calendar:
        return quantity.unit
    unit = CALENDAR_UNITS.get(quantity.unit) or _CALENDAR_OF_UCUM.get(quantity.unit)
    if unit is None:
        raise wrong("a time-valued quantity to add to a date or time")
    return unit
