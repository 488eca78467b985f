"""Reads content files: YAML without surprises, JSON, CSV. Text stays text: no dates or octal numbers are guessed."""

import csv
import json
import sys
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from careloop.errors import Fault

SUFFIXES = (".yaml", ".json", ".csv")
_SHORT = 80


class _Loader(yaml.CSafeLoader):
    """Safe YAML; a key written twice is a fault, and a date stays the text that stands there."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def _mapping_without_doubles(loader: _Loader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    seen: set[tuple[str, str]] = set()
    for key, _ in node.value:
        written = (key.tag, str(key.value))
        if written in seen:
            raise yaml.constructor.ConstructorError(None, None, f"the key {key.value!r} once only", node.start_mark)
        seen.add(written)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping_without_doubles)


def _text_once(loader: _Loader, node: yaml.ScalarNode) -> str:
    """Content says the same short words tens of thousands of times (`id`, `code`, a system): each is kept once."""
    text: str = loader.construct_scalar(node)
    return sys.intern(text) if len(text) <= _SHORT else text


_Loader.add_constructor("tag:yaml.org,2002:str", _text_once)


def _texts_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The same for JSON, whose keys are kept once in any case."""
    return {key: sys.intern(value) if type(value) is str and len(value) <= _SHORT else value for key, value in pairs}


def read_yaml(text: str) -> Any:
    """The YAML document in `text`."""
    return yaml.load(text, Loader=_Loader)  # noqa: S506 -- a subclass of the safe loader


def read_file(path: Path, name: str) -> tuple[Any, Fault | None]:
    """The document in a content file, or the fault that kept it from being read."""
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".yaml":
            return read_yaml(text), None
        if path.suffix == ".json":
            return json.loads(text, object_pairs_hook=_texts_once), None
        return list(csv.DictReader(text.splitlines())), None
    except UnicodeDecodeError:
        return None, Fault(at=name, expected="text in UTF-8", code="structure")
    except yaml.YAMLError as error:
        return None, Fault(at=name + _line(error), expected=_problem(error), code="structure")
    except json.JSONDecodeError as error:
        return None, Fault(at=f"{name}: line {error.lineno}", expected=f"JSON ({error.msg})", code="structure")
    except OSError:
        return None, Fault(at=name, expected="a file that can be read", code="structure")


def _line(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return "" if mark is None else f": line {mark.line + 1}"


def _problem(error: yaml.YAMLError) -> str:
    return f"YAML ({getattr(error, 'problem', None) or 'unreadable'})"
