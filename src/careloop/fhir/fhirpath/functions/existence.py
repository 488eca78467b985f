"""Is there anything, how much, and is it all true? Filters and projections. (FHIRPath 5.1 to 5.4, 7)"""

from collections.abc import Sequence
from typing import Any

from careloop.fhir.fhirpath.equality import distinct, is_among, key
from careloop.fhir.fhirpath.errors import wrong
from careloop.fhir.fhirpath.functions.registry import Family, for_each
from careloop.fhir.fhirpath.runtime import (
    FALSE,
    NONE,
    TRUE,
    Closure,
    Environment,
    Items,
    boolean,
    criterion,
    integer_of,
    truth,
)
from careloop.fhir.fhirpath.syntax import Call

EXISTENCE = Family()


@EXISTENCE.eager("empty")
def empty(focus: Items, environment: Environment) -> Items:
    """True where there is nothing."""
    return FALSE if focus else TRUE


@EXISTENCE.lazy("exists", most=1)
def exists(arguments: Sequence[Closure], call: Call) -> Closure:
    """True where there is anything (for which the criterion is true)."""
    if not arguments:
        return lambda focus, environment: TRUE if focus else FALSE
    (body,) = arguments

    def closure(focus: Items, environment: Environment) -> Items:
        return TRUE if any_of(body, focus, environment) else FALSE

    return closure


def any_of(body: Closure, focus: Items, environment: Environment) -> bool:
    """True where `body` is true for one of the items; those after it are not asked."""
    this, index = environment.this, environment.index
    environment.spend(len(focus))
    found = False
    for place, item in enumerate(focus):
        environment.this = here = [item]
        environment.index = place
        if criterion(body(here, environment)):
            found = True
            break
    environment.this, environment.index = this, index
    return found


@EXISTENCE.lazy("all", least=1)
def all_items(arguments: Sequence[Closure], call: Call) -> Closure:
    """True where the criterion is true for every item."""
    (body,) = arguments
    return lambda focus, environment: boolean(all(criterion(one) for one in for_each(body, focus, environment)))


def _truths(focus: Items) -> list[bool | None]:
    values = [item[0] if type(item) is tuple else item for item in focus]
    if any(type(value) is not bool for value in values):
        raise wrong("booleans only")
    return values


@EXISTENCE.eager("allTrue")
def all_true(focus: Items, environment: Environment) -> Items:
    """True where no item is false."""
    return boolean(False not in _truths(focus))


@EXISTENCE.eager("anyTrue")
def any_true(focus: Items, environment: Environment) -> Items:
    """True where an item is true."""
    return boolean(True in _truths(focus))


@EXISTENCE.eager("allFalse")
def all_false(focus: Items, environment: Environment) -> Items:
    """True where no item is true."""
    return boolean(True not in _truths(focus))


@EXISTENCE.eager("anyFalse")
def any_false(focus: Items, environment: Environment) -> Items:
    """True where an item is false."""
    return boolean(False in _truths(focus))


@EXISTENCE.eager("not")
def negation(focus: Items, environment: Environment) -> Items:
    """The other boolean; nothing for nothing."""
    value = truth(focus)
    return NONE if value is None else boolean(not value)


@EXISTENCE.eager("count")
def count(focus: Items, environment: Environment) -> Items:
    """How many items there are."""
    return [len(focus)]


@EXISTENCE.eager("distinct")
def distinct_items(focus: Items, environment: Environment) -> Items:
    """The items without repetitions."""
    environment.spend(len(focus))
    return distinct(focus)


@EXISTENCE.eager("isDistinct")
def is_distinct(focus: Items, environment: Environment) -> Items:
    """True where no item is repeated."""
    environment.spend(len(focus))
    return boolean(len(distinct(focus)) == len(focus))


@EXISTENCE.eager("subsetOf", least=1)
def subset_of(focus: Items, environment: Environment, other: Items) -> Items:
    """True where every item is also in the other collection."""
    environment.spend(len(focus) * len(other))
    return boolean(all(is_among(item, other) for item in focus))


@EXISTENCE.eager("supersetOf", least=1)
def superset_of(focus: Items, environment: Environment, other: Items) -> Items:
    """True where every item of the other collection is also here."""
    environment.spend(len(focus) * len(other))
    return boolean(all(is_among(item, focus) for item in other))


