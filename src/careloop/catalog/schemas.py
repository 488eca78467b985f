"""Checks content documents against `content/schemas`. A schema refers to another as `urn:careloop:schema:<name>`.

`jsonschema-rs` answers yes or no for every file at every start; `jsonschema` is asked only where the answer is no, for
the place and the words of the fault (decision 0217).
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from careloop.errors import Fault

PARTS = frozenset({"common", "condition"})
"""Schemas that others refer to; every other one is for the files of the folder with its name."""


class Schemas:
    """The JSON Schemas of all kinds of content."""

    def __init__(self, folder: Path) -> None:
        documents = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
        named = [(document["$id"], document) for document in documents.values() if "$id" in document]
        self._documents = {name: document for name, document in documents.items() if name not in PARTS}
        self._registry: Registry[Any] = Registry().with_resources(
            (name, DRAFT202012.create_resource(document)) for name, document in named
        )
        quick = jsonschema_rs.Registry(named)
        self._quick = {
            name: jsonschema_rs.Draft202012Validator(document, registry=quick)
            for name, document in self._documents.items()
        }

    @property
    def kinds(self) -> frozenset[str]:
        """Kinds of content that have a schema."""
        return frozenset(self._documents)

    def faults(self, kind: str, document: Any, name: str) -> list[Fault]:
        """Everything in the document that the schema of its kind does not accept, with file and path."""
        if _is_surely_valid(self._quick[kind], document):
            return []
        validator = Draft202012Validator(self._documents[kind], registry=self._registry)
        errors = list(_leaves(validator.iter_errors(document)))
        telling = [error for error in errors if error.validator != "unevaluatedProperties"] or errors
        found = {(_place(error), _expected(error)) for error in telling}
        return [Fault(at=f"{name}: {at}", expected=expected, code="structure") for at, expected in sorted(found)]


def _is_surely_valid(validator: jsonschema_rs.Draft202012Validator, document: Any) -> bool:
    try:
        return validator.is_valid(document)
    except ValueError:  # a key that is no text (YAML allows it): the slow one says where
        return False


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
