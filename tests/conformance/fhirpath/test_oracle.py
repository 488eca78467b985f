"""Random expressions of the part that both understand: ours and fhirpathpy give the same.

Left out: `union()`, which in fhirpathpy keeps repetitions (FHIRPath 5.4.1 takes them away), and `replace()` in an empty
text, which it takes for no text.
"""

from typing import Any

from fhirpathpy import evaluate as oracle
from hypothesis import given, settings
from hypothesis import strategies as st

from careloop.errors import Rejected
from careloop.fhir.fhirpath import compile_expression

PATIENT: dict[str, Any] = {
    "resourceType": "Patient", "id": "p1", "active": True, "gender": "female", "multipleBirthInteger": 3,
    "name": [
        {"use": "official", "family": "Chalmers", "given": ["Peter", "James"]},
        {"use": "usual", "given": ["Jim"]},
        {"use": "maiden", "family": "Windsor", "given": ["Peter", "James"], "suffix": ["Jr"]},
    ],
    "telecom": [{"system": "phone", "value": "555", "rank": 1}, {"system": "email", "value": "a@b", "rank": 2}],
}  # fmt: skip

_numbers = st.sampled_from(["0", "1", "2", "7", "(3 + 4)", "telecom.rank.first()", "name.count()", "{}"])
_texts = st.sampled_from(["'a'", "''", "'Peter'", "gender", "name.family.first()", "name.given[1]", "id", "{}"])
_lists = st.sampled_from(
    ["name.given", "name.family", "telecom.value", "name.use", "telecom.rank.select($this + 1)", "{}", "('x' | 'y')"]
)
_tests = st.sampled_from(["true", "false", "{}", "active", "name.exists()", "name.empty()", "telecom.rank.first() > 1"])


def _joined(parts: Any, operators: list[str]) -> Any:
    return st.tuples(parts, st.sampled_from(operators), parts).map(lambda found: f"({found[0]} {found[1]} {found[2]})")


_calculated = _joined(_numbers, ["+", "-", "*", "=", "<", ">=", "!="])
_compared = _joined(_texts, ["=", "!=", "~", "<", ">", "&"])
_reasoned = _joined(_tests, ["and", "or", "xor", "implies"])
_called = st.tuples(
    _lists,
    st.sampled_from(
        [
            ".first()", ".last()", ".tail()", ".skip(1)", ".take(2)", ".count()", ".distinct()", ".isDistinct()",
            ".exists()",
            ".empty()", ".where($this = 'Peter')", ".select($this)", ".exists($this = 'Jim')", ".all($this != 'x')",
            ".combine('Peter')", ".intersect('Peter' | 'x')", ".exclude('Peter')",
            ".subsetOf('Peter' | 'James' | 'Jim')", ".select($this.toString())", ".where($index > 0)",
        ]
    ),
).map("".join)  # fmt: skip
_of_text = st.tuples(
    _texts,
    st.sampled_from(
        [
            ".length()", ".upper()", ".lower()", ".startsWith('P')", ".endsWith('r')", ".contains('e')",
            ".substring(1)",
            ".substring(1, 2)", ".indexOf('e')", ".matches('^P.*r$')", ".toInteger()",
            ".convertsToInteger()", ".toChars().count()", " in name.given",
        ]
    ),
).map("".join)  # fmt: skip
_chosen = st.tuples(_tests, _texts, _texts).map(lambda found: f"iif({found[0]}, {found[1]}, {found[2]})")
EXPRESSIONS = st.one_of(_calculated, _compared, _reasoned, _called, _of_text, _chosen)


@given(EXPRESSIONS)
@settings(max_examples=400, deadline=None)
def test_both_give_the_same(text: str) -> None:
    try:
        theirs: Any = [_plain(value) for value in oracle(PATIENT, text, {})]
    except Exception:  # noqa: BLE001  (fhirpathpy raises bare exceptions)
        theirs = None
    try:
        ours: Any = [_plain(value) for value in compile_expression(text).evaluate(PATIENT)]
    except Rejected:
        ours = None
    assert ours == theirs, text


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | str) else float(value)
