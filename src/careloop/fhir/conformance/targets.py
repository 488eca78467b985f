"""May a reference lead there? By the type that it names, or of what it leads to inside the same bundle or resource."""

from collections.abc import Mapping
from typing import Any

from careloop.fhir.conformance.scope import Problem, Rule, Scope


def named_type(reference: Mapping[str, Any], scope: Scope, types: frozenset[str]) -> str | None:
    """The resource type that a Reference leads to; None where that cannot be told."""
    address = reference.get("reference")
    if isinstance(address, str):
        found = scope.resolve(address)
        if found is not None:
            return found.get("resourceType")
        parts = address.partition("/_history/")[0].partition("?")[0].split("/")
        name = parts[-2] if len(parts) > 1 else address.partition("?")[0]
        if name in types:
            return name
    named = reference.get("type")
    return named if named in types else None


def target_rule(allowed: frozenset[str], types: frozenset[str], label: str = "") -> Rule:
    """The rule that a Reference leads to one of the `allowed` types; `types` are all that there are."""
    words = "a reference to " + " or ".join(sorted(allowed)) + label
    problem: list[Problem] = [("", "error", words, "structure")]

    def check(value: Any, scope: Scope) -> list[Problem] | None:
        if type(value) is not dict:
            return None
        name = named_type(value, scope, types)
        return None if name is None or name in allowed else problem

    return check