@EXISTENCE.lazy("where", least=1)
def where(arguments: Sequence[Closure], call: Call) -> Closure:
    """The items for which the criterion is true."""
    (body,) = arguments

    def closure(focus: Items, environment: Environment) -> Items:
        if not focus:
            return NONE
        answers = for_each(body, focus, environment)
        return [item for item, answer in zip(focus, answers, strict=True) if criterion(answer)]

    return closure


@EXISTENCE.lazy("select", least=1)
def select(arguments: Sequence[Closure], call: Call) -> Closure:
    """What the projection gives for each item, in one collection."""
    (body,) = arguments

    def closure(focus: Items, environment: Environment) -> Items:
        return [one for found in for_each(body, focus, environment) for one in found]

    return closure


@EXISTENCE.lazy("repeat", least=1)
def repeat(arguments: Sequence[Closure], call: Call) -> Closure:
    """What the projection gives for the items, for what it gave, and so on; each value once."""
    (body,) = arguments

    def closure(focus: Items, environment: Environment) -> Items:
        seen: set[Any] = set()
        found: Items = []
        level = focus
        while level:
            level = _unseen([one for part in for_each(body, level, environment) for one in part], seen, found)
            found += level
        return found

    return closure


def _unseen(items: Items, seen: set[Any], found: Items) -> Items:
    fresh = []
    for item in items:
        mark = key(item) or ("identity", id(item[0]) if type(item) is tuple else str(item))
        if mark not in seen:
            seen.add(mark)
            fresh.append(item)
    return distinct(fresh)


@EXISTENCE.lazy("repeatAll", least=1)
def repeat_all(arguments: Sequence[Closure], call: Call) -> Closure:
    """As `repeat`, with repetitions."""
    (body,) = arguments

    def closure(focus: Items, environment: Environment) -> Items:
        found: Items = []
        level = focus
        while level:
            level = [one for part in for_each(body, level, environment) for one in part]
            found += level
        return found

    return closure


@EXISTENCE.eager("single")
def single(focus: Items, environment: Environment) -> Items:
    """The only item; `Rejected` where there are several."""
    if len(focus) > 1:
        raise wrong("a single item before single()")
    return focus


@EXISTENCE.eager("first")
def first(focus: Items, environment: Environment) -> Items:
    """The first item."""
    return focus[:1]


@EXISTENCE.eager("last")
def last(focus: Items, environment: Environment) -> Items:
    """The last item."""
    return focus[-1:]


@EXISTENCE.eager("tail")
def tail(focus: Items, environment: Environment) -> Items:
    """All items but the first."""
    return focus[1:]


@EXISTENCE.eager("skip", least=1)
def skip(focus: Items, environment: Environment, number: Items) -> Items:
    """All items but the first so many."""
    return focus[max(0, integer_of(number) or 0) :]


@EXISTENCE.eager("take", least=1)
def take(focus: Items, environment: Environment, number: Items) -> Items:
    """The first so many items."""
    return focus[: max(0, integer_of(number) or 0)]


@EXISTENCE.eager("intersect", least=1)
def intersect(focus: Items, environment: Environment, other: Items) -> Items:
    """The items that are in both, each once."""
    environment.spend(len(focus) * (len(other) + 1))
    return [item for item in distinct(focus) if is_among(item, other)]


@EXISTENCE.eager("exclude", least=1)
def exclude(focus: Items, environment: Environment, other: Items) -> Items:
    """The items that are not in the other collection."""
    environment.spend(len(focus) * (len(other) + 1))
    return [item for item in focus if not is_among(item, other)]


@EXISTENCE.eager("union", least=1)
def union(focus: Items, environment: Environment, other: Items) -> Items:
    """The items of both, each once."""
    environment.spend(len(focus) + len(other))
    return distinct([*focus, *other])


@EXISTENCE.eager("combine", least=1, most=2)
def combine(focus: Items, environment: Environment, other: Items, preserve_order: Items = NONE) -> Items:
    """The items of both, with repetitions."""
    environment.spend(len(focus) + len(other))
    return [*focus, *other]


@EXISTENCE.lazy("coalesce", least=1, most=50)
def coalesce(arguments: Sequence[Closure], call: Call) -> Closure:
    """The first argument that holds anything."""

    def closure(focus: Items, environment: Environment) -> Items:
        for argument in arguments:
            found = argument(environment.this, environment)
            if found:
                return found
        return NONE

    return closure
