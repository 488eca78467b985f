"""What the prefixes of a search value mean over intervals (R4 search, section 3.1.1.4.5).

The resource's value and the search value are both half-open intervals `[low, high)`. The rule is stated as
comparisons that a database can carry out on its two columns; `matches` carries out the same comparisons in Python.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from operator import ge, gt, le, lt
from typing import Generic, Literal, TypeVar

from careloop.errors import Rejected
from careloop.fhir.dates import BEGINNING, END, Interval

Value = TypeVar("Value", datetime, Decimal)

PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")

_CARRY_OUT = {"<": lt, "<=": le, ">": gt, ">=": ge}


@dataclass(frozen=True, slots=True)
class Comparison(Generic[Value]):
    """`column` compared with `value`: an end of a resource's interval, or its number."""

    column: Literal["low", "high", "value"]
    operator: Literal["<", "<=", ">", ">="]
    value: Value


Alternatives = tuple[tuple[Comparison[Value], ...], ...]
"""Any of the alternatives must hold; within one, all comparisons must."""


def comparisons(prefix: str, low: Value, high: Value) -> Alternatives[Value]:
    """The comparisons that `prefix` asks of a resource's interval, for the search value `[low, high)`.

    `ap` must come with a search value that is already widened (`approximate_dates`, `approximate_numbers`).
    """
    match prefix:
        case "eq":
            return ((Comparison("low", ">=", low), Comparison("high", "<=", high)),)
        case "ne":
            return ((Comparison("low", "<", low),), (Comparison("high", ">", high),))
        case "gt":
            return ((Comparison("high", ">", high),),)
        case "lt":
            return ((Comparison("low", "<", low),),)
        case "ge":
            return ((Comparison("high", ">", high),), (Comparison("low", ">=", low), Comparison("high", "<=", high)))
        case "le":
            return ((Comparison("low", "<", low),), (Comparison("low", ">=", low), Comparison("high", "<=", high)))
        case "sa":
            return ((Comparison("low", ">=", high),),)
        case "eb":
            return ((Comparison("high", "<=", low),),)
        case "ap":
            return ((Comparison("low", "<", high), Comparison("high", ">", low)),)
    raise Rejected(at="prefix", expected="one of " + ", ".join(PREFIXES))


def matches(alternatives: Sequence[Sequence[Comparison[Value]]], low: Value, high: Value) -> bool:
    """True where a resource with the interval `[low, high)` satisfies one of the alternatives."""
    return any(
        all(_CARRY_OUT[one.operator](high if one.column == "high" else low, one.value) for one in alternative)
        for alternative in alternatives
    )


def approximate_dates(value: Interval, now: datetime) -> Interval:
    """The interval widened at both ends by a tenth of its distance from `now` (R4 search: recommended 10 %)."""
    low, high = value
    margin = max(abs(now - low), abs(now - high)) / 10 if low > BEGINNING and high < END else timedelta(0)
    return _shift(low, -margin), _shift(high, margin)


def _shift(moment: datetime, by: timedelta) -> datetime:
    try:
        return (moment + by).astimezone(UTC)
    except OverflowError:
        return BEGINNING if by < timedelta(0) else END


def number_interval(text: str) -> tuple[Decimal, Decimal]:
    """The numbers that round to `text`: `5.40` covers [5.395, 5.405), `100` covers [99.5, 100.5), `1e2` [95, 105).

    R4 search, section 3.1.1.4.4: half of the last significant digit to both sides.
    """
    number = Decimal(text)
    half = Decimal(5).scaleb(int(number.as_tuple().exponent) - 1)
    return number - half, number + half


def number_comparisons(prefix: str, text: str) -> Alternatives[Decimal]:
    """The comparisons that `prefix` asks of a number, for the search value `text`.

    `eq`, `ne` and `ap` have a range; the others compare with the exact number (R4 search, section 3.1.1.4.4).
    """
    low, high = approximate_numbers(text) if prefix == "ap" else number_interval(text)
    exact = Decimal(text)
    match prefix:
        case "eq" | "ap":
            return ((Comparison("value", ">=", low), Comparison("value", "<=" if prefix == "ap" else "<", high)),)
        case "ne":
            return ((Comparison("value", "<", low),), (Comparison("value", ">=", high),))
        case "gt" | "sa":
            return ((Comparison("value", ">", exact),),)
        case "lt" | "eb":
            return ((Comparison("value", "<", exact),),)
        case "ge":
            return ((Comparison("value", ">=", exact),),)
        case "le":
            return ((Comparison("value", "<=", exact),),)
    raise Rejected(at="prefix", expected="one of " + ", ".join(PREFIXES))


def approximate_numbers(text: str) -> tuple[Decimal, Decimal]:
    """A tenth of the number to both sides."""
    number = Decimal(text)
    margin = abs(number) / 10
    return number - margin, number + margin
