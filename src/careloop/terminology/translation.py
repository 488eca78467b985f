"""From a code of one system to codes of another, by concept maps, in both directions."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from careloop.terminology.model import ConceptMap, MapGroup, MapTarget, Match

NO_MATCH = frozenset(("unmatched", "disjoint"))
"""Equivalences that say: there is no translation."""

_REVERSED = {"wider": "narrower", "narrower": "wider", "subsumes": "specializes", "specializes": "subsumes"}
"""How a relation reads from the other side; every other one reads the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A code to be translated, and where to: a code system, a value set (`target`), or anything. `reverse`: the code
    stands on the target side of the map."""

    code: str
    system: str | None = None
    target_system: str | None = None
    source: str | None = None
    target: str | None = None
    reverse: bool = False


def translate(maps: Iterable[ConceptMap], question: Question) -> list[Match]:
    """Every match in the maps that fit the question, in their order; doubles once."""
    found: dict[tuple[str | None, str | None, str], Match] = {}
    for concept_map in maps:
        if _fits(concept_map, question):
            for match in _in_map(concept_map, question):
                found.setdefault((match.system, match.code, match.equivalence), match)
    return list(found.values())


def _fits(concept_map: ConceptMap, question: Question) -> bool:
    ends = (concept_map.target, concept_map.source) if question.reverse else (concept_map.source, concept_map.target)
    return question.source in (None, ends[0]) and question.target in (None, ends[1])


def _in_map(concept_map: ConceptMap, question: Question) -> Iterator[Match]:
    for group in concept_map.groups:
        from_system, to_system = (group.target, group.source) if question.reverse else (group.source, group.target)
        if question.system not in (None, from_system) or question.target_system not in (None, to_system):
            continue
        matches = _backward if question.reverse else _forward
        for target in matches(group, question.code):
            yield Match(
                system=to_system,
                code=target.code,
                equivalence=target.equivalence,
                display=target.display,
                source=concept_map.url,
                products=target.products,
            )


def _forward(group: MapGroup, code: str) -> Iterator[MapTarget]:
    targets = group.elements.get(code)
    if targets:
        yield from targets
        return
    unmapped = group.unmapped or {}
    if unmapped.get("mode") == "provided":
        yield MapTarget(code=code, equivalence="equal")
    elif unmapped.get("mode") == "fixed" and unmapped.get("code"):
        yield MapTarget(code=unmapped["code"], equivalence="inexact", display=unmapped.get("display"))


def _backward(group: MapGroup, code: str) -> Iterator[MapTarget]:
    for source, targets in group.elements.items():
        for target in targets:
            if target.code == code:
                yield MapTarget(code=source, equivalence=_REVERSED.get(target.equivalence, target.equivalence))
