"""One evaluation: what it is about, its variables, and how much work it may still do.

A collection is a Python list that nobody changes once it is made. Its items are System values (`bool`, `int`,
`Decimal`, `str`, `Temporal`, `Quantity`) or *nodes*: tuples of a JSON value, its FHIR type (None where unknown) and,
for a primitive, what FHIR JSON keeps beside it (`_birthDate`).
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from careloop.fhir.fhirpath.errors import wrong
from careloop.fhir.fhirpath.quantities import Quantity, of_fhir
from careloop.fhir.fhirpath.temporal import Temporal

Items = list[Any]
FhirNode = tuple[Any, str | None, Any]
Closure = Callable[[Items, "Environment"], Items]

TRUE: Items = [True]
FALSE: Items = [False]
NONE: Items = []

MOST_WORK = 600_000
"""Items that one evaluation may visit; keeps a hostile expression to about a second."""
LONGEST_STRING = 1_000_000


class Environment:
    """What one evaluation knows. `this` is the context of the innermost function, `defined` what it has named.

    `is_strict`: names that a type does not have are errors. `as_filters`: `as` keeps the items of its type out of
    several, as the invariants of R4 need it (`descendants().as(uri)`).
    """

    context: Items = NONE
    this: Items = NONE
    resource: Items = NONE
    root: Items = NONE
    variables: Mapping[str, Any] = MappingProxyType({})
    defined: Mapping[str, Items] = MappingProxyType({})
    resolver: Callable[[str], Mapping[str, Any] | None] | None = None
    now: datetime | None = None
    member_of: Callable[[str, str | None, str], bool | None] | None = None
    conforms: Callable[[Mapping[str, Any], str], bool | None] | None = None
    is_strict = False
    as_filters = False
    index: int | None = None
    total: Items = NONE
    traces: list[tuple[str, Items]] | None = None
    work = MOST_WORK

    def spend(self, amount: int) -> None:
        """Counts work; `Rejected` when an evaluation asks for too much."""
        self.work -= amount
        if self.work < 0:
            raise wrong("an expression that needs less work")


def fhir_type(value: Any) -> str | None:
    """The type of a resource, None for anything else."""
    return value.get("resourceType") if isinstance(value, dict) else None


def _temporal(kind: str) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        found = Temporal.parse(kind, value) if isinstance(value, str) else None
        return value if found is None else found

    return convert


def _quantity(value: Any) -> Any:
    return (of_fhir(value) if isinstance(value, dict) else None) or value


_CONVERTERS: dict[str | None, Callable[[Any], Any]] = {
    "date": _temporal("date"),
    "dateTime": _temporal("dateTime"),
    "instant": _temporal("dateTime"),
    "time": _temporal("time"),
}
QUANTITIES = frozenset(["Quantity", "Age", "Count", "Distance", "Duration", "SimpleQuantity", "MoneyQuantity"])
_DECIMALS = frozenset(["decimal"])


def system_value(item: Any) -> Any:
    """The System value of an item; a node that has none (an Identifier, an element without value) stays as it is."""
    if type(item) is not tuple:
        return item
    value, kind, _ = item
    convert = _CONVERTERS.get(kind)
    if convert is not None:
        return convert(value)
    if type(value) is not dict:
        return item if value is None else value
    if kind in QUANTITIES:
        found = of_fhir(value)
        return item if found is None else found
    return item


def singleton(items: Items, what: str = "one value") -> Any:
    """The System value of the only item, None where there is none; `Rejected` where there are several."""
    if not items:
        return None
    if len(items) > 1:
        raise wrong(f"{what}, not several")
    value = system_value(items[0])
    return None if type(value) is tuple and value[0] is None else value


def truth(items: Items) -> bool | None:
    """The boolean that a collection stands for: itself, or True for any other single item; None where it is empty."""
    if not items:
        return None
    if len(items) > 1:
        raise wrong("one boolean, not several values")
    value = items[0]
    if type(value) is tuple:
        value = value[0]
    return value if type(value) is bool else True


def criterion(items: Items) -> bool:
    """True where a filter lets its item through; anything but a boolean is an error."""
    return truth(items) is True


def text_of(items: Items) -> str | None:
    """The text of a single item; `Rejected` where it is something else."""
    value = singleton(items, "one string")
    if value is None or type(value) is str:
        return value
    if isinstance(value, Temporal) and type(items[0]) is tuple:
        return str(items[0][0])
    raise wrong("a string")


def integer_of(items: Items) -> int | None:
    """The integer of a single item; `Rejected` where it is something else."""
    value = singleton(items, "one integer")
    if value is None or type(value) is int:
        return value
    raise wrong("an integer")


def number_of(items: Items) -> int | Decimal | None:
    """The number of a single item; `Rejected` where it is something else."""
    value = singleton(items, "one number")
    if value is None or type(value) is int or type(value) is Decimal:
        return value
    raise wrong("a number")


def plain(item: Any) -> Any:
    """An item as JSON: dates as text, quantities as FHIR Quantity."""
    if type(item) is tuple:
        return item[0]
    if isinstance(item, Temporal):
        return str(item)
    if isinstance(item, Quantity):
        return item.as_json()
    return item


def boolean(value: bool | None) -> Items:
    """A collection of one boolean, or none."""
    if value is None:
        return NONE
    return TRUE if value else FALSE
