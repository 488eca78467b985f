"""Mathematics, and the boundaries and precision of values. (FHIRPath 5.7, 5.9 STU)"""

from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Decimal, DecimalException, localcontext
from typing import Any

from careloop.fhir.fhirpath import temporal
from careloop.fhir.fhirpath.arithmetic import in_range
from careloop.fhir.fhirpath.errors import wrong
from careloop.fhir.fhirpath.functions.registry import Family, constant
from careloop.fhir.fhirpath.quantities import Quantity, in_same_unit
from careloop.fhir.fhirpath.runtime import NONE, Environment, Items, boolean, integer_of, number_of, singleton
from careloop.fhir.fhirpath.temporal import Temporal

MATHS = Family()

MOST_DIGITS = 28
"""Digits after the point to which a boundary can be asked for (FHIRPath, lowBoundary)."""


@MATHS.eager("abs")
def absolute(focus: Items, environment: Environment) -> Items:
    """Without its sign."""
    value = singleton(focus)
    if isinstance(value, Quantity):
        return [Quantity(abs(value.value), value.unit, value.calendar, value.opaque)]
    number = number_of(focus)
    return NONE if number is None else [abs(number)]


def _rounded_to_whole(focus: Items, rounding: str) -> Items:
    number = number_of(focus)
    return NONE if number is None else [int(Decimal(number).to_integral_value(rounding))]


@MATHS.eager("ceiling")
def ceiling(focus: Items, environment: Environment) -> Items:
    """The whole number that is not below."""
    return _rounded_to_whole(focus, ROUND_CEILING)


@MATHS.eager("floor")
def floor(focus: Items, environment: Environment) -> Items:
    """The whole number that is not above."""
    return _rounded_to_whole(focus, ROUND_FLOOR)


@MATHS.eager("truncate")
def truncate(focus: Items, environment: Environment) -> Items:
    """The whole part."""
    return _rounded_to_whole(focus, ROUND_DOWN)


@MATHS.eager("round", most=1)
def rounded(focus: Items, environment: Environment, digits: Items = NONE) -> Items:
    """Rounded to so many digits, halves away from zero."""
    number, places = number_of(focus), integer_of(digits) or 0
    if number is None:
        return NONE
    if not 0 <= places <= MOST_DIGITS:
        raise wrong(f"0 to {MOST_DIGITS} digits")
    try:
        return [Decimal(number).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)]
    except DecimalException as error:
        raise wrong("a number that can be rounded") from error


def _computed(value: Decimal) -> Items:
    """A result of a root or logarithm, without digits that only the calculation made."""
    short = +value
    nearest = short.to_integral_value()
    if nearest != short and abs(nearest - short) < Decimal("1e-20"):
        short = nearest
    return constant(in_range(short))


def _safely(work: Any) -> Items:
    try:
        with localcontext() as context:
            context.prec = MOST_DIGITS
            context.Emax = 400
            found: Items = work()
            return found
    except (DecimalException, OverflowError, ValueError):
        return NONE


@MATHS.eager("sqrt")
def square_root(focus: Items, environment: Environment) -> Items:
    """The root; nothing for a negative number."""
    number = number_of(focus)
    return NONE if number is None or number < 0 else _safely(lambda: _computed(Decimal(number).sqrt()))


@MATHS.eager("exp")
def exponential(focus: Items, environment: Environment) -> Items:
    """e to the power."""
    number = number_of(focus)
    return NONE if number is None else _safely(lambda: _computed(Decimal(number).exp()))


@MATHS.eager("ln")
def natural_logarithm(focus: Items, environment: Environment) -> Items:
    """The logarithm to base e; nothing for what is not positive."""
    number = number_of(focus)
    return NONE if number is None or number <= 0 else _safely(lambda: _computed(Decimal(number).ln()))


@MATHS.eager("log", least=1)
def logarithm(focus: Items, environment: Environment, base: Items) -> Items:
    """The logarithm to a base."""
    number, root = number_of(focus), number_of(base)
    if number is None or root is None or number <= 0 or root <= 0 or root == 1:
        return NONE
    return _safely(lambda: _computed(Decimal(number).ln() / Decimal(root).ln()))


@MATHS.eager("power", least=1)
def power(focus: Items, environment: Environment, exponent: Items) -> Items:
    """The number to a power: an integer for integers and a power that is not negative."""
    number, raised = number_of(focus), number_of(exponent)
    if number is None or raised is None:
        return NONE
    if type(number) is int and type(raised) is int and raised >= 0:
        result = _safely(lambda: _computed(Decimal(number) ** raised))
        return [int(one) for one in result]
    return _safely(lambda: _computed(Decimal(number) ** Decimal(raised)))


@MATHS.eager("lowBoundary", most=1)
def low_boundary(focus: Items, environment: Environment, digits: Items = NONE) -> Items:
    """The least value that the item may mean, given the digits with which it is written."""
    return _boundary(focus, integer_of(digits), low=True)


