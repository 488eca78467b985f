"""FHIRPath, compiled: an expression is read once and becomes closures that threads share.

`compile_expression(text).evaluate(resource)` gives JSON values; `compile_invariant(text, type)` gives a function that
says whether an element keeps an invariant.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from careloop.fhir.fhirpath.compiler import compiled
from careloop.fhir.fhirpath.errors import wrong
from careloop.fhir.fhirpath.navigation import untyped
from careloop.fhir.fhirpath.parser import parse
from careloop.fhir.fhirpath.runtime import Closure, Environment, Items, criterion, plain
from careloop.fhir.fhirpath.syntax import variable_names
from careloop.fhir.fhirpath.types import is_known

Resolver = Callable[[str], Mapping[str, Any] | None]
MemberOf = Callable[[str, str | None, str], bool | None]
"""Is this code (value set, system or None, code) in the value set? None where that is not known."""
Conforms = Callable[[Mapping[str, Any], str], bool | None]
Invariant = Callable[[Any, Mapping[str, Any], Mapping[str, Any]], bool]

__all__ = ["Expression", "Invariant", "compile_expression", "compile_invariant"]


class Expression:
    """A compiled expression. It holds no state: one may serve many threads.

    `variables` are the names that it asks for with `%`.
    """

    __slots__ = ("_closure", "text", "variables")

    def __init__(self, text: str, closure: Closure, variables: frozenset[str]) -> None:
        self.text = text
        self.variables = variables
        self._closure = closure

    def evaluate(
        self,
        resource: Mapping[str, Any],
        *,
        variables: Mapping[str, Any] | None = None,
        resolve: Resolver | None = None,
        now: datetime | None = None,
        member_of: MemberOf | None = None,
        conforms: Conforms | None = None,
    ) -> list[Any]:
        """The values that the expression gives for a resource, as JSON; a Quantity as a FHIR Quantity.

        Elements that have only extensions are left out. `Rejected` where the expression cannot be worked out.
        """
        environment = environment_of(resource)
        if variables:
            environment.variables = variables
        environment.resolver, environment.now = resolve, now
        environment.member_of, environment.conforms = member_of, conforms
        return [value for item in self.items(environment) if (value := plain(item)) is not None]

    def items(self, environment: Environment) -> Items:
        """The items that the expression gives in a prepared evaluation, with their types."""
        try:
            return self._closure(environment.context, environment)
        except RecursionError as error:
            raise wrong("an expression of less depth") from error


def environment_of(resource: Mapping[str, Any], context: Sequence[Any] | None = None) -> Environment:
    """An evaluation on a resource, or on items within it."""
    here = [untyped(resource, None, None)]
    environment = Environment()
    environment.resource = environment.root = here
    environment.context = environment.this = here if context is None else list(context)
    return environment


def compile_expression(text: str) -> Expression:
    """The expression, ready to run; `Rejected` with the place in the text where it cannot be read.

    Texts of usual length are compiled once; a long one each time, so that strangers cannot fill the memory with them.
    """
    return _known_expression(text) if len(text) <= _LONGEST_KEPT else _new_expression(text)


_LONGEST_KEPT = 1_000


def _new_expression(text: str) -> Expression:
    node = parse(text)
    return Expression(text, compiled(node), variable_names(node))


_known_expression = lru_cache(maxsize=2048)(_new_expression)


@lru_cache(maxsize=4096)
def compile_invariant(text: str, type_name: str) -> Invariant:
    """A function `(element, resource, root resource) -> bool`: True where the element keeps the invariant.

    `type_name` is the element's type (`Period`, `Patient.contact`). An expression that gives nothing is not kept, as
    FHIR demands that an invariant is true. `Rejected` here for an unknown function, and later where it cannot be
    worked out.
    """
    if not is_known(type_name):
        raise wrong("a type of R4")
    closure = compiled(parse(text))

    def keeps(element: Any, resource: Mapping[str, Any], root_resource: Mapping[str, Any]) -> bool:
        environment = Environment()
        environment.as_filters = True
        environment.context = environment.this = here = [(element, type_name, None)]
        environment.resource = [(resource, resource.get("resourceType"), None)]
        environment.root = [(root_resource, root_resource.get("resourceType"), None)]
        return criterion(closure(here, environment))

    return keeps
