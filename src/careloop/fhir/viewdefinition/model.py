"""A compiled ViewDefinition: its columns, and how a resource becomes rows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from careloop.errors import Rejected
from careloop.fhir.fhirpath import environment_of
from careloop.fhir.fhirpath.runtime import Environment, truth

Row = tuple[Any, ...]
Select = Callable[[list[Any], Environment], list[Row]]
"""Items in focus, and the evaluation → rows of the columns that one `select` has."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column of a view. `type` is a FHIR type, None where the definition states none; a collection holds arrays."""

    name: str
    type: str | None
    is_collection: bool
    description: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """A view over resources of one type. It holds no state: one may serve many threads."""

    name: str
    resource_type: str
    columns: tuple[Column, ...]
    filters: tuple[Callable[[Environment], list[Any]], ...]
    select: Select
    constants: Mapping[str, Any]

    def rows(self, resource: Mapping[str, Any]) -> list[Row]:
        """The rows of a resource, in the order of the columns; none for another type or one that `where` leaves out.

        `Rejected` where a column that is no collection has several values, or values of another type.
        """
        if resource.get("resourceType") != self.resource_type:
            return []
        environment = environment_of(resource)
        environment.variables = {**self.constants, "rowIndex": 0}
        for path in self.filters:
            found = path(environment)
            if found and not (len(found) == 1 and isinstance(_value(found[0]), bool)):
                raise Rejected(at="ViewDefinition.where.path", expected="a path that gives a boolean", code="value")
            if truth(found) is not True:
                return []
        return self.select(environment.context, environment)


def _value(item: Any) -> Any:
    return item[0] if type(item) is tuple else item
