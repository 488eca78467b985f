"""FHIR CodeSystem, ValueSet and ConceptMap resources → values of `model`. Used for the product's own content and for
what a tenant keeps in the record alike."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from careloop.terminology.model import (
    CodeSystem,
    Concept,
    ConceptMap,
    Designation,
    Filter,
    Include,
    Listed,
    MapGroup,
    MapTarget,
    Pair,
    ValueSet,
)

Json = Mapping[str, Any]

PARENTS = frozenset(("parent", "subsumedBy"))
PARTIAL = frozenset(("valueset-toocostly", "valueset-unclosed", "expansion-limitedexpansion", "limitedExpansion"))
"""Extensions that say: there are more codes than these."""
NOT_A_KIND_OF = frozenset(("part-of",))
"""Hierarchies that do not subsume: a part is not a kind of the whole."""


def read_code_system(resource: Json) -> CodeSystem:
    """The code system a resource states. Nesting and the properties parent, subsumedBy and child make its hierarchy."""
    rows: dict[str, Json] = {}
    parents: dict[str, dict[str, None]] = {}
    nested = resource.get("hierarchyMeaning") not in NOT_A_KIND_OF
    for concept, parent in _walk(resource.get("concept") or ()):
        code = concept.get("code")
        if not isinstance(code, str):
            continue
        rows.setdefault(code, concept)
        above = parents.setdefault(code, {})
        if parent is not None and nested:
            above[parent] = None
        for name, value in _properties(concept):
            if name in PARENTS:
                above[value] = None
            elif name == "child":
                parents.setdefault(value, {})[code] = None
    children: dict[str, list[str]] = {}
    for code in rows:
        for one in parents[code]:
            children.setdefault(one, []).append(code)
    concepts = {code: _concept(row, tuple(parents[code]), tuple(children.get(code, ()))) for code, row in rows.items()}
    sensitive = resource.get("caseSensitive") is not False
    return CodeSystem(
        url=resource.get("url", ""),
        version=resource.get("version"),
        name=resource.get("name"),
        title=resource.get("title"),
        content=resource.get("content", "complete"),
        case_sensitive=sensitive,
        value_set=resource.get("valueSet"),
        concepts=concepts,
        folded={} if sensitive else {code.casefold(): code for code in concepts},
    )


def _walk(concepts: Sequence[Json], inner: str = "concept") -> Iterator[tuple[Json, str | None]]:
    """Every concept with the one it is nested in, in order. Not recursive: a resource may be nested deeply."""
    waiting: list[tuple[Json, str | None]] = [(one, None) for one in reversed(concepts)]
    while waiting:
        concept, above = waiting.pop()
        yield concept, above
        waiting += [(one, concept.get("code")) for one in reversed(concept.get(inner) or ())]


def _properties(concept: Json) -> Iterator[tuple[str, Any]]:
    for one in concept.get("property") or ():
        value = next((found for key, found in one.items() if key.startswith("value")), None)
        if value is not None and "code" in one:
            yield one["code"], value if isinstance(value, bool | str | dict) else str(value)


def _concept(concept: Json, parents: tuple[str, ...], children: tuple[str, ...]) -> Concept:
    return Concept(
        code=concept["code"],
        display=concept.get("display"),
        definition=concept.get("definition"),
        parents=parents,
        children=children,
        properties=tuple(_properties(concept)),
        designations=_designations(concept),
    )


def _designations(concept: Json) -> tuple[Designation, ...]:
    return tuple(
        Designation(value=one["value"], language=one.get("language"), use=one.get("use"))
        for one in concept.get("designation") or ()
        if isinstance(one.get("value"), str)
    )


def read_value_set(resource: Json) -> ValueSet:
    """The value set a resource states, with the expansion it came with."""
    compose = resource.get("compose") or {}
    expansion = resource.get("expansion")
    stated = dict(_stated(expansion.get("contains") or ())) if expansion else None
    return ValueSet(
        url=resource.get("url"),
        version=resource.get("version"),
        name=resource.get("name"),
        title=resource.get("title"),
        status=resource.get("status"),
        includes=tuple(map(_include, compose.get("include") or ())),
        excludes=tuple(map(_include, compose.get("exclude") or ())),
        inactive=compose.get("inactive"),
        stated=stated,
        is_whole=stated is not None and _is_whole(expansion or {}, len(stated)),
    )


def _is_whole(expansion: Json, count: int) -> bool:
    """True for an expansion that is neither a page nor marked as a part."""
    marks = [str(one.get("url", "")).rpartition("/")[2] for one in expansion.get("extension") or ()]
    return not expansion.get("offset") and expansion.get("total") in (None, count) and PARTIAL.isdisjoint(marks)


def _include(include: Json) -> Include:
    return Include(
        system=include.get("system"),
        version=include.get("version"),
        listed=tuple(map(_listed, include.get("concept") or ())),
        filters=tuple(
            Filter(property=one.get("property", ""), op=one.get("op", ""), value=str(one.get("value", "")))
            for one in include.get("filter") or ()
        ),
        value_sets=tuple(include.get("valueSet") or ()),
    )


def _listed(concept: Json) -> Listed:
    return Listed(code=concept["code"], display=concept.get("display"), designations=_designations(concept))


def _stated(contains: Sequence[Json]) -> Iterator[tuple[Pair, Listed]]:
    for one, _ in _walk(contains, "contains"):
        if "code" in one:
            yield (one.get("system", ""), one["code"]), _listed(one)


def read_concept_map(resource: Json) -> ConceptMap:
    """The concept map a resource states."""
    return ConceptMap(
        url=resource.get("url"),
        version=resource.get("version"),
        source=_plain(resource.get("sourceUri") or resource.get("sourceCanonical")),
        target=_plain(resource.get("targetUri") or resource.get("targetCanonical")),
        groups=tuple(map(_group, resource.get("group") or ())),
    )


def _plain(canonical: str | None) -> str | None:
    return canonical.partition("|")[0] if canonical else None


def _group(group: Json) -> MapGroup:
    elements: dict[str, tuple[MapTarget, ...]] = {}
    for one in group.get("element") or ():
        if "code" in one:
            elements[one["code"]] = (*elements.get(one["code"], ()), *map(_target, one.get("target") or ()))
    return MapGroup(
        source=_plain(group.get("source")),
        target=_plain(group.get("target")),
        elements=elements,
        unmapped=group.get("unmapped"),
    )


def _target(target: Json) -> MapTarget:
    return MapTarget(
        code=target.get("code"),
        equivalence=target.get("equivalence", "equivalent"),
        display=target.get("display"),
        depends_on=tuple(target.get("dependsOn") or ()),
        products=tuple(target.get("product") or ()),
    )
