"""Sort values that no index holds, read from bodies: codes, references and addresses.

The index keeps them as hashes, which have no order. A sort by them looks at every match, so the search is refused where
there are too many (`searching.MOST_READ`).
"""

import json

from careloop.errors import Rejected
from careloop.fhir.model import SearchParameter
from careloop.fhir.paths import Step, Walk
from careloop.record.search.sql import Sql

_INSIDE = {
    "CodeableConcept": ".coding[*].code",
    "Coding": ".code",
    "ContactPoint": ".value",
    "Identifier": ".value",
    "Reference": ".reference",
}
"""What of an element sorts; all other types sort as they are written."""

_VALUE = "jsonb_path_query_first(resource.body::jsonb, %s::jsonpath) #>> '{}'"


def sort_value(parameter: SearchParameter) -> Sql:
    """The first value of the parameter as text, in byte order; null where it has none. `Rejected` for a composite."""
    paths = [path for path in map(path_of, parameter.walks) if path is not None]
    if not paths:
        raise Rejected(at="_sort", expected="a parameter with values of its own", code="not-supported")
    return Sql("coalesce(" + ", ".join([_VALUE] * len(paths)) + ') collate "C"', tuple(paths))


def path_of(walk: Walk) -> str | None:
    """The walk as a jsonpath; None where it has a step that jsonpath cannot take."""
    words = [_word(step) for step in walk.steps]
    return None if None in words else "$" + "".join(filter(None, words)) + _INSIDE.get(walk.leaf, "")


def _word(step: Step) -> str | None:
    match step.kind:
        case "field":
            return "." + json.dumps(step.name)
        case "each":
            return "[*]"
        case "index":
            return f"[{step.value}]"
        case "is":
            return f" ? (@.reference starts with {json.dumps(step.value + '/')})"
        case "equals":
            return f" ? (@.{json.dumps(step.name)} == {json.dumps(step.value)})"
        case "extension":
            return f".extension[*] ? (@.url == {json.dumps(step.value)}).{json.dumps(step.name)}"
    return None
