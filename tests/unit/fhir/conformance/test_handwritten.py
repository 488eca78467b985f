"""Invariants in Python whose subtleties FHIRPath would not show."""

import pytest

from careloop.fhir.conformance.handwritten import HANDWRITTEN, has_choice, in_order
from careloop.fhir.conformance.scope import Scope

NOWHERE = Scope(resource={}, root={})


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2020-01-01", "2020-01-01", True),
        ("2020-01-02", "2020-01-01", False),
        ("2020-01-02", "2020-01", True),
        ("2020-02", "2020-01-31", False),
        ("2020-01-01", "2020-01-01T01:00:00+14:00", True),
        ("2020-01-01T10:00:00Z", "2020-01-01T10:00:00+01:00", False),
        ("2020-01-01T10:00:00+01:00", "2020-01-01T10:00:00Z", True),
        ("2020-01-01T10:00:00.5Z", "2020-01-01T10:00:00.25Z", False),
        ("2020-01-01T10:00:01Z", "2020-01-01T10:00:00Z", False),
    ],
)
def test_dates_are_compared_as_far_as_both_go(start: str, end: str, expected: bool) -> None:
    assert in_order(start, end) is expected


def narrative(key: str, div: str) -> bool:
    return HANDWRITTEN[f"{key}: htmlChecks()"](div, NOWHERE)


@pytest.mark.parametrize(
    ("div", "expected"),
    [
        ("<div><p class='a'>x</p><br/><img src='a.png'/></div>", True),
        ("<div><script>x</script></div>", False),
        ("<div><form><input/></form></div>", False),
        ("<div><p onclick='x()'>x</p></div>", False),
        ("<div><a href='javascript:x()'>x</a></div>", False),
        ("<div><a href='#x'>one</a><!-- <script> --></div>", True),
    ],
)
def test_a_narrative_has_only_what_formats_text(div: str, expected: bool) -> None:
    assert narrative("txt-1", div) is expected


@pytest.mark.parametrize(
    ("div", "expected"),
    [("<div> </div>", False), ("<div><p/></div>", False), ("<div>x</div>", True), ("<div><img src='a'/></div>", True)],
)
def test_a_narrative_has_something_to_see(div: str, expected: bool) -> None:
    assert narrative("txt-2", div) is expected


def test_a_choice_is_found_by_its_stem_and_a_capital() -> None:
    assert has_choice({"valueString": "x"}, "value")
    assert has_choice({"_valueString": {}}, "value")
    assert not has_choice({"valueset": "x", "value": 1}, "value")
