"""The official FHIR R4 definitions as tables of facts: elements, required codes, compartments.

`tools/compile_definitions.py` writes the tables under `content/definitions`; nothing else in the product knows the
names of FHIR elements. Everything is read once and shared.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from careloop.errors import Fault

VALUE_SET_BASE = "http://hl7.org/fhir/ValueSet/"


@dataclass(frozen=True, kw_only=True, slots=True)
class Element:
    """One element of a type as R4 defines it. `name` ends in `[x]` where the type is a choice."""

    name: str
    minimum: int
    repeats: bool
    types: tuple[str, ...]
    targets: Mapping[str, tuple[str, ...]]
    binding: str | None
    in_summary: bool

    @property
    def is_choice(self) -> bool:
        """True for `value[x]` and its like."""
        return self.name.endswith("[x]")

    def json_names(self) -> dict[str, str]:
        """The property names this element has in JSON, each with its type."""
        if not self.is_choice:
            return {self.name: self.types[0]}
        stem = self.name.removesuffix("[x]")
        return {stem + kind[0].upper() + kind[1:]: kind for kind in self.types}


class Definitions:
    """Facts about every R4 type. A node is a type (`Patient`) or an inner element with children (`Patient.contact`)."""

    def __init__(self, structures: Mapping[str, Any], value_sets: Mapping[str, Any], compartments: Any) -> None:
        self.version: str = structures["version"]
        self.primitives = frozenset[str](structures["primitives"])
        self.resources = frozenset[str](structures["resources"])
        self.compartments: Mapping[str, Mapping[str, list[str]]] = compartments
        self._nodes: Mapping[str, Any] = structures["nodes"]
        self._value_sets = value_sets
        self._elements: dict[str, dict[str, Element]] = {}

    @property
    def nodes(self) -> frozenset[str]:
        """The names of all nodes."""
        return frozenset(self._nodes)

    def elements(self, node: str) -> dict[str, Element]:
        """Every element of `node`, inherited ones first, by name."""
        known = self._elements.get(node)
        if known is None:
            facts = self._nodes[node]
            inherited = self.elements(facts["base"]) if facts["base"] else {}
            own = {name: parse_element(name, words) for name, words in facts["elements"].items()}
            known = self._elements[node] = {**inherited, **own}
        return known

    def base(self, node: str) -> str | None:
        """The type that `node` is a kind of, None for `Element` and `Resource`."""
        found: str = self._nodes[node]["base"]
        return found or None

    def introduces(self, node: str, element: str) -> bool:
        """True where `node` itself defines the element, and did not take it from its base."""
        return element in self._nodes[node]["elements"]

    def codes(self, binding: str) -> Mapping[str, list[str]]:
        """The codes of a required value set, by code system."""
        found: Mapping[str, list[str]] = self._value_sets[binding]
        return found

    def binding_url(self, binding: str) -> str:
        """The canonical address of a value set named in the tables."""
        return binding if "://" in binding else VALUE_SET_BASE + binding

    def has_value_set(self, binding: str) -> bool:
        """True where the tables list the codes of `binding`."""
        return binding in self._value_sets


@lru_cache(maxsize=4096)
def parse_element(name: str, words: str) -> Element:
    """The element that one line of the table states: `0..* Reference(Patient|Group) =value-set s`."""
    cardinality, kinds, *rest = words.split(" ")
    minimum, _, maximum = cardinality.partition("..")
    types, targets = [], {}
    for kind in kinds.split(","):
        code, _, inside = kind.rstrip(")").partition("(")
        types.append(code)
        if inside:
            targets[code] = tuple(inside.split("|"))
    return Element(
        name=name,
        minimum=int(minimum),
        repeats=maximum == "*",
        types=tuple(types),
        targets=targets,
        binding=next((word[1:] for word in rest if word.startswith("=")), None),
        in_summary="s" in rest,
    )


def read_table(folder: str, name: str) -> Any:
    """One JSON file of the product's own content."""
    return json.loads(files("careloop").joinpath("content", folder, name).read_text(encoding="utf-8"))


@cache
def load() -> Definitions:
    """The definitions that ship with the product, read once a process."""
    return Definitions(
        read_table("definitions", "structures.json"),
        read_table("definitions", "valuesets.json")["valuesets"],
        read_table("definitions", "compartments.json")["compartments"],
    )


def check() -> list[Fault]:
    """Everything wrong in the compiled tables: types, value sets and inner elements that nothing defines."""
    definitions = load()
    return [
        Fault(at=f"content/definitions/structures.json:{node}.{element.name}", expected=expected, code="invalid")
        for node in sorted(definitions.nodes)
        for element in definitions.elements(node).values()
        for expected in _element_faults(definitions, element)
    ]


def _element_faults(definitions: Definitions, element: Element) -> list[str]:
    faults = [f"a type that the table defines ({kind})" for kind in element.types if not _is_known(definitions, kind)]
    if element.binding is not None and not definitions.has_value_set(element.binding):
        faults.append("a value set listed in valuesets.json")
    return faults


def _is_known(definitions: Definitions, kind: str) -> bool:
    return kind.removeprefix("@") in definitions.nodes or kind in definitions.primitives
