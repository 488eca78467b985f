"""Slices: which values of an element a profile tells apart, how many of each it wants, and in what order.

A discriminator is a path into the value; what a slice says there (fixed, pattern, codes, type, existence, profile)
decides whether a value is of the slice. Where that cannot be decided from what we know (a value set that is not
listed, a reference that leads outside), nothing is demanded of the slice's number.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from careloop.fhir.conformance.bindings import ValueSets, membership
from careloop.fhir.conformance.profiles import MISSING, Shape, Slicing
from careloop.fhir.conformance.scope import Problem, Rule, Scope, inside
from careloop.fhir.conformance.values import equals, fits
from careloop.fhir.conformance.views import Item, View

Sliced = Callable[[Sequence[Item], Scope], list[Problem]]
Test = Callable[[str, Any, Scope], bool]
"""Is a value of this type of the slice, as far as one discriminator says?"""

_EXTENSION = re.compile(r"extension\('([^']+)'\)")
_OF_TYPE = re.compile(r"ofType\((\w+)\)")
BY_URL = Slicing(by=(("value", "url"),))
BY_TYPE = Slicing(by=(("type", "$this"),))


@dataclass(frozen=True, kw_only=True, slots=True)
class Slice:
    """One slice: how its values are known, and what is asked of them. `sure`: membership can always be decided."""

    name: str
    shape: Shape
    tests: tuple[Test, ...]
    sure: bool
    rules: Mapping[str, Rule]

    def takes(self, kind: str, value: Any, scope: Scope) -> bool:
        """True where the value is of this slice."""
        return bool(self.tests) and all(test(kind, value, scope) for test in self.tests)


class SliceMaker:
    """Makes slices of shapes. `conforms` gives a profile's rule, `shape_of` its shape."""

    def __init__(
        self,
        sets: ValueSets,
        conforms: Callable[[str], Rule | None],
        shape_of: Callable[[str], Shape | None],
    ) -> None:
        self._sets, self._conforms, self._shape_of = sets, conforms, shape_of

    def sliced(self, shape: Shape, view: View, rules: Mapping[str, Mapping[str, Rule]], label: str) -> Sliced:
        """The rule for all values of a sliced element."""
        slicing = shape.slicing or (BY_TYPE if shape.name.endswith("[x]") else BY_URL)
        slices = [self._slice(name, one, slicing, rules[name]) for name, one in shape.slices.items()]
        return _sliced_rule(shape.name, slicing, slices, label)

    def _slice(self, name: str, shape: Shape, slicing: Slicing, rules: Mapping[str, Rule]) -> Slice:
        tests, sure = [], True
        for kind, path in slicing.by:
            test, decides = self._test(kind, path, shape)
            sure = sure and decides and test is not None
            if test is not None:
                tests.append(test)
        complete = len(tests) == len(slicing.by)
        return Slice(name=name, shape=shape, tests=tuple(tests) if complete else (), sure=sure, rules=rules)

    def _test(self, kind: str, path: str, shape: Shape) -> tuple[Test | None, bool]:
        steps = _steps(path)
        outside = "resolve()" in steps
        if kind == "type":
            return _type_test(steps, shape), not outside
        if kind == "profile":
            return self._profile_test(steps, shape), not outside
        targets = list(self._targets(shape, steps))
        if kind == "exists":
            return _exists_test(steps, targets), not outside
        tests = [test for one in targets if (test := self._same(one)) is not None]
        decides = not outside and all(not one.binding or self._sets.has(one.binding[1]) for one in targets)
        return (_value_test(steps, tests) if tests else None), decides

    def _targets(self, shape: Shape, steps: Sequence[str]) -> Iterator[Shape]:
        """What the slice, or a profile of its type, says where the path leads; slices on the way count."""
        here = [shape, *shape.slices.values()]
        here += [one for kind in shape.kinds for url in kind.profiles if (one := self._shape_of(url)) is not None]
        if not steps:
            yield from here
            return
        for one in here:
            child = _child(one, steps[0])
            if child is not None:
                yield from self._targets(child, steps[1:])

    def _same(self, shape: Shape) -> Callable[[Any, Scope], bool] | None:
        """A predicate of the values that a shape fixes, here or deeper; None where it fixes nothing."""
        if shape.fixed is not MISSING:
            return _ignoring_scope(equals(shape.fixed))
        if shape.pattern is not MISSING:
            return _ignoring_scope(fits(shape.pattern))
        if shape.binding is not None and shape.binding[0] == "required":
            return self._of_codes(shape.binding[1])
        inner = [(name, test) for name, one in shape.children.items() if (test := self._same(one)) is not None]
        if inner:
            return lambda value, scope: all(
                any(test(one, scope) for one in reach(value, [name])) for name, test in inner
            )
        deeper = [test for one in shape.slices.values() if one.minimum and (test := self._same(one)) is not None]
        return (lambda value, scope: any(test(value, scope) for test in deeper)) if deeper else None

    def _of_codes(self, url: str) -> Callable[[Any, Scope], bool]:
        text, coding, concept = (membership(self._sets, kind, url) for kind in ("code", "Coding", "CodeableConcept"))

        def is_of(value: Any, scope: Scope) -> bool:
            structured = type(value) is dict
            is_in = text if not structured else concept if "coding" in value else coding
            return is_in is not None and is_in(value, scope) is True

        return is_of

    def _profile_test(self, steps: Sequence[str], shape: Shape) -> Test | None:
        urls = [url for one in self._kinds_at(shape, steps) for url in one]
        rules = [rule for url in urls if (rule := self._conforms(url)) is not None]
        if not rules or len(rules) < len(urls):
            return None

        def test(kind: str, value: Any, scope: Scope) -> bool:
            return any(_is_met(rule, one, scope) for one in reach(value, steps, scope) for rule in rules)

        return test

    def _kinds_at(self, shape: Shape, steps: Sequence[str]) -> Iterator[tuple[str, ...]]:
        path = [step for step in steps if step != "resolve()"]
        for one in self._targets(shape, path):
            yield from (kind.targets if "resolve()" in steps else kind.profiles for kind in one.kinds)


