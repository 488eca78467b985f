"""What the rules of conformance see beside the value they judge, and the faults that they find."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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


MOST_OF_ONE_ARRAY = 200
"""After so many problems of one array the rest of it is not judged."""

_NOTHING: Mapping[str, Mapping[str, Any]] = {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """Where a value stands: its resource, the resource that contains that one (`root`) with all that it contains by
    id, and the bundle's entries by address."""

    resource: Mapping[str, Any]
    root: Mapping[str, Any]
    contained: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    entries: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    terms: Terms | None = None
    invariants: bool = True

    def within(self, resource: Mapping[str, Any]) -> "Scope":
        """The scope inside a contained resource."""
        return replace(self, resource=resource)

    def alone(self, resource: Mapping[str, Any]) -> "Scope":
        """The scope inside a resource that stands for itself: an entry of a bundle, a parameter, a bundle."""
        entries = entries_of(resource) if resource["resourceType"] == "Bundle" else self.entries
        return replace(self, resource=resource, root=resource, contained=contained_in(resource), entries=entries)

    def resolve(self, reference: str) -> Mapping[str, Any] | None:
        """What a reference leads to within what is being judged; None where it leads outside."""
        if reference[:1] == "#":
            return self.contained.get(reference[1:]) if len(reference) > 1 else self.root
        if not self.entries:
            return None
        found = self.entries.get(reference)
        return found if found is not None else self.entries.get(reference.partition("/_history/")[0])


def contained_in(resource: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """What the resource contains, by id."""
    if "contained" not in resource:
        return _NOTHING
    return {one["id"]: one for one in resource["contained"] if "id" in one}


def entries_of(bundle: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """The entries of a bundle by their address, and by `Type/id`."""
    found: dict[str, Mapping[str, Any]] = {}
    for entry in bundle.get("entry", ()):
        inner = entry.get("resource")
        if inner is None:
            continue
        if "fullUrl" in entry:
            found[entry["fullUrl"]] = inner
        if "id" in inner:
            found.setdefault(f"{inner['resourceType']}/{inner['id']}", inner)
    return found


def inside(place: str, problems: Sequence[Problem]) -> list[Problem]:
    """The same problems as seen from the parent."""
    return [(place + where, severity, expected, code) for where, severity, expected, code in problems]


def each(rule: Rule) -> Rule:
    """The rule for an array, from the rule for one of its values."""

    def check(values: Any, scope: Scope) -> Problems:
        found: list[Problem] | None = None
        for index, value in enumerate(values):
            if value is not None and (problems := rule(value, scope)):
                found = found or []
                found += inside(f"[{index}]", problems)
                if len(found) > MOST_OF_ONE_ARRAY:
                    break
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
                found = found or []
                found += problems
        return found

    return check
