"""JSON Patch, by the examples of RFC 6902 appendix A and what FHIR needs."""

import pytest

from careloop.errors import Rejected
from careloop.flows.json_patch import apply_patch


@pytest.mark.parametrize(
    ("document", "operations", "expected"),
    [
        ({"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux"}], {"foo": "bar", "baz": "qux"}),
        ({"foo": ["bar", "baz"]}, [{"op": "add", "path": "/foo/1", "value": "qux"}], {"foo": ["bar", "qux", "baz"]}),
        ({"baz": "qux", "foo": "bar"}, [{"op": "remove", "path": "/baz"}], {"foo": "bar"}),
        ({"foo": ["bar", "qux", "baz"]}, [{"op": "remove", "path": "/foo/1"}], {"foo": ["bar", "baz"]}),
        ({"baz": "qux"}, [{"op": "replace", "path": "/baz", "value": "boo"}], {"baz": "boo"}),
        (
            {"foo": {"w": "fred"}, "qux": {}},
            [{"op": "move", "from": "/foo/w", "path": "/qux/t"}],
            {"foo": {}, "qux": {"t": "fred"}},
        ),
        ({"foo": [1, 2, 3, 4]}, [{"op": "move", "from": "/foo/1", "path": "/foo/3"}], {"foo": [1, 3, 4, 2]}),
        ({"foo": ["bar"]}, [{"op": "add", "path": "/foo/-", "value": ["abc"]}], {"foo": ["bar", ["abc"]]}),
        ({"a": {"b": 1}}, [{"op": "copy", "from": "/a", "path": "/c"}], {"a": {"b": 1}, "c": {"b": 1}}),
        ({"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": 10}], {"/": 9, "~1": 10}),
        ({"a": 1}, [{"op": "replace", "path": "", "value": {"b": 2}}], {"b": 2}),
    ],
)
def test_operations_do_what_the_rfc_says(document, operations, expected):
    assert apply_patch(document, operations) == expected


@pytest.mark.parametrize(
    "operations",
    [
        {"op": "add"},
        [1],
        [{"op": "add", "path": "/foo/2", "value": 1}],
        [{"op": "add", "path": "/none/x", "value": 1}],
        [{"op": "remove", "path": "/none"}],
        [{"op": "replace", "path": "/none", "value": 1}],
        [{"op": "test", "path": "/foo", "value": 2}],
        [{"op": "add", "path": "/x"}],
        [{"op": "add", "path": "x", "value": 1}],
        [{"op": "spam", "path": "/foo"}],
        [{"op": "remove", "path": ""}],
        [{"op": "add", "path": "/foo/01", "value": 1}],
    ],
)
def test_what_cannot_be_done_is_named_and_the_document_is_untouched(operations):
    document = {"foo": ["a"]}
    with pytest.raises(Rejected):
        apply_patch(document, operations)
    assert document == {"foo": ["a"]}


def test_a_copy_shares_nothing_with_its_source():
    result = apply_patch(
        {"a": {"b": 1}}, [{"op": "copy", "from": "/a", "path": "/c"}, {"op": "add", "path": "/c/b", "value": 2}]
    )
    assert result == {"a": {"b": 1}, "c": {"b": 2}}
