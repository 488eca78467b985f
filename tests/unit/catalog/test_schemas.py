"""The quick verdict on a content file and the one that tells the fault are the same (decision 0217)."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from careloop.catalog.catalog import CONTENT
from careloop.catalog.reading import read_file, read_yaml
from careloop.catalog.schemas import PARTS, Schemas

DOCUMENTS = {path.stem: json.loads(path.read_text()) for path in sorted((CONTENT / "schemas").glob("*.json"))}
NAMED = [(one["$id"], one) for one in DOCUMENTS.values() if "$id" in one]


def spoilt(document: Any) -> Iterator[Any]:
    """The document with one key left out, one too many, or one of another type."""
    if not isinstance(document, dict):
        return
    for key in document:
        yield {name: value for name, value in document.items() if name != key}
        yield {**document, key: {"nothing": ["like", "this"]}}
    yield {**document, "a-key-nobody-knows": 1}
    for key, value in document.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            changed = copy.deepcopy(document)
            changed[key][0]["a-key-nobody-knows"] = 1
            yield changed


@pytest.mark.parametrize("kind", sorted(set(DOCUMENTS) - PARTS))
def test_both_validators_say_the_same_of_good_and_spoilt_files(kind):
    quick = jsonschema_rs.Draft202012Validator(DOCUMENTS[kind], registry=jsonschema_rs.Registry(NAMED))
    registry = Registry().with_resources((name, DRAFT202012.create_resource(one)) for name, one in NAMED)
    slow = Draft202012Validator(DOCUMENTS[kind], registry=registry)
    paths = [one for one in sorted((CONTENT / kind).rglob("*")) if one.suffix in (".yaml", ".json")][:2]
    for path in paths:
        if path.name.endswith(".cases.yaml"):
            continue
        document, fault = read_file(path, path.name)
        assert fault is None and quick.is_valid(document)
        for other in spoilt(document):
            assert quick.is_valid(other) == slow.is_valid(other), (path.name, sorted(other))


def test_a_key_that_is_no_text_has_a_place():
    [fault] = Schemas(CONTENT / "schemas").faults("calendars", read_yaml("id: x\n7: seven\n"), "calendars/x.yaml")[:1]
    assert fault.at.startswith("calendars/x.yaml: ")
