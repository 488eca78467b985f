"""What is wrong with a document that a schema does not accept: the place and the words of each fault.

Only `catalog.schemas` asks, and only where something is wrong: a process whose content is in order never loads this.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from careloop.errors import Fault


def faults_of(schema: Any, others: Iterable[tuple[str, Any]], document: Any, name: str) -> list[Fault]:
    """Everything in the document that the schema does not accept, with file and path. It may refer to the `others`."""
    registry: Registry[Any] = Registry().with_resources(
        (url, DRAFT202012.create_resource(other)) for url, other in others
    )
    errors = list(_leaves(Draft202012Validator(schema, registry=registry).iter_errors(document)))
    telling = [error for error in errors if error.validator != "unevaluatedProperties"] or errors
    found = {(_place(error), _expected(error)) for error in telling}
    return [Fault(at=f"{name}: {at}", expected=expected, code="structure") for at, expected in sorted(found)]


def _place(error: ValidationError) -> str:
    return error.json_path.removeprefix("$").removeprefix(".") or "top"


def _leaves(errors: Iterable[ValidationError]) -> Iterable[ValidationError]:
    """The most telling errors: of alternatives, those of the one that comes closest."""
    for error in errors:
        if error.validator in ("oneOf", "anyOf") and error.context:
            yield from _leaves(_closest(error.context))
        elif error.validator in ("allOf", "if", "$ref") and error.context:
            yield from _leaves(error.context)
        else:
            yield error


def _closest(context: Iterable[ValidationError]) -> list[ValidationError]:
    by_branch: dict[Any, list[ValidationError]] = {}
    for error in context:
        by_branch.setdefault(error.schema_path[0], []).append(error)
    return min(by_branch.values(), key=lambda branch: (-max(len(error.path) for error in branch), len(branch)))


def _expected(error: ValidationError) -> str:
    """What the schema wants here, in words for the common cases."""
    wanted: Any = error.validator_value
    schema: Any = error.schema
    instance: Any = error.instance
    if error.validator == "required":
        return f"the key {next(key for key in wanted if key not in instance)}"
    if error.validator == "additionalProperties":
        return f"only the keys {', '.join(sorted(schema['properties']))}"
    plain: Mapping[str, str] = {
        "enum": f"one of {', '.join(map(str, wanted))}" if isinstance(wanted, list) else "",
        "type": f"a {wanted}",
        "pattern": f"text like {wanted}",
        "const": f"{wanted}",
        "minLength": f"text of at least {wanted} letters",
        "minItems": f"at least {wanted} item",
        "maxItems": f"at most {wanted} items",
    }
    return plain.get(str(error.validator)) or str(error.message)
