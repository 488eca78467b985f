"""`Composition/[id]/$document` (FHIR R4 Composition-document)."""

from typing import Any

from careloop.api.operations.model import Operation, OperationCall
from careloop.errors import Rejected
from careloop.flows import compositions


def run(call: OperationCall) -> dict[str, Any]:
    """The document Bundle. It is kept in the record with `persist=true`, which is for POST alone."""
    given = call.given.only("persist", "id")
    persist = given.flag("persist") or False
    if persist and call.fhir.request.method != "POST":
        raise Rejected(at="persist", expected="POST, as this changes the record", code="not-supported")
    identity = call.resource_id or (given.text("id") or "").removeprefix("Composition/")
    if not identity:
        raise Rejected(at="id", expected="the id of the Composition", code="required")
    base = call.fhir.base
    if not persist:
        return call.fhir.run(lambda door: compositions.document_of(door, identity, base))
    return call.fhir.run(lambda door: compositions.keep(door, compositions.document_of(door, identity, base)))


OPERATION = Operation(
    name="document",
    definition="http://hl7.org/fhir/OperationDefinition/Composition-document",
    levels=frozenset({"type", "instance"}),
    types=("Composition",),
    run=run,
)
