"""A profile's shape as rules: one function per constrained element, made once."""

from collections.abc import Callable, Sequence
from typing import Any

from careloop.fhir.conformance.bindings import ValueSets, binding_rule
from careloop.fhir.conformance.invariants import invariant_rule
from careloop.fhir.conformance.making import Made
from careloop.fhir.conformance.profiles import MISSING, Kind, Profile, Profiles, Shape
from careloop.fhir.conformance.scope import Problem, Rule, Scope, inside, together
from careloop.fhir.conformance.slicing import Sliced, SliceMaker
from careloop.fhir.conformance.targets import target_rule
from careloop.fhir.conformance.values import equals, fits, limits
from careloop.fhir.conformance.views import Item, View
from careloop.fhir.definitions import Definitions


class Plans:
    """Makes the rule of each profile when it is first needed."""

    def __init__(self, definitions: Definitions, profiles: Profiles, sets: ValueSets) -> None:
        self._definitions, self._profiles, self._sets = definitions, profiles, sets
        self._labelled = {one.label + one.url: one for one in profiles}
        self._made = Made(self._rule)

    def of(self, profile: Profile) -> Rule:
        """The rule for a value of the profile's type: a resource, an extension, a data type."""
        return self._made.of(profile.label + profile.url)

    def _rule(self, name: str) -> Rule:
        profile = self._labelled[name]
        return _ShapeRules(self, profile).value(self._profiles.shape(profile), profile.type)

    @property
    def definitions(self) -> Definitions:
        """The structure of R4's own types."""
        return self._definitions

    @property
    def profiles(self) -> Profiles:
        """All profiles that are known."""
        return self._profiles

    @property
    def sets(self) -> ValueSets:
        """The value sets."""
        return self._sets


class _ShapeRules:
    """Makes rules of the shapes of one profile."""

    def __init__(self, plans: Plans, profile: Profile) -> None:
        self._plans, self._profile = plans, profile
        self._label = f" ({profile.label})"
        self._slices = SliceMaker(plans.sets, self._conforms, lambda url: self._shape(url))

    def _conforms(self, canonical: str) -> Rule | None:
        found = self._plans.profiles.find(canonical, self._profile)
        return None if found is None else self._plans.of(found)

    def _shape(self, canonical: str) -> Shape | None:
        found = self._plans.profiles.find(canonical, self._profile)
        return None if found is None else self._plans.profiles.shape(found)

    def value(self, shape: Shape, kind: str) -> Rule:
        """The rule for one value of type `kind`: what it is, and what is inside it."""
        rules = [*self._own(shape, kind)]
        inner = [self._element(kind, child) for child in shape.children.values()] if self._has_inside(kind) else []
        if inner:
            rules.append(together(inner))
        return together(rules) if rules else _nothing

    def _has_inside(self, kind: str) -> bool:
        return kind in self._plans.definitions.nodes

    def _own(self, shape: Shape, kind: str) -> list[Rule]:
        found = [
            _fixed(shape, self._label),
            _pattern(shape, self._label),
            _limits(shape, self._label),
            binding_rule(self._plans.sets, kind, shape.binding, self._label) if shape.binding else None,
            invariant_rule(shape.constraints, kind, self._label),
        ]
        return [rule for rule in found if rule is not None]

    def _element(self, node: str, shape: Shape) -> Rule:
        """The rule for an object of type `node`: one of its elements as the shape wants it."""
        view = View(self._plans.definitions, node, shape)
        by_kind = {kind: self._of_kind(shape, kind) for kind in view.kinds}
        rule = _element_rule(view, shape, by_kind, self._sliced(shape, view), self._label)
        if not shape.children or not self._plans.definitions.primitives.issuperset(view.kinds):
            return rule
        return together([rule, _beside_rule(view, self.value(_inside_of(shape), "Element"))])

    def _sliced(self, shape: Shape, view: View) -> Sliced | None:
        if not shape.slices:
            return None
        rules = {
            name: {kind: self._of_kind(one, kind) for kind in view.kinds if _may_be(one, kind)}
            for name, one in shape.slices.items()
        }
        return self._slices.sliced(shape, view, rules, self._label)

    def _of_kind(self, shape: Shape, kind: str) -> Rule:
        """The rule for a value of type `kind` where the shape stands: type, profiles and targets too."""
        allowed = [one for one in shape.kinds if one.code == kind]
        if shape.kinds and not allowed and kind in self._comparable(shape):
            return _wrong_type(shape, self._label)
        rules = [self.value(shape, kind.removeprefix("@"))]
        for one in allowed:
            if one.profiles:
                rules.append(self._one_of(one.profiles))
            if one.targets and (rule := self._targets(one)):
                rules.append(rule)
        return together(rules)

    def _comparable(self, shape: Shape) -> frozenset[str]:
        """Types that may be refused: those of a choice. Elsewhere structure has spoken."""
        if not shape.name.endswith("[x]"):
            return frozenset()
        return self._plans.definitions.primitives | self._plans.definitions.nodes

    def _one_of(self, canonicals: Sequence[str]) -> Rule:
        rules = [self._conforms(one) for one in canonicals]
        known = [rule for rule in rules if rule is not None]
        if len(known) < len(rules):
            return _nothing
        return known[0] if len(known) == 1 else _any_of(known, canonicals, self._label)

    def _targets(self, kind: Kind) -> Rule | None:
        types = [self._plans.profiles.type_of(one, self._profile) for one in kind.targets]
        if kind.code != "Reference" or None in types or "Resource" in types:
            return None
        allowed = frozenset(one for one in types if one is not None)
        return target_rule(allowed, self._plans.definitions.resources, self._label)


