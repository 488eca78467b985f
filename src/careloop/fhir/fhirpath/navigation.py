"""Reading elements: a name, children, descendants; by the type model where the type is known, else as they lie."""

from collections.abc import Iterator
from typing import Any

from careloop.fhir.fhirpath.errors import wrong
from careloop.fhir.fhirpath.quantities import Quantity
from careloop.fhir.fhirpath.runtime import Closure, Environment, Items
from careloop.fhir.fhirpath.types import SYSTEM_STRING, Step, ancestors, is_known, names, step


def field(name: str, position: int, *, is_first: bool) -> Closure:
    """A closure that reads `name`. First in a path, a type's name stands for the context itself.

    `valueQuantity` is no name of FHIRPath, but is read as `value` of that type unless the evaluation is strict.
    """
    steps: dict[str, Step | None] = {}
    names_a_type = is_first and name[:1].isupper()

    def read(focus: Items, environment: Environment) -> Items:
        found: Items = []
        for item in focus:
            if type(item) is not tuple:
                if isinstance(item, Quantity):
                    found += _of_quantity(item, name)
                continue
            value, kind, sibling = item
            if kind is None:
                _read_as_it_lies(value, name, sibling, names_a_type, found)
                continue
            here = steps.get(kind)
            if here is None:
                if names_a_type and name in ancestors(kind):
                    found.append(item)
                    continue
                here = _known_step(kind, name, steps)
            if here is not None:
                _read(here, value, sibling, found)
            elif environment.is_strict:
                raise wrong(f"an element of {kind}", position)
            elif name in names(kind):
                _read(names(kind)[name], value, sibling, found)
        return found

    return read


def _of_quantity(quantity: Quantity, name: str) -> Items:
    found: dict[str, Items] = {"value": [quantity.value], "unit": [quantity.unit]}
    return found.get(name, [])


def _known_step(kind: str, name: str, steps: dict[str, Step | None]) -> Step | None:
    if kind not in steps:
        steps[kind] = step(kind, name)
    return steps[kind]


def _read(here: Step, value: Any, sibling: Any, found: Items) -> None:
    """Adds what lies at a step to `found`."""
    if type(value) is not dict:
        value, sibling = sibling, None
        if type(value) is not dict:
            return
    if here.choices is not None:
        for name in {one.removeprefix("_") for one in value.keys() & here.properties}:
            _add(value, name, here.choices[name], True, found)
        return
    json_name = here.json_name
    if not here.sibling:
        inner = value.get(json_name)
        if inner is None:
            return
        kind = here.kind
        if here.is_open:
            for one in inner if type(inner) is list else [inner]:
                found.append((one, one.get("resourceType") if type(one) is dict else None, None))
        elif kind == SYSTEM_STRING:
            found.append(inner)
        elif type(inner) is list:
            found += [(one, kind, None) for one in inner]
        else:
            found.append((inner, kind, None))
        return
    inner = value.get(json_name)
    beside = value.get("_" + json_name)
    if beside is None:
        if type(inner) is list:
            found += [(one, here.kind, None) for one in inner]
        elif inner is not None:
            found.append((inner, here.kind, None))
        return
    _add_beside(inner, beside, here.kind, found)


def _add(value: dict[str, Any], json_name: str, kind: str | None, has_sibling: bool, found: Items) -> None:
    inner = value.get(json_name)
    beside = value.get("_" + json_name) if has_sibling else None
    if beside is not None:
        _add_beside(inner, beside, kind, found)
    elif type(inner) is list:
        found += [(one, kind, None) for one in inner]
    elif inner is not None:
        found.append((inner, kind, None))


def _add_beside(inner: Any, beside: Any, kind: str | None, found: Items) -> None:
    """Primitives with what FHIR JSON keeps beside them; the longer of the two arrays tells how many there are."""
    if type(inner) is not list and type(beside) is not list:
        found.append((inner, kind, beside))
        return
    values = inner if type(inner) is list else []
    besides = beside if type(beside) is list else []
    for place in range(max(len(values), len(besides))):
        one = values[place] if place < len(values) else None
        two = besides[place] if place < len(besides) else None
        if one is not None or two is not None:
            found.append((one, kind, two))


def _read_as_it_lies(value: Any, name: str, sibling: Any, names_a_type: bool, found: Items) -> None:
    """Reads an element of data without a model."""
    if names_a_type and type(value) is dict and value.get("resourceType") == name:
        found.append((value, None, sibling))
        return
    if type(value) is not dict:
        value = sibling
        if type(value) is not dict:
            return
    start = len(found)
    _add(value, name, None, True, found)
    for place in range(start, len(found)):
        found[place] = untyped(*found[place])


def untyped(value: Any, kind: str | None, beside: Any) -> Any:
    """An item of data without a model: plain values as System values, resources by their type where R4 knows it."""
    if type(value) is dict:
        resource_type = value.get("resourceType")
        known = type(resource_type) is str and is_known(resource_type)
        return value, resource_type if known else kind, beside
    return (value, kind, beside) if value is None or beside is not None else value


def children(item: Any) -> Iterator[Any]:
    """Every element directly in an item, in the order of the data."""
    if type(item) is not tuple:
        return
    value, kind, sibling = item
    if type(value) is not dict:
        value = sibling
        if type(value) is not dict:
            return
    found: Items = []
    known = names(kind) if kind is not None else None
    for json_name in value:
        plain = json_name.removeprefix("_")
        if plain == "resourceType" or (json_name[0] == "_" and plain in value):
            continue
        if known is None:
            _read_as_it_lies(value, plain, None, False, found)
        elif plain in known:
            _read(known[plain], value, None, found)
    yield from found


def descendants(items: Items, environment: Environment) -> Items:
    """Every element anywhere in the items, nearest first."""
    found: Items = []
    level = items
    while level:
        level = [child for item in level for child in children(item)]
        environment.spend(len(level) + 1)
        found += level
    return found
