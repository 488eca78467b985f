"""Codes, code systems, value sets and concept maps as values. Nothing here reads a file or the record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Pair = tuple[str, str]
"""A code with its system: `(system, code)`."""

Equivalence = str
Subsumption = Literal["equivalent", "subsumes", "subsumed-by", "not-subsumed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Designation:
    """Other words for a code."""

    value: str
    language: str | None = None
    use: Mapping[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """As FHIR writes it."""
        facts = {"language": self.language, "use": self.use, "value": self.value}
        return {name: value for name, value in facts.items() if value is not None}


def words_in(language: str | None, designations: Sequence[Designation], usual: str | None) -> str | None:
    """The words in a language, else in one of its kind (`de` for `de-CH`), else the usual ones."""
    if language is None:
        return usual
    wanted = language.casefold()
    exact = [one.value for one in designations if (one.language or "").casefold() == wanted]
    near = [
        one.value
        for one in designations
        if (one.language or "").casefold().partition("-")[0] == wanted.partition("-")[0]
    ]
    return next(iter(exact or near), usual)


@dataclass(frozen=True, kw_only=True, slots=True)
class Concept:
    """One code of a code system. `parents` and `children` are codes; values of properties are text, true or false."""

    code: str
    display: str | None = None
    definition: str | None = None
    parents: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    properties: tuple[tuple[str, Any], ...] = ()
    designations: tuple[Designation, ...] = ()

    @property
    def is_abstract(self) -> bool:
        """True for a heading: it may be asked for, but not chosen."""
        return any(name in ("notSelectable", "abstract") and value is True for name, value in self.properties)

    @property
    def is_inactive(self) -> bool:
        """True for a code that is no longer to be used: inactive, retired or deprecated, as R4's own example of an
        expansion with inactive codes has it (ValueSet/inactive)."""
        return any(
            (name == "inactive" and value is True)
            or (name == "status" and value in ("retired", "deprecated", "inactive"))
            for name, value in self.properties
        )

    def display_in(self, language: str | None) -> str | None:
        """The words in that language where there are some, else the usual words."""
        return words_in(language, self.designations, self.display)


@dataclass(frozen=True, kw_only=True)
class CodeSystem:
    """A code system that is known here, whole or in part."""

    url: str
    version: str | None = None
    name: str | None = None
    title: str | None = None
    content: str = "complete"
    case_sensitive: bool = True
    value_set: str | None = None
    concepts: Mapping[str, Concept] = field(default_factory=dict)
    folded: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """True where a code that is not listed does not exist."""
        return self.content == "complete"

    def find(self, code: str) -> Concept | None:
        """The concept with that code, without regard to case where the system has none."""
        found = self.concepts.get(code)
        if found is None and not self.case_sensitive:
            found = self.concepts.get(self.folded.get(code.casefold(), ""))
        return found

    def below(self, code: str) -> frozenset[str]:
        """The code and everything below it; empty for a code that is not known."""
        return self._reached(code, down=True)

    def above(self, code: str) -> frozenset[str]:
        """The code and everything above it; empty for a code that is not known."""
        return self._reached(code, down=False)

    def _reached(self, code: str, *, down: bool) -> frozenset[str]:
        start = self.find(code)
        found: set[str] = set()
        waiting = [start.code] if start is not None else []
        while waiting:
            one = waiting.pop()
            if one not in found and (concept := self.concepts.get(one)) is not None:
                found.add(one)
                waiting += concept.children if down else concept.parents
        return frozenset(found)

    def subsumption(self, code_a: str, code_b: str) -> Subsumption | None:
        """How code A stands to code B; None where one of them is not known."""
        first, second = self.find(code_a), self.find(code_b)
        if first is None or second is None:
            return None
        if first.code == second.code:
            return "equivalent"
        if first.code in self.above(second.code):
            return "subsumes"
        return "subsumed-by" if second.code in self.above(first.code) else "not-subsumed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """One condition on the concepts of a code system."""

    property: str
    op: str
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """One code that a value set lists, with the words it gives."""

    code: str
    display: str | None = None
    designations: tuple[Designation, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Include:
    """One part of a value set: codes of a system (listed, filtered or all), which are also in all of `value_sets`."""

    system: str | None = None
    version: str | None = None
    listed: tuple[Listed, ...] = ()
    filters: tuple[Filter, ...] = ()
    value_sets: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ValueSet:
    """What a value set says of its members. `stated` are those of the expansion it came with: they decide where the
    definition cannot be followed here, or where there is none. `is_whole`: the expansion came with all members."""

    url: str | None = None
    version: str | None = None
    name: str | None = None
    title: str | None = None
    status: str | None = None
    includes: tuple[Include, ...] = ()
    excludes: tuple[Include, ...] = ()
    inactive: bool | None = None
    stated: Mapping[Pair, Listed] | None = None
    is_whole: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """One code of an expansion."""

    system: str
    code: str
    display: str | None = None
    version: str | None = None
    abstract: bool = False
    inactive: bool = False
    designations: tuple[Designation, ...] = ()

    @property
    def pair(self) -> Pair:
        """System and code."""
        return self.system, self.code

    def display_in(self, language: str | None) -> str | None:
        """The words in that language where there are some, else the usual words."""
        return words_in(language, self.designations, self.display)


@dataclass(frozen=True, kw_only=True, slots=True)
class Missing:
    """Why something cannot be said: what would have to be known. `kind` is the resource type, `url` its address."""

    kind: str
    url: str
    reason: str

    def sentence(self) -> str:
        """The reason in words."""
        return f"{self.kind} {self.url} {self.reason}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Enumerated:
    """The members that could be listed, in order, and what kept the rest from being listed."""

    members: Mapping[Pair, Member]
    missing: tuple[Missing, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Validation:
    """Whether a coding is in a value set or a code system. `result` None: cannot be said, `missing` says why."""

    result: bool | None
    message: str | None = None
    display: str | None = None
    missing: tuple[Missing, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class MapTarget:
    """A code of the other system and how close it comes (R4 concept-map-equivalence)."""

    code: str | None
    equivalence: str = "equivalent"
    display: str | None = None
    depends_on: tuple[Mapping[str, Any], ...] = ()
    products: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class MapGroup:
    """The mappings from one code system to another, and what to do with codes that are not mapped."""

    source: str | None
    target: str | None
    elements: Mapping[str, tuple[MapTarget, ...]]
    unmapped: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class ConceptMap:
    """A concept map. `source` and `target` are the value sets it goes between."""

    url: str | None
    version: str | None = None
    source: str | None = None
    target: str | None = None
    groups: tuple[MapGroup, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """One translation of a code."""

    system: str | None
    code: str | None
    equivalence: str
    display: str | None = None
    source: str | None = None
    products: tuple[Mapping[str, Any], ...] = ()
