"""Where terminology resources are found by their canonical address: the product's content, or a tenant's own.

The product's content is one text file per kind, one resource a line (`tools/compile_terminology.py`). A file is read
when it is first asked for, a line parsed when its resource is: a process that needs no codes pays nothing.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from threading import Lock
from typing import Any, Generic, Protocol, TypeAlias, TypeVar
from zlib import compress, decompress

from careloop.terminology.model import CodeSystem, ConceptMap, ValueSet
from careloop.terminology.reading import read_code_system, read_concept_map, read_value_set

Json = Mapping[str, Any]
Kind = TypeVar("Kind")
Found = TypeVar("Found", covariant=True)


@dataclass(frozen=True, slots=True)
class Packed:
    """A FHIR resource as packed text, with what it is looked up by. A tenant may have many and ask for few."""

    kind: str
    url: str | None
    version: str | None
    all_codes: str | None
    """The value set that a code system names for all its codes."""
    packed: bytes

    @classmethod
    def of(cls, resource: Json, text: str) -> "Packed":
        """The resource, packed; `text` is its JSON."""
        names = ("resourceType", "url", "version", "valueSet")
        kind, url, version, all_codes = (resource.get(name) for name in names)
        return cls(str(kind), url, version, all_codes, compress(text.encode(), 1))

    def read(self) -> Json:
        """The resource."""
        found: Json = json.loads(decompress(self.packed))
        return found


class Shelf(Protocol[Found]):
    """Resources of one kind by canonical address."""

    def find(self, canonical: str) -> Found | None:
        """The resource with that address; with `|version` exactly that one, else the newest."""

    def every(self) -> Iterator[Found]:
        """All of them, the newest of each address."""


class FileShelf(Generic[Kind]):
    """The resources of one content file."""

    def __init__(self, name: str, read: Callable[[Json], Kind]) -> None:
        self._name = name
        self._read = read
        self._known: dict[bytes, Kind] = {}
        self._lock = Lock()

    @cached_property
    def _lines(self) -> dict[bytes, bytes]:
        """The JSON of each resource by `url|version` and, for the last of an address, by `url`."""
        text = files("careloop").joinpath("content", "terminology", self._name).read_bytes()
        found: dict[bytes, bytes] = {}
        for line in text.splitlines():
            key, _, body = line.partition(b"\t")
            found[key] = found[key.rpartition(b"|")[0]] = body
        return found

    def find(self, canonical: str) -> Kind | None:
        """The resource with that address."""
        body = self._lines.get(canonical.encode(errors="replace"))
        if body is None:
            return None
        known = self._known.get(body)
        if known is None:
            with self._lock:
                known = self._known.setdefault(body, self._read(json.loads(body)))
        return known

    def every(self) -> Iterator[Kind]:
        """All resources, the newest of each address."""
        for key in self._lines:
            if b"|" not in key and (found := self.find(key.decode())) is not None:
                yield found


Resource: TypeAlias = Json | Packed
"""A FHIR resource as it is, or packed."""


class ResourceShelf(Generic[Kind]):
    """Resources that were handed over, on top of another shelf: what stands here is found first."""

    def __init__(self, resources: Iterable[Resource], read: Callable[[Json], Kind], below: Shelf[Kind] | None) -> None:
        self._below = below
        self._read = read
        self._given: dict[str, Resource] = {}
        self._known: dict[str, Kind] = {}
        for resource in resources:
            url, version = _field(resource, "url"), _field(resource, "version")
            if url:
                self._given[url] = resource
                if version:
                    self._given[f"{url}|{version}"] = resource

    def find(self, canonical: str) -> Kind | None:
        """The resource with that address."""
        known = self._known.get(canonical)
        if known is None and canonical in self._given:
            given = self._given[canonical]
            known = self._known[canonical] = self._read(given.read() if isinstance(given, Packed) else given)
        if known is None and self._below is not None:
            return self._below.find(canonical)
        return known

    def every(self) -> Iterator[Kind]:
        """All resources: those handed over, then those of the shelf below that none of these stands in for."""
        for url in self._given:
            if "|" not in url and (found := self.find(url)) is not None:
                yield found
        for one in self._below.every() if self._below is not None else ():
            if getattr(one, "url", None) not in self._given:
                yield one


class Library:
    """All terminology resources that somebody can see."""

    def __init__(
        self, code_systems: Shelf[CodeSystem], value_sets: Shelf[ValueSet], concept_maps: Shelf[ConceptMap]
    ) -> None:
        self.code_systems = code_systems
        self.value_sets = value_sets
        self.concept_maps = concept_maps

    @classmethod
    def of_product(cls) -> "Library":
        """What ships with the product. Nothing is read yet."""
        return cls(
            FileShelf("codesystems.tsv", read_code_system),
            FileShelf("valuesets.tsv", read_value_set),
            FileShelf("conceptmaps.tsv", read_concept_map),
        )

    def with_resources(
        self, value_sets: Iterable[Resource], code_systems: Iterable[Resource], concept_maps: Iterable[Resource]
    ) -> "Library":
        """The same with more resources on top; a code system brings along the value set it names for all its codes."""
        systems = list(code_systems)
        return Library(
            ResourceShelf(systems, read_code_system, self.code_systems),
            ResourceShelf((*map(_all_codes, systems), *value_sets), read_value_set, self.value_sets),
            ResourceShelf(concept_maps, read_concept_map, self.concept_maps),
        )


def _all_codes(code_system: Resource) -> Json:
    """The value set that a code system names as that of all its codes."""
    named = code_system.all_codes if isinstance(code_system, Packed) else code_system.get("valueSet")
    include = {"system": _field(code_system, "url")}
    return {"resourceType": "ValueSet", "url": named, "compose": {"include": [include]}}


def _field(resource: Resource, name: str) -> str | None:
    found = getattr(resource, name) if isinstance(resource, Packed) else resource.get(name)
    return found if isinstance(found, str) else None
