"""`$lookup`: what is known of a code (FHIR R4 CodeSystem-lookup)."""

from collections.abc import Iterator
from typing import Any

from careloop.api.operations import coded
from careloop.api.operations.coded import Part, part, parts
from careloop.api.operations.model import Operation, OperationCall, Resource
from careloop.errors import Rejected
from careloop.terminology import Concept
from careloop.terminology.model import CodeSystem

NAMES = ("code", "system", "version", "coding", "displayLanguage", "property")
DEFINITION = "http://hl7.org/fhir/OperationDefinition/CodeSystem-lookup"


def run(call: OperationCall) -> Resource:
    """Name and version of the system, the words of the code, its designations, properties, parents and children."""
    given = call.given.only(*NAMES)
    (asked,) = coded.codings_of(given)
    if asked.system is None:
        raise Rejected(at="system", expected="the code system of the code", code="required")
    system = asked.system
    found = call.fhir.run(
        lambda door: coded.known_to(door, "CodeSystem").lookup(system, asked.code, asked.version or None)
    )
    return coded.parameters(_told(*found, given.text("displayLanguage"), given.texts("property")))


def _told(system: CodeSystem, concept: Concept, language: str | None, wanted: list[str]) -> Iterator[Part | None]:
    yield part("name", "String", system.name or system.title or system.url)
    yield part("version", "String", system.version)
    yield part("display", "String", concept.display_in(language) or concept.code)
    if not wanted or "designation" in wanted:
        for one in concept.designations:
            inner = (
                part("language", "Code", one.language),
                part("use", "Coding", one.use),
                part("value", "String", one.value),
            )
            yield parts("designation", inner)
    for name, value in _properties(concept):
        if not wanted or name in wanted:
            yield parts("property", (part("code", "Code", name), _value(name, value)))


def _properties(concept: Concept) -> Iterator[tuple[str, Any]]:
    names = {name for name, _ in concept.properties}
    if concept.definition:
        yield "definition", concept.definition
    yield from concept.properties
    if "inactive" not in names:
        yield "inactive", concept.is_inactive
    for name, codes in (("parent", concept.parents), ("child", concept.children)):
        if name not in names:
            yield from ((name, code) for code in codes)


def _value(name: str, value: Any) -> Part | None:
    if isinstance(value, bool):
        return part("value", "Boolean", value)
    if isinstance(value, dict):
        return part("value", "Coding", value)
    return part("value", "Code" if name in ("parent", "child", "status") else "String", value)


OPERATION = Operation(name="lookup", definition=DEFINITION, levels=frozenset({"type"}), types=("CodeSystem",), run=run)
