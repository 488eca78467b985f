"""`$subsumes`: how one code stands to another of the same system (FHIR R4 CodeSystem-subsumes)."""

from careloop.api.operations import coded
from careloop.api.operations.model import Operation, OperationCall, Parameters, Resource
from careloop.errors import Rejected
from careloop.flows.interactions import Interaction
from careloop.terminology import Coding

NAMES = ("codeA", "codeB", "system", "version", "codingA", "codingB")
DEFINITION = "http://hl7.org/fhir/OperationDefinition/CodeSystem-subsumes"


def run(call: OperationCall) -> Resource:
    """`outcome`: equivalent, subsumes, subsumed-by or not-subsumed."""
    given = call.given.only(*NAMES)
    outcome = call.fhir.run(lambda door: _outcome(door, call, given))
    return coded.parameters((coded.part("outcome", "Code", outcome),))


def _outcome(door: Interaction, call: OperationCall, given: Parameters) -> str:
    known = coded.known_to(door, "CodeSystem")
    resource = coded.instance_of(door, call)
    if resource is not None:
        known = known.with_resources([], [resource])
    first, second = _code(given, "A"), _code(given, "B")
    systems = {one.system for one in (first, second) if one.system}
    system = str(resource.get("url", "")) if resource is not None else given.text("system") or next(iter(systems), None)
    if not system:
        raise Rejected(at="system", expected="the code system of the codes", code="required")
    if systems - {system}:
        raise Rejected(at="system", expected="two codes of one code system", code="value")
    return known.subsumes(system, first.code, second.code, given.text("version"))


def _code(given: Parameters, side: str) -> Coding:
    coding, code = given.resource(f"coding{side}"), given.text(f"code{side}")
    if (coding is None) is (code is None):
        raise Rejected(at=f"code{side}", expected=f"code{side} or coding{side}", code="required")
    return Coding(code=str(code)) if coding is None else coded.read_coding(coding, f"coding{side}")


OPERATION = Operation(
    name="subsumes", definition=DEFINITION, levels=frozenset({"type", "instance"}), types=("CodeSystem",), run=run
)
