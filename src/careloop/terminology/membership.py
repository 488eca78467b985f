"""Who belongs to a value set: one code asked for, or all that can be listed.

Both ways say honestly what they cannot know: a code system that is not loaded, a value set nobody has, a system
without an end. Where value sets import each other in a circle, an import that leads back is not known.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from careloop.errors import Rejected
from careloop.terminology import filters, grammars
from careloop.terminology.implicit import implicit_value_set
from careloop.terminology.library import Library
from careloop.terminology.logic import Answer, all_of, any_of, negated
from careloop.terminology.model import CodeSystem, Concept, Enumerated, Include, Listed, Member, Missing, Pair, ValueSet

MAX_DEPTH = 50
"""Imports of imports; more are refused as too costly."""
MAX_KNOWN = 100_000
"""Answers that are kept before all are forgotten."""


@dataclass(frozen=True, slots=True)
class From:
    """Where a question comes from: the address of the value set that is being looked at, and how many imports deep."""

    url: str | None = None
    depth: int = 0

    def to(self, url: str) -> "From":
        """One import further."""
        if self.depth >= MAX_DEPTH:
            raise Rejected(at="ValueSet", expected=f"at most {MAX_DEPTH} imports of imports", code="too-costly")
        return From(url, self.depth + 1)


OUTSIDE = From()


class Members:
    """Answers questions of membership from one library. Enumerations of value sets with an address are kept."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._enumerated: dict[str, Enumerated] = {}
        self._contained: dict[tuple[str, str | None, str], Answer] = {}
        self._imported: dict[str, frozenset[str]] = {}

    def find(self, canonical: str) -> ValueSet | None:
        """The value set with that address, implicit ones too."""
        return self._library.value_sets.find(canonical) or implicit_value_set(canonical, self._library)

    def contains(self, value_set: ValueSet, system: str | None, code: str, here: From = OUTSIDE) -> Answer:
        """Whether the code is a member; without a system, whether a code like it is."""
        answer = self._by_definition(value_set, system, code, here) if value_set.includes else None
        if answer is None and value_set.stated is not None:
            stated = any(one[1] == code and system in (None, one[0]) for one in value_set.stated)
            return stated or (False if value_set.is_whole else None)
        return answer

    def _by_definition(self, value_set: ValueSet, system: str | None, code: str, here: From) -> Answer:
        included = any_of(self._includes(one, system, code, here) for one in value_set.includes)
        if included is False:
            return False
        excluded = any_of(self._includes(one, system, code, here) for one in value_set.excludes)
        active = True if value_set.inactive is not False else self._is_active(value_set, system, code)
        return all_of((included, negated(excluded), active))

    def contains_in(self, canonical: str, system: str | None, code: str, here: From = OUTSIDE) -> Answer:
        """The same for a value set by its address."""
        asked = (canonical, system, code)
        if asked in self._contained:
            return self._contained[asked]
        value_set = self.find(canonical)
        if value_set is None:
            return None
        if len(self._contained) >= MAX_KNOWN:
            self._contained.clear()
        answer = self._contained[asked] = self.contains(value_set, system, code, here.to(canonical))
        return answer

    def _leads_back(self, canonical: str, here: From) -> bool:
        """True where the value set imports, at whatever distance, the one that imports it."""
        if here.url is None:
            return False
        known = self._imported.get(canonical)
        if known is None:
            found: set[str] = set()
            waiting = [canonical]
            while waiting:
                for one in _imports(self.find(waiting.pop())) - found:
                    found.add(one)
                    waiting.append(one)
            known = self._imported[canonical] = frozenset(found)
        return here.url in known or here.url == canonical

    def _includes(self, include: Include, system: str | None, code: str, here: From) -> Answer:
        imported = all_of(
            None if self._leads_back(one, here) else self.contains_in(one, system, code, here)
            for one in include.value_sets
        )
        if imported is False or include.system is None:
            return imported
        if system is not None and system != include.system:
            return False
        return all_of((imported, self._in_system(include, code)))

    def _in_system(self, include: Include, code: str) -> Answer:
        assert include.system is not None
        known = self.code_system(include)
        if include.listed:
            found = known.find(code) if known is not None else None
            wanted = found.code if found is not None else code
            return any(one.code in (code, wanted) for one in include.listed)
        if known is None:
            return self._in_grammar(include, code)
        concept = known.find(code)
        if concept is None:
            return False if known.is_complete else None
        return all_of(filters.passes(known, one, concept) for one in include.filters)

    def _in_grammar(self, include: Include, code: str) -> Answer:
        assert include.system is not None
        formed = grammars.is_code(include.system, code)
        if not formed:
            return formed
        return all_of(grammars.passes(include.system, one, code) for one in include.filters)

    def _is_active(self, value_set: ValueSet, system: str | None, code: str) -> Answer:
        systems = [system] if system is not None else [one.system for one in value_set.includes if one.system]
        found = [known.find(code) for one in systems if (known := self._library.code_systems.find(one)) is not None]
        return all(concept is None or not concept.is_inactive for concept in found)

    def code_system(self, include: Include) -> CodeSystem | None:
        """The code system of an include; None where nothing of it is known."""
        url = include.system if include.version is None else f"{include.system}|{include.version}"
        found = self._library.code_systems.find(url) if url else None
        return None if found is None or found.content in ("not-present", "supplement") else found

    def enumerate_in(self, canonical: str, here: From = OUTSIDE) -> Enumerated:
        """The members of a value set by its address."""
        if self._leads_back(canonical, here):
            return Enumerated(members={}, missing=(Missing(kind="ValueSet", url=canonical, reason="imports itself"),))
        known = self._enumerated.get(canonical)
        if known is not None:
            return known
        value_set = self.find(canonical)
        if value_set is None:
            return Enumerated(
                members={}, missing=(Missing(kind="ValueSet", url=canonical, reason="is not known here"),)
            )
        found = self._enumerated[canonical] = self.enumerate(value_set, here.to(canonical))
        return found

    def enumerate(self, value_set: ValueSet, here: From = OUTSIDE) -> Enumerated:
        """The members that can be listed, in the order of the value set, and what is missing for the others."""
        found = self._defined(value_set, here)
        if found.missing and value_set.stated is not None and (value_set.is_whole or not value_set.includes):
            return Enumerated(
                members=_by_pair(self._stated(value_set.stated)),
                missing=() if value_set.is_whole else (_without(value_set, "came with a part of its codes"),),
            )
        return found

    def _defined(self, value_set: ValueSet, here: From) -> Enumerated:
        if not value_set.includes:
            return Enumerated(members={}, missing=(_without(value_set, "does not say which codes it has"),))
        members: dict[Pair, Member] = {}
        missing: dict[Missing, None] = {}
        for include in value_set.includes:
            found = self._listed(include, here)
            missing.update(dict.fromkeys(found.missing))
            for pair, member in found.members.items():
                members.setdefault(pair, member)
        for exclude in value_set.excludes:
            missing.update(dict.fromkeys(self._exclude(members, exclude, here)))
        if value_set.inactive is False:
            members = {pair: one for pair, one in members.items() if not one.inactive}
        return Enumerated(members=members, missing=tuple(missing))

    def _stated(self, stated: Mapping[Pair, Listed]) -> Iterator[Member]:
        for (system, _), one in stated.items():
            known = self._library.code_systems.find(system)
            yield _member(system, one, known.find(one.code) if known is not None else None, known)

    def _exclude(self, members: dict[Pair, Member], exclude: Include, here: From) -> tuple[Missing, ...]:
        doubtful = False
        for system, code in list(members):
            answer = self._includes(exclude, system, code, here)
            if answer is not False:
                del members[system, code]
            doubtful = doubtful or answer is None
        return self._why(exclude) if doubtful else ()

    def _listed(self, include: Include, here: From) -> Enumerated:
        if not include.value_sets:
            return self._of_system(include)
        first, *others = sorted(
            (self.enumerate_in(one, here) for one in include.value_sets), key=lambda one: bool(one.missing)
        )
        rest = tuple(missing for one in others for missing in one.missing)
        kept = {
            pair: member
            for pair, member in first.members.items()
            if self._includes(include, pair[0], pair[1], here) is True
        }
        doubtful = len(kept) < len(first.members) and any(
            self._includes(include, pair[0], pair[1], here) is None for pair in first.members
        )
        return Enumerated(members=kept, missing=(*first.missing, *(rest or self._why(include) if doubtful else ())))

    def _of_system(self, include: Include) -> Enumerated:
        if include.system is None:
            return Enumerated(members={})
        known = self.code_system(include)
        if include.listed:
            return Enumerated(members=_by_pair(self._members(include.system, include.listed, known)))
        if known is None or not known.is_complete:
            return Enumerated(members={}, missing=self._why(include))
        answers = {
            concept.code: all_of(filters.passes(known, one, concept) for one in include.filters)
            for concept in known.concepts.values()
        }
        listed = (Listed(code=code) for code, answer in answers.items() if answer)
        missing = self._why(include) if None in answers.values() else ()
        return Enumerated(members=_by_pair(self._members(include.system, listed, known)), missing=missing)

    def _members(self, system: str, listed: Iterable[Listed], known: CodeSystem | None) -> Iterator[Member]:
        for one in listed:
            yield _member(system, one, known.find(one.code) if known is not None else None, known)

    def _why(self, include: Include) -> tuple[Missing, ...]:
        if include.system is None:
            return tuple(Missing(kind="ValueSet", url=one, reason="is not known here") for one in include.value_sets)
        known = self.code_system(include)
        if known is not None:
            reason = "has a filter that cannot be followed here" if known.is_complete else "is known only in part"
        elif include.system in grammars.GRAMMARS:
            reason = "is a grammar without an end"
        else:
            reason = "is not loaded here"
        return (Missing(kind="CodeSystem", url=include.system, reason=reason),)


def _member(system: str, listed: Listed, concept: Concept | None, known: CodeSystem | None) -> Member:
    return Member(
        system=system,
        code=listed.code if concept is None else concept.code,
        display=listed.display or (concept.display if concept is not None else None),
        version=known.version if known is not None else None,
        abstract=concept is not None and concept.is_abstract,
        inactive=concept is not None and concept.is_inactive,
        designations=listed.designations + (concept.designations if concept is not None else ()),
    )


def _imports(value_set: ValueSet | None) -> set[str]:
    parts = (*value_set.includes, *value_set.excludes) if value_set is not None else ()
    return {one for part in parts for one in part.value_sets}


def _without(value_set: ValueSet, reason: str) -> Missing:
    return Missing(kind="ValueSet", url=value_set.url or "given", reason=reason)


def _by_pair(members: Iterable[Member]) -> Mapping[Pair, Member]:
    return {one.pair: one for one in members}
