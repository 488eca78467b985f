"""JSON Patch (RFC 6902) over a resource. Pure; all operations apply or none does."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from careloop.errors import Rejected

MAX_OPERATIONS = 200

_MISSING = object()
_BAD_ESCAPE = re.compile(r"~(?![01])").search


def apply_patch(document: Any, operations: Any) -> Any:
    """A new document. `Rejected` names the operation that cannot be carried out."""
    if not isinstance(operations, Sequence) or isinstance(operations, str) or len(operations) > MAX_OPERATIONS:
        raise Rejected(at="body", expected=f"a JSON Patch of at most {MAX_OPERATIONS} operations", code="structure")
    result = copied(document)
    for index, operation in enumerate(operations):
        if not isinstance(operation, Mapping):
            raise Rejected(at=f"[{index}]", expected="an operation of JSON Patch", code="structure")
        result = _apply(result, operation, f"[{index}]")
    return result


def copied(value: Any) -> Any:
    """A deep copy of JSON data."""
    if isinstance(value, dict):
        return {name: copied(item) for name, item in value.items()}
    if isinstance(value, list):
        return [copied(item) for item in value]
    return value


def pruned(value: Any) -> Any:
    """JSON data without empty objects and lists, which FHIR does not have: whoever takes the only name away leaves no
    empty list of names. None where nothing is left."""
    if isinstance(value, dict):
        kept = {name: pruned(item) for name, item in value.items()}
        return {name: item for name, item in kept.items() if item is not None} or None
    if isinstance(value, list):
        items = [item if item is None else pruned(item) for item in value]
        return [item for item, was in zip(items, value, strict=True) if item is not None or was is None] or None
    return value


def equal(one: Any, other: Any) -> bool:
    """True where both are the same JSON (RFC 6902 section 4.6): `1` is `1.0`, but `true` is not `1`."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)


def _apply(document: Any, operation: Mapping[str, Any], at: str) -> Any:
    path = _pointer(operation.get("path"), at)
    match operation.get("op"):
        case "add":
            return _add(document, path, _value(operation, at), at)
        case "remove":
            return _remove(document, path, at)
        case "replace":
            _get(document, path, at)
            return _set(document, path, _value(operation, at))
        case "move":
            source = _pointer(operation.get("from"), at)
            if len(source) < len(path) and path[: len(source)] == source:
                raise Rejected(at=at, expected="a path that is not inside what is moved", code="processing")
            moved = _get(document, source, at)
            if source == path:
                return document
            return _add(_remove(document, source, at), path, moved, at)
        case "copy":
            return _add(document, path, copied(_get(document, _pointer(operation.get("from"), at), at)), at)
        case "test":
            if not equal(_get(document, path, at), _value(operation, at)):
                raise Rejected(at=at, expected="the value that the test names", code="processing")
            return document
    raise Rejected(at=at, expected="op add, remove, replace, move, copy or test", code="structure")


def _pointer(text: Any, at: str) -> list[str]:
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise Rejected(at=at, expected="a JSON Pointer", code="structure")
    if _BAD_ESCAPE(text):
        raise Rejected(at=at, expected="a JSON Pointer with ~0 and ~1 for ~ and /", code="structure")
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _value(operation: Mapping[str, Any], at: str) -> Any:
    value = operation.get("value", _MISSING)
    if value is _MISSING:
        raise Rejected(at=at, expected="a value", code="structure")
    return copied(value)


def _get(document: Any, path: Sequence[str], at: str) -> Any:
    for name in path:
        if isinstance(document, dict) and name in document:
            document = document[name]
        elif isinstance(document, list) and (index := _index(name, len(document) - 1)) is not None:
            document = document[index]
        else:
            raise Rejected(at=at, expected="a path that leads somewhere", code="processing")
    return document


def _add(document: Any, path: Sequence[str], value: Any, at: str) -> Any:
    if not path:
        return value
    parent = _get(document, path[:-1], at)
    if isinstance(parent, dict):
        parent[path[-1]] = value
        return document
    index = len(parent) if path[-1] == "-" and isinstance(parent, list) else None
    if isinstance(parent, list) and index is None:
        index = _index(path[-1], len(parent))
    if index is None:
        raise Rejected(at=at, expected="a path into an object or list", code="processing")
    parent.insert(index, value)
    return document


def _set(document: Any, path: Sequence[str], value: Any) -> Any:
    if not path:
        return value
    parent = _get(document, path[:-1], "")
    parent[int(path[-1]) if isinstance(parent, list) else path[-1]] = value
    return document


def _remove(document: Any, path: Sequence[str], at: str) -> Any:
    _get(document, path, at)
    if not path:
        raise Rejected(at=at, expected="a path below the resource", code="processing")
    parent = _get(document, path[:-1], at)
    del parent[int(path[-1]) if isinstance(parent, list) else path[-1]]
    return document


def _index(name: str, last: int) -> int | None:
    if not (name.isascii() and name.isdecimal()) or (len(name) > 1 and name[0] == "0") or len(name) > 6:
        return None
    return int(name) if int(name) <= last else None
