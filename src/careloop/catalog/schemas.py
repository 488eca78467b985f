"""Checks content documents against `content/schemas`. A schema refers to another as `urn:careloop:schema:<name>`.

`jsonschema-rs` answers yes or no for every file at every start; `jsonschema` is asked only where the answer is no, for
the place and the words of the fault (`catalog.schema_faults`, decision 0217).
"""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import jsonschema_rs

from careloop.errors import Fault

PARTS = frozenset({"common", "condition"})
"""Schemas that others refer to; every other one is for the files of the folder with its name."""


class Schemas:
    """The JSON Schemas of all kinds of content."""

    def __init__(self, folder: Path) -> None:
        documents = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
        self._named = [(document["$id"], document) for document in documents.values() if "$id" in document]
        self._documents = {name: document for name, document in documents.items() if name not in PARTS}
        quick = jsonschema_rs.Registry(self._named)
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
        words: Any = import_module("careloop.catalog.schema_faults")  # 3 MB that sound content never needs
        found: list[Fault] = words.faults_of(self._documents[kind], self._named, document, name)
        return found


def _is_surely_valid(validator: jsonschema_rs.Draft202012Validator, document: Any) -> bool:
    try:
        return validator.is_valid(document)
    except ValueError:  # a key that is no text (YAML allows it): the slow one says where
        return False
