"""Fixed values, patterns and limits."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

Predicate = Callable[[Any], bool]


def equals(fixed: Any) -> Predicate:
    """A predicate: exactly this value. Numbers are equal by value."""
    boolean = type(fixed) is bool
    return lambda value: bool(value == fixed) and (type(value) is bool) is boolean


def fits(pattern: Any) -> Predicate:
    """A predicate: everything in the pattern is in the value; each item of an array in some item (R4 pattern[x])."""
    if type(pattern) is dict:
        parts = [(name, fits(one)) for name, one in pattern.items()]
        return lambda value: type(value) is dict and all(name in value and fit(value[name]) for name, fit in parts)
    if type(pattern) is list:
        items = [fits(one) for one in pattern]
        return lambda value: type(value) is list and all(any(fit(one) for one in value) for fit in items)
    return equals(pattern)


def limits(least: Any, most: Any, missing: Any) -> Predicate:
    """A predicate: not below `least`, not above `most`, where both are of one kind."""

    def is_within(value: Any) -> bool:
        if least is not missing and _comparable(value, least) and value < least:
            return False
        return most is missing or not _comparable(value, most) or value <= most

    return is_within


def _comparable(one: Any, other: Any) -> bool:
    number = (int, Decimal)
    return (isinstance(one, number) and isinstance(other, number)) or (isinstance(one, str) and isinstance(other, str))
