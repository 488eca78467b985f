"""One pass over a resource that finds everything it can be searched by, compiled per resource type.

The walks of all parameters of a type are merged into a tree (`Observation.component` is visited once) and written out
as Python source. Names and constants in that source come from the committed definitions and the parameter files
alone, never from a request, and stand there as literals.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from careloop.fhir import composites
from careloop.fhir.emitters import MAKERS, Collector, Emitter
from careloop.fhir.model import SearchParameter
from careloop.fhir.paths import Step
from careloop.fhir.tokens import hashes, referenced_type

Extract = Callable[[dict[str, Any], Collector], None]


@dataclass(slots=True)
class _Tree:
    branches: dict[Step, "_Tree"] = field(default_factory=dict)
    emitters: list[Emitter] = field(default_factory=list)

    def at(self, steps: Iterable[Step]) -> "_Tree":
        """The place in the tree that `steps` lead to."""
        here = self
        for step in steps:
            here = here.branches.setdefault(step, _Tree())
        return here


def compile_extract(resource_type: str, parameters: Iterable[SearchParameter]) -> Extract:
    """The pass for `resource_type`: puts what `parameters` find in a resource into a collector."""
    tree, last, keys = _Tree(), [], set[str]()
    for parameter in parameters:
        for walk in parameter.walks:
            maker = MAKERS.get((parameter.type, walk.leaf))
            if maker is not None:
                tree.at(walk.steps).emitters.append(maker(resource_type, parameter.name))
        for together in parameter.together:
            if together.key is not None and together.key not in keys:
                keys.add(together.key)
                tree.at(together.base).emitters.append(composites.emitter(resource_type, together))
        if any(Step("not-false") in walk.steps for walk in parameter.walks):
            last.append(_false_unless_true(resource_type, parameter.name))
    return _Source(tree, last).function(resource_type)


def _false_unless_true(resource_type: str, parameter: str) -> Emitter:
    """An expression such as `deceased.exists() and deceased != false` is never missing: it is true or false."""

    def emit(collector: Collector, resource: Any) -> None:
        if collector.tokens.isdisjoint(hashes(collector.tenant_id, resource_type, parameter, "true")):
            collector.tokens.update(hashes(collector.tenant_id, resource_type, parameter, "false"))

    return emit


class _Source:
    """Python source of one pass, with the emitters it calls."""

    def __init__(self, tree: _Tree, last: list[Emitter]) -> None:
        self._lines = ["def extract(v0, c):"]
        self._names: dict[str, Any] = {"refers_to": refers_to, "extended": extended}
        self._branches(tree, 0, 1)
        for emitter in last:
            self._call(emitter, 0, 1)
        if len(self._lines) == 1:
            self._write(1, "return None")

    def function(self, resource_type: str) -> Extract:
        """The compiled pass."""
        code = compile("\n".join(self._lines), f"<search parameters of {resource_type}>", "exec")
        exec(code, self._names)  # noqa: S102 -- source is made above from committed tables, see the module text
        function: Extract = self._names["extract"]
        return function

    def _write(self, indent: int, line: str) -> None:
        self._lines.append("  " * indent + line)

    def _call(self, emitter: Emitter, variable: int, indent: int) -> None:
        name = f"e{len(self._names)}"
        self._names[name] = emitter
        self._write(indent, f"{name}(c, v{variable})")

    def _branches(self, tree: _Tree, variable: int, indent: int) -> None:
        for emitter in tree.emitters:
            self._call(emitter, variable, indent)
        for kind, some in groupby(tree.branches.items(), key=lambda item: item[0].kind):
            deeper = 0
            if kind == "extension":  # most have none; one type may be asked for twenty
                self._write(indent, f"if 'extension' in v{variable}:")
                deeper = 1
            for step, branch in some:
                self._step(step, branch, variable, indent + deeper)

    def _step(self, step: Step, branch: _Tree, here: int, indent: int) -> None:
        there = here + 1
        opening = {
            "field": _of_root(step) if here == 0 else (
                      f"v{there} = v{here}.get({step.name!r})", f"if v{there} is not None:"),
            "each": (f"for v{there} in v{here}:", f"  if v{there} is not None:"),
            "index": (f"v{there} = v{here}[{step.value}] if len(v{here}) > {step.value} else None",
                      f"if v{there} is not None:"),
            "is": (f"v{there} = v{here}", f"if refers_to(v{there}, {step.value!r}):"),
            "equals": (f"v{there} = v{here}", f"if v{there}.get({step.name!r}) == {step.value!r}:"),
            "not-false": (f"v{there} = True", f"if v{here} is not False:"),
            "extension": (f"for v{there} in extended(v{here}, {step.value!r}, {step.name!r}):", "  if True:"),
            "has-extension": (f"v{there} = v{here}", f"if any(extended(v{there}, {step.value!r}, None)):"),
        }[step.kind]  # fmt: skip
        for line in opening:
            self._write(indent, line)
        self._branches(branch, there, indent + (2 if opening[1].startswith("  ") else 1))


def _of_root(step: Step) -> tuple[str, str]:
    """The root is always an object and has few of the elements that its type could have: `in` is quicker than `get`."""
    return f"v1 = v0[{step.name!r}] if {step.name!r} in v0 else None", "if v1 is not None:"


def refers_to(value: Any, resource_type: str) -> bool:
    """True where a reference names `resource_type`, by its text or by its `type`."""
    reference = value.get("reference")
    named = referenced_type(reference) if reference is not None else None
    return bool((named or value.get("type")) == resource_type)


def extended(value: Any, url: str, name: str | None) -> list[Any]:
    """The values (or, without a name, the extensions) that `value` carries under `url`."""
    found = [one for one in value.get("extension", ()) if one.get("url") == url]
    return found if name is None else [one[name] for one in found if name in one]
