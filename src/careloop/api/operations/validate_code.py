"""`$validate-code` of a value set or a code system (FHIR R4 ValueSet-validate-code, CodeSystem-validate-code).

A question that cannot be answered with what is known here is refused with what is missing; it is not answered "false".
"""

from careloop.api.operations import coded
from careloop.api.operations.model import Operation, OperationCall, Parameters, Resource
from careloop.errors import Rejected
from careloop.flows.interactions import Interaction
from careloop.terminology import Coding, Manner, Terminology, Validation

OF_VALUE_SET = (
    "url", "valueSet", "valueSetVersion", "code", "system", "systemVersion", "display", "coding", "codeableConcept",
    "abstract", "displayLanguage",
)  # fmt: skip
OF_CODE_SYSTEM = (
    "url", "codeSystem", "code", "version", "display", "coding", "codeableConcept", "abstract", "displayLanguage",
)  # fmt: skip
DEFINITION = "http://hl7.org/fhir/OperationDefinition/ValueSet-validate-code"


def run(call: OperationCall) -> Resource:
    """`result` true or false, with the right display and a message."""
    of_system = call.resource_type == "CodeSystem"
    given = call.given.only(*(OF_CODE_SYSTEM if of_system else OF_VALUE_SET))
    judge = _in_code_system if of_system else _in_value_set
    found = call.fhir.run(lambda door: judge(door, call, given))
    if found.result is None:
        raise coded.cannot_say(found.missing)
    return coded.parameters(
        (
            coded.part("result", "Boolean", found.result),
            coded.part("message", "String", found.message),
            coded.part("display", "String", found.display),
        )
    )


def _manner(given: Parameters) -> Manner:
    return Manner(abstract=given.flag("abstract"), language=given.text("displayLanguage"))


def _in_value_set(door: Interaction, call: OperationCall, given: Parameters) -> Validation:
    known = coded.known_to(door, "ValueSet")
    resource = coded.instance_of(door, call) or coded.given_resource(call, "valueSet", "ValueSet")
    asked = resource if resource is not None else coded.canonical_of(given, "url", "valueSetVersion")
    if asked is None:
        raise Rejected(at="url", expected="url or valueSet", code="required")
    return known.validate_any(coded.codings_of(given), asked, _manner(given))


def _in_code_system(door: Interaction, call: OperationCall, given: Parameters) -> Validation:
    known = coded.known_to(door, "CodeSystem")
    resource = coded.instance_of(door, call) or coded.given_resource(call, "codeSystem", "CodeSystem")
    url = given.text("url")
    if resource is not None:
        known, url = known.with_resources([], [resource]), resource.get("url")
    codings = coded.codings_of(given)
    wrong = next((one for one in codings if one.system is not None and url is not None and one.system != url), None)
    if wrong is not None and len(codings) == 1:
        return Validation(result=False, message=f"The code is of another system than {url}")
    return known.validate_any(_of_system(known, codings, url), None, _manner(given))


def _of_system(known: Terminology, codings: list[Coding], url: str | None) -> list[Coding]:
    """The codings of the system asked about; without one, each in its own."""
    return [
        Coding(code=one.code, system=one.system or url, version=one.version, display=one.display)
        for one in codings
        if url is None or one.system in (None, url)
    ]


OPERATION = Operation(
    name="validate-code",
    definition=DEFINITION,
    definitions={"CodeSystem": "http://hl7.org/fhir/OperationDefinition/CodeSystem-validate-code"},
    levels=frozenset({"type", "instance"}),
    types=("ValueSet", "CodeSystem"),
    run=run,
)
