"""Is this a FHIR R4 resource? Structure, cardinality, types, patterns and required codes.

The rules are built once from the official definitions (`fhir.definitions`), one function per kind of node, and
each answers None (nothing wrong) or the faults with their place. A fault says where and what was expected, never the
value. Invariants, bindings and profiles come on top: `fhir.conformance`.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from threading import Lock
from typing import Any

from careloop.errors import Fault
from careloop.fhir import definitions as tables
from careloop.fhir.conformance import Checker, Terms
from careloop.fhir.definitions import Definitions, Element
from careloop.fhir.primitives import PRIMITIVES, Predicate, is_reference

MAX_NESTING = 100
"""security.md section 5: nesting at most 100."""

MAX_FAULTS = 100

Faults = list[tuple[str, str, str]]
"""Place relative to the node, expected words, issue code."""

Rule = Callable[[Any, int], Faults | None]
"""Takes a value and its depth."""

_STILL_READABLE = frozenset(("required", "code-invalid"))
"""Faults of structure after which the rest of a resource can still be judged."""

NULL = "null"
"""Code of a null in an array, until it is known whether the `_name` array explains it."""

_EMPTY = "a value: empty objects, arrays and texts are not allowed"


class Validator:
    """Checks resources against R4. Build it once with `load`; it is safe to share between threads."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._roots: dict[str, Rule] = {}
        self._lock = Lock()
        self._builder = _Builder(definitions, self.resource)

    @classmethod
    def load(cls) -> "Validator":
        """The validator for the R4 definitions that ship with the product."""
        return _shared()

    def validate(self, resource: Any) -> list[Fault]:
        """Everything wrong with `resource`, at most `MAX_FAULTS`; empty when it is a valid R4 resource."""
        found = self.resource(resource, 0)
        if not found:
            return []
        root = resource.get("resourceType") if isinstance(resource, dict) else None
        name = root if isinstance(root, str) and root in self._definitions.resources else "Resource"
        return [Fault(at=name + place, expected=expected, code=code) for place, expected, code in found[:MAX_FAULTS]]

    def check(
        self, resource: Any, *, profiles: Sequence[str] = (), invariants: bool = True, terminology: Terms | None = None
    ) -> list[Fault]:
        """Everything wrong with `resource`: structure first; then invariants, the profiles it declares and `profiles`.

        Where structure is wrong in a way that hides what is meant, only that is told. A must-support element without
        a value is `information`, a code outside an extensible binding (asked of `terminology`) a `warning`.
        """
        found = self.validate(resource)
        if any(fault.code not in _STILL_READABLE for fault in found):
            return found
        return found + self.beyond_structure(
            resource, profiles=profiles, invariants=invariants, terminology=terminology
        )

    def beyond_structure(
        self,
        resource: Mapping[str, Any],
        *,
        profiles: Sequence[str] = (),
        invariants: bool = True,
        terminology: Terms | None = None,
    ) -> list[Fault]:
        """What `check` says beyond `validate`, of a resource that `validate` found right."""
        return Checker.load().check(resource, profiles, invariants=invariants, terms=terminology)

    def resource(self, value: Any, depth: int) -> Faults | None:
        """The rule for a whole resource of any type: the outermost one, contained ones, bundle entries."""
        if type(value) is not dict:
            return [("", "an object", "structure")]
        kind = value.get("resourceType")
        if type(kind) is not str or kind not in self._definitions.resources:
            return [(".resourceType", "the name of an R4 resource type", "not-supported")]
        rule = self._roots.get(kind)
        if rule is None:
            with self._lock:
                rule = self._roots[kind] = self._builder.node(kind).check
        return rule(value, depth)


@cache
def _shared() -> Validator:
    return Validator(tables.load())


