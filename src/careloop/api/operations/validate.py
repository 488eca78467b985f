"""`$validate` of a type or an instance (FHIR R4 Resource-validate)."""

from typing import Any

from careloop.api.operations.model import Operation, OperationCall
from careloop.errors import Rejected
from careloop.flows import validating
from careloop.flows.outcomes import outcome
from careloop.flows.validating import MODES, ToValidate

NAMES = ("resource", "mode", "profile")
DEFINITION = "http://hl7.org/fhir/OperationDefinition/Resource-validate"


def run(call: OperationCall) -> dict[str, Any]:
    """An OperationOutcome with every issue; one that says "All OK" stands first where nothing is wrong."""
    asked = _asked(call)
    faults = call.fhir.run(lambda door: validating.validate(door, asked))
    found = outcome(faults)
    if any(fault.severity in ("fatal", "error", "warning") for fault in faults):
        return found
    fine = {"severity": "information", "code": "informational", "diagnostics": "All OK", "details": {"text": "All OK"}}
    return {**found, "issue": [fine, *(found["issue"] if faults else ())]}


def _asked(call: OperationCall) -> ToValidate:
    given = call.given.only(*NAMES)
    mode = given.text("mode")
    if mode is not None and mode not in MODES:
        raise Rejected(at="mode", expected=" or ".join(MODES), code="value")
    return ToValidate(
        resource_type=call.resource_type or "",
        id=call.resource_id,
        resource=call.body if call.body is not None else given.resource("resource"),
        profiles=[str(one) for one in given.all("profile")],
        mode=mode,
    )


OPERATION = Operation(
    name="validate",
    definition=DEFINITION,
    levels=frozenset({"type", "instance"}),
    types=("*",),
    run=run,
)
