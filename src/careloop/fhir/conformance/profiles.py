"""Every profile we know: by address and version, and as a shape that joins the facts of its whole chain of bases.

The tables under `content/definitions` say what each profile adds (`tools/compile_profiles.py` writes them). A *shape*
is one element as a profile wants it, with its children and slices.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from careloop.fhir.definitions import Definitions, Element, read_table

STRUCTURE_BASE = "http://hl7.org/fhir/StructureDefinition/"

MISSING: Any = object()
"""No fixed value, no pattern, no limit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A type that an element may have, with the profiles of its value and of what it refers to."""

    code: str
    profiles: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Slicing:
    """How the values of an element are told apart: discriminators as type and path."""

    by: tuple[tuple[str, str], ...]
    rules: str = "open"
    ordered: bool = False


@dataclass(kw_only=True, slots=True)
class Shape:
    """An element as a profile wants it. Only what a profile says; None or empty where the base type's word stands.

    `type` is the node (`Patient.contact`, `Quantity`) of its values where there is only one.
    """

    name: str
    type: str | None = None
    minimum: int = 0
    maximum: int | None = None
    kinds: tuple[Kind, ...] = ()
    fixed: Any = MISSING
    pattern: Any = MISSING
    least: Any = MISSING
    most: Any = MISSING
    max_length: int | None = None
    binding: tuple[str, str] | None = None
    constraints: list[tuple[str, str, str, str]] = field(default_factory=list)
    support: bool = False
    slicing: Slicing | None = None
    children: dict[str, "Shape"] = field(default_factory=dict)
    slices: dict[str, "Shape"] = field(default_factory=dict)

    def take(self, facts: Mapping[str, Any]) -> None:
        """Adds what a profile says of this element to what its bases said."""
        self.minimum = max(self.minimum, facts.get("min", 0))
        if "max" in facts:
            self.maximum = facts["max"] if self.maximum is None else min(self.maximum, facts["max"])
        if "types" in facts:
            self.kinds = tuple(_kind(one) for one in facts["types"])
            if self.name.endswith("[x]") and len(self.kinds) == 1:
                self.type = self.kinds[0].code
        self.fixed = facts.get("fixed", self.fixed)
        self.pattern = facts.get("pattern", self.pattern)
        self.least, self.most = facts.get("minValue", self.least), facts.get("maxValue", self.most)
        self.max_length = facts.get("maxLength", self.max_length)
        self.binding = tuple(facts["binding"]) if "binding" in facts else self.binding
        self.constraints += [tuple(one) for one in facts.get("constraint", ())]
        self.support = self.support or facts.get("support", False)
        if "slicing" in facts:
            self.slicing = _slicing(facts["slicing"])


def _kind(words: Mapping[str, Any]) -> Kind:
    return Kind(code=words["code"], profiles=tuple(words.get("profile", ())), targets=tuple(words.get("target", ())))


def _slicing(words: Mapping[str, Any]) -> Slicing:
    by = tuple((kind, path) for kind, path in words["by"])
    return Slicing(by=by, rules=words["rules"], ordered=words["ordered"])


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One profile of one release. `base` is a type of R4 or the address of another profile."""

    name: str
    url: str
    version: str
    title: str
    type: str
    base: str
    release: int
    elements: Mapping[str, Any]

    @property
    def label(self) -> str:
        """Name and version for people."""
        return f"{self.name}|{self.version}"