class _Node:
    """The check of one kind of object: which properties it may have, must have, and may have only one of.

    `predicates` hold for single primitives, `rules` for everything else; `expected` are the words for a predicate.
    """

    __slots__ = ("check", "choices", "counted", "expected", "name", "predicates", "required", "required_plain", "rules")

    def __init__(self, name: str) -> None:
        self.name = name
        self.predicates: dict[str, Predicate] = {}
        self.expected: dict[str, tuple[str, str]] = {}
        self.rules: dict[str, Rule] = {}
        self.required: tuple[frozenset[str], ...] = ()
        self.required_plain: frozenset[str] = frozenset()
        self.choices: tuple[frozenset[str], ...] = ()
        self.counted: tuple[tuple[Callable[[object], bool], int], ...] = ()
        self.check: Rule = _object_rule(self)

    def wrong(self, found: Faults | None, value: dict[str, Any], name: str, problems: Faults | None) -> Faults:
        """`found` and the faults of one property, with its name before their places.

        None as problems means that a predicate said no, or that R4 does not define the name here.
        """
        found = [] if found is None else found
        if problems is None:
            unknown = (f"only elements that FHIR R4 defines for {self.name}", "structure")
            problems = [("", *self.expected.get(name, unknown))]
        elif problems[0][2] == NULL:
            problems = _unexplained(problems, value.get(f"_{name}"))
        if len(found) < MAX_FAULTS:
            found += [(f".{_shown(name)}{place}", expected, code) for place, expected, code in problems]
        return found

    def whole(self, value: dict[str, Any], found: Faults | None) -> Faults | None:
        """`found` and what only shows when all properties are seen: missing elements, two types of one choice."""
        faults = found or []
        names = value.keys()
        for any_of in self.required:
            if any_of.isdisjoint(names):
                faults.append((f".{_display(any_of)}", "a value: this element is required", "required"))
        for choice in self.choices:
            if len({name.removeprefix("_") for name in names if name in choice}) > 1:
                faults.append((f".{_display(choice)}", "only one type of this choice", "structure"))
        return faults or None


def _object_rule(node: _Node) -> Rule:
    """The rule that runs for every object; everything that is seldom needed is in `_Node`."""
    predicate_of, rule_of = node.predicates.get, node.rules.get

    def check(value: Any, depth: int) -> Faults | None:
        if type(value) is not dict or not value or depth > MAX_NESTING:
            return _no_object(value)
        found: Faults | None = None
        for name, item in value.items():
            predicate = predicate_of(name)
            if predicate is not None:
                if not predicate(item):
                    found = node.wrong(found, value, name, None)
                continue
            rule = rule_of(name)
            problems = None if rule is None else rule(item, depth + 1)
            if problems or rule is None:
                found = node.wrong(found, value, name, problems)
        if found or not node.required_plain <= value.keys():
            return node.whole(value, found)
        for choice, least in node.counted:
            if not least <= sum(map(choice, value)) <= 1:
                return node.whole(value, found)
        return None

    return check


def _no_object(value: Any) -> Faults:
    if type(value) is not dict:
        return [("", "an object", "structure")]
    return [("", f"nesting of at most {MAX_NESTING} levels", "too-long") if value else ("", _EMPTY, "structure")]


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


def _unexplained(problems: Faults, beside: Any) -> Faults:
    """Faults of a primitive array, without the nulls that stand for an entry of the `_name` array beside it."""
    entries = beside if isinstance(beside, list) else []
    explained = {f"[{index}]" for index, entry in enumerate(entries) if entry}
    kept = [fault for fault in problems if fault[2] != NULL or fault[0] not in explained]
    return [(place, expected, "structure" if code == NULL else code) for place, expected, code in kept]