def _steps(path: str) -> list[str]:
    return [] if path == "$this" else [one for one in _split(path.removeprefix("$this.")) if one]


def _split(path: str) -> Iterator[str]:
    """The steps of a path; dots inside brackets are part of a step."""
    depth, step = 0, ""
    for character in path:
        depth += (character == "(") - (character == ")")
        if character == "." and depth == 0:
            yield step
            step = ""
        else:
            step += character
    yield step


def _child(shape: Shape, step: str) -> Shape | None:
    if step == "resolve()" or _OF_TYPE.fullmatch(step):
        return shape
    if match := _EXTENSION.fullmatch(step):
        extensions = shape.children.get("extension")
        slices = extensions.slices.values() if extensions is not None else ()
        return next((one for one in slices if any(match[1] in kind.profiles for kind in one.kinds)), None)
    return shape.children.get(step) or shape.children.get(f"{step}[x]")


def reach(value: Any, steps: Sequence[str], scope: Scope | None = None) -> Iterator[Any]:
    """Every value where the path leads; a choice is found by its stem."""
    if not steps:
        yield value
        return
    for one in _stepped(value, steps[0], scope):
        yield from reach(one, steps[1:], scope)


def _stepped(value: Any, step: str, scope: Scope | None) -> Iterator[Any]:
    if type(value) is not dict:
        return
    if step == "resolve()":
        found = scope.resolve(value.get("reference", "")) if scope is not None else None
        yield from () if found is None else (found,)
    elif match := _EXTENSION.fullmatch(step):
        yield from (one for one in value.get("extension", ()) if one.get("url") == match[1])
    elif _OF_TYPE.fullmatch(step):
        yield value
    else:
        yield from _named(value, step)


