"""The terminology that somebody can see: every question about codes is asked here."""

from collections.abc import Iterable, Mapping
from typing import Any

from careloop.errors import NotFound, Rejected
from careloop.terminology import grammars
from careloop.terminology.checking import Coding, Manner, best_of, check_in_system, check_words
from careloop.terminology.expansion import Expansion, Wanted, expand
from careloop.terminology.library import Library, Resource
from careloop.terminology.membership import Members
from careloop.terminology.model import (
    CodeSystem,
    Concept,
    ConceptMap,
    Match,
    Missing,
    Pair,
    Subsumption,
    Validation,
    ValueSet,
)
from careloop.terminology.reading import read_value_set
from careloop.terminology.translation import Question, translate

Json = Mapping[str, Any]


class Terminology:
    """Answers from the product's content, with a tenant's own resources on top where there are some. Safe to share
    between threads; nothing is read before it is asked for."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._members = Members(library)

    @classmethod
    def load(cls) -> "Terminology":
        """The terminology that ships with the product."""
        return cls(Library.of_product())

    def with_resources(
        self,
        value_sets: Iterable[Resource],
        code_systems: Iterable[Resource] = (),
        concept_maps: Iterable[Resource] = (),
    ) -> "Terminology":
        """The same with these FHIR resources on top: of one address they are found first."""
        return Terminology(self._library.with_resources(value_sets, code_systems, concept_maps))

    def contains(self, value_set_url: str, system: str | None, code: str) -> bool | None:
        """Whether a code is in the value set; None where that is not known here or costs too much to find out. Without
        a system, any will do. Never raises: who judges a resource by a value set is not stopped by the value set."""
        try:
            members = self._members.enumerate_in(value_set_url)
            if system and (system, code) in members.members:
                return True
            if system and not members.missing and self._is_strict(system):
                return False
            return self._members.contains_in(value_set_url, system or None, code)
        except Rejected:
            return None

    def _is_strict(self, system: str) -> bool:
        known = self._library.code_systems.find(system)
        return known is None or known.case_sensitive

    def members(self, value_set_url: str) -> frozenset[Pair] | None:
        """All `(system, code)` of the value set; None where they cannot all be listed here."""
        found = self._members.enumerate_in(value_set_url)
        return None if found.missing else frozenset(found.members)

    def missing(self, value_set_url: str) -> tuple[Missing, ...]:
        """What keeps the codes of a value set from being listed; empty where they can be."""
        return self._members.enumerate_in(value_set_url).missing

    def code_system(self, url: str, version: str | None = None) -> CodeSystem | None:
        """The code system, or that version of it; None where nothing of it is known."""
        found = self._library.code_systems.find(f"{url}|{version}" if version else url)
        return None if found is None or found.content in ("not-present", "supplement") else found

    def value_set(self, url: str, version: str | None = None) -> ValueSet | None:
        """The value set with that address, implicit ones too."""
        return self._members.find(f"{url}|{version}" if version else url)

    def concept_map(self, url: str, version: str | None = None) -> ConceptMap | None:
        """The concept map with that address."""
        return self._library.concept_maps.find(f"{url}|{version}" if version else url)

    def below(self, system: str, code: str) -> frozenset[str]:
        """The code and all that it subsumes; the code alone where the system has no hierarchy known here."""
        known = self.code_system(system)
        return (known.below(code) if known is not None else frozenset()) or frozenset((code,))

    def above(self, system: str, code: str) -> frozenset[str]:
        """The code and all that subsume it; the code alone where the system has no hierarchy known here."""
        known = self.code_system(system)
        return (known.above(code) if known is not None else frozenset()) or frozenset((code,))

    def knows_hierarchy(self, system: str) -> bool:
        """True where `below` and `above` of the system are all there is, not all that happens to be known."""
        known = self.code_system(system)
        return known is not None and known.is_complete

    def display(self, system: str | None, code: str, language: str | None = None) -> str | None:
        """The words for a code; None where they are not known here."""
        known = self.code_system(system) if system else None
        concept = known.find(code) if known is not None else None
        return concept.display_in(language) if concept is not None else None

    def lookup(self, system: str, code: str, version: str | None = None) -> tuple[CodeSystem, Concept]:
        """What is known of a code. `NotFound` says whether the system or the code is not known here."""
        known = self.code_system(system, version)
        if known is None and not version and grammars.is_code(system, code):
            return CodeSystem(url=system, name=system), Concept(code=code, display=code)
        if known is None:
            raise NotFound(Missing(kind="CodeSystem", url=system, reason="is not loaded here").sentence())
        concept = known.find(code)
        if concept is None:
            reason = "does not have this code" if known.is_complete else "is known only in part, without this code"
            raise NotFound(Missing(kind="CodeSystem", url=system, reason=reason).sentence())
        return known, concept

    def subsumes(self, system: str, code_a: str, code_b: str, version: str | None = None) -> Subsumption:
        """How code A stands to code B. `NotFound` where the system or one of the codes is not known here."""
        known, _ = self.lookup(system, code_a, version)
        self.lookup(system, code_b, version)
        found = known.subsumption(code_a, code_b)
        if found is None:
            return "equivalent" if code_a == code_b else "not-subsumed"
        return found

    def expand(self, value_set: str | Json, wanted: Wanted | None = None) -> Expansion:
        """The codes of a value set, given by its address or as a resource. `NotFound` for an unknown address,
        `Rejected` with what is missing where they cannot all be listed."""
        wanted = wanted or Wanted()
        if not isinstance(value_set, str):
            return expand(self._members.enumerate(read_value_set(value_set)), wanted)
        if self._members.find(value_set) is None:
            raise NotFound(Missing(kind="ValueSet", url=value_set, reason="is not known here").sentence())
        return expand(self._members.enumerate_in(value_set), wanted)

    def validate(self, coding: Coding, value_set: str | Json | None = None, manner: Manner | None = None) -> Validation:
        """Whether a code is valid in a value set (an address or a resource), or in its code system alone."""
        manner = manner or Manner()
        if value_set is None:
            return self._validate_in_system(coding, manner)
        address = value_set if isinstance(value_set, str) else str(value_set.get("url", "given"))
        if isinstance(value_set, str):
            if self._members.find(value_set) is None:
                raise NotFound(Missing(kind="ValueSet", url=value_set, reason="is not known here").sentence())
            inside = self.contains(value_set, coding.system, coding.code)
        else:
            inside = self._members.contains(read_value_set(value_set), coding.system, coding.code)
        if inside is None:
            return Validation(result=None, missing=self._why(value_set, coding))
        if not inside:
            return Validation(result=False, message=f"The code is not in the value set {address}")
        concept = self._concept(coding)
        return Validation(result=True) if concept is None else check_words(concept, coding, manner)

    def _validate_in_system(self, coding: Coding, manner: Manner) -> Validation:
        if coding.system is None:
            raise Rejected(at="system", expected="the code system of the code", code="required")
        known = self.code_system(coding.system, coding.version)
        return check_in_system(known, coding.system, coding, manner)

    def _why(self, value_set: str | Json, coding: Coding) -> tuple[Missing, ...]:
        if isinstance(value_set, str):
            every = self._members.enumerate_in(value_set).missing
        else:
            every = self._members.enumerate(read_value_set(value_set)).missing
        about = tuple(one for one in every if one.kind == "ValueSet" or one.url == coding.system)
        return about or every

    def _concept(self, coding: Coding) -> Concept | None:
        known = self.code_system(coding.system, coding.version) if coding.system else None
        return known.find(coding.code) if known is not None else None

    def validate_any(
        self, codings: Iterable[Coding], value_set: str | Json | None = None, manner: Manner | None = None
    ) -> Validation:
        """Whether one of the codings of a concept is valid."""
        return best_of([self.validate(one, value_set, manner) for one in codings])

    def translate(self, question: Question, concept_map: ConceptMap | None = None) -> list[Match]:
        """The matches of a code, in one concept map or in all that are known, with their words."""
        maps = (concept_map,) if concept_map is not None else self._library.concept_maps.every()
        return translate(maps, question)
