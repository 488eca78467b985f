"""Codes that a binding wants: from lists that ship with the product, else from whoever knows value sets."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from careloop.fhir.conformance.profiles import listed_codes
from careloop.fhir.conformance.scope import Problem, Rule, Scope
from careloop.fhir.definitions import VALUE_SET_BASE, Definitions

Coded = tuple[str, str]
"""System and code; the system is empty for an element of type `code`."""

BINDS = frozenset(("required", "max"))
"""Strengths that make another code an error. `extensible` makes it a warning."""


class ValueSets:
    """Is this code in that value set? By lists where there are some, else by `Scope.terms`."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._known: dict[str, tuple[frozenset[Coded], frozenset[str]] | None] = {}

    def has(self, url: str) -> bool:
        """True where the product lists the codes."""
        return self._listed(url) is not None

    def contains(self, url: str, coded: Coded, scope: Scope) -> bool | None:
        """True, False, or None where nobody knows the value set."""
        listed = self._listed(url)
        if listed is not None:
            return coded in listed[0] if coded[0] else coded[1] in listed[1]
        return None if scope.terms is None else scope.terms.contains(url, coded[0] or None, coded[1])

    def _listed(self, url: str) -> tuple[frozenset[Coded], frozenset[str]] | None:
        if url not in self._known:
            systems = self._systems(url)
            pairs = (
                frozenset((system, code) for system, codes in systems.items() for code in codes) if systems else None
            )
            self._known[url] = None if pairs is None else (pairs, frozenset(code for _, code in pairs))
        return self._known[url]

    def _systems(self, url: str) -> Mapping[str, Sequence[str]] | None:
        name = url.removeprefix(VALUE_SET_BASE)
        if self._definitions.has_value_set(name):
            return self._definitions.codes(name)
        return listed_codes().get(url)


def _of_text(value: Any) -> Iterator[Coded]:
    if isinstance(value, str):
        yield "", value


def _of_coding(value: Any) -> Iterator[Coded]:
    if "code" in value:
        yield value.get("system", ""), value["code"]


def _of_concept(value: Any) -> Iterator[Coded]:
    for coding in value.get("coding", ()):
        if coding is not None:
            yield from _of_coding(coding)


CODED: Mapping[str, Callable[[Any], Iterator[Coded]]] = {
    "code": _of_text,
    "string": _of_text,
    "uri": _of_text,
    "Coding": _of_coding,
    "Quantity": _of_coding,
    "CodeableConcept": _of_concept,
}
"""How to find the codes of a value, by its type."""


def membership(sets: ValueSets, kind: str, url: str) -> Callable[[Any, Scope], bool | None] | None:
    """Says whether one code of a value is in the value set; None where that kind of value has no codes."""
    coded = CODED.get(kind)
    if coded is None:
        return None

    def is_in(value: Any, scope: Scope) -> bool | None:
        unknown = kind == "Quantity" and "code" not in value
        for one in coded(value):
            found = sets.contains(url, one, scope)
            if found:
                return True
            unknown = unknown or found is None
        return None if unknown else False

    return is_in


def binding_rule(sets: ValueSets, kind: str, binding: Sequence[str], label: str = "") -> Rule | None:
    """The rule that a value of type `kind` keeps to the binding; None where such a value has no codes.

    A value that says by extension why it has no code is left alone; so is a text without codes where the binding may
    be extended, and whatever nobody can look up.
    """
    strength, url = binding
    is_in = membership(sets, kind, url)
    if is_in is None:
        return None
    binds, coded = strength in BINDS, CODED[kind]
    words = f"a code of {url}" + ("" if binds else " where one fits") + label
    problem: list[Problem] = [("", "error" if binds else "warning", words, "code-invalid")]

    def check(value: Any, scope: Scope) -> list[Problem] | None:
        if value is None or is_in(value, scope) is not False:
            return None
        if type(value) is dict and ("extension" in value or (not binds and not any(True for _ in coded(value)))):
            return None
        return problem

    return check
