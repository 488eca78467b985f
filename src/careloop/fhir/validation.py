"""Is this a FHIR R4 resource? Structure, cardinality, types, patterns and required codes.

The rules are built once from the official definitions (`fhir.definitions`), one function per kind of node, and
each answers None (nothing wrong) or the faults with their place. A fault says where and what was expected, never the
value. Invariants and profiles come on top (issue 3).
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from careloop.errors import Fault
from careloop.fhir import definitions as tables
from careloop.fhir.definitions import Definitions, Element
from careloop.fhir.primitives import PRIMITIVES, Predicate

MAX_NESTING = 100
"""security.md section 5: nesting at most 100."""

MAX_FAULTS = 100

Faults = list[tuple[str, str, str]]
"""Place relative to the node, expected words, issue code."""

Rule = Callable[[Any, int], Faults | None]
"""Takes a value and its depth."""

_EMPTY = "a value: empty objects, arrays and texts are not allowed"


class Validator:
    """Checks resources against R4. Build it once with `load`; it is safe to share between threads."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._nodes: dict[str, _Node] = {}
        self._build = _Builder(definitions, self._nodes)

    @classmethod
    def load(cls) -> "Validator":
        """The validator for the R4 definitions that ship with the product."""
        return _shared()

    def validate(self, resource: Any) -> list[Fault]:
        """Everything wrong with `resource`, at most `MAX_FAULTS`; empty when it is a valid R4 resource."""
        found = self._build.resource(resource, 0)
        if not found:
            return []
        root = resource.get("resourceType") if isinstance(resource, dict) else None
        name = root if isinstance(root, str) and root in self._definitions.resources else "Resource"
        return [Fault(at=name + place, expected=expected, code=code) for place, expected, code in found[:MAX_FAULTS]]


@cache
def _shared() -> Validator:
    return Validator(tables.load())


class _Node:
    """The check of one kind of object: which properties it may have, must have, and may have only one of."""

    __slots__ = ("choices", "name", "required", "rules")

    def __init__(self, name: str) -> None:
        self.name = name
        self.rules: dict[str, Rule] = {}
        self.required: tuple[frozenset[str], ...] = ()
        self.choices: tuple[frozenset[str], ...] = ()

    def __call__(self, value: Any, depth: int) -> Faults | None:
        if type(value) is not dict:
            return [("", "an object", "structure")]
        if not value:
            return [("", _EMPTY, "structure")]
        if depth > MAX_NESTING:
            return [("", f"nesting of at most {MAX_NESTING} levels", "too-long")]
        found: Faults | None = None
        rules = self.rules
        inner = depth + 1
        for name, item in value.items():
            rule = rules.get(name)
            problems = self.unknown(name) if rule is None else rule(item, inner)
            if problems:
                found = found or []
                found += [(f".{_shown(name)}{place}", expected, code) for place, expected, code in problems]
        return self.whole(value, _without_explained_nulls(found, value) if found else None)

    def unknown(self, name: str) -> Faults:
        """The fault of an element that R4 does not define here."""
        return [("", f"only elements that FHIR R4 defines for {self.name}", "structure")]

    def whole(self, value: dict[str, Any], found: Faults | None) -> Faults | None:
        """`found` and what only shows when all properties are seen: missing elements, two types of one choice."""
        names = value.keys()
        for any_of in self.required:
            if any_of.isdisjoint(names):
                found = [*(found or []), (f".{_display(any_of)}", "a value: this element is required", "required")]
        for choice in self.choices:
            if len(choice & names) > 1 and _types_given(choice, names) > 1:
                found = [*(found or []), (f".{_display(choice)}", "only one type of this choice", "structure")]
        return found


def _types_given(choice: frozenset[str], names: Iterable[str]) -> int:
    return len({name.removeprefix("_") for name in names if name in choice})


def _display(names: frozenset[str]) -> str:
    shortest = min((name for name in names if not name.startswith("_")), key=lambda name: (len(name), name))
    return shortest if len({name.removeprefix("_") for name in names}) == 1 else _common(names) + "[x]"


def _common(names: frozenset[str]) -> str:
    plain = sorted(name for name in names if not name.startswith("_"))
    first, last = plain[0], plain[-1]
    length = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    stem = first[:length]
    return stem.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ") or stem


def _shown(name: Any) -> str:
    """A property name that may be printed: a name, not a text that somebody put in its place."""
    return name if isinstance(name, str) and name.isascii() and name.isidentifier() and len(name) <= 64 else "?"


def _without_explained_nulls(found: Faults, value: Mapping[str, Any]) -> Faults | None:
    """`found` without the nulls of primitive arrays that stand for an entry of the `_name` array beside them."""
    kept = [fault for fault in found if fault[2] != "null" or not _explained(fault[0], value)]
    return [(place, expected, "structure" if code == "null" else code) for place, expected, code in kept] or None


def _explained(place: str, value: Mapping[str, Any]) -> bool:
    name, _, rest = place[1:].partition("[")
    index = rest.removesuffix("]")
    beside = value.get("_" + name)
    return index.isdigit() and isinstance(beside, list) and int(index) < len(beside) and bool(beside[int(index)])


