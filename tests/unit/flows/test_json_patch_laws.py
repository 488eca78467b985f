"""JSON Patch obeys the laws of RFC 6902, for every document and every place in it."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careloop.errors import Rejected
from careloop.flows.json_patch import apply_patch, copied, equal, pruned

names = st.sampled_from(["a", "b", "c/d", "e~f", "0", "-", ""])
leaves = st.none() | st.booleans() | st.integers(-5, 5) | st.decimals(-5, 5, places=2) | st.sampled_from(["x", ""])
json_values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=12
)
documents = st.dictionaries(names, json_values, min_size=1, max_size=4)


def escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def places(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Every pointer into a document below its root, with what is there: an independent walk."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in pairs:
        here = f"{at}/{escaped(str(name))}"
        yield here, item
        yield from places(item, here)


@st.composite
def documents_with_a_place(draw: st.DrawFn) -> tuple[dict[str, Any], str, Any]:
    document = draw(documents)
    at, value = draw(st.sampled_from(list(places(document))))
    return document, at, value


@given(documents_with_a_place(), json_values)
def test_what_was_added_to_an_object_or_list_can_be_removed_again(place, value) -> None:
    document, at, _ = place
    parent = at.rpartition("/")[0]
    holder = apply_patch(document, [{"op": "test", "path": at, "value": place[2]}])
    assert equal(holder, document)
    container = next((item for path, item in places(document) if path == parent), document)
    fresh = f"{parent}/new" if isinstance(container, dict) else at
    added = apply_patch(document, [{"op": "add", "path": fresh, "value": value}])
    assert equal(apply_patch(added, [{"op": "test", "path": fresh, "value": value}]), added)
    assert equal(apply_patch(added, [{"op": "remove", "path": fresh}]), document)


@given(documents_with_a_place(), json_values)
def test_replace_is_remove_and_add(place, value) -> None:
    document, at, old = place
    replaced = apply_patch(document, [{"op": "replace", "path": at, "value": value}])
    two = apply_patch(document, [{"op": "remove", "path": at}, {"op": "add", "path": at, "value": value}])
    assert equal(replaced, two)
    assert equal(apply_patch(replaced, [{"op": "replace", "path": at, "value": old}]), document)


@given(documents_with_a_place())
def test_a_copy_is_equal_and_apart(place) -> None:
    document, at, value = place
    result = apply_patch(document, [{"op": "copy", "from": at, "path": "/fresh"}])
    assert equal(result["fresh"], value)
    assert equal({name: item for name, item in result.items() if name != "fresh"}, document)
    if isinstance(value, list):
        changed = apply_patch(result, [{"op": "add", "path": "/fresh/-", "value": 1}])
        assert equal(dict(places(changed))[at], value)


@given(documents_with_a_place())
def test_a_move_is_a_copy_and_a_removal(place) -> None:
    document, at, value = place
    moved = apply_patch(document, [{"op": "move", "from": at, "path": "/fresh"}])
    both = apply_patch(document, [{"op": "copy", "from": at, "path": "/fresh"}, {"op": "remove", "path": at}])
    assert equal(moved, both)
    assert equal(moved["fresh"], value)
    assert equal(apply_patch(document, [{"op": "move", "from": at, "path": at}]), document)


@given(documents_with_a_place(), json_values)
def test_the_document_given_is_never_changed(place, value) -> None:
    document, at, _ = place
    before = copied(document)
    for operation in ("add", "replace"):
        apply_patch(document, [{"op": operation, "path": at, "value": value}])
    apply_patch(document, [{"op": "remove", "path": at}])
    assert document == before


@given(documents_with_a_place(), json_values)
def test_all_operations_apply_or_none(place, value) -> None:
    document, at, _ = place
    with pytest.raises(Rejected) as refused:
        apply_patch(
            document, [{"op": "add", "path": "/x", "value": value}, {"op": "remove", "path": f"{at}/nowhere/at/all"}]
        )
    assert refused.value.at == "[1]"
    assert "x" not in document or document["x"] is not value


@given(st.lists(json_values, max_size=4), json_values)
def test_a_dash_is_the_end_of_a_list(items, value) -> None:
    assert equal(apply_patch({"l": items}, [{"op": "add", "path": "/l/-", "value": value}]), {"l": [*items, value]})


@given(json_values, json_values)
def test_a_test_passes_exactly_for_equal_values(one, other) -> None:
    same = equal(one, other)
    assert same == equal(other, one)
    patch = [{"op": "test", "path": "/v", "value": other}]
    if same:
        apply_patch({"v": one}, patch)
    else:
        with pytest.raises(Rejected):
            apply_patch({"v": one}, patch)


@given(json_values)
def test_pruning_leaves_nothing_empty_and_loses_nothing_else(value) -> None:
    kept = pruned(value)
    assert pruned(kept) == kept
    assert all(item not in ({}, []) for _, item in places(kept))
    full = [item for _, item in places({"v": value}) if not isinstance(item, dict | list) and item is not None]
    left = [item for _, item in places({"v": kept}) if not isinstance(item, dict | list) and item is not None]
    assert full == left


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1, Decimal("1.0"), True), (True, 1, False), (0, False, False), ("1", 1, False), (None, None, True),
        ([1], [1, 1], False), ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True), ([], {}, False),
    ],
)  # fmt: skip
def test_equality_is_that_of_json(one, other, same) -> None:
    assert equal(one, other) is same


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "move", "from": "/a", "path": "/a/b"},
        {"op": "add", "path": "/a~2", "value": 1},
        {"op": "add", "path": "a", "value": 1},
        {"op": "add", "path": "/a"},
        {"op": "remove", "path": ""},
        {"op": "remove", "path": "/l/-"},
        {"op": "add", "path": "/l/01", "value": 1},
        {"op": "add", "path": "/l/9", "value": 1},
        {"op": "add", "path": "/nowhere/x", "value": 1},
        {"op": "replace", "path": "/nowhere", "value": 1},
        {"op": "copy", "from": "/nowhere", "path": "/x"},
        {"op": "destroy", "path": "/a"},
        {"path": "/a", "value": 1},
        "remove",
    ],
)
def test_what_cannot_be_done_is_refused_with_its_place(operation) -> None:
    with pytest.raises(Rejected) as refused:
        apply_patch({"a": {"b": 1}, "l": [1]}, [operation])
    assert refused.value.at == "[0]"