class _Builder:
    """Makes the nodes of a type when it is first needed, from the tables. Not for several threads at once."""

    def __init__(self, definitions: Definitions, resource: Rule) -> None:
        self._definitions = definitions
        self._resource = resource
        self._nodes: dict[str, _Node] = {}

    def node(self, name: str) -> _Node:
        """The node and all that it can contain, with their rules."""
        known = self._nodes.get(name)
        if known is not None:
            return known
        node = self._nodes[name] = _Node(name)
        elements = self._definitions.elements(name).values()
        if name in self._definitions.resources:
            node.predicates["resourceType"] = _accept
        for element in elements:
            self._add(node, element)
        node.required = tuple(_names(one) for one in elements if one.minimum)
        node.required_plain = frozenset(one.name for one in elements if one.minimum and not one.is_choice)
        node.choices = tuple(_names(one) for one in elements if one.is_choice)
        node.counted = tuple((_names(one).__contains__, one.minimum) for one in elements if one.is_choice)
        return node

    def _add(self, node: _Node, element: Element) -> None:
        for name, kind in element.json_names().items():
            if kind not in self._definitions.primitives:
                rule = self._object(kind, element)
                node.rules[name] = _array(rule) if element.repeats else rule
                continue
            predicate, expected = self._primitive(node, kind, element)
            node.rules["_" + name] = self._beside(element)
            if element.repeats:
                node.rules[name] = _array(_primitive_rule(predicate, expected))
            else:
                node.predicates[name], node.expected[name] = predicate, expected

    def _object(self, kind: str, element: Element) -> Rule:
        if kind == "Resource":
            return self._resource
        checked = self.node(kind.removeprefix("@")).check
        if element.binding is None or kind not in ("Coding", "CodeableConcept"):
            return checked
        return _bound(checked, kind, self._definitions, element.binding)

    def _primitive(self, node: _Node, kind: str, element: Element) -> tuple[Predicate, tuple[str, str]]:
        if element.binding is not None:
            return _code_predicate(self._definitions, element.binding)
        if element.name == "id" and node.name in self._definitions.resources:
            kind = "id"
        if (node.name, element.name) == ("Reference", "reference"):
            return is_reference, ("Type/id, an address, a urn: or #id of a contained resource", "value")
        predicate, expected = PRIMITIVES[kind]
        return predicate, (expected, "value")

    def _beside(self, element: Element) -> Rule:
        """The rule of `_name`: an id or extensions for a primitive, null where the entry has none."""
        checked = self.node("Element").check
        return _array(_or_null(checked)) if element.repeats else checked


def _names(element: Element) -> frozenset[str]:
    names = element.json_names()
    return frozenset(names) | frozenset("_" + name for name, kind in names.items() if kind in PRIMITIVES)


def _accept(value: Any) -> bool:
    return True


def _or_null(rule: Rule) -> Rule:
    return lambda value, depth: None if value is None else rule(value, depth)


def _array(rule: Rule) -> Rule:
    def check(value: Any, depth: int) -> Faults | None:
        if type(value) is not list:
            return [("", "an array", "structure")]
        if not value:
            return [("", _EMPTY, "structure")]
        for index, item in enumerate(value):
            problems = rule(item, depth)
            if problems:
                return _of_entries(rule, value, depth, index, problems)
        return None

    return check


def _of_entries(rule: Rule, value: list[Any], depth: int, first: int, problems: Faults | None) -> Faults:
    """The faults of the entries of an array, with their places; first those of nulls. `first` is the first faulty entry
    and `problems` its faults: an entry that is checked twice at every depth is checked 2^depth times."""
    nulls: Faults = []
    found: Faults = []
    for index in range(first, len(value)):
        item = value[index]
        if index > first:
            problems = rule(item, depth)
        if problems and item is None:
            nulls += [(f"[{index}]", problems[0][1], NULL)]
        elif problems and len(found) < MAX_FAULTS:
            found += [(f"[{index}]{place}", expected, code) for place, expected, code in problems]
    return nulls + found


def _primitive_rule(predicate: Predicate, expected: tuple[str, str]) -> Rule:
    faults: Faults = [("", *expected)]

    def check(value: Any, depth: int) -> Faults | None:
        return None if predicate(value) else faults

    return check


def _code_predicate(definitions: Definitions, binding: str) -> tuple[Predicate, tuple[str, str]]:
    codes = frozenset(code for one in definitions.codes(binding).values() for code in one)

    def is_of_value_set(value: Any) -> bool:
        return type(value) is str and value in codes

    return is_of_value_set, (f"a code of {definitions.binding_url(binding)}", "code-invalid")


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
