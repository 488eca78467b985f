"""Invariants as rules: hand-written where the text is met often, else compiled from FHIRPath when first needed.

An invariant is broken where it says false. Where it says nothing (an element it speaks of is missing) it is kept:
unknown is not false (decision 0115).
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from careloop.errors import Rejected
from careloop.fhir.conformance.handwritten import HANDWRITTEN, Holds
from careloop.fhir.conformance.scope import Problem, Rule, Scope
from careloop.fhir.fhirpath import compile_invariant


def invariant_rule(constraints: Sequence[Sequence[str]], type_name: str, label: str = "") -> Rule | None:
    """The rule that a value keeps to all of them (key, severity, expression, words); None where there are none."""
    if not constraints:
        return None
    pairs = [(holds(one[0], one[2], type_name), *_problems(one, label)) for one in constraints]

    def check(value: Any, scope: Scope) -> list[Problem] | None:
        if not scope.invariants or value is None:
            return None
        found = None
        for ask, broken, undecided in pairs:
            try:
                kept = ask(value, scope)
            except Rejected:
                found = [*(found or ()), undecided]
                continue
            if not kept:
                found = [*(found or ()), broken]
        return found

    return check


def holds(key: str, expression: str, type_name: str) -> Holds:
    """Says whether a value of that type keeps to the invariant; compiled at its first use."""
    known = HANDWRITTEN.get(f"{key}: {expression}") or HANDWRITTEN.get(expression)
    if known is not None:
        return known
    return lambda value, scope: compiled(expression, type_name)(value, scope)


@cache
def compiled(expression: str, type_name: str) -> Holds:
    """The expression through FHIRPath. `Rejected` where it is none, or asks for a function that there is not."""
    keeps = compile_invariant(f"(({expression}) contains false).not()", type_name)
    return lambda value, scope: keeps(value, scope.resource, scope.root)


def _problems(constraint: Sequence[str], label: str) -> tuple[Problem, Problem]:
    key, severity, _, words = constraint
    undecided = ("", "information", f"{key} to be decidable: it is not, for this value{label}", "processing")
    return ("", severity, f"{key}: {words}{label}", "invariant"), undecided
