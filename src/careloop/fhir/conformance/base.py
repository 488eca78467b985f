"""What R4's own types ask beyond structure: one compiled pass per type over a whole resource.

Invariants, targets of references, bindings that structure does not check, profiles of data types (`SimpleQuantity`),
extensions whose definition we know, and everything again in contained resources and entries.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from careloop.fhir.conformance.bindings import ValueSets, binding_rule
from careloop.fhir.conformance.invariants import invariant_rule
from careloop.fhir.conformance.making import Made
from careloop.fhir.conformance.scope import Problem, Rule, Scope, each, inside, together
from careloop.fhir.conformance.targets import target_rule
from careloop.fhir.definitions import Definitions, Element

Conforms = Callable[[str], Rule | None]
"""The rule of a profile by its address; None where it is not known."""


class BaseRules:
    """Makes the rule of each R4 type when it is first needed."""

    def __init__(
        self,
        definitions: Definitions,
        rules: Mapping[str, Any],
        sets: ValueSets,
        conforms: Conforms,
        resource: Rule,
        contained: Rule,
    ) -> None:
        """`conforms` gives the rules of profiles; `resource` judges one that stands for itself inside another
        (entries, parameters), `contained` one that does not."""
        self._definitions, self._rules, self._sets = definitions, rules, sets
        self._conforms, self._resource, self._contained = conforms, resource, contained
        self._made = Made(self._node)

    def of(self, node: str) -> Rule:
        """The rule for a value of that type or inner element."""
        return self._made.of(node)

    def _node(self, node: str) -> Rule:
        own = [rule for one in self._lineage(node) if (rule := invariant_rule(self._constraints(one), node))]
        if node == "Extension":
            own.append(self._extension)
        named: dict[str, Rule] = {}
        for element in self._definitions.elements(node).values():
            for name, kind in element.json_names().items():
                rules = self._element(self._path(node, element), kind, element)
                if rules:
                    named[name] = each(together(rules)) if element.repeats else together(rules)
                if kind in self._definitions.primitives:
                    beside = self.of("Element")
                    named[f"_{name}"] = each(beside) if element.repeats else beside
        return _object_rule(own, named)

    def _lineage(self, node: str) -> list[str]:
        base = self._definitions.base(node)
        return [*(self._lineage(base) if base else ()), node]

    def _constraints(self, path: str) -> Sequence[Sequence[str]]:
        found: Sequence[Sequence[str]] = self._rules.get(path, {}).get("constraint", ())
        return found

    def _path(self, node: str, element: Element) -> str:
        """Where the tables tell of the element: at the type that introduced it."""
        for one in reversed(self._lineage(node)):
            if self._definitions.introduces(one, element.name):
                return f"{one}.{element.name}"
        return f"{node}.{element.name}"

    def _element(self, path: str, kind: str, element: Element) -> list[Rule]:
        if kind == "Resource":
            return [self._contained if element.name == "contained" else self._resource]
        facts = self._rules.get(path, {})
        rules = [] if kind in self._definitions.primitives else [self.of(kind.removeprefix("@"))]
        if not kind.startswith("@") and (rule := invariant_rule(facts.get("constraint", ()), kind)):
            rules.append(rule)
        if "binding" in facts and (rule := binding_rule(self._sets, kind, facts["binding"])):
            rules.append(rule)
        rules += [rule for url in facts.get("profile", {}).get(kind, ()) if (rule := self._conforms(url))]
        if kind in element.targets:
            allowed = frozenset(element.targets[kind])
            rules.append(target_rule(allowed, self._definitions.resources))
        return rules

    def _extension(self, value: Any, scope: Scope) -> Sequence[Problem] | None:
        url = value.get("url")
        rule = self._conforms(url) if type(url) is str and "://" in url else None
        return None if rule is None else rule(value, scope)


def _object_rule(own: Sequence[Rule], named: Mapping[str, Rule]) -> Rule:
    rule_of = named.get

    def check(value: Any, scope: Scope) -> Sequence[Problem] | None:
        found: list[Problem] | None = None
        for rule in own:
            if problems := rule(value, scope):
                found = found or []
                found += problems
        for name, item in value.items():
            inner = rule_of(name)
            if inner is not None and (problems := inner(item, scope)):
                found = found or []
                found += inside(f".{name}", problems)
        return found

    return check
