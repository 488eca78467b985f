"""`+ - * / div mod &` over numbers, strings, dates and quantities. What cannot be computed gives None: nothing."""

from decimal import ROUND_DOWN, Decimal, DecimalException
from typing import Any

from careloop.fhir.fhirpath import quantities, temporal
from careloop.fhir.fhirpath.errors import wrong
from careloop.fhir.fhirpath.quantities import Quantity
from careloop.fhir.fhirpath.runtime import LONGEST_STRING, NONE, Items, singleton, text_of
from careloop.fhir.fhirpath.temporal import Temporal

LARGEST = Decimal(10) ** 28
"""FHIRPath asks for 28 digits; what is larger is not computed."""
_NUMBERS = (int, Decimal)


def calculate(operator: str, left: Items, right: Items) -> Items:
    """The result of one operator; empty where either side is."""
    if operator == "&":
        return [_joined(text_of(left) or "", text_of(right) or "")]
    one, two = singleton(left), singleton(right)
    if one is None or two is None:
        return NONE
    result = _calculated(operator, one, two)
    return NONE if result is None else [result]


def _joined(one: str, two: str) -> str:
    if len(one) + len(two) > LONGEST_STRING:
        raise wrong("a shorter string")
    return one + two


def _calculated(operator: str, one: Any, two: Any) -> Any:
    if type(one) in _NUMBERS and type(two) in _NUMBERS:
        return in_range(_numbers(operator, one, two))
    if operator == "+" and isinstance(one, str) and isinstance(two, str):
        return _joined(one, two)
    if isinstance(one, Temporal) and isinstance(two, Quantity) and operator in "+-":
        amount = two.value if operator == "+" else -two.value
        return temporal.add(one, amount, quantities.duration_unit(two))
    if isinstance(one, str) and isinstance(two, Quantity) and operator in "+-":
        return _moved_text(operator, one, two)
    return _amounts(operator, one, two)


def _moved_text(operator: str, text: str, quantity: Quantity) -> Any:
    """Text that is a date can be moved too: data without a model does not say which strings are dates."""
    value = Temporal.parse("dateTime" if "T" in text else "date", text)
    if value is None:
        raise wrong(f"values that `{operator}` can take")
    return _calculated(operator, value, quantity)


def _amounts(operator: str, one: Any, two: Any) -> Quantity | None:
    first, second = _quantity(one), _quantity(two)
    if first is None or second is None:
        raise wrong(f"values that `{operator}` can take")
    if operator in ("+", "-"):
        return quantities.add(first, second, 1 if operator == "+" else -1)
    if operator == "*":
        return quantities.multiply(first, second)
    if operator == "/":
        return quantities.divide(first, second)
    raise wrong(f"values that `{operator}` can take")


def _quantity(value: Any) -> Quantity | None:
    if isinstance(value, Quantity):
        return value
    return Quantity(Decimal(value), "1") if type(value) in _NUMBERS else None


def _numbers(operator: str, one: Any, two: Any) -> Any:
    match operator:
        case "+":
            return one + two
        case "-":
            return one - two
        case "*":
            return one * two
        case "/":
            return None if two == 0 else Decimal(one) / Decimal(two)
        case "div":
            return None if two == 0 else _whole(one, two)
    return None if two == 0 else one - two * _whole(one, two)


def _whole(one: Any, two: Any) -> int:
    try:
        return int((Decimal(one) / Decimal(two)).to_integral_value(ROUND_DOWN))
    except DecimalException as error:
        raise wrong("numbers that can be divided") from error


def in_range(value: Any) -> Any:
    """A number, or None where it is too large to be one."""
    return None if value is None or abs(value) > LARGEST else value


def negated(items: Items) -> Items:
    """The number or quantity with the other sign."""
    value = singleton(items, "one number")
    if value is None:
        return NONE
    if type(value) in _NUMBERS:
        return [-value]
    if isinstance(value, Quantity):
        return [Quantity(-value.value, value.unit, value.calendar, value.opaque)]
    raise wrong("a number")
