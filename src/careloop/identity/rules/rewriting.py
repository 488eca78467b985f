"""Moving a resource from one patient to another: every plain reference to the one becomes a reference to the other."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

Resource = dict[str, Any]


def reference_paths(resource: Mapping[str, Any], target: str) -> list[str]:
    """Where the resource says `{"reference": target}`, as `/`-joined paths in document order."""
    return list(_places(resource, target, ""))


def redirected(resource: Mapping[str, Any], origin: str, target: str, only: Collection[str] | None = None) -> Resource:
    """A copy in which references to `origin` are references to `target`; with `only`, those at these paths alone.

    A reference to a version (`Patient/1/_history/2`) stays: it names what stood there then. A `display` stays too:
    it is what the writer called the person.
    """
    copied: Resource = _copy(resource, origin, target, only, "")
    return copied


def _places(value: Any, target: str, path: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "reference" and inner == target:
                yield f"{path}/{key}"
            else:
                yield from _places(inner, target, f"{path}/{key}")
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _places(inner, target, f"{path}/{place}")


def _copy(value: Any, origin: str, target: str, only: Collection[str] | None, path: str) -> Any:
    if isinstance(value, Mapping):
        return {
            key: target
            if key == "reference" and inner == origin and (only is None or f"{path}/{key}" in only)
            else _copy(inner, origin, target, only, f"{path}/{key}")
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_copy(inner, origin, target, only, f"{path}/{place}") for place, inner in enumerate(value)]
    return value
