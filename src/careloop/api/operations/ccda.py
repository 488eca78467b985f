"""`Patient/[id]/$ccda`: a C-CDA document about the patient, made from the record (our own operation)."""

import base64
from typing import Any

from careloop.api.operations.model import Operation, OperationCall
from careloop.flows import documents

Resource = dict[str, Any]


def run(call: OperationCall) -> Resource:
    """A Binary with the document as XML. `kind` is ccd (the default), referral-note, transfer-summary,
    discharge-summary or care-plan."""
    given = call.given.only("kind")
    kind = given.text("kind") or "ccd"
    patient = str(call.resource_id)
    raw = call.fhir.run(lambda door: documents.ccd(door.app, door.tx, door.principal, patient, kind))
    return {"resourceType": "Binary", "contentType": "text/xml", "data": base64.b64encode(raw).decode()}


OPERATION = Operation(
    name="ccda",
    definition="urn:careloop:operation:patient-ccda",
    levels=frozenset({"instance"}),
    types=("Patient",),
    run=run,
)
