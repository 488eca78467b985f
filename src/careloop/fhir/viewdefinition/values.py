"""What stands in a cell: one value of the column's type, or an array of them."""

from decimal import Decimal
from typing import Any

from careloop.errors import Rejected
from careloop.fhir.fhirpath.functions.conversion import to_string
from careloop.fhir.fhirpath.runtime import plain
from careloop.fhir.fhirpath.types import is_primitive
from careloop.fhir.viewdefinition.model import Column

INTEGERS = frozenset(["integer", "positiveInt", "unsignedInt", "integer64"])


def column_value(items: list[Any], column: Column, at: str) -> Any:
    """The cell that a column's path gives: None for nothing, an array for a collection."""
    values = [value for item in items if (value := plain(item)) is not None]
    if column.is_collection:
        return [_typed(value, column, at) for value in values]
    if len(values) > 1:
        raise Rejected(at=at, expected="one value, or a column with `collection`", code="multiple-matches")
    return _typed(values[0], column, at) if values else None


def _typed(value: Any, column: Column, at: str) -> Any:
    kind = column.type
    if kind is None:
        return value
    if kind == "boolean":
        fits = isinstance(value, bool)
    elif kind in INTEGERS:
        fits = isinstance(value, int) and not isinstance(value, bool)
    elif kind == "decimal":
        fits = isinstance(value, int | Decimal) and not isinstance(value, bool)
    elif is_primitive(kind):
        return _as_text(value, at)
    else:
        fits = isinstance(value, dict)
    if not fits:
        raise Rejected(at=f"{at}.type", expected=f"values of type {kind}", code="value")
    return value


def _as_text(value: Any, at: str) -> str:
    text = to_string(value)
    if text is None:
        raise Rejected(at=f"{at}.type", expected="a primitive value", code="value")
    return text
