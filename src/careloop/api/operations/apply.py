"""`PlanDefinition/[id]/$apply` (FHIR R4 PlanDefinition-apply)."""

from typing import Any

from careloop.api.operations.model import Operation, OperationCall, Parameters
from careloop.errors import Rejected
from careloop.flows import applying
from careloop.flows.applying import ToApply

NAMES = ("planDefinition", "subject", "encounter", "practitioner", "organization", "setting", "settingContext",
         "userType", "userLanguage", "userTaskContext")  # fmt: skip
_NOT_USED = NAMES[4:]


def run(call: OperationCall) -> dict[str, Any]:
    """The CarePlan proposed for the subject."""
    given = call.given.only(*NAMES)
    if unused := [name for name in _NOT_USED if given.all(name)]:
        raise Rejected(at=unused[0], expected="nothing: plans here do not depend on it", code="not-supported")
    subject = _reference(given, "subject")
    if subject is None:
        raise Rejected(at="subject", expected="Patient/id", code="required")
    plan = given.one("planDefinition")
    if call.resource_id is None and not isinstance(plan, dict):
        raise Rejected(at="planDefinition", expected="a PlanDefinition, or its id in the address", code="required")
    asked = ToApply(
        plan_id=call.resource_id,
        plan=plan if call.resource_id is None else None,
        subject=subject,
        encounter=_reference(given, "encounter"),
        practitioner=_reference(given, "practitioner"),
    )
    return call.fhir.run(lambda door: applying.apply_plan(door, asked))


def _reference(given: Parameters, name: str) -> str | None:
    value = given.one(name)
    found = value.get("reference") if isinstance(value, dict) else value
    if found is not None and (not isinstance(found, str) or found.count("/") != 1):
        raise Rejected(at=name, expected="a reference Type/id", code="value")
    return found


OPERATION = Operation(
    name="apply",
    definition="http://hl7.org/fhir/OperationDefinition/PlanDefinition-apply",
    levels=frozenset({"type", "instance"}),
    types=("PlanDefinition",),
    run=run,
)