class Profiles:
    """Finds profiles, and joins each with its bases."""

    def __init__(self, definitions: Definitions, releases: Sequence[Mapping[str, Any]]) -> None:
        """`releases` from the oldest to the newest: without a version the newest that has the address is meant."""
        self._definitions = definitions
        self._by_url: dict[str, list[Profile]] = {}
        for number, table in enumerate(releases):
            for name, row in table["profiles"].items():
                profile = Profile(name=name, version=table["version"], release=number, **row)
                self._by_url.setdefault(profile.url, []).append(profile)

    def __iter__(self) -> Iterator[Profile]:
        return (one for known in self._by_url.values() for one in known)

    def find(self, canonical: str, near: Profile | None = None) -> Profile | None:
        """The profile of that address. `|version` names one; else that of the release of `near`, else the newest."""
        url, _, version = canonical.partition("|")
        known = self._by_url.get(url if "://" in url else STRUCTURE_BASE + url, ())
        if version:
            return next((one for one in known if one.version == version), None)
        if near is not None and (same := [one for one in known if one.release == near.release]):
            return same[-1]
        return known[-1] if known else None

    def type_of(self, canonical: str, near: Profile | None = None) -> str | None:
        """The type that a profile constrains, or the type that the address names; None where we do not know it."""
        profile = self.find(canonical, near)
        if profile is not None:
            return profile.type
        name = canonical.partition("|")[0].removeprefix(STRUCTURE_BASE)
        return name if name in self._definitions.nodes else None

    def shape(self, profile: Profile) -> Shape:
        """The whole profile, its bases joined, from the type down."""
        root = Shape(name=profile.type, type=profile.type)
        for one in reversed(list(self._chain(profile))):
            for place, facts in one.elements.items():
                self._at(root, place).take(facts)
        return root

    def _chain(self, profile: Profile | None) -> Iterator[Profile]:
        while profile is not None:
            yield profile
            profile = self.find(profile.base, profile)

    def _at(self, root: Shape, place: str) -> Shape:
        shape = root
        for step in place.split(".") if place else ():
            name, _, slice_name = step.partition(":")
            shape = self._child(shape, name)
            if slice_name:
                shape = self._slice(shape, slice_name)
        return shape

    def _child(self, parent: Shape, name: str) -> Shape:
        elements = self._elements(parent.type)
        if name in elements:
            return _known(parent.children, name, lambda: Shape(name=name, type=_only_type(elements[name])))
        for element in elements.values():
            kind = element.json_names().get(name) if element.is_choice else None
            if kind is not None:
                choice = _known(parent.children, element.name, lambda name=element.name: Shape(name=name))
                found = self._slice(choice, name)
                found.type, found.kinds = kind, found.kinds or (Kind(code=kind),)
                return found
        return _known(parent.children, name, lambda: Shape(name=name))

    def _elements(self, kind: str | None) -> Mapping[str, Element]:
        """The elements of a value of that type; a primitive has an id and extensions."""
        if kind is None:
            return self._definitions.elements("Element")
        return self._definitions.elements("Element" if kind in self._definitions.primitives else kind)

    def _slice(self, shape: Shape, name: str) -> Shape:
        kind = self._type_in_name(shape.name, name) if shape.name.endswith("[x]") else shape.type
        return _known(shape.slices, name, lambda: Shape(name=shape.name, type=kind))

    def _type_in_name(self, element: str, slice_name: str) -> str | None:
        """The type in the name of a slice such as `valueQuantity`."""
        word = slice_name.removeprefix(element.removesuffix("[x]"))
        names = (word, word[:1].lower() + word[1:])
        return next((one for one in names if one in self._definitions.nodes | self._definitions.primitives), None)


def _known(shapes: dict[str, Shape], name: str, make: Any) -> Shape:
    if name not in shapes:
        shapes[name] = make()
    return shapes[name]


def _only_type(element: Element) -> str | None:
    return element.types[0].removeprefix("@") if len(element.types) == 1 else None


@cache
def load(definitions: Definitions) -> Profiles:
    """The profiles that ship with the product, read once a process."""
    folder = files("careloop").joinpath("content", "definitions")
    names = [one.name for one in folder.iterdir() if one.name.startswith("profiles-")]
    tables = [json.loads(folder.joinpath(name).read_text(encoding="utf-8")) for name in names]
    core = next(one for one in tables if one["source"].startswith("HL7 FHIR"))
    return Profiles(definitions, sorted(tables, key=lambda one: (one is not core, _numbers(one["version"]))))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


@cache
def listed_codes() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """The codes by system of value sets that profiles require, by the value set's address."""
    table = read_table("definitions", "profile-valuesets.json")["valuesets"]
    return {name if "://" in name else f"http://hl7.org/fhir/ValueSet/{name}": codes for name, codes in table.items()}
