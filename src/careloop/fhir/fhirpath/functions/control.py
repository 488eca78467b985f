"""Choosing, folding, sorting, naming: `iif`, `aggregate`, `sort`, `defineVariable`, `trace`. (FHIRPath 5.5, 5.9, 7)"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import cmp_to_key
from typing import Any

from careloop.fhir.fhirpath import arithmetic
from careloop.fhir.fhirpath.equality import order_items
from careloop.fhir.fhirpath.errors import wrong
from careloop.fhir.fhirpath.functions.registry import Family, for_each
from careloop.fhir.fhirpath.runtime import NONE, Closure, Environment, Items, text_of, truth
from careloop.fhir.fhirpath.syntax import Call, Unary
from careloop.fhir.fhirpath.temporal import Temporal

CONTROL = Family()

RESERVED = frozenset(["context", "resource", "rootResource", "ucum", "sct", "loinc", "factory", "terminologies"])
"""Names that `defineVariable` may not take."""


@CONTROL.lazy("iif", least=2, most=3)
def iif(arguments: Sequence[Closure], call: Call) -> Closure:
    """The second argument where the first is true, else the third; only the one that is needed is worked out."""
    test, then = arguments[0], arguments[1]
    otherwise = arguments[2] if len(arguments) > 2 else None

    def closure(focus: Items, environment: Environment) -> Items:
        if len(focus) > 1:
            raise wrong("at most one item before iif()", call.position)
        this = environment.this
        environment.this = focus
        answer = test(focus, environment)
        if environment.is_strict and answer and not _is_boolean(answer[0]):
            raise wrong("a boolean criterion", call.position)
        chosen = then if truth(answer) is True else otherwise
        found = NONE if chosen is None else chosen(focus, environment)
        environment.this = this
        return found

    return closure


def _is_boolean(item: Any) -> bool:
    return type(item[0] if type(item) is tuple else item) is bool


@CONTROL.lazy("aggregate", least=1, most=2)
def aggregate(arguments: Sequence[Closure], call: Call) -> Closure:
    """`$total` after working out the first argument for each item in turn; it starts as the second argument."""
    body = arguments[0]
    start = arguments[1] if len(arguments) > 1 else None

    def closure(focus: Items, environment: Environment) -> Items:
        total = environment.total
        environment.total = NONE if start is None else start(environment.this, environment)
        this, index = environment.this, environment.index
        environment.spend(len(focus))
        for place, item in enumerate(focus):
            environment.this = here = [item]
            environment.index = place
            environment.total = body(here, environment)
        found, environment.total = environment.total, total
        environment.this, environment.index = this, index
        return found

    return closure


@CONTROL.lazy("sort", most=10)
def sort(arguments: Sequence[Closure], call: Call) -> Closure:
    """The items by one or more keys (by themselves where none is given); a key with `-` or `desc` sorts downwards.

    Items without a key come first either way.
    """
    downwards = [isinstance(one, Unary) and one.operator == "-" for one in call.arguments]

    def closure(focus: Items, environment: Environment) -> Items:
        keys = [for_each(body, focus, environment) for body in arguments] or [[[item] for item in focus]]
        signs = [-1 if down else 1 for down in downwards] or [1]

        def compare(one: int, two: int) -> int:
            for sign, column in zip(signs, keys, strict=True):
                found = _order(column[one], column[two], sign)
                if found:
                    return found
            return 0

        environment.spend(len(focus) * max(1, len(focus).bit_length()))
        return [focus[place] for place in sorted(range(len(focus)), key=cmp_to_key(compare))]

    return closure


def _order(one: Items, two: Items, sign: int) -> int:
    if not one or not two:
        return bool(one) - bool(two)
    return sign * (order_items(one[0], two[0]) or 0)


@CONTROL.lazy("trace", least=1, most=2)
def trace(arguments: Sequence[Closure], call: Call) -> Closure:
    """The items as they came; what was to be seen is kept with the evaluation under a name."""

    def closure(focus: Items, environment: Environment) -> Items:
        name = text_of(arguments[0](environment.this, environment)) or ""
        shown = focus
        if len(arguments) > 1:
            shown = [one for found in for_each(arguments[1], focus, environment) for one in found]
        environment.spend(len(shown))
        if environment.traces is not None:
            environment.traces.append((name, shown))
        return focus

    return closure


@CONTROL.lazy("defineVariable", least=1, most=2)
def define_variable(arguments: Sequence[Closure], call: Call) -> Closure:
    """The items as they came; from here on along the path `%name` is the second argument, or the items."""

    def closure(focus: Items, environment: Environment) -> Items:
        name = text_of(arguments[0](environment.this, environment))
        if not name or name in RESERVED or name.startswith(("vs-", "ext-")):
            raise wrong("the name of a new variable", call.position)
        if name in environment.defined or name in environment.variables:
            raise wrong("a variable that is not defined yet", call.position)
        value = focus
        if len(arguments) > 1:
            this, environment.this = environment.this, focus
            value = arguments[1](focus, environment)
            environment.this = this
        environment.defined = {**environment.defined, name: value}
        return focus

    return closure


def _now(environment: Environment) -> datetime:
    if environment.now is None:
        raise wrong("an evaluation that was told the time")
    return environment.now


@CONTROL.eager("now")
def now(focus: Items, environment: Environment) -> Items:
    """The instant that the evaluation was told."""
    return [Temporal.of_instant(_now(environment))]


@CONTROL.eager("today")
def today(focus: Items, environment: Environment) -> Items:
    """The date of that instant."""
    return [Temporal.of_instant(_now(environment)).as_date()]


@CONTROL.eager("timeOfDay")
def time_of_day(focus: Items, environment: Environment) -> Items:
    """The time of that instant."""
    return [Temporal("time", Temporal.of_instant(_now(environment)).parts[3:])]


def _folded(focus: Items, operator: str) -> Items:
    total = focus[:1]
    for item in focus[1:]:
        total = arithmetic.calculate(operator, total, [item])
        if not total:
            return NONE
    return total


@CONTROL.eager("sum")
def total(focus: Items, environment: Environment) -> Items:
    """The sum of numbers or quantities."""
    return _folded(focus, "+") if not _has_gaps(focus) else NONE


def _has_gaps(focus: Items) -> bool:
    return any(type(item) is tuple and item[0] is None for item in focus)


@CONTROL.eager("min")
def least(focus: Items, environment: Environment) -> Items:
    """The item before all others."""
    return _extreme(focus, -1)


@CONTROL.eager("max")
def greatest(focus: Items, environment: Environment) -> Items:
    """The item after all others."""
    return _extreme(focus, 1)


def _extreme(focus: Items, sign: int) -> Items:
    if _has_gaps(focus):
        return NONE
    found = focus[:1]
    for item in focus[1:]:
        if order_items(item, found[0]) == sign:
            found = [item]
    return found


@CONTROL.eager("avg")
def average(focus: Items, environment: Environment) -> Items:
    """The mean of numbers or quantities."""
    if not focus or _has_gaps(focus):
        return NONE
    return arithmetic.calculate("/", _folded(focus, "+"), [Decimal(len(focus))])