@MATHS.eager("highBoundary", most=1)
def high_boundary(focus: Items, environment: Environment, digits: Items = NONE) -> Items:
    """The greatest value that the item may mean, given the digits with which it is written."""
    return _boundary(focus, integer_of(digits), low=False)


def _boundary(focus: Items, digits: int | None, *, low: bool) -> Items:
    value = singleton(focus)
    if isinstance(value, Temporal):
        return constant(temporal.boundary(value, digits, low=low))
    if isinstance(value, Quantity):
        amount = _decimal_boundary(value.value, digits, low=low)
        return NONE if amount is None else [Quantity(amount, value.unit, value.calendar, value.opaque)]
    if type(value) is int or isinstance(value, Decimal):
        return constant(_decimal_boundary(Decimal(value), digits, low=low))
    if value is None or (type(value) is tuple and value[0] is None):
        return NONE
    raise wrong("a number, date, time or quantity")


def _decimal_boundary(value: Decimal, digits: int | None, *, low: bool) -> Decimal | None:
    places = 8 if digits is None else digits
    if not 0 <= places <= MOST_DIGITS:
        return None
    half = Decimal(5).scaleb(int(value.as_tuple().exponent) - 1)
    away = (value > 0) != low or (value == 0)
    size = abs(value) + half if away else abs(value) - half
    with localcontext() as context:
        context.prec = 60
        bound = size.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP if away else ROUND_DOWN)
    is_negative = value < 0 or (value == 0 and low)
    return bound.copy_negate() if is_negative else bound


@MATHS.eager("precision")
def precision(focus: Items, environment: Environment) -> Items:
    """The digits with which a number, date or time is written."""
    value = singleton(focus)
    if isinstance(value, Temporal):
        return [temporal.precision(value)]
    if type(value) is int or isinstance(value, Decimal):
        return [max(0, -int(Decimal(value).as_tuple().exponent))]
    return NONE


@MATHS.eager("comparable", least=1)
def comparable(focus: Items, environment: Environment, other: Items) -> Items:
    """True where two quantities have units of one dimension."""
    one, two = singleton(focus), singleton(other)
    if not isinstance(one, Quantity) or not isinstance(two, Quantity):
        return NONE
    return boolean(in_same_unit(one, two) is not None)


_PARTS = {"yearOf": 0, "monthOf": 1, "dayOf": 2, "hourOf": 3, "minuteOf": 4, "secondOf": 5}


def _part(focus: Items, place: int) -> Items:
    value = singleton(focus)
    if not isinstance(value, Temporal):
        return NONE
    place = place - 3 if value.kind == "time" else place
    return [int(value.parts[place])] if 0 <= place < len(value.parts) else NONE


def _part_function(place: int) -> Any:
    def part(focus: Items, environment: Environment) -> Items:
        """One part of a date or time."""
        return _part(focus, place)

    return part


for _name, _place in _PARTS.items():
    MATHS.eager(_name)(_part_function(_place))


@MATHS.eager("millisecondOf")
def millisecond_of(focus: Items, environment: Environment) -> Items:
    """The milliseconds of a time that states them."""
    value = singleton(focus)
    if not isinstance(value, Temporal) or not isinstance(value.parts[-1], Decimal):
        return NONE
    return [int(value.parts[-1] % 1 * 1000)]


@MATHS.eager("timezoneOffsetOf")
def timezone_offset_of(focus: Items, environment: Environment) -> Items:
    """The offset in hours of a dateTime that has one."""
    value = singleton(focus)
    if not isinstance(value, Temporal) or value.offset is None:
        return NONE
    return [Decimal(value.offset) / 60]


@MATHS.eager("dateOf")
def date_of(focus: Items, environment: Environment) -> Items:
    """The date of a dateTime."""
    value = singleton(focus)
    return [value.as_date()] if isinstance(value, Temporal) and value.kind != "time" else NONE


@MATHS.eager("timeOf")
def time_of(focus: Items, environment: Environment) -> Items:
    """The time of a dateTime."""
    value = singleton(focus)
    if not isinstance(value, Temporal) or value.kind != "dateTime" or len(value.parts) < 4:
        return NONE
    return [Temporal("time", value.parts[3:])]


def _between(focus: Items, other: Items, unit: Items, *, whole: bool) -> Items:
    one, two, name = singleton(focus), singleton(other), singleton(unit)
    if not isinstance(one, Temporal) or not isinstance(two, Temporal) or not isinstance(name, str):
        return NONE
    from_words = {word + end: word for word in temporal.UNITS for end in ("", "s")}
    if name not in from_words:
        raise wrong("a calendar unit")
    return constant(temporal.difference(one, two, from_words[name], whole=whole))


@MATHS.eager("duration", least=2)
def duration(focus: Items, environment: Environment, other: Items, unit: Items) -> Items:
    """Whole units between two dates or times."""
    return _between(focus, other, unit, whole=True)


@MATHS.eager("difference", least=2)
def difference(focus: Items, environment: Environment, other: Items, unit: Items) -> Items:
    """Boundaries of a unit that lie between two dates or times."""
    return _between(focus, other, unit, whole=False)
