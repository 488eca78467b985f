"""When two values, or two collections, are equal, equivalent, or one before the other."""

from decimal import Decimal
from typing import Any

from careloop.fhir.fhirpath import quantities
from careloop.fhir.fhirpath.errors import wrong
from careloop.fhir.fhirpath.quantities import Quantity
from careloop.fhir.fhirpath.runtime import Items, system_value
from careloop.fhir.fhirpath.temporal import Temporal


def equal(left: Items, right: Items) -> bool | None:
    """True where both hold equal items in the same order; None where either is empty or precision leaves it open."""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    unsure = False
    for one, two in zip(left, right, strict=True):
        answer = equal_items(one, two)
        if answer is False:
            return False
        unsure = unsure or answer is None
    return None if unsure else True


def equal_items(one: Any, two: Any) -> bool | None:
    """Equality of two items; None where precision or units leave it open."""
    first, second = system_value(one), system_value(two)
    kinds = type(first), type(second)
    if kinds[0] is kinds[1]:
        return _equal_of_one_kind(first, second)
    if kinds[0] in _NUMBERS and kinds[1] in _NUMBERS:
        return bool(first == second)
    return _equal_converted(first, second)


_NUMBERS = (int, Decimal)


def _equal_of_one_kind(first: Any, second: Any) -> bool | None:
    if isinstance(first, Temporal):
        if (first.kind == "time") != (second.kind == "time"):
            return False
        order = first.compare(second)
        return None if order is None else order == 0
    if isinstance(first, Quantity):
        order = quantities.compare(first, second)
        return None if order is None else order == 0
    if type(first) is tuple:
        return bool(_comparable(first) == _comparable(second))
    return bool(first == second)


def _comparable(node: tuple[Any, ...]) -> Any:
    return (node[0], node[2]) if node[0] is None else node[0]


def _equal_converted(first: Any, second: Any) -> bool | None:
    dates = _as_temporals(first, second)
    if dates is not None:
        return _equal_of_one_kind(*dates)
    amounts = _as_quantities(first, second)
    return _equal_of_one_kind(*amounts) if amounts is not None else False


def _as_temporals(first: Any, second: Any) -> tuple[Temporal, Temporal] | None:
    """Text beside a date is read as one: data without a model does not say which strings are dates."""
    if isinstance(first, str) and isinstance(second, Temporal):
        first = Temporal.parse(second.kind, first) or (Temporal.parse("dateTime", first))
    elif isinstance(second, str) and isinstance(first, Temporal):
        second = Temporal.parse(first.kind, second) or (Temporal.parse("dateTime", second))
    return (first, second) if isinstance(first, Temporal) and isinstance(second, Temporal) else None


def _as_quantities(first: Any, second: Any) -> tuple[Quantity, Quantity] | None:
    """A number beside a quantity is one of unit `1`."""
    if isinstance(first, Quantity) and type(second) in _NUMBERS:
        return first, Quantity(Decimal(second), "1")
    if isinstance(second, Quantity) and type(first) in _NUMBERS:
        return Quantity(Decimal(first), "1"), second
    return None


def equivalent(left: Items, right: Items) -> bool:
    """True where both hold equivalent items in any order; two empty collections are."""
    if len(left) != len(right):
        return False
    if len(left) == 1:
        return equivalent_items(left[0], right[0])
    rest = list(right)
    for one in left:
        place = next((place for place, two in enumerate(rest) if equivalent_items(one, two)), None)
        if place is None:
            return False
        del rest[place]
    return True


def equivalent_items(one: Any, two: Any) -> bool:
    """Equivalence of two items: case and white space, digits that only one has, and order do not count."""
    first, second = system_value(one), system_value(two)
    if isinstance(first, str) and isinstance(second, str):
        return _folded(first) == _folded(second)
    if type(first) in _NUMBERS and type(second) in _NUMBERS:
        return quantities.equal_digits(first, second)
    if isinstance(first, Quantity) and isinstance(second, Quantity):
        return quantities.equivalent(first, second)
    if type(first) is tuple and type(second) is tuple:
        return _equivalent_json(_without_id(first[0]), _without_id(second[0]))
    return equal_items(first, second) is True


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _without_id(value: Any) -> Any:
    return {name: part for name, part in value.items() if name != "id"} if isinstance(value, dict) else value


def _equivalent_json(one: Any, two: Any) -> bool:
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(_equivalent_json(part, two[name]) for name, part in one.items())
    if isinstance(one, list) and isinstance(two, list):
        rest = list(two)
        return len(one) == len(two) and all(_taken(part, rest) for part in one)
    if isinstance(one, str) and isinstance(two, str):
        return _folded(one) == _folded(two)
    if type(one) in _NUMBERS and type(two) in _NUMBERS:
        return quantities.equal_digits(one, two)
    return bool(one == two)


def _taken(part: Any, rest: list[Any]) -> bool:
    for place, other in enumerate(rest):
        if _equivalent_json(part, other):
            del rest[place]
            return True
    return False


def order(left: Items, right: Items) -> int | None:
    """-1, 0 or 1 as the left value is before, at or after the right; None where either is missing or unsure."""
    if not left or not right:
        return None
    if len(left) > 1 or len(right) > 1:
        raise wrong("single values to compare")
    return order_items(left[0], right[0])


def order_items(one: Any, two: Any) -> int | None:
    """The order of two items of comparable types; `Rejected` for others."""
    first, second = system_value(one), system_value(two)
    if _is_missing(first) or _is_missing(second):
        return None
    if type(first) in _NUMBERS and type(second) in _NUMBERS:
        return int(first > second) - int(first < second)
    if type(first) is str and type(second) is str:
        return int(first > second) - int(first < second)
    pair = _as_temporals(first, second)
    if pair is not None:
        return pair[0].compare(pair[1])
    if isinstance(first, Quantity) and isinstance(second, Quantity):
        return quantities.compare(first, second)
    amounts = _as_quantities(first, second)
    if amounts is not None:
        return quantities.compare(*amounts)
    raise wrong("two numbers, strings, dates, times or quantities to compare")


def _is_missing(value: Any) -> bool:
    return type(value) is tuple and value[0] is None


def key(item: Any) -> Any:
    """Something hashable that equal items share, for sets of items; items with no such key give None."""
    value = system_value(item)
    kind = type(value)
    if kind is str or kind is bool:
        return kind, value
    if kind in _NUMBERS:
        return "number", value
    return None


def distinct(items: Items) -> Items:
    """The items without repetitions, in the order in which they first appear."""
    seen: set[Any] = set()
    found: Items = []
    others: Items = []
    for item in items:
        mark = key(item)
        if mark is not None:
            if mark not in seen:
                seen.add(mark)
                found.append(item)
        elif not any(equal_items(item, other) is True for other in others):
            others.append(item)
            found.append(item)
    return found


def is_among(item: Any, items: Items) -> bool:
    """True where `items` has one equal to `item`."""
    return any(equal_items(item, other) is True for other in items)
