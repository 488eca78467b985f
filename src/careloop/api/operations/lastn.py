"""`Observation/$lastn` (FHIR R4 Observation-lastn)."""

from careloop.api import fhir_answers as answers
from careloop.api.fhir_answers import Answer
from careloop.api.operations.model import Operation, OperationCall
from careloop.errors import Rejected
from careloop.flows import observations

_WHOSE = frozenset({"patient", "subject", "device"})
_OURS = frozenset({"max", "_sort", "_count", "_cursor", "_total", "_summary", "_elements"})


def run(call: OperationCall) -> Answer:
    """A searchset, of each kind the latest first."""
    most = call.given.number("max", least=1, most=1000) or 1
    asked = [(name, str(value)) for name, value in call.given.pairs if name not in _OURS]
    if not any(name.partition(":")[0].partition(".")[0] in _WHOSE for name, _ in asked):
        raise Rejected(at="patient", expected="whose observations: patient or subject", code="required")
    page = call.fhir.run(lambda door: observations.latest(door, asked, most, call.fhir.base))
    told = [(name, str(value)) for name, value in call.given.pairs]
    return answers.of_page(call.fhir, page, "Observation/$lastn", told, {})


OPERATION = Operation(
    name="lastn",
    definition="http://hl7.org/fhir/OperationDefinition/Observation-lastn",
    levels=frozenset({"type"}),
    types=("Observation",),
    run=run,
)
