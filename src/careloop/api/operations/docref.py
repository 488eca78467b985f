"""`DocumentReference/$docref` (US Core): a patient's documents as a client of another organisation asks for them."""

from typing import Any

from careloop.api import fhir_answers as answers
from careloop.api.fhir_answers import Answer
from careloop.api.operations.model import Operation, OperationCall, Parameters
from careloop.errors import Rejected
from careloop.flows import compositions
from careloop.flows.compositions import DocumentsAsked
from careloop.record import SearchPage

NAMES = ("patient", "start", "end", "type", "on-demand", "profile")


def run(call: OperationCall) -> Answer:
    """A searchset of DocumentReferences. Only documents that stand in the record: none is made on demand here, so a
    client that wants those alone gets an empty set."""
    given = call.given.only(*NAMES)
    patient = given.text("patient")
    if not patient:
        raise Rejected(at="patient", expected="the id of the patient", code="required")
    asked = DocumentsAsked(
        patient=patient.removeprefix("Patient/"),
        types=_types(given),
        start=given.text("start"),
        end=given.text("end"),
    )
    if given.flag("on-demand"):
        page = SearchPage(entries=(), total=0)
    else:
        page = call.fhir.run(lambda door: compositions.find_documents(door, asked, call.fhir.base))
    told = [(name, str(value)) for name, value in given.pairs if not isinstance(value, dict)]
    return answers.of_page(call.fhir, page, "DocumentReference/$docref", told, {})


def _types(given: Parameters) -> list[str]:
    found: list[str] = []
    for value in given.all("type"):
        found += value.split(",") if isinstance(value, str) else _codings(value)
    return [one for one in found if one]


def _codings(value: dict[str, Any]) -> list[str]:
    codings = value.get("coding", [value])
    return [f"{one['system']}|{one['code']}" if one.get("system") else str(one.get("code", "")) for one in codings]


OPERATION = Operation(
    name="docref",
    definition="http://hl7.org/fhir/us/core/OperationDefinition/docref",
    levels=frozenset({"type"}),
    types=("DocumentReference",),
    run=run,
)
