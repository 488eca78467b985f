"""Regular expressions: what they match, and that none runs away."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from careloop.errors import Rejected
from careloop.fhir.fhirpath.functions.automaton import Automaton
from careloop.fhir.fhirpath.functions.patterns import found, is_simple, replaced

NESTED = r"([0-2]\.)?(0|[1-9]\d*)(\.(0|[1-9]\d*))*"


@pytest.mark.parametrize(
    ("pattern", "text", "whole", "expected"),
    [
        (NESTED, "1.23.0.4", True, True),
        (NESTED, "1.23.00.4", True, False),
        ("^[A-Z]([A-Za-z0-9_]){0,254}$", "Patient_1", False, True),
        ("^[A-Z]([A-Za-z0-9_]){0,254}$", "patient", False, False),
        ("(a|b)*c", "xxababcxx", False, True),
        ("(a|b)*c", "abab", False, False),
        ("a{2,3}b", "ab", False, False),
        ("[^|]+\\|[^|]+", "a|b", True, True),
        ("(?:x+y+)+z", "xxyyxyz", True, True),
        ("", "", True, True),
        ("a.b", "a\nb", True, True),
    ],
)
def test_a_pattern_matches_what_it_says(pattern: str, text: str, whole: bool, expected: bool) -> None:
    assert found(pattern, "", text, whole=whole) is expected


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|aa)+$", "(a*)*b", "(.*)*x", "a*a*a*a*a*a*b", "(x+x+)+y", "(a{1,50}){1,50}b"]
)
def test_no_pattern_runs_away(pattern: str) -> None:
    began = time.monotonic()
    try:
        found(pattern, "", "a" * 2_000 + "x" * 2_000 + "!", whole=False)
    except Rejected as error:
        assert "text" in error.expected or "regular expression" in error.expected
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("pattern", ["(", "[a", "*a", "(?=a)b", r"(a)\1", "(?P=x)", "a" * 3_000, "(a{900}){900}", "a)"])
def test_what_is_no_pattern_of_ours_is_refused(pattern: str) -> None:
    with pytest.raises(Rejected):
        found(pattern, "", "text (to) match*", whole=False)
        Automaton(pattern)


def test_replacing_knows_groups_and_refuses_wide_patterns() -> None:
    assert replaced(r"(\w+) (\w+)"[:5], "", "Ada", "<$1>") == "<Ada>"
    assert replaced(r"(?<d>\d{1,2})/(?<m>\d{1,2})".replace("?<", "?P<"), "", "11/30", "${m}-${d}") == "30-11"
    with pytest.raises(Rejected):
        replaced("(a+)+", "", "aaa", "x")
    with pytest.raises(Rejected):
        replaced("a", "", "a", "$9")


_atoms = st.sampled_from(["a", "b", "[ab]", "[^a]", ".", r"\d", "(a|b)", "(ab)", "(?:a|bc)"])
_pieces = st.tuples(_atoms, st.sampled_from(["", "*", "+", "?", "{2}", "{1,3}", "{0,2}", "{1,}"])).map("".join)
_patterns = st.lists(_pieces, min_size=1, max_size=4).map("".join)


@given(_patterns, st.text("abc1", max_size=8))
@settings(max_examples=300, deadline=None)
def test_the_automaton_agrees_with_pythons_matcher(pattern: str, text: str) -> None:
    automaton = Automaton(pattern)
    assert automaton.fullmatch(text) == bool(re.fullmatch(pattern, text, re.DOTALL))
    assert automaton.search(text) == bool(re.search(pattern, text, re.DOTALL))


@pytest.mark.parametrize(
    ("pattern", "simple"), [("a+b", True), ("^[a-z+*]{1,64}$", True), ("a+b+", False), ("(a)+", False)]
)
def test_only_patterns_with_one_wide_repetition_are_simple(pattern: str, simple: bool) -> None:
    assert is_simple(pattern) is simple
