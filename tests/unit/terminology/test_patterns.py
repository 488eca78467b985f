"""Expressions of value sets: the same answers as Python's, in linear time."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from careloop.errors import Rejected
from careloop.terminology.patterns import pattern

atoms = st.sampled_from(["a", "b", "c", ".", "[ab]", "[^a]", "[a-c]", r"\d", r"\w", r"\.", "1", "-"])
expressions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{2,}"])).map(
            lambda two: f"({two[0]}){two[1]}"
        ),
    ),
    max_leaves=6,
)


@given(expressions, st.text(alphabet="abc1.-", max_size=8))
@settings(max_examples=300)
def test_an_expression_says_what_python_says(expression: str, text: str) -> None:
    assert pattern(expression).matches(text) is (re.fullmatch(expression, text) is not None)


def test_an_expression_that_makes_other_engines_run_for_ever_does_not() -> None:
    assert not pattern("(a+)+b").matches("a" * 3000)
    assert not pattern("(a|a)*(a|a)*c").matches("a" * 3000)


@pytest.mark.parametrize(
    "expression",
    ["(", ")", "a)", "[a", "*", "a{", "a{x}", "(?=a)", r"\1", r"\b", "(?P<n>a)", "a{3000}", "(a{50}){50}",
     "(){2000}{2000}", "x" * 501, "a\\", "[a-"],
)  # fmt: skip
def test_what_cannot_be_read_or_is_too_costly_is_refused(expression: str) -> None:
    with pytest.raises(Rejected):
        pattern(expression)


@pytest.mark.parametrize(
    ("expression", "text", "expected"),
    [("^[A-Z]{3}$", "ABC", True), ("^[A-Z]{3}$", "ABCD", False), (r"E11\.\d{1,4}", "E11.9", True),
     ("[]a]+", "]a", True), (r"[\d-]+", "1-2", True), (r"a\$", "a$", True), ("", "", True), ("a|", "", True)],
)  # fmt: skip
def test_the_whole_text_must_fit(expression: str, text: str, expected: bool) -> None:
    assert pattern(expression).matches(text) is expected
