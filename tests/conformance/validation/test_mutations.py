"""Break a valid example in a known way: the fault is found at that very place."""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.validation.examples import r4_examples, us_core_examples

from careloop.fhir import definitions as tables
from careloop.fhir.conformance.profiles import MISSING, Shape, load
from careloop.fhir.jsons import decode, encode
from careloop.fhir.validation import Validator

pytestmark = pytest.mark.shared

Path_ = tuple[Any, ...]
Break = tuple[str, Path_, Callable[[Any], None], str]
"""Name of the break, where it is done, how (on the parent of the last step), and the place of the expected fault."""


def _at(path: Path_, root: str) -> str:
    return root + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def _copy(resource: dict[str, Any]) -> dict[str, Any]:
    return decode(encode(resource))


def _reach(resource: Any, path: Path_) -> Any:
    for step in path:
        resource = resource[step]
    return resource


def _places(value: Any, path: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    yield path, value
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _places(item, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _places(item, (*path, index))


def _required(shape: Shape, resource: Any, path: Path_ = ()) -> Iterator[tuple[Path_, str]]:
    """Elements that the profile requires and the resource has, outside slices, with their name in the profile."""
    for name, child in shape.children.items():
        stem = name.removesuffix("[x]")
        found = [key for key in resource if key == stem or (name != stem and key.startswith(stem) and key != stem)]
        for key in found:
            if child.minimum == 1:
                yield (*path, key), name
            value = resource[key]
            inner = [((*path, key), value)] if isinstance(value, dict) else []
            if isinstance(value, list):
                inner = [((*path, key, index), one) for index, one in enumerate(value) if isinstance(one, dict)]
            for place, one in inner:
                yield from _required(child, one, place)


def _declared(resource: dict[str, Any]) -> list[Shape]:
    profiles = load(tables.load())
    found = [profiles.find(one) for one in resource.get("meta", {}).get("profile", ())]
    return [profiles.shape(one) for one in found if one is not None]


def test_a_required_element_that_is_missing_is_named(shared: Path) -> None:
    validator, broken = Validator.load(), 0
    for name, resource in us_core_examples(shared):
        for shape in _declared(resource):
            for path, shown in _required(shape, resource):
                copy = _copy(resource)
                del _reach(copy, path[:-1])[path[-1]]
                if not _reach(copy, path[:-1]):
                    continue
                found = {fault.at for fault in validator.check(copy) if fault.severity == "error"}
                places = {
                    _at((*path[:-1], word), resource["resourceType"]) for word in (shown, shown.removesuffix("[x]"))
                }
                assert found & places, (name, path, found)
                broken += 1
    assert broken >= 240


def _slices(shape: Shape) -> Iterator[tuple[str, str, Shape]]:
    """Required slices of the elements at the top, with the name of the element."""
    for name, child in shape.children.items():
        for slice_name, one in child.slices.items():
            if one.minimum:
                yield name, slice_name, one


def test_a_required_slice_without_a_value_is_named(shared: Path) -> None:
    validator, broken = Validator.load(), 0
    for name, resource in us_core_examples(shared):
        for shape in _declared(resource):
            for element, slice_name, one in _slices(shape):
                if one.binding is not None or element not in resource or not isinstance(resource[element], list):
                    continue
                copy = _copy(resource)
                copy[element] = [_blurred(value) for value in copy[element]]
                found = {fault.at for fault in validator.check(copy) if fault.severity == "error"}
                assert f"{resource['resourceType']}.{element}:{slice_name}" in found, (name, found)
                broken += 1
    assert broken >= 40


def _blurred(value: Any) -> Any:
    """The same value with other codes and texts, of the same shape."""
    if isinstance(value, dict):
        return {key: one if key in ("reference", "status") else _blurred(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_blurred(one) for one in value]
    return f"{value}-x" if isinstance(value, str) else value


def _fixed(shape: Shape, resource: Any, path: Path_ = ()) -> Iterator[Path_]:
    """Codes inside elements that the profile fixes by value or pattern, outside slices."""
    for name, child in shape.children.items():
        value = resource.get(name)
        if value is None:
            continue
        if child.pattern is not MISSING and isinstance(value, dict) and isinstance(child.pattern, dict):
            wanted = {one.get("code") for one in child.pattern.get("coding", ())}
            for index, coding in enumerate(value.get("coding", ())):
                if coding.get("code") in wanted:
                    yield (*path, name, "coding", index, "code")
        if isinstance(value, dict):
            yield from _fixed(child, value, (*path, name))


def test_another_code_than_the_profile_fixes_is_named(shared: Path) -> None:
    validator, broken = Validator.load(), 0
    for name, resource in us_core_examples(shared):
        for shape in _declared(resource):
            for path in _fixed(shape, resource):
                copy = _copy(resource)
                _reach(copy, path[:-1])[path[-1]] = "another"
                element = _at(path[:-3], resource["resourceType"])
                found = {fault.at for fault in validator.check(copy) if fault.severity == "error"}
                assert any(at.startswith(element) for at in found), (name, path, found)
                broken += 1
    assert broken >= 5


def _put(key: str, value: Any) -> Callable[[Any], None]:
    return lambda node: node.__setitem__(key, value)


def _breaks(path: Path_, value: Any) -> Iterator[Break]:
    """Ways to break the object at this place against R4 itself."""
    if not isinstance(value, dict):
        return
    yield "an unknown property", path, _put("noSuchElement", 1), ".noSuchElement"
    if "url" in value and path and path[-2:-1] == ("extension",) and "extension" not in value:
        both = [{"url": "http://example.org/x", "valueBoolean": True}]
        yield "ext-1: an extension with a value and extensions", path, _put("extension", both), ""
    if "reference" in value and isinstance(value["reference"], str) and "type" not in value:
        yield "ref-1: a link to nothing contained", path, _put("reference", "#nobody"), ""
    if {"start", "end"} <= value.keys() and str(path[-1:]).lower().count("period"):
        yield "per-1: a period that ends before it starts", path, _put("end", "1700-01-01"), ""
    if {"value", "system", "code", "unit"} <= value.keys() and isinstance(value["value"], int | Decimal):
        yield "qty-3: a code without system", path, lambda node: node.__delitem__("system"), ""
    if path[-2:-1] == ("telecom",) and {"system", "value"} <= value.keys():
        yield "cpt-2: a value without system", path, lambda node: node.__delitem__("system"), ""


def test_what_r4_forbids_is_found_where_it_stands(shared: Path) -> None:
    validator = Validator.load()
    counts: dict[str, int] = {}
    for name, resource in r4_examples(shared):
        if resource["resourceType"] in ("Bundle", "Parameters") or "contained" in resource:
            continue
        if any(fault.severity == "error" for fault in validator.check(resource)):
            continue
        for path, value in list(_places(resource))[:150]:
            for what, place, spoil, at in _breaks(path, value):
                if counts.get(what, 0) >= 120:
                    continue
                copy = _copy(resource)
                spoil(_reach(copy, place))
                found = {fault.at for fault in validator.check(copy) if fault.severity == "error"}
                assert _at(place, resource["resourceType"]) + at in found, (name, what, place, sorted(found)[:5])
                counts[what] = counts.get(what, 0) + 1
    assert len(counts) == 6, counts
    assert min(counts.values()) >= 10, counts


def test_a_reference_to_another_type_than_r4_allows_is_found_where_it_stands(shared: Path) -> None:
    definitions, validator, broken = tables.load(), Validator.load(), 0
    for name, resource in r4_examples(shared):
        kind = resource["resourceType"]
        for element in definitions.elements(kind).values():
            value = resource.get(element.name)
            allowed = element.targets.get("Reference", ())
            if not allowed or "Basic" in allowed or not isinstance(value, dict):
                continue
            copy = json.loads(encode(resource), parse_float=Decimal)
            copy[element.name] = {"reference": "Basic/1"}
            found = {fault.at for fault in validator.check(copy) if fault.severity == "error"}
            assert f"{kind}.{element.name}" in found, (name, element.name)
            broken += 1
    assert broken > 200
