"""How a function joins the language: its name, how many arguments it takes, and what makes its closure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from careloop.fhir.fhirpath.runtime import Closure, Environment, Items
from careloop.fhir.fhirpath.syntax import Call

Eager = Callable[..., Items]
Make = Callable[[Sequence[Closure], Call], Closure]


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the language. `make` gets the closures of its arguments and the call as it was written.

    `takes_type` functions read their argument as the name of a type; it is not compiled.
    """

    least: int
    most: int
    make: Make
    takes_type: bool = False


@dataclass(frozen=True, slots=True)
class Family:
    """Functions of one kind, by name."""

    table: dict[str, Function] = field(default_factory=dict)

    def eager(self, *names: str, least: int = 0, most: int | None = None) -> Callable[[Eager], Eager]:
        """For functions whose arguments are worked out first, in the context around the call."""

        def register(function: Eager) -> Eager:
            for name in names:
                self.table[name] = Function(least, least if most is None else most, _eager(function))
            return function

        return register

    def lazy(
        self, *names: str, least: int = 0, most: int | None = None, takes_type: bool = False
    ) -> Callable[[Make], Make]:
        """For functions that work out their arguments themselves: for each item, or perhaps never."""

        def register(make: Make) -> Make:
            for name in names:
                self.table[name] = Function(least, least if most is None else most, make, takes_type)
            return make

        return register


def _eager(function: Eager) -> Make:
    def make(arguments: Sequence[Closure], call: Call) -> Closure:
        if not arguments:
            return function
        if len(arguments) == 1:
            (argument,) = arguments

            def with_one(focus: Items, environment: Environment) -> Items:
                return function(focus, environment, argument(environment.this, environment))

            return with_one

        def with_many(focus: Items, environment: Environment) -> Items:
            return function(focus, environment, *[one(environment.this, environment) for one in arguments])

        return with_many

    return make


def for_each(body: Closure, focus: Items, environment: Environment) -> list[Items]:
    """What `body` gives for each item, with `$this` and `$index` set to it."""
    this, index = environment.this, environment.index
    environment.spend(len(focus))
    found = []
    for place, item in enumerate(focus):
        environment.this = here = [item]
        environment.index = place
        found.append(body(here, environment))
    environment.this, environment.index = this, index
    return found


def constant(value: Any) -> Items:
    """A collection of one value, or none where it is None."""
    return [] if value is None else [value]
