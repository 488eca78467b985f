"""`$translate`: a code of one system in another, by concept maps (FHIR R4 ConceptMap-translate)."""

from careloop.api.operations import coded
from careloop.api.operations.coded import Part, part, parts
from careloop.api.operations.model import Operation, OperationCall, Parameters, Resource
from careloop.flows.interactions import Interaction
from careloop.terminology import Match, Question, Terminology, read_concept_map
from careloop.terminology.model import ConceptMap
from careloop.terminology.translation import NO_MATCH

NAMES = (
    "url", "conceptMap", "conceptMapVersion", "code", "system", "version", "source", "coding", "codeableConcept",
    "target", "targetsystem", "reverse",
)  # fmt: skip
DEFINITION = "http://hl7.org/fhir/OperationDefinition/ConceptMap-translate"


def run(call: OperationCall) -> Resource:
    """`result` true where there is a match; each match with its equivalence, its code and the map it is from."""
    given = call.given.only(*NAMES)
    matches = call.fhir.run(lambda door: _matches(door, call, given))
    found = any(one.equivalence not in NO_MATCH for one in matches)
    message = None if found else "No concept map that is known here has a match"
    return coded.parameters(
        (part("result", "Boolean", found), part("message", "String", message), *map(_told, matches))
    )


def _matches(door: Interaction, call: OperationCall, given: Parameters) -> list[Match]:
    known = coded.known_to(door, "ConceptMap")
    chosen = _map(door, call, given, known)
    found: list[Match] = []
    every = (
        match
        for coding in coded.codings_of(given)
        for match in known.translate(
            Question(
                code=coding.code,
                system=coding.system,
                target_system=given.text("targetsystem"),
                source=_plain(given.text("source")),
                target=_plain(given.text("target")),
                reverse=given.flag("reverse") or False,
            ),
            chosen,
        )
    )
    for match in every:
        if match not in found:
            found.append(match)
    return found


def _map(door: Interaction, call: OperationCall, given: Parameters, known: Terminology) -> ConceptMap | None:
    resource = coded.instance_of(door, call) or coded.given_resource(call, "conceptMap", "ConceptMap")
    if resource is not None:
        return read_concept_map(resource)
    url = coded.canonical_of(given, "url", "conceptMapVersion")
    if url is None:
        return None
    found = known.concept_map(url)
    if found is None:
        raise coded.unknown("ConceptMap", url)
    return found


def _plain(canonical: str | None) -> str | None:
    return canonical.partition("|")[0] if canonical else None


def _told(match: Match) -> Part:
    concept = {"system": match.system, "code": match.code, "display": match.display}
    kept = {name: value for name, value in concept.items() if value}
    return parts(
        "match",
        (
            part("equivalence", "Code", match.equivalence),
            part("concept", "Coding", kept if match.code else None),
            *(parts("product", (part("element", "Uri", one.get("property")), _product(one))) for one in match.products),
            part("source", "Uri", match.source),
        ),
    )


def _product(product: Part) -> Part | None:
    names = ("system", "value", "display")
    coding = {("code" if name == "value" else name): product[name] for name in names if product.get(name)}
    return part("concept", "Coding", coding)


OPERATION = Operation(
    name="translate", definition=DEFINITION, levels=frozenset({"type", "instance"}), types=("ConceptMap",), run=run
)
