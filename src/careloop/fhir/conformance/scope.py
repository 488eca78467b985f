"""What the rules of conformance see beside the value they judge, and the faults that they find."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

Problem = tuple[str, str, str, str]
"""Place relative to the value, severity, expected words, issue code."""

Problems = Sequence[Problem] | None

Rule = Callable[[Any, "Scope"], Problems]
"""Judges one value; None where nothing is wrong."""


class Terms(Protocol):
    """Whoever knows value sets. None: not known."""

    def contains(self, value_set_url: str, system: str | None, code: str) -> bool | None:
        """True where the code is in the value set. Of a code of type `code` the system is None."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """Where a value stands: its resource, the resource that contains that one, the bundle's entries by address."""

    resource: Mapping[str, Any]
    root: Mapping[str, Any]
    entries: Mapping[str, Mapping[str, Any]] | None = None
    terms: Terms | None = None
    invariants: bool = True

    def contained(self, resource: Mapping[str, Any]) -> "Scope":
        """The scope inside a contained resource."""
        return replace(self, resource=resource)

    def entry(self, resource: Mapping[str, Any]) -> "Scope":
        """The scope inside a resource that stands for itself: a bundle's entry, a parameter."""
        return replace(self, resource=resource, root=resource)

    def resolve(self, reference: str) -> Mapping[str, Any] | None:
        """What a reference leads to within what is being judged; None where it leads outside."""
        if reference.startswith("#"):
            return self._contained(reference[1:])
        if self.entries is None:
            return None
        found = self.entries.get(reference)
        return found if found is not None else self.entries.get(reference.partition("/_history/")[0])

    def _contained(self, name: str) -> Mapping[str, Any] | None:
        if not name:
            return self.root
        for one in self.root.get("contained", ()):
            if one.get("id") == name:
                return one if isinstance(one, dict) else None
        return None


def inside(place: str, problems: Sequence[Problem]) -> list[Problem]:
    """The same problems as seen from the parent."""
    return [(place + where, severity, expected, code) for where, severity, expected, code in problems]


def each(rule: Rule) -> Rule:
    """The rule for an array, from the rule for one of its values."""

    def check(values: Any, scope: Scope) -> Problems:
        found: list[Problem] | None = None
        for index, value in enumerate(values):
            if value is not None and (problems := rule(value, scope)):
                found = [*(found or ()), *inside(f"[{index}]", problems)]
        return found

    return check


def together(rules: Sequence[Rule]) -> Rule:
    """One rule that asks all of `rules`."""
    if len(rules) == 1:
        return rules[0]

    def check(value: Any, scope: Scope) -> Problems:
        found: list[Problem] | None = None
        for rule in rules:
            if problems := rule(value, scope):
                found = [*(found or ()), *problems]
        return found

    return check
