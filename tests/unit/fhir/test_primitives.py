"""Each primitive type takes what R4 lets it hold, and nothing else."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careloop.fhir import definitions as tables
from careloop.fhir.primitives import PRIMITIVES

GOOD: dict[str, list[Any]] = {
    "base64Binary": ["aGVsbG8=", "aGVs\nbG8=", "AAAA"],
    "boolean": [True, False],
    "canonical": ["http://x/y|1.0", "#a"],
    "code": ["a", "a b", "é"],
    "date": ["2024", "2024-02", "2024-02-29", "0001"],
    "dateTime": ["2024", "2024-02-29T00:00:00Z", "2024-02-29T00:00:00.123456789+14:00"],
    "decimal": [1, -1, Decimal("1.50"), Decimal("1E-20"), 10**30],
    "id": ["a", "A-1.b", "x" * 64],
    "instant": ["2024-02-29T00:00:00Z", "2024-02-29T23:59:59.9-13:59"],
    "integer": [0, -(2**31), 2**31 - 1],
    "markdown": ["# a\n\n* b\t"],
    "oid": ["urn:oid:1.2.840.0"],
    "positiveInt": [1, 2**31 - 1],
    "string": ["a", " a ", "a\nb\tc", "\u00a0x", "👩‍⚕️"],
    "time": ["00:00:00", "23:59:59.99"],
    "unsignedInt": [0],
    "uri": ["urn:x", "http://x/ü", "a"],
    "url": ["http://x"],
    "uuid": ["urn:uuid:018f428e-34f6-4707-8009-5ad742f901e7"],
    "xhtml": ["<div>x</div>", " <div xmlns='x'/>"],
}
BAD: dict[str, list[Any]] = {
    "base64Binary": ["", "a", "aaa", "aa%=", "a===", 1],
    "boolean": ["true", 0, 1, None],
    "canonical": ["", "a b"],
    "code": ["", " a", "a ", "a  b", "a\tb", 1],
    "date": ["2024-02-30", "2024-2-1", "0000", "2024-02-29T00:00:00Z", "२०२४"],
    "dateTime": ["2024-02-29T00:00:00", "2024-02-29T00:00Z", "2023-02-29T00:00:00Z", "2024-02-29T00:00:60Z",
                 "2024-02-29T00:00:00+14:01"],
    "decimal": ["1", 1.5, True, Decimal("Infinity")],
    "id": ["", "a_b", "x" * 65, "a\n", "ä"],
    "instant": ["2024", "2024-02-29", "2024-02-29T00:00:00"],
    "integer": [2**31, "1", Decimal(1), True],
    "markdown": [""],
    "oid": ["1.2.3", "urn:oid:3.1", "urn:oid:1.02"],
    "positiveInt": [0],
    "string": ["", "\x00", "a\x1bb", "x" * (1024 * 1024 + 1), 1, None],
    "time": ["24:00:00", "10:00", "10:00:60"],
    "unsignedInt": [-1],
    "uri": ["", "a b", "a\nb", 1],
    "url": [" http://x"],
    "uuid": ["018f428e-34f6-4707-8009-5ad742f901e7"],
    "xhtml": ["<p/>", "x", 1],
}  # fmt: skip


def test_every_primitive_type_of_r4_has_its_check() -> None:
    assert set(PRIMITIVES) == tables.load().primitives == set(GOOD) == set(BAD)


@pytest.mark.parametrize(("kind", "value"), [(kind, one) for kind, every in GOOD.items() for one in every])
def test_a_good_value_is_taken(kind: str, value: Any) -> None:
    assert PRIMITIVES[kind][0](value)


@pytest.mark.parametrize(("kind", "value"), [(kind, one) for kind, every in BAD.items() for one in every])
def test_a_bad_value_is_refused(kind: str, value: Any) -> None:
    assert not PRIMITIVES[kind][0](value)


anything = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.just([]), st.just({})
)


@given(anything)
def test_no_value_breaks_a_check(value: Any) -> None:
    for predicate, expected in PRIMITIVES.values():
        assert predicate(value) in (True, False)
        assert expected