def _may_be(shape: Shape, kind: str) -> bool:
    return not shape.kinds or kind in {one.code for one in shape.kinds} or not shape.name.endswith("[x]")


def _nothing(value: Any, scope: Scope) -> None:
    return None


def _fixed(shape: Shape, label: str) -> Rule | None:
    if shape.fixed is MISSING:
        return None
    return _predicate(equals(shape.fixed), "exactly the value that the profile fixes" + label)


def _pattern(shape: Shape, label: str) -> Rule | None:
    if shape.pattern is MISSING:
        return None
    return _predicate(fits(shape.pattern), "everything in the pattern of the profile" + label)


def _limits(shape: Shape, label: str) -> Rule | None:
    if shape.max_length is not None:
        most = shape.max_length
        return _predicate(
            lambda value: not isinstance(value, str) or len(value) <= most, f"at most {most} characters{label}"
        )
    if shape.least is MISSING and shape.most is MISSING:
        return None
    return _predicate(limits(shape.least, shape.most, MISSING), "a value within the limits of the profile" + label)


def _predicate(holds: Callable[[Any], bool], words: str) -> Rule:
    problem: list[Problem] = [("", "error", words, "value")]
    return lambda value, scope: None if holds(value) else problem


def _wrong_type(shape: Shape, label: str) -> Rule:
    names = " or ".join(one.code for one in shape.kinds)
    problem: list[Problem] = [("", "error", f"a value of type {names}{label}", "structure")]
    return lambda value, scope: problem


def _any_of(rules: Sequence[Rule], canonicals: Sequence[str], label: str) -> Rule:
    problem: list[Problem] = [("", "error", f"a value as one of {', '.join(canonicals)} wants it{label}", "structure")]

    def check(value: Any, scope: Scope) -> list[Problem] | None:
        for rule in rules:
            if not any(one[1] == "error" for one in rule(value, scope) or ()):
                return None
        return problem

    return check


def _inside_of(shape: Shape) -> Shape:
    """The children of a primitive as the shape of the object beside it."""
    return Shape(name=shape.name, type="Element", children=shape.children)


def _beside_rule(view: View, rule: Rule) -> Rule:
    """What a profile says of the extensions of a primitive, which stand in the property beside it."""

    def check(value: Any, scope: Scope) -> list[Problem] | None:
        found: list[Problem] = []
        for place, beside in view.beside(value):
            found += inside(place, rule(beside, scope) or ())
        return found or None

    return check


def _element_rule(view: View, shape: Shape, by_kind: dict[str, Rule], sliced: Sliced | None, label: str) -> Rule:
    few = ("." + shape.name, "error", _at_least(shape.minimum) + label, "required")
    many = ("." + shape.name, "error", _at_most(shape.maximum) + label, "structure")
    unsupported = ("." + shape.name, "information", f"a value where there is one: must support{label}", "informational")
    active = {kind: rule for kind, rule in by_kind.items() if rule is not _nothing}

    def check(value: Any, scope: Scope) -> list[Problem] | None:
        items = view.items(value)
        found: list[Problem] = []
        if not items:
            if shape.minimum:
                found.append(few)
            elif shape.support and shape.maximum != 0:
                found.append(unsupported)
        elif len(items) < shape.minimum:
            found.append(few)
        elif shape.maximum is not None and len(items) > shape.maximum:
            found.append(many)
        _judge(items, active, scope, found)
        if sliced is not None:
            found += sliced(items, scope)
        return found or None

    return check


def _judge(items: Sequence[Item], rules: dict[str, Rule], scope: Scope, found: list[Problem]) -> None:
    for place, kind, value in items:
        rule = rules.get(kind)
        if rule is not None and (problems := rule(value, scope)):
            found += inside(place, problems)


def _at_least(minimum: int) -> str:
    return "a value: this element is required" if minimum == 1 else f"at least {minimum} values"


def _at_most(maximum: int | None) -> str:
    return "no value" if maximum == 0 else f"at most {maximum} value" + ("" if maximum == 1 else "s")