def _named(value: Mapping[str, Any], step: str) -> Iterator[Any]:
    found = value.get(step)
    if found is None:
        stem = step.removesuffix("[x]")
        size = len(stem)
        found = next(
            (item for name, item in value.items() if name.startswith(stem) and name[size:][:1].isupper()), None
        )
    if type(found) is list:
        yield from (one for one in found if one is not None)
    elif found is not None:
        yield found


def _ignoring_scope(holds: Callable[[Any], bool]) -> Callable[[Any, Scope], bool]:
    return lambda value, scope: holds(value)


def _value_test(steps: Sequence[str], tests: Sequence[Callable[[Any, Scope], bool]]) -> Test:
    def test(kind: str, value: Any, scope: Scope) -> bool:
        return any(one(found, scope) for found in reach(value, steps, scope) for one in tests)

    return test


def _type_test(steps: Sequence[str], shape: Shape) -> Test | None:
    codes = frozenset(one.code for one in shape.kinds) or frozenset((shape.type,) if shape.type else ())
    if not codes:
        return None

    def test(kind: str, value: Any, scope: Scope) -> bool:
        if not steps:
            return kind in codes or (type(value) is dict and value.get("resourceType") in codes)
        return any(type(one) is dict and one.get("resourceType") in codes for one in reach(value, steps, scope))

    return test


def _exists_test(steps: Sequence[str], targets: Sequence[Shape]) -> Test | None:
    wanted = {one.maximum != 0 for one in targets if one.maximum == 0 or one.minimum > 0}
    if len(wanted) != 1:
        return None
    expected = wanted.pop()
    return lambda kind, value, scope: any(True for _ in reach(value, steps, scope)) is expected


def _is_met(rule: Rule, value: Any, scope: Scope) -> bool:
    return not any(problem[1] == "error" for problem in rule(value, scope) or ())


def _sliced_rule(name: str, slicing: Slicing, slices: Sequence[Slice], label: str) -> Sliced:
    sure = all(one.sure for one in slices)
    faults = {one.name: _number_faults(name, one, label) for one in slices}

    def check(items: Sequence[Item], scope: Scope) -> list[Problem]:
        found: list[Problem] = []
        counts = dict.fromkeys(faults, 0)
        last = -1
        for place, kind, value in items:
            at = next((index for index, one in enumerate(slices) if one.takes(kind, value, scope)), None)
            if at is None:
                if slicing.rules == "closed" and sure:
                    found.append((place, "error", f"a value of one of the slices of the profile{label}", "structure"))
                last = len(slices) if slicing.rules == "openAtEnd" else last
                continue
            one = slices[at]
            counts[one.name] += 1
            if at < last and (slicing.ordered or last == len(slices)):
                found.append((place, "error", f"the order of slices of the profile{label}", "structure"))
            last = max(last, at)
            rule = one.rules.get(kind)
            if rule is not None and (problems := rule(value, scope)):
                found += inside(place, problems)
        for one in slices:
            found += _counted(one, counts[one.name], faults[one.name])
        return found

    return check


def _number_faults(name: str, one: Slice, label: str) -> tuple[Problem, Problem, Problem]:
    at, low, high = f".{name}:{one.name}", one.shape.minimum, one.shape.maximum
    return (
        (at, "error", f"at least {low} value{'' if low == 1 else 's'} of this slice{label}", "required"),
        (at, "error", f"at most {high} value{'' if high == 1 else 's'} of this slice{label}", "structure"),
        (at, "information", f"a value where there is one: must support{label}", "informational"),
    )


def _counted(one: Slice, count: int, faults: tuple[Problem, Problem, Problem]) -> tuple[Problem, ...]:
    few, many, unsupported = faults
    if count < one.shape.minimum:
        return (few,) if one.sure else ()
    if one.shape.maximum is not None and count > one.shape.maximum:
        return (many,)
    if count == 0 and one.shape.support and one.shape.maximum != 0:
        return (unsupported,)
    return ()
