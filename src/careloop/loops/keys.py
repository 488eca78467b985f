"""The named words of facts, put together from content (`facts.keys`).

To add one: a function that takes checked content and gives a `KeyReader`, and its resource types, in `READERS`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from careloop.loops.facts.keys import KeyReader, Resource

Content = Any
READERS: Sequence[tuple[frozenset[str], Callable[[Content], KeyReader]]] = ()
"""Which words there are: for resources of these types, as these tables say."""


def key_reader(content: Content) -> KeyReader:
    """All words of a resource."""
    made = [(types, make(content)) for types, make in READERS]

    def read(resource: Resource, patient: Resource, others: Mapping[str, Resource]) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for types, reader in made:
            if resource.get("resourceType") in types:
                found |= reader(resource, patient, others)
        return found

    return read
