"""Named words of a fact that pathways ask about and no single element holds: how urgent, how far from normal.

A `KeyReader` takes a resource, its patient and the patient's other resources by reference, and gives words by name.
Which readers there are, and the tables they use, is content: `loops.keys.key_reader` puts them together.
"""

from collections.abc import Callable, Mapping
from typing import Any

Resource = Mapping[str, Any]
KeyReader = Callable[[Resource, Resource, Mapping[str, Resource]], Mapping[str, str]]


def no_keys(resource: Resource, patient: Resource, others: Mapping[str, Resource]) -> Mapping[str, str]:
    """Nothing: for readers of facts that ask for no words."""
    return {}