class _Builder:
    """Makes the rules of a node when it is first needed, from its line in the tables."""

    def __init__(self, definitions: Definitions, nodes: dict[str, _Node]) -> None:
        self._definitions = definitions
        self._nodes = nodes

    def resource(self, value: Any, depth: int) -> Faults | None:
        """The check of a whole resource of any type, contained ones and bundle entries too."""
        kind = value.get("resourceType") if type(value) is dict else None
        if type(kind) is not str:
            return [(".resourceType" if type(value) is dict else "", "the name of an R4 resource type", "structure")]
        node = self._nodes.get(kind)
        if node is None:
            if kind not in self._definitions.resources:
                return [(".resourceType", "the name of an R4 resource type", "not-supported")]
            node = self.node(kind)
        return node(value, depth)

    def node(self, name: str) -> _Node:
        """The node, with its rules built."""
        known = self._nodes.get(name)
        if known is not None:
            return known
        node = _Node(name)
        elements = self._definitions.elements(name)
        if name in self._definitions.resources:
            node.rules["resourceType"] = _accept
        for element in elements.values():
            self._add(node, name, element)
        node.required = tuple(_names(one) for one in elements.values() if one.minimum)
        node.choices = tuple(_names(one) for one in elements.values() if one.is_choice)
        self._nodes[name] = node
        return node

    def _add(self, node: _Node, path: str, element: Element) -> None:
        for name, kind in element.json_names().items():
            if name == "id" and path in self._definitions.resources:
                kind = "id"
            rule = self._single(kind, element)
            node.rules[name] = _array(rule) if element.repeats else rule
            if kind in self._definitions.primitives:
                node.rules["_" + name] = self._beside(element)

    def _single(self, kind: str, element: Element) -> Rule:
        if kind in self._definitions.primitives:
            return self._primitive(kind, element)
        if kind == "Resource":
            return self.resource
        checked = self._lazy(kind.removeprefix("@"))
        if element.binding is None or kind not in ("Coding", "CodeableConcept"):
            return checked
        return _bound(checked, kind, self._definitions, element.binding)

    def _primitive(self, kind: str, element: Element) -> Rule:
        if element.binding is not None and self._definitions.has_value_set(element.binding):
            return _code_rule(self._definitions, element.binding)
        predicate, expected = PRIMITIVES[kind]
        return _primitive_rule(predicate, expected)

    def _beside(self, element: Element) -> Rule:
        """The rule of `_name`: an id or extensions for a primitive, null where the entry has none."""
        checked = self._lazy("Element")
        return _array(_or_null(checked)) if element.repeats else checked

    def _lazy(self, name: str) -> Rule:
        nodes = self._nodes

        def check(value: Any, depth: int) -> Faults | None:
            node = nodes.get(name)
            return self.node(name)(value, depth) if node is None else node(value, depth)

        return check


def _names(element: Element) -> frozenset[str]:
    names = element.json_names()
    return frozenset(names) | frozenset("_" + name for name, kind in names.items() if kind in PRIMITIVES)


def _accept(value: Any, depth: int) -> Faults | None:
    return None


def _or_null(rule: Rule) -> Rule:
    return lambda value, depth: None if value is None else rule(value, depth)


def _array(rule: Rule) -> Rule:
    def check(value: Any, depth: int) -> Faults | None:
        if type(value) is not list:
            return [("", "an array", "structure")]
        if not value:
            return [("", _EMPTY, "structure")]
        found: Faults | None = None
        for index, item in enumerate(value):
            problems = rule(item, depth)
            if problems:
                code = "null" if item is None else None
                found = found or []
                found += [(f"[{index}]{place}", expected, code or kind) for place, expected, kind in problems]
        return found

    return check


def _primitive_rule(predicate: Predicate, expected: str) -> Rule:
    faults: Faults = [("", expected, "value")]

    def check(value: Any, depth: int) -> Faults | None:
        return None if predicate(value) else faults

    return check


def _code_rule(definitions: Definitions, binding: str) -> Rule:
    codes = frozenset(code for one in definitions.codes(binding).values() for code in one)
    faults: Faults = [("", f"a code of {definitions.binding_url(binding)}", "code-invalid")]

    def check(value: Any, depth: int) -> Faults | None:
        return None if type(value) is str and value in codes else faults

    return check


def _bound(checked: Rule, kind: str, definitions: Definitions, binding: str) -> Rule:
    """`checked`, and the required value set: the Coding, or one Coding of the CodeableConcept, is of it."""
    allowed = frozenset((system, code) for system, codes in definitions.codes(binding).items() for code in codes)
    faults: Faults = [("", f"a coding of {definitions.binding_url(binding)}", "code-invalid")]
    codings = (lambda value: (value,)) if kind == "Coding" else (lambda value: value.get("coding", ()))

    def check(value: Any, depth: int) -> Faults | None:
        problems = checked(value, depth)
        if problems:
            return problems
        if any((one.get("system"), one.get("code")) in allowed for one in codings(value)):
            return None
        return None if "extension" in value else faults

    return check
