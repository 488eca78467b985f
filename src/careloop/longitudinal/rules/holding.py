"""Whether an expression holds for a resource, worked out once for all that say the same in what it asks about.

A chart is looked at again after each change of one of its facts, and what was asked of the others is asked again. An
expression can only see elements that its text names, so what it says of these is what it says of the resource.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from careloop.fhir.fhirpath import Expression
from careloop.fhir.jsons import encode

_MOST = 20_000
_SEES_MORE = frozenset(
    {"children", "descendants", "this", "resource", "rootResource", "context", "resolve", "memberOf", "conformsTo",
     "now", "today", "timeOfDay"}
)  # fmt: skip
"""Words by which an expression may see more than it names."""

_known: dict[tuple[Expression, bytes], bool] = {}


def holds(where: Expression, resource: Mapping[str, Any]) -> bool:
    """True where the expression gives just `true`."""
    words = _words(where.text)
    if not _SEES_MORE.isdisjoint(words):
        return where.evaluate(resource) == [True]
    asked = {name: value for name, value in resource.items() if _is_named(words, name)}
    key = where, encode(asked)
    found = _known.get(key)
    if found is None:
        if len(_known) >= _MOST:
            _known.clear()
        found = _known[key] = where.evaluate(asked) == [True]
    return found


@lru_cache(maxsize=1024)
def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[A-Za-z]+", text))


@lru_cache(maxsize=8192)
def _is_named(words: frozenset[str], name: str) -> bool:
    """An element of a choice is named by its beginning (`value` for `valueQuantity`), a primitive's extension by the
    primitive."""
    plain = name.removeprefix("_")
    return name == "resourceType" or any(plain.startswith(word) for word in words)
