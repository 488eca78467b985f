"""From one System type to another: `toInteger`, `convertsToDate` and their like. (FHIRPath 5.5)"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from careloop.fhir.fhirpath.functions.registry import Family, constant
from careloop.fhir.fhirpath.quantities import CALENDAR_UNITS, Quantity, converted
from careloop.fhir.fhirpath.runtime import NONE, Environment, Items, boolean, singleton, text_of
from careloop.fhir.fhirpath.temporal import Temporal

CONVERSION = Family()

Convert = Callable[[Any], Any]

_TRUE = frozenset(["true", "t", "yes", "y", "1", "1.0"])
_FALSE = frozenset(["false", "f", "no", "n", "0", "0.0"])
_INTEGER = re.compile(r"[+-]?\d{1,10}", re.ASCII)
_LONG = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?\d{1,28}(?:\.\d{1,28})?", re.ASCII)
_QUANTITY = re.compile(
    r"(?P<value>[+-]?\d{1,28}(?:\.\d{1,28})?)\s*(?:'(?P<unit>[^']+)'|(?P<calendar>[a-zA-Z]+))?", re.ASCII
)
_LARGEST_INTEGER = 2**31 - 1


def to_boolean(value: Any) -> bool | None:
    """True or False for what says so."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | Decimal):
        return {0: False, 1: True}.get(int(value)) if value in (0, 1) else None
    if isinstance(value, str):
        word = value.lower()
        return True if word in _TRUE else False if word in _FALSE else None
    return None


def to_integer(value: Any) -> int | None:
    """A whole number of 32 bits."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    if isinstance(value, str) and _INTEGER.fullmatch(value) and abs(int(value)) <= _LARGEST_INTEGER:
        return int(value)
    return None


def to_long(value: Any) -> int | None:
    """A whole number of 64 bits."""
    if isinstance(value, bool | int):
        return int(value)
    return int(value) if isinstance(value, str) and _LONG.fullmatch(value) else None


def to_decimal(value: Any) -> Decimal | None:
    """A number."""
    if isinstance(value, bool | int | Decimal):
        return Decimal(value)
    return Decimal(value) if isinstance(value, str) and _DECIMAL.fullmatch(value) else None


def to_string(value: Any) -> str | None:
    """The text of a value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value) if isinstance(value, str | int | Temporal | Quantity) else None


def to_date(value: Any) -> Temporal | None:
    """A date; that of a dateTime."""
    if isinstance(value, Temporal):
        return None if value.kind == "time" else value.as_date()
    found = Temporal.parse("date", value) or Temporal.parse("dateTime", value) if isinstance(value, str) else None
    return None if found is None else found.as_date()


def to_date_time(value: Any) -> Temporal | None:
    """A dateTime; a date becomes one of the same precision."""
    if isinstance(value, Temporal):
        return None if value.kind == "time" else value.as_date_time()
    return Temporal.parse("dateTime", value) if isinstance(value, str) else None


def to_time(value: Any) -> Temporal | None:
    """A time."""
    if isinstance(value, Temporal):
        return value if value.kind == "time" else None
    return Temporal.parse("time", value) if isinstance(value, str) else None


def to_quantity(value: Any) -> Quantity | None:
    """A quantity; plain numbers have unit `1`."""
    if isinstance(value, Quantity):
        return None if value.opaque else value
    if isinstance(value, bool | int | Decimal):
        return Quantity(Decimal(value), "1")
    match = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    if match["calendar"] is None:
        return Quantity(Decimal(match["value"]), match["unit"] or "1")
    unit = CALENDAR_UNITS.get(match["calendar"])
    return None if unit is None else Quantity(Decimal(match["value"]), unit, calendar=True)


_CONVERSIONS: dict[str, Convert] = {
    "Boolean": to_boolean,
    "Integer": to_integer,
    "Long": to_long,
    "Decimal": to_decimal,
    "String": to_string,
    "Date": to_date,
    "DateTime": to_date_time,
    "Time": to_time,
}


def _converter(convert: Convert) -> Any:
    def converted(focus: Items, environment: Environment) -> Items:
        """The value as another type, or nothing."""
        value = singleton(focus)
        return NONE if value is None else constant(convert(value))

    return converted


def _tester(convert: Convert) -> Any:
    def converts(focus: Items, environment: Environment) -> Items:
        """True where the value can be another type."""
        value = singleton(focus)
        return NONE if value is None else boolean(convert(value) is not None)

    return converts


for _name, _convert in _CONVERSIONS.items():
    CONVERSION.eager(f"to{_name}")(_converter(_convert))
    CONVERSION.eager(f"convertsTo{_name}")(_tester(_convert))


def _as_quantity(focus: Items, unit: Items) -> Quantity | None:
    value = singleton(focus)
    found = None if value is None else to_quantity(value)
    wanted = text_of(unit)
    return found if found is None or wanted is None else converted(found, wanted)


@CONVERSION.eager("toQuantity", most=1)
def quantity(focus: Items, environment: Environment, unit: Items = NONE) -> Items:
    """The value as a quantity (in a unit), or nothing."""
    return constant(_as_quantity(focus, unit))


@CONVERSION.eager("convertsToQuantity", most=1)
def converts_to_quantity(focus: Items, environment: Environment, unit: Items = NONE) -> Items:
    """True where the value can be a quantity (in a unit)."""
    return boolean(_as_quantity(focus, unit) is not None) if focus else NONE
