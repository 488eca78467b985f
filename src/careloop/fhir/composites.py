"""Composite search parameters: how their parts are met together.

Where the parts belong to the resource as a whole (`Observation`: code and value), a composite is nothing but its parts
as parameters of their own, and needs no index. Where they belong to one entry of a list (`Observation.component`), each
entry leaves index entries under a name that holds what its first part says:
`Observation.component$code$value.as(Quantity)$http://loinc.org|8480-6`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from careloop.errors import Rejected
from careloop.fhir import tokens
from careloop.fhir.definitions import Definitions
from careloop.fhir.emitters import MAKERS, Collector, Emitter
from careloop.fhir.model import SearchParameter, Together
from careloop.fhir.paths import Step, Walk, split_expression, walks

_CODED = frozenset(("CodeableConcept", "Coding", "code"))
_HIDDEN_NAMES = 4096


def togethers(
    facts: Mapping[str, Any],
    resource_type: str,
    definitions: Definitions,
    parameters: Mapping[str, SearchParameter],
) -> tuple[Together, ...]:
    """How the composite that `facts` describe is met on `resource_type`; `parameters` by the id of their definition.

    `Rejected` for a form of composite that is not covered.
    """
    found = []
    for text in split_expression(facts["expression"], "|"):
        for base in walks(text, resource_type, definitions):
            named = [parameters.get(one["definition"]) for one in facts["component"]]
            parts = [
                _part(component, base, definitions, [named[place], *named])
                for place, component in enumerate(facts["component"])
            ]
            found.append(_together(text, base, parts, facts, parameters))
    return tuple(found)


def _part(
    component: Mapping[str, str], base: Walk, definitions: Definitions, named: Sequence[SearchParameter | None]
) -> SearchParameter:
    """The part as a parameter whose walks begin at the element; `%resource` is refused.

    `named` are the parameter that the part names and those of its siblings: R4 names those of
    DocumentReference.relationship the wrong way round.
    """
    if not component["expression"].startswith("%"):
        every = walks(component["expression"], base.leaf, definitions)
        for one in filter(None, named):
            kept = tuple(walk for walk in every if (one.type, walk.leaf) in MAKERS)
            if kept:
                return replace(one, walks=kept, kinds=frozenset(walk.leaf for walk in kept))
    raise Rejected(at="component", expected="parts of one element, each of them a parameter", code="not-supported")


def _together(
    text: str,
    base: Walk,
    parts: list[SearchParameter],
    facts: Mapping[str, Any],
    parameters: Mapping[str, SearchParameter],
) -> Together:
    if not any(step.kind == "each" for step in base.steps):
        return Together(parts=tuple(_of_resource(base, part, parameters) for part in parts))
    first, *rest = parts
    if len(rest) != 1 or first.type != "token" or not first.kinds <= _CODED:
        raise Rejected(at="component", expected="a coded part and one other of an element", code="not-supported")
    key = "$".join((text, *(one["expression"] for one in facts["component"])))
    return Together(parts=tuple(parts), key=f"{key}:{rest[0].type}", base=base.steps)


def _of_resource(base: Walk, part: SearchParameter, parameters: Mapping[str, SearchParameter]) -> SearchParameter:
    """The parameter of the resource that looks at exactly these elements, else the one that the composite names."""
    wanted = {(*base.steps, *walk.steps) for walk in part.walks}
    for known in parameters.values():
        if known.type == part.type and {walk.steps for walk in known.walks} == wanted:
            return known
    return parameters[part.definition]


def emitter(resource_type: str, together: Together) -> Emitter:
    """Indexes one element: what its second part says, under names that hold what its first part says."""
    first, second = together.parts
    makers = {walk: MAKERS[second.type, walk.leaf] for walk in second.walks}
    known: dict[tuple[str, Walk], Emitter] = {}

    def under(text: str, walk: Walk) -> Emitter:
        found = known.get((text, walk))
        if found is None:
            if len(known) >= _HIDDEN_NAMES:
                known.clear()
            found = known[text, walk] = makers[walk](resource_type, f"{together.key}${text}")
        return found

    def emit(collector: Collector, element: Any) -> None:
        texts = [text for walk in first.walks for one in reached(element, walk.steps) for text in texts_of(walk, one)]
        if not texts:
            return
        for walk in second.walks:
            for value in reached(element, walk.steps):
                for text in texts:
                    _put(collector, under(text, walk), value, resource_type, f"{together.key}${text}")

    return emit


def _put(collector: Collector, emit: Emitter, value: Any, resource_type: str, name: str) -> None:
    """What `emit` makes of the value, but for the token that the hidden name is present."""
    aside = Collector(collector.tenant_id, collector.zone)
    emit(aside, value)
    aside.tokens.discard(tokens.present_hash(collector.tenant_id, resource_type, name))
    collector.tokens |= aside.tokens
    collector.words |= aside.words
    collector.dates.update(aside.dates)
    collector.strings.update(aside.strings)
    collector.quantities.update(aside.quantities)


def texts_of(walk: Walk, value: Any) -> tuple[str, ...]:
    """The texts of a coded first part under which its partner is found: `system|code`, `code`, `|code`."""
    if walk.leaf == "code":
        return (value,)
    codings = value.get("coding", ()) if walk.leaf == "CodeableConcept" else (value,)
    every = (text for one in codings for text in tokens.coding_texts(one.get("system"), one.get("code")))
    return tuple(dict.fromkeys(text for text in every if not text.endswith("|")))


def reached(value: Any, steps: tuple[Step, ...]) -> list[Any]:
    """What plain steps (fields and entries) reach from an element."""
    found = [value]
    for step in steps:
        if step.kind == "each":
            found = [one for here in found for one in here]
        else:
            found = [here[step.name] for here in found if step.name in here]
    return [one for one in found if one is not None]
