"""Invariants as rules: hand-written where the text is met often, else compiled from FHIRPath when first needed."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from careloop.fhir.conformance.handwritten import HANDWRITTEN, Holds
from careloop.fhir.conformance.scope import Problem, Rule, Scope

Constraint = tuple[str, str, str, str]
"""Key, severity, expression, words."""


@cache
def holds(expression: str, type_name: str) -> Holds:
    """Says whether a value of that type keeps to the invariant. `Rejected` where the text is no FHIRPath."""
    known = HANDWRITTEN.get(expression)
    if known is not None:
        return known
    from careloop.fhir.fhirpath import compile_invariant

    compiled = compile_invariant(expression, type_name)

    def ask(element: Any, scope: Scope) -> bool:
        return compiled(element, scope.resource, scope.root)

    return ask


def invariant_rule(constraints: Sequence[Sequence[str]], type_name: str, label: str = "") -> Rule | None:
    """The rule that a value keeps to all of them; None where there are none."""
    if not constraints:
        return None
    pairs = [(_when_needed(one[2], type_name), _problem(one, label)) for one in constraints]

    def check(value: Any, scope: Scope) -> list[Problem] | None:
        if not scope.invariants or value is None:
            return None
        found = None
        for ask, problem in pairs:
            if not ask(value, scope):
                found = [*(found or ()), problem]
        return found

    return check


def _problem(constraint: Sequence[str], label: str) -> Problem:
    key, severity, _, words = constraint
    return ("", severity, f"{key}: {words}{label}", "invariant")


def _when_needed(expression: str, type_name: str) -> Holds:
    if (known := HANDWRITTEN.get(expression)) is not None:
        return known
    compiled: list[Callable[[Any, Scope], bool]] = []

    def ask(value: Any, scope: Scope) -> bool:
        if not compiled:
            compiled.append(holds(expression, type_name))
        return compiled[0](value, scope)

    return ask
