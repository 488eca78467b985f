"""`$everything` of a Patient, of all patients, of an Encounter (FHIR R4 patient and encounter operations)."""

from datetime import UTC, datetime
from typing import Literal

from careloop.api import fhir_answers as answers
from careloop.api.fhir_answers import Answer
from careloop.api.operations.model import Operation, OperationCall, Parameters
from careloop.errors import Rejected
from careloop.fhir import definitions as tables
from careloop.fhir.dates import parse_instant
from careloop.flows import charts
from careloop.flows.charts import Wanted

NAMES = ("start", "end", "_since", "_type", "_count", "_cursor")


def run(call: OperationCall) -> Answer:
    """A page of the chart as a searchset with its links."""
    wanted = _wanted(call)
    page = call.fhir.run(lambda door: charts.everything(door, wanted, call.fhir.base))
    path = "/".join(part for part in (call.resource_type, call.resource_id, "$everything") if part)
    return answers.of_chart(call.fhir, page, path, [(name, str(value)) for name, value in call.given.pairs])


def _wanted(call: OperationCall) -> Wanted:
    given = call.given.only(*NAMES)
    centre: Literal["Patient", "Encounter"] = "Encounter" if call.resource_type == "Encounter" else "Patient"
    if centre == "Encounter" and call.resource_id is None:
        raise Rejected(at="address", expected="Encounter/id", code="not-supported")
    return Wanted(
        centre=centre,
        id=call.resource_id,
        types=types_of(given),
        since=instant_of(given, "_since"),
        start=given.text("start"),
        end=given.text("end"),
        count=given.number("_count", least=1, most=charts.MOST),
        cursor=given.text("_cursor"),
    )


def types_of(given: Parameters) -> list[str]:
    """The resource types that `_type` names; `Rejected` where one is none."""
    types = given.texts("_type")
    if any(kind not in tables.load().resources for kind in types):
        raise Rejected(at="_type", expected="names of R4 resource types", code="value")
    return types


def instant_of(given: Parameters, name: str) -> datetime | None:
    """The instant that a parameter names."""
    text = given.text(name)
    return None if text is None else parse_instant(text.replace(" ", "+"), UTC)


OPERATION = Operation(
    name="everything",
    definition="http://hl7.org/fhir/OperationDefinition/Patient-everything",
    levels=frozenset({"type", "instance"}),
    types=("Patient", "Encounter"),
    run=run,
    definitions={"Encounter": "http://hl7.org/fhir/OperationDefinition/Encounter-everything"},
)
