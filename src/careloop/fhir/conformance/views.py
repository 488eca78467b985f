"""The values of one element of an object: with their place and type, whatever its JSON name is."""

from typing import Any

from careloop.fhir.conformance.profiles import Shape
from careloop.fhir.definitions import Definitions, Element

Item = tuple[str, str, Any]
"""Place from the parent, type, value. A primitive that only has extensions has the value None."""


class View:
    """How to find the values of `shape` in an object of type `node`."""

    def __init__(self, definitions: Definitions, node: str, shape: Shape) -> None:
        element = definitions.elements(node).get(shape.name)
        self.kinds: tuple[str, ...] = ()
        self._names: tuple[tuple[str, str, bool], ...] = ()
        self._repeats = False
        if element is not None:
            self._names = _names(definitions, element)
            self.kinds = tuple(dict.fromkeys(kind for _, kind, _ in self._names))
            self._repeats = element.repeats

    def items(self, parent: Any) -> list[Item]:
        """Every value, in order."""
        for name, kind, primitive in self._names:
            value = parent.get(name)
            if value is None and not (primitive and f"_{name}" in parent):
                continue
            if not self._repeats:
                return [(f".{name}", kind, value)]
            values = value if value is not None else [None] * len(parent[f"_{name}"])
            return [(f".{name}[{index}]", kind, one) for index, one in enumerate(values)]
        return []

    def beside(self, parent: Any) -> list[tuple[str, Any]]:
        """The id and extensions of every primitive value, an empty object where it has none, with its place."""
        found = []
        for place, _kind, _value in self.items(parent):
            name, _, index = place[1:].partition("[")
            here = parent.get(f"_{name}")
            if type(here) is list:
                position = int(index[:-1])
                here = here[position] if position < len(here) else None
            found.append((place, here if here is not None else {}))
        return found


def _names(definitions: Definitions, element: Element) -> tuple[tuple[str, str, bool], ...]:
    return tuple((name, kind, kind in definitions.primitives) for name, kind in element.json_names().items())
